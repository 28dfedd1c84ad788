import type { PluginKind } from '../api/plugin.ts';
import type { ConfigDef, ConfigKey, Settings } from '../config/config-def.ts';
import { defineConfig } from '../config/config-def.ts';
import { parseType } from '../config/parse-config.ts';
import { invalidValue, lambda, type Validator } from '../config/validators.ts';
import { ConfigError } from '../errors.ts';
import type { PluginRegistry } from './registry.ts';

/**
 * The settings below `transforms.X.` and `predicates.P.`: type, version, those of the plugin itself and, for
 * transformations, the predicate. Shared by validation and by whoever builds a chain. Java: ConnectorConfig.enrich.
 */
export interface StagePlugins {
  readonly kind: 'transformation' | 'predicate';
  /** `transforms` or `predicates`. */
  readonly listKey: string;
  readonly group: string;
  readonly title: string;
}

export const transformStages: StagePlugins = {
  kind: 'transformation',
  listKey: 'transforms',
  group: 'Transforms',
  title: 'Transformation',
};

export const predicateStages: StagePlugins = {
  kind: 'predicate',
  listKey: 'predicates',
  group: 'Predicates',
  title: 'Predicate',
};

const conditionConfig = defineConfig({
  predicate: {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Alias of the predicate that decides whether the transformation is applied.',
  },
  negate: {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Apply where the predicate does not hold.',
  },
});

/** Aliases in order, each once; null when the list itself cannot be used. */
export function stageAliases(settings: Settings, listKey: string): string[] {
  const list = settings[listKey];
  return list === undefined ? [] : [...new Set(parseType(listKey, list, 'LIST') as string[])];
}

/**
 * The keys of all stages of one kind. `strict`: a stage whose class cannot be used throws, as it must where the chain
 * is about to be built; else it only lacks its own settings, and its type says why.
 */
export function stageKeys(
  registry: PluginRegistry,
  stages: StagePlugins,
  settings: Settings,
  strict: boolean,
): ConfigKey[] {
  return stageAliases(settings, stages.listKey).flatMap((alias) =>
    keysOfStage(registry, stages, alias, settings, strict),
  );
}

function keysOfStage(
  registry: PluginRegistry,
  stages: StagePlugins,
  alias: string,
  settings: Settings,
  strict: boolean,
): ConfigKey[] {
  const prefix = `${stages.listKey}.${alias}.`;
  const typeKey = `${prefix}type`;
  const group = `${stages.group}: ${alias}`;
  const plugin = findPlugin(registry, stages, typeKey, settings[typeKey], strict);
  if (
    strict &&
    `${prefix}negate` in settings &&
    !(`${prefix}predicate` in settings) &&
    stages.kind === 'transformation'
  ) {
    throw new ConfigError(
      `Config '${prefix}negate' was provided but there is no config '${prefix}predicate' defining a predicate to be negated.`,
      { key: `${prefix}negate` },
    );
  }
  const outer = defineConfig({
    [typeKey]: {
      type: 'CLASS',
      importance: 'HIGH',
      doc: `Class of the ${stages.title.toLowerCase()} ${alias}.`,
      validator: typeValidator(registry, stages, alias),
      group,
      orderInGroup: 0,
      width: 'LONG',
      displayName: `${stages.title} type for ${alias}`,
      recommender: { validValues: () => classNames(registry, stages.kind) },
    },
    [`${prefix}plugin.version`]: {
      type: 'STRING',
      default: plugin?.version ?? null,
      importance: 'HIGH',
      doc: `Version of the ${stages.title.toLowerCase()} ${alias}.`,
      group,
      orderInGroup: 1,
      width: 'LONG',
      displayName: `${stages.title} version for ${alias}`,
      recommender: { validValues: () => (plugin === undefined ? [] : [plugin.version]) },
      validator: versionValidator(plugin?.version),
    },
  });
  if (plugin === undefined) return [...outer.keys.values()];
  const own: ConfigDef[] = stages.kind === 'transformation' ? [conditionConfig, plugin.config] : [plugin.config];
  const inner = new Map(own.flatMap((def) => [...def.keys]));
  const embedded = sortedKeys([...inner.values()]).map((key, i) => embed(key, prefix, group, 2 + i));
  return [...outer.keys.values(), ...embedded];
}

