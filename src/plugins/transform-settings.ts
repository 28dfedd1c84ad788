import type { PluginKind } from '../api/plugin.ts';
import type { ConfigDef, ConfigKey, Settings } from '../config/config-def.ts';
import { defineConfig } from '../config/config-def.ts';
import { parseType } from '../config/parse-config.ts';
import { versionProblem } from '../config/plugin-version.ts';
import { invalidValue, type Validator } from '../config/validators.ts';
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

/** Under which condition a transformation is applied. */
export const conditionConfig = defineConfig({
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
  const versionKey = `${prefix}plugin.version`;
  const version = settings[versionKey];
  const plugin = findPlugin(registry, stages, typeKey, settings[typeKey], version, strict);
  // What it is of a version that is not there, or of no version at all, the type says too.
  const requireVersion = (key: string) => {
    if (plugin === undefined || version === undefined) return;
    const problem = versionProblem(plugin.className, version, registry.versionsOf(plugin.className));
    if (problem !== null) throw new ConfigError(problem, { key });
  };
  const requirePredicate = (key: string) => {
    if (stages.kind !== 'transformation' || !(`${prefix}negate` in settings) || `${prefix}predicate` in settings)
      return;
    throw new ConfigError(
      `Config '${prefix}negate' was provided but there is no config '${prefix}predicate' defining a predicate to be negated.`,
      { key },
    );
  };
  const outer = defineConfig({
    [typeKey]: {
      type: 'CLASS',
      importance: 'HIGH',
      doc: `Class of the ${stages.title.toLowerCase()} ${alias}.`,
      validator: typeValidator(registry, stages, alias, [requireVersion, requirePredicate]),
      group,
      orderInGroup: 0,
      width: 'LONG',
      displayName: `${stages.title} type for ${alias}`,
      recommender: { validValues: () => classNames(registry, stages.kind) },
    },
    [versionKey]: {
      type: 'STRING',
      default: plugin?.version ?? null,
      importance: 'HIGH',
      doc: `Version of the ${stages.title.toLowerCase()} ${alias}.`,
      group,
      orderInGroup: 1,
      width: 'LONG',
      displayName: `${stages.title} version for ${alias}`,
      recommender: { validValues: () => (plugin === undefined ? [] : [plugin.version]) },
      validator: { description: 'a version or a range of versions', check: requireVersion },
    },
  });
  if (plugin === undefined || !isThere(requireVersion)) return [...outer.keys.values()];
  const own: ConfigDef[] = stages.kind === 'transformation' ? [conditionConfig, plugin.config] : [plugin.config];
  const inner = new Map(own.flatMap((def) => [...def.keys]));
  const embedded = sortedKeys([...inner.values()]).map((key, i) => embed(key, prefix, group, 2 + i));
  return [...outer.keys.values(), ...embedded];
}

function isThere(requireVersion: (key: string) => void): boolean {
  try {
    requireVersion('');
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

function findPlugin(
  registry: PluginRegistry,
  stages: StagePlugins,
  typeKey: string,
  name: string | undefined,
  version: string | undefined,
  strict: boolean,
) {
  // As it stands: unlike other settings, a class name with blanks around it is not found here.
  const plugin = name === undefined ? undefined : registry.find(stages.kind, name, { version });
  if (plugin !== undefined || !strict) return plugin;
  const className = name === undefined ? undefined : registry.classNameOf(name);
  if (className !== undefined) throw notCreatable(registry, stages, className, typeKey);
  throw invalidValue(typeKey, null, `Not a ${stages.title}`);
}

function typeValidator(
  registry: PluginRegistry,
  stages: StagePlugins,
  alias: string,
  more: readonly ((key: string) => void)[],
): Validator {
  return {
    description: `valid configs for ${alias} ${stages.title.toLowerCase()}`,
    check(name, value) {
      // What is missing or unknown has been told by the parser.
      if (typeof value !== 'string') return;
      if (registry.find(stages.kind, value) === undefined) throw notCreatable(registry, stages, value, name);
      for (const require of more) require(name);
    },
  };
}

/** A class that is there, but none of these; or what `X$Key` and `X$Value` have in common. */
function notCreatable(registry: PluginRegistry, { kind, title }: StagePlugins, className: string, key: string) {
  const inner = registry
    .list()
    .filter((plugin) => plugin.kind === kind && plugin.className.startsWith(`${className}$`))
    .map((plugin) => plugin.className)
    .sort();
  const message =
    inner.length === 0
      ? `Class class ${className} does not implement the ${title} interface`
      : `This class is abstract and cannot be created. Did you mean ${inner.join(', ')}?`;
  return new ConfigError(message, { key });
}

/** Class names of all plugins of a kind, sorted. */
export function classNames(registry: PluginRegistry, kind: PluginKind): string[] {
  const classes = registry
    .list()
    .filter((plugin) => plugin.kind === kind)
    .map((plugin) => plugin.className);
  return [...new Set(classes)].sort();
}

const importanceOrder = { HIGH: 0, MEDIUM: 1, LOW: 2 };

/** By group (in order of appearance), place in it, required before optional, importance, name. */
function sortedKeys(keys: readonly ConfigKey[]): ConfigKey[] {
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
