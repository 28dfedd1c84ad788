import { ConfigError } from '../errors.ts';
import { javaTrim } from '../java/text.ts';
import { compareVersions } from '../java/version-order.ts';

interface Bounds {
  /** Null: unbounded. */
  readonly low: string | null;
  readonly lowIncluded: boolean;
  readonly high: string | null;
  readonly highIncluded: boolean;
}

/**
 * Which versions of a plugin a connector asks for, in Maven's notation: `[4.0,4.1],[4.3,)`, or one version, which means
 * exactly that. `latest` is null: any will do. Throws ConfigError in Maven's words. Java: PluginUtils.connectorVersionRequirement.
 */
export function parseVersionRange(text: string): VersionRange | null {
  if (text === 'latest') return null;
  const trimmed = javaTrim(text);
  const enclosed = /^[[(]/.test(trimmed);
  return new VersionRange(enclosed ? parseSets(trimmed) : parseSets(`[${trimmed}]`));
}

class VersionRange {
  readonly #sets: readonly Bounds[];

  constructor(sets: readonly Bounds[]) {
    this.#sets = sets;
  }

  includes(version: string): boolean {
    return this.#sets.some(({ low, lowIncluded, high, highIncluded }) => {
      const above = low === null ? 1 : compareVersions(version, low);
      const below = high === null ? -1 : compareVersions(version, high);
      return (above > 0 || (above === 0 && lowIncluded)) && (below < 0 || (below === 0 && highIncluded));
    });
  }

  toString(): string {
    return this.#sets
      .map(({ low, lowIncluded, high, highIncluded }) => {
        return `${lowIncluded ? '[' : '('}${low ?? ''},${high ?? ''}${highIncluded ? ']' : ')'}`;
      })
      .join(',');
  }
}

function parseSets(spec: string): Bounds[] {
  const sets: Bounds[] = [];
  let rest = spec;
  while (/^[[(]/.test(rest)) {
    const end = rest.search(/[\])]/);
    if (end === -1) throw new ConfigError(`Unbounded range: ${spec}`);
    const bounds = parseBounds(rest.slice(0, end + 1));
    const before = sets.at(-1)?.high ?? null;
    if (before !== null && (bounds.low === null || compareVersions(bounds.low, before) < 0)) {
      throw new ConfigError(`Ranges overlap: ${spec}`);
    }
    sets.push(bounds);
    rest = javaTrim(rest.slice(end + 1));
    if (rest.startsWith(',')) rest = javaTrim(rest.slice(1));
  }
  if (rest !== '') throw new ConfigError(`Only fully-qualified sets allowed in multiple set scenario: ${spec}`);
  return sets;
}

function parseBounds(set: string): Bounds {
  const lowIncluded = set.startsWith('[');
  const highIncluded = set.endsWith(']');
  const inner = javaTrim(set.slice(1, -1));
  const comma = inner.indexOf(',');
  if (comma === -1) {
    if (!lowIncluded || !highIncluded) throw new ConfigError(`Single version must be surrounded by []: ${set}`);
    return { low: inner, lowIncluded, high: inner, highIncluded };
  }
  const low = javaTrim(inner.slice(0, comma)) || null;
  const high = javaTrim(inner.slice(comma + 1)) || null;
  if (low !== null && high !== null) {
    const order = compareVersions(high, low);
    if (order < 0 || (order === 0 && !(lowIncluded && highIncluded))) {
      throw new ConfigError(`Range defies version ordering: ${set}`);
    }
  }
  return { low, lowIncluded, high, highIncluded };
}

/**
 * What is wrong with asking for a version of a plugin that is there in these; null: nothing. Throws ConfigError for what
 * is no version. Java: VersionedPluginLoadingException.
 */
export function versionProblem(className: string, text: string, available: readonly string[]): string | null {
  const range = parseVersionRange(text);
  if (range === null || available.some((version) => range.includes(version))) return null;
  return `Plugin ${className} not found that matches the version range ${range}, available versions: [${available.join(', ')}]`;
}