function findPlugin(
  registry: PluginRegistry,
  stages: StagePlugins,
  typeKey: string,
  name: string | undefined,
  strict: boolean,
) {
  // As it stands: unlike other settings, a class name with blanks around it is not found here.
  const plugin = name === undefined ? undefined : registry.find(stages.kind, name);
  if (plugin !== undefined || !strict) return plugin;
  const className = name === undefined ? undefined : registry.classNameOf(name);
  if (className !== undefined) {
    throw new ConfigError(`Class class ${className} does not implement the ${stages.title} interface`, {
      key: typeKey,
    });
  }
  throw invalidValue(typeKey, null, `Not a ${stages.title}`);
}

function typeValidator(registry: PluginRegistry, stages: StagePlugins, alias: string): Validator {
  return lambda(`valid configs for ${alias} ${stages.title.toLowerCase()}`, (name, value) => {
    // What is missing or unknown has been told by the parser.
    if (typeof value !== 'string' || registry.find(stages.kind, value) !== undefined) return undefined;
    throw new ConfigError(`Class class ${value} does not implement the ${stages.title} interface`, { key: name });
  });
}

/** Only what is installed can be asked for: by its version, or by a range such as `[4.0,5.0)`. */
export function versionValidator(installed: string | undefined): Validator {
  return lambda('an installed version', (name, value) => {
    if (value !== null) versionSyntax.check(name, value);
    if (value === null || installed === undefined || includesVersion(String(value), installed)) return undefined;
    return `Version ${String(value)} is not installed; available is ${installed}`;
  });
}

/** A version, or a range in Maven's notation whose brackets are closed. */
export const versionSyntax: Validator = {
  description: 'a version or a range of versions',
  check(name, value) {
    if (typeof value !== 'string') return;
    if (/^[[(]/.test(value) && !/[\])]$/.test(value)) throw new ConfigError(`Unbounded range: ${value}`, { key: name });
  },
};

/** Maven's notation of versions. */
function includesVersion(spec: string, installed: string): boolean {
  const range = /^([[(])([^,]*)(,?)([^,]*)([\])])$/.exec(spec);
  if (range === null) return spec === installed;
  const [, open, low, comma, high, close] = range;
  if (comma === '') return low === installed;
  const above = low === '' || compareVersions(installed, low!) > (open === '[' ? -1 : 0);
  const below = high === '' || compareVersions(installed, high!) < (close === ']' ? 1 : 0);
  return above && below;
}

function compareVersions(a: string, b: string): number {
  const left = a.trim().split(/[.-]/).map(Number);
  const right = b.trim().split(/[.-]/).map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Class names of all plugins of a kind, sorted. */
export function classNames(registry: PluginRegistry, kind: PluginKind): string[] {
  return registry
    .list()
    .filter((plugin) => plugin.kind === kind)
    .map((plugin) => plugin.className)
    .sort();
}

const importanceOrder = { HIGH: 0, MEDIUM: 1, LOW: 2 };

/** By group (in order of appearance), place in it, required before optional, importance, name. */
export function sortedKeys(keys: readonly ConfigKey[]): ConfigKey[] {
  const groups = [...new Set(keys.map((key) => key.group))].filter((group) => group !== null);
  const groupOrder = (key: ConfigKey) => (key.group === null ? -1 : groups.indexOf(key.group));
  return [...keys].sort(
    (a, b) =>
      groupOrder(a) - groupOrder(b) ||
      a.orderInGroup - b.orderInGroup ||
      Number(b.required) - Number(a.required) ||
      importanceOrder[a.importance] - importanceOrder[b.importance] ||
      (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

/** A plugin's own setting under the prefix and in the group of its stage. Java: ConfigDef.embed. */
function embed(key: ConfigKey, prefix: string, group: string, orderInGroup: number): ConfigKey {
  const recommender = key.recommender;
  const inner = (parsed: ReadonlyMap<string, unknown>) =>
    new Map(
      [...parsed]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  return {
    ...key,
    name: `${prefix}${key.name}`,
    displayName: key.displayName,
    group,
    orderInGroup,
    dependents: key.dependents.map((dependent) => `${prefix}${dependent}`),
    validator: key.validator === null ? null : embedValidator(key.validator, prefix),
    recommender:
      recommender === null
        ? null
        : {
            validValues: (name, parsed) => recommender.validValues(name.slice(prefix.length), inner(parsed)),
            visible: (name, parsed) => recommender.visible?.(name.slice(prefix.length), inner(parsed)) ?? true,
          },
  };
}

/** Plugin validators know their settings by the short name. */
function embedValidator(validator: Validator, prefix: string): Validator {
  return {
    description: validator.description,
    check: (name, value) => validator.check(name.startsWith(prefix) ? name.slice(prefix.length) : name, value),
  };
}
