import type { AnyPlugin, PluginDescriptor, PluginKind } from '../api/plugin.ts';
import { NotFoundError } from '../errors.ts';

/**
 * The plugins of an app by the names that users give them: the full class name, the simple name (what follows the last
 * dot or dollar), or the simple name without the suffix of its kind (`FileStreamSource`, `Json`). A short name that two
 * classes share is none, as with `Cast$Key` and `HoistField$Key`, whose simple name is `Key`. Java: PluginUtils.
 */
export interface PluginRegistry {
  /** In order of registration. */
  list(): readonly AnyPlugin[];
  find<K extends PluginKind>(kind: K, name: string): PluginDescriptor<K> | undefined;
  /** As `find`; throws NotFoundError `plugin.not_found`. */
  get<K extends PluginKind>(kind: K, name: string): PluginDescriptor<K>;
  /** Of any kind; where one class has several, connectors and converters come first. */
  findAny(name: string): AnyPlugin | undefined;
  /** The full class name behind a name; that may be of the abstract class around `X$Key` and `X$Value`. */
  classNameOf(name: string): string | undefined;
  /** In which versions the class is there, once for each kind that it is of. */
  versionsOf(className: string): readonly string[];
}

const suffixes: Readonly<Record<PluginKind, readonly string[]>> = {
  source: ['Connector'],
  sink: ['Connector'],
  converter: ['Converter'],
  header_converter: ['HeaderConverter', 'Converter'],
  transformation: ['Transformation'],
  predicate: ['Predicate'],
};

/** Of several with one kind and name the last counts. */
export function registryOf(plugins: readonly AnyPlugin[]): PluginRegistry {
  return new Registry([...new Map(plugins.map((plugin) => [`${plugin.kind} ${plugin.className}`, plugin])).values()]);
}

class Registry implements PluginRegistry {
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

  find<K extends PluginKind>(kind: K, name: string): PluginDescriptor<K> | undefined {
    const className = this.#classes.get(name);
    if (className === undefined) return undefined;
    const isOfKind = (plugin: AnyPlugin): plugin is AnyPlugin & PluginDescriptor<K> => plugin.kind === kind;
    return this.#byClass.get(className)?.find(isOfKind);
  }

  get<K extends PluginKind>(kind: K, name: string): PluginDescriptor<K> {
    const plugin = this.find(kind, name);
    if (plugin !== undefined) return plugin;
    throw new NotFoundError(
      'plugin.not_found',
      `Failed to find any ${kind.replace('_', ' ')} that matches the name ${name}`,
    );
  }

  findAny(name: string): AnyPlugin | undefined {
    const className = this.#classes.get(name);
    return className === undefined ? undefined : this.#byClass.get(className)?.[0];
  }

  classNameOf(name: string): string | undefined {
    return this.#classes.get(name) ?? (this.#outerClasses.has(name) ? name : undefined);
  }

  versionsOf(className: string): readonly string[] {
    return (this.#byClass.get(className) ?? []).map(({ version }) => version);
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

function aliasesOf(kind: PluginKind, className: string): string[] {
  const simple = className.slice(Math.max(className.lastIndexOf('.'), className.lastIndexOf('$')) + 1);
  const suffix = suffixes[kind].find((candidate) => simple.endsWith(candidate) && simple.length > candidate.length);
  return suffix === undefined ? [simple] : [simple, simple.slice(0, -suffix.length)];
}
