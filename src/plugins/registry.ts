import type { AnyPlugin, PluginDescriptor, PluginKind } from '../api/plugin.ts';
import type { Settings } from '../config/config-def.ts';
import { parseVersionRange } from '../config/plugin-version.ts';
import { ConfigError, NotFoundError } from '../errors.ts';
import { compareVersions } from '../java/version-order.ts';

/**
 * The plugins of an app by the names that users give them: the full class name, the simple name (what follows the last
 * dot or dollar), or the simple name without the suffix of its kind (`FileStreamSource`, `Json`). A short name that two
 * classes share is none, as with `Cast$Key` and `HoistField$Key`, whose simple name is `Key`. Java: PluginUtils.
 *
 * A name that plugins of this process and of Java have means the former, unless the latter is asked for: what is installed
 * beside it changes nothing for a config that runs.
 */
export interface PluginRegistry {
  /** In order of registration. */
  list(): readonly AnyPlugin[];
  find<K extends PluginKind>(kind: K, name: string, wish?: PluginWish): PluginDescriptor<K> | undefined;
  /** As `find`; throws NotFoundError `plugin.not_found`. */
  get<K extends PluginKind>(kind: K, name: string, wish?: PluginWish): PluginDescriptor<K>;
  /** Of any kind; where one class has several, connectors and converters come first. */
  findAny(name: string, wish?: PluginWish): AnyPlugin | undefined;
  /** The full class name behind a name; that may be of the abstract class around `X$Key` and `X$Value`. */
  classNameOf(name: string): string | undefined;
  /** In which versions the class is there, once for each kind that it is of. */
  versionsOf(className: string, wish?: PluginWish): readonly string[];
}

/** Which of several plugins that one name means. What cannot be had as wished is answered all the same: see `versionProblem`. */
export interface PluginWish {
  /** A version or a range of versions. @default - the newest */
  readonly version?: string | undefined;
  /** @default - this process, if it has the class */
  readonly runtime?: string | undefined;
}

/** What a connector's config says of its plugin. */
export const connectorWish = (config: Settings): PluginWish => ({
  version: config['connector.plugin.version'],
  runtime: config['drover.plugin.runtime'],
});

/** The plugin that a connector's config names, in the version and the runtime that it asks for. */
export function findConnector<K extends 'source' | 'sink'>(
  registry: PluginRegistry,
  kind: K,
  config: Settings,
): PluginDescriptor<K> | undefined {
  return registry.find(kind, config['connector.class'] ?? '', connectorWish(config));
}

/** As `findConnector`; throws NotFoundError `plugin.not_found`. */
export function getConnector<K extends 'source' | 'sink'>(
  registry: PluginRegistry,
  kind: K,
  config: Settings,
): PluginDescriptor<K> {
  return registry.get(kind, config['connector.class'] ?? '', connectorWish(config));
}

const suffixes: Readonly<Record<PluginKind, readonly string[]>> = {
  source: ['Connector'],
  sink: ['Connector'],
  converter: ['Converter'],
  header_converter: ['HeaderConverter', 'Converter'],
  transformation: ['Transformation'],
  predicate: ['Predicate'],
};

/** Of several with one kind and name the last counts; of those of Java, of several that share the version too. */
export function registryOf(plugins: readonly AnyPlugin[]): PluginRegistry {
  const of = (wanted: AnyPlugin['runtime']) =>
    new OneRuntime(lastOfEach(plugins.filter(({ runtime }) => runtime === wanted)));
  return new BothRuntimes(of(undefined), of('java'));
}

function lastOfEach(plugins: readonly AnyPlugin[]): AnyPlugin[] {
  const keyOf = ({ kind, className, runtime, version }: AnyPlugin) =>
    `${kind} ${className} ${runtime === 'java' ? version : ''}`;
  return [...new Map(plugins.map((plugin) => [keyOf(plugin), plugin])).values()];
}

function notFound(kind: PluginKind, name: string): NotFoundError {
  const what = kind.replace('_', ' ');
  return new NotFoundError('plugin.not_found', `Failed to find any ${what} that matches the name ${name}`);
}

class OneRuntime implements PluginRegistry {
  readonly #plugins: readonly AnyPlugin[];
  readonly #byClass = new Map<string, AnyPlugin[]>();
  readonly #classes: ReadonlyMap<string, string>;
  /** Full names of classes that only hold others: `HoistField`, which holds `HoistField$Key`. */
  readonly #outerClasses: ReadonlySet<string>;

  constructor(plugins: readonly AnyPlugin[]) {
    this.#plugins = plugins;
    for (const plugin of plugins) {
      const same = this.#byClass.get(plugin.className);
      if (same === undefined) this.#byClass.set(plugin.className, [plugin]);
      else same.push(plugin);
    }
    this.#classes = classesByName(plugins);
    this.#outerClasses = new Set(plugins.map(({ className }) => className.split('$', 1)[0]!));
  }

  list(): readonly AnyPlugin[] {
    return this.#plugins;
  }

