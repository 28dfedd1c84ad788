import { ConfigError } from '../errors.ts';

/** An event source that the deployment has wired to the feed function. */
export interface DeclaredFeed {
  /** As connectors name it; a `*` at the end stands for any ending. */
  readonly key: string;
  /** ARN that its events carry, where that is not the key. */
  readonly source: string;
  /** Id of the event source mapping that brings its events; null: nothing that could be held. */
  readonly mapping: string | null;
}

/** What the deployment says of its feeds, as every function is told it. */
export class DeclaredFeeds {
  readonly all: readonly DeclaredFeed[];
  readonly #exact: ReadonlySet<string>;
  readonly #beginnings: readonly string[];
  readonly #keys: ReadonlyMap<string, string>;

  constructor(all: readonly DeclaredFeed[]) {
    this.all = all;
    this.#exact = new Set(all.map(({ key }) => key));
    this.#beginnings = all.filter(({ key }) => key.endsWith('*')).map(({ key }) => key.slice(0, -1));
    this.#keys = new Map(all.map(({ key, source }) => [source, key]));
  }

  /** Whether events of it are brought to somebody; else whoever names it has to poll. */
  covers(key: string): boolean {
    return this.#exact.has(key) || this.#beginnings.some((beginning) => key.startsWith(beginning));
  }

  /** Whether it is declared by itself, not as one of many. */
  names(key: string): boolean {
    return this.#exact.has(key);
  }

  /** What the star stands for in a key that is one of many; null: it is none. */
  endingOf(key: string): string | null {
    const beginning = this.#beginnings.find((one) => key.startsWith(one));
    return beginning === undefined ? null : key.slice(beginning.length);
  }

  /** The key by which connectors name what this ARN belongs to. */
  keyOf(source: string): string {
    return this.#keys.get(source) ?? source;
  }

  mappingOf(key: string): string | null {
    return this.all.find((feed) => feed.key === key)?.mapping ?? null;
  }
}

/** Reads `[{"key":…,"source":…,"mapping":…}]`, where only the key must be there. Throws ConfigError. */
export function parseDeclaredFeeds(text: string, setting: string): DeclaredFeeds {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${setting} is not JSON: ${(cause as Error).message}`, { cause, key: setting });
  }
  if (!Array.isArray(parsed)) throw new ConfigError(`${setting} must be a JSON array`, { key: setting });
  return new DeclaredFeeds(parsed.map((feed) => declaredFeed(feed, setting)));
}

function declaredFeed(feed: unknown, setting: string): DeclaredFeed {
  const { key, source = key, mapping = null } = (feed ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof key !== 'string' || key === '' || typeof source !== 'string') {
    throw new ConfigError(`${setting} must list objects with a "key"`, { key: setting });
  }
  return { key, source, mapping: typeof mapping === 'string' ? mapping : null };
}

/** Why a connector cannot have the event source that its setting names. */
export const feedTaken = (setting: string, key: string, holder: string) =>
  `${setting}: ${key} feeds connector ${holder} already, and an event source feeds one connector. Delete or stop that one, ` +
  'or name another event source';