  find<K extends PluginKind>(kind: K, name: string, wish?: PluginWish): PluginDescriptor<K> | undefined {
    const isOfKind = (plugin: AnyPlugin): plugin is AnyPlugin & PluginDescriptor<K> => plugin.kind === kind;
    return best(this.#named(name).filter(isOfKind), wish);
  }

  get<K extends PluginKind>(kind: K, name: string, wish?: PluginWish): PluginDescriptor<K> {
    const plugin = this.find(kind, name, wish);
    if (plugin === undefined) throw notFound(kind, name);
    return plugin;
  }

  findAny(name: string, wish?: PluginWish): AnyPlugin | undefined {
    const [first, ...others] = this.#named(name);
    return first === undefined ? undefined : best([first, ...others.filter(({ kind }) => kind === first.kind)], wish);
  }

  classNameOf(name: string): string | undefined {
    return this.#classes.get(name) ?? (this.#outerClasses.has(name) ? name : undefined);
  }

  versionsOf(className: string): readonly string[] {
    return (this.#byClass.get(className) ?? []).map(({ version }) => version);
  }

  #named(name: string): readonly AnyPlugin[] {
    const className = this.#classes.get(name);
    return className === undefined ? [] : (this.#byClass.get(className) ?? []);
  }
}

class BothRuntimes implements PluginRegistry {
  readonly #own: PluginRegistry;
  readonly #java: PluginRegistry;

  constructor(own: PluginRegistry, java: PluginRegistry) {
    this.#own = own;
    this.#java = java;
  }

  list(): readonly AnyPlugin[] {
    return [...this.#own.list(), ...this.#java.list()];
  }

  find<K extends PluginKind>(kind: K, name: string, wish?: PluginWish): PluginDescriptor<K> | undefined {
    return this.#first((registry) => registry.find(kind, name, wish), wish);
  }

  get<K extends PluginKind>(kind: K, name: string, wish?: PluginWish): PluginDescriptor<K> {
    const plugin = this.find(kind, name, wish);
    if (plugin === undefined) throw notFound(kind, name);
    return plugin;
  }

  findAny(name: string, wish?: PluginWish): AnyPlugin | undefined {
    return this.#first((registry) => registry.findAny(name, wish), wish);
  }

  classNameOf(name: string): string | undefined {
    return this.#own.classNameOf(name) ?? this.#java.classNameOf(name);
  }

  versionsOf(className: string, wish?: PluginWish): readonly string[] {
    return this.#asked(wish).flatMap((registry) => registry.versionsOf(className));
  }

  #asked({ runtime }: PluginWish = {}): readonly PluginRegistry[] {
    return runtime === 'java' ? [this.#java] : runtime === undefined ? [this.#own, this.#java] : [this.#own];
  }

  /** Where nothing is as it is asked for, what has the name. */
  #first<P extends AnyPlugin | PluginDescriptor>(
    find: (registry: PluginRegistry) => P | undefined,
    wish: PluginWish = {},
  ): P | undefined {
    const found = this.#asked(wish)
      .map(find)
      .filter((plugin) => plugin !== undefined);
    return found.find(({ version }) => isWished(version, wish)) ?? found[0];
  }
}

/** The newest of those that are wished for; of all, when none is. */
function best<P extends AnyPlugin | PluginDescriptor>(plugins: readonly P[], wish: PluginWish = {}): P | undefined {
  if (plugins.length < 2) return plugins[0];
  const wished = plugins.filter(({ version }) => isWished(version, wish));
  const [newest] = (wished.length > 0 ? wished : plugins).toSorted((a, b) => compareVersions(b.version, a.version));
  return newest;
}

function isWished(installed: string, { version }: PluginWish): boolean {
  if (version === undefined) return true;
  try {
    return parseVersionRange(version)?.includes(installed) ?? true;
  } catch (error) {
    if (error instanceof ConfigError) return true; // What is no version is told where configs are validated.
    throw error;
  }
}

function classesByName(plugins: readonly AnyPlugin[]): Map<string, string> {
  const classes = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const { kind, className, otherNames = [] } of plugins) {
    for (const name of otherNames) classes.set(name, className);
    for (const alias of [className, ...otherNames].flatMap((name) => aliasesOf(kind, name))) {
      const known = classes.get(alias);
      if (known !== undefined && known !== className) ambiguous.add(alias);
      classes.set(alias, className);
    }
  }
  for (const alias of ambiguous) classes.delete(alias);
  for (const { className } of plugins) classes.set(className, className);
  return classes;
}

/** Short names of a class, the shortest last. */
export function aliasesOf(kind: PluginKind, className: string): string[] {
  const simple = className.slice(Math.max(className.lastIndexOf('.'), className.lastIndexOf('$')) + 1);
  const suffix = suffixes[kind].find((candidate) => simple.endsWith(candidate) && simple.length > candidate.length);
  return suffix === undefined ? [simple] : [simple, simple.slice(0, -suffix.length)];
}
