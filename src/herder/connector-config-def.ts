import type { SinkConnector, SourceConnector } from '../api/connector.ts';
import type { AnyPlugin, PluginDescriptor, PluginKind } from '../api/plugin.ts';
import type { ConfigDef, ConfigKey, GivenSettings, Settings } from '../config/config-def.ts';
import {
  connectorConfig,
  converterIsSet,
  sinkConnectorConfig,
  sourceConnectorConfig,
} from '../config/connector-config.ts';
import { type ConfigInfo, type ConfigInfos, describeKey, describeValue } from '../config/describe-config.ts';
import type { ParseOptions } from '../config/parse-config.ts';
import { parseVersionRange, versionProblem } from '../config/plugin-version.ts';
import { type ConfigValue, validateConfig } from '../config/validate-config.ts';
import type { Validator } from '../config/validators.ts';
import { ConfigError } from '../errors.ts';
import { javaHashOrder } from '../java/hash-order.ts';
import { javaTrim } from '../java/text.ts';
import { askPlugin, createPlugin } from '../plugins/create-plugin.ts';
import { connectorWish, findConnector, type PluginRegistry } from '../plugins/registry.ts';
import { classNames, predicateStages, stageKeys, transformStages } from '../plugins/transform-settings.ts';
import { anyOverrides, clientOverrideInfos, type OverrideRules } from './client-overrides.ts';
import { sinkErrors, sourceErrors } from './connector-checks.ts';
import { converterInfos } from './converter-settings.ts';
import { droverNames } from './drover-settings.ts';
import { unknownConnector } from './unknown-connector.ts';

type Connector = PluginDescriptor<'source'> | PluginDescriptor<'sink'>;

/** The settings of all connectors of a kind; converters must be converters. */
export function commonConfigDef(registry: PluginRegistry, kind: 'source' | 'sink'): ConfigDef {
  const base: ConfigDef = kind === 'source' ? sourceConnectorConfig : sinkConnectorConfig;
  const keys = new Map(base.keys);
  for (const [name, converterKind] of converterKinds) {
    keys.set(name, { ...keys.get(name)!, validator: converterValidator(registry, converterKind) });
  }
  return { spec: {}, keys };
}

const converterKinds = [
  ['key.converter', 'converter'],
  ['value.converter', 'converter'],
  ['header.converter', 'header_converter'],
] as const;

/** The settings of a plugin alone; of a connector also those that every connector has. */
export function pluginConfigDef(_registry: PluginRegistry, plugin: AnyPlugin): ConfigDef {
  if (plugin.kind !== 'source' && plugin.kind !== 'sink') return plugin.config;
  const base: ConfigDef = plugin.kind === 'source' ? sourceConnectorConfig : sinkConnectorConfig;
  const keys = new Map(plugin.config.keys);
  for (const key of base.keys.values()) {
    if (keys.has(key.name)) continue;
    keys.set(key.name, key.name === 'connector.plugin.version' ? { ...key, defaultValue: plugin.version } : key);
  }
  return { spec: {}, keys };
}

/** A null is as good as none, but for what is said of it. */
export const nullMessage = 'Null value can not be supplied as the configuration value.';

/**
 * Everything that Connect says about a connector's settings before it takes them: the settings of all connectors, of
 * transformations, predicates and converters, of the connector itself, and overrides for the Kafka clients. Throws
 * ConnectError `config.invalid` when there is no such connector. Java: AbstractHerder.validateConnectorConfig.
 */
export async function validateConnectorConfig(
  registry: PluginRegistry,
  given: GivenSettings,
  converterDefaults: Settings,
  overrideRules: OverrideRules = anyOverrides,
): Promise<ConfigInfos> {
  const settings = withoutNulls(given);
  const plugin = requireConnector(registry, settings);
  const options: ParseOptions = { resolveClass: (name) => registry.classNameOf(name) ?? null };
  const version = settings[versionKey];
  const problem =
    version === undefined
      ? null
      : versionProblem(plugin.className, version, registry.versionsOf(plugin.className, connectorWish(settings)));
  const base = enrichedConfigDef(registry, plugin, settings, converterDefaults, problem !== null);
  const values = validateConfig(base, given, options);
  if (problem !== null) {
    // What the version that was asked for would say of its settings, nobody knows.
    for (const key of ['connector.class', versionKey]) values.get(key)!.errors.push(problem);
    return infosFrom(settings, [{ infos: infosOf(base, values, new Map(), given), groups: groupsOf(base) }]);
  }
  const own = await askPlugin(plugin.className, 'its settings could not be validated', () =>
    // Which classes a plugin of Java has beside itself, its own validate knows.
    validateConfig(plugin.config, given, plugin.runtime === 'java' ? {} : options),
  );
  await addConnectorChecks(plugin, settings, values, own);
  return infosFrom(settings, [
    { infos: infosOf(base, values, own, given), groups: groupsOf(base) },
    { infos: infosOf(plugin.config, own, new Map(), {}), groups: groupsOf(plugin.config) },
    ...converterInfos(registry, settings, options),
    ...clientOverrideInfos(plugin.kind, settings, overrideRules),
  ]);
}

const versionKey = 'connector.plugin.version';

/** A part of the answer, and the groups that it brings in. */
export interface InfosAndGroups {
  readonly infos: readonly ConfigInfo[];
  readonly groups: readonly string[];
}

function infosFrom(settings: Settings, parts: readonly InfosAndGroups[]): ConfigInfos {
  const configs = parts.flatMap(({ infos }) => infos);
  return {
    name: settings['connector.class'] ?? '',
    error_count: configs.reduce((count, { value }) => count + value.errors.length, 0),
    groups: [...new Set(parts.flatMap(({ groups }) => groups))],
    configs,
  };
}

export function withoutNulls(given: GivenSettings): Settings {
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null));
}

function requireConnector(registry: PluginRegistry, settings: Settings): Connector {
  // Not trimmed, unlike other settings: the name finds the plugin before anything is parsed.
  const plugin = findConnector(registry, 'source', settings) ?? findConnector(registry, 'sink', settings);
  if (plugin !== undefined) return plugin;
  throw unknownConnector(registry, settings);
}

/** The settings of all connectors with what this one's transformations, predicates and converters make of them. */
function enrichedConfigDef(
  registry: PluginRegistry,
  plugin: Connector,
  settings: Settings,
  converterDefaults: Settings,
  onlyCommon: boolean,
): ConfigDef {
  const keys = new Map(onlyCommon ? connectorConfig.keys : commonConfigDef(registry, plugin.kind).keys);
  const put = (name: string, change: Partial<ConfigKey>) => keys.set(name, { ...keys.get(name)!, ...change });
  put(versionKey, installed(plugin.version));
  for (const [name, kind] of converterKinds) {
    const defaultClass = converterDefaults[name] ?? '';
    const chosen = registry.find(kind, javaTrim(settings[name] ?? defaultClass));
    put(name, {
      defaultValue: registry.classNameOf(defaultClass) ?? defaultClass,
      recommender: { validValues: () => classNames(registry, kind) },
      // The version is of a converter that the connector names itself.
      validator: converterValidator(
        registry,
        kind,
        settings[name] === undefined ? undefined : settings[`${name}.plugin.version`],
      ),
    });
    put(`${name}.plugin.version`, {
      ...installed(chosen?.version, converterIsSet),
      validator: converterVersionValidator(registry, settings[name] === undefined ? undefined : chosen),
    });
  }
  if (onlyCommon) return { spec: {}, keys };
  for (const stages of [transformStages, predicateStages]) {
    for (const key of stageKeys(registry, stages, settings, false)) keys.set(key.name, key);
  }
  return { spec: {}, keys };
}

/** The settings that a config may hold, as far as anybody declares them; none where there is no such connector. */
export function declaredNames(registry: PluginRegistry, settings: Settings): ReadonlySet<string> {
  const plugin = findConnector(registry, 'source', settings) ?? findConnector(registry, 'sink', settings);
  if (plugin === undefined) return new Set();
  const stages = [transformStages, predicateStages].flatMap((one) => stageKeys(registry, one, settings, false));
  return new Set([
    ...plugin.config.keys.keys(),
    ...commonConfigDef(registry, plugin.kind).keys.keys(),
    ...droverNames(plugin.kind),
    ...stages.map(({ name }) => name),
  ]);
}

function installed(
  version: string | undefined,
  visible = (_name: string, _parsed: ReadonlyMap<string, unknown>) => true,
): Partial<ConfigKey> {
  return {
    defaultValue: version ?? null,
    recommender: { validValues: () => (version === undefined ? [] : [version]), visible },
  };
}

/** The class and the version that is asked for of it; what is wrong with the version's notation is told there. */
function converterValidator(registry: PluginRegistry, kind: PluginKind, version?: string): Validator {
  const javaInterface = kind === 'converter' ? 'Converter' : 'HeaderConverter';
  return {
    description: `A concrete subclass of org.apache.kafka.connect.storage.${javaInterface}`,
    check(name, value) {
      if (typeof value !== 'string') return;
      const plugin = registry.find(kind, value);
      if (plugin === undefined) {
        throw new ConfigError(`Class class ${value} does not implement the ${javaInterface} interface`, { key: name });
      }
      if (version !== undefined && isVersionRange(version)) requireVersion(registry, plugin, version, name);
    },
  };
}

function converterVersionValidator(
  registry: PluginRegistry,
  plugin: { readonly className: string } | undefined,
): Validator {
  return {
    description: 'a version or a range of versions',
    check(name, value) {
      if (typeof value !== 'string') return;
      if (plugin === undefined) parseVersionRange(value);
      else requireVersion(registry, plugin, value, name);
    },
  };
}

function requireVersion(
  registry: PluginRegistry,
  plugin: { readonly className: string },
  version: string,
  key: string,
): void {
  const problem = versionProblem(plugin.className, version, registry.versionsOf(plugin.className));
  if (problem !== null) throw new ConfigError(problem, { key });
}

function isVersionRange(text: string): boolean {
  try {
    parseVersionRange(text);
    return true;
  } catch {
    return false;
  }
}

async function addConnectorChecks(
  plugin: Connector,
  settings: Settings,
  values: Map<string, ConfigValue>,
  own: Map<string, ConfigValue>,
): Promise<void> {
  const connector: SourceConnector | SinkConnector = await createPlugin<'source' | 'sink'>(plugin);
  // A plugin of Java repeats what its declarations say.
  const note = (name: string, message: string) => {
    const errors = (own.get(name) ?? values.get(name))?.errors;
    if (errors !== undefined && !(plugin.runtime === 'java' && errors.includes(message))) errors.push(message);
  };
  const problems = await askPlugin(plugin.className, 'it could not say what it supports', () =>
    plugin.kind === 'sink' ? sinkErrors(settings) : sourceErrors(connector as SourceConnector, settings),
  );
  for (const { key, message } of problems) note(key, message);
  const found = await askPlugin(plugin.className, 'validate() failed', async () => [
    ...((await connector.validate?.(settings)) ?? []),
  ]);
  for (const { key, message: told } of found) {
    // Among other errors, as POST lists them, it has to say whose it is; Java's are left as they are.
    const message = plugin.runtime === 'java' || told.includes(key) ? told : `${key}: ${told}`;
    if (own.has(key) || values.has(key)) note(key, message);
    else
      own.set(key, {
        name: key,
        value: settings[key] ?? null,
        errors: [message],
        recommendedValues: [],
        visible: true,
      });
  }
}

/** Settings that nobody declared come first, as in Java, in the order of its map. */
function infosOf(
  def: ConfigDef,
  values: ReadonlyMap<string, ConfigValue>,
  overriding: ReadonlyMap<string, ConfigValue>,
  given: GivenSettings,
): ConfigInfo[] {
  const all = new Map(values);
  for (const [name, value] of Object.entries(given)) {
    if (value !== null) continue;
    // Of the connector's own settings Java says nothing here.
    if (overriding.has(name)) continue;
    const known = all.get(name);
    if (known !== undefined) known.errors.push(nullMessage);
    else all.set(name, { name, value: null, errors: [nullMessage], recommendedValues: [], visible: true });
  }
  const unknown = javaHashOrder([...all.keys()]).filter((name) => !def.keys.has(name));
  return [...unknown, ...def.keys.keys()]
    .filter((name) => !overriding.has(name) && !def.keys.get(name)?.internal)
    .map((name) => {
      const key = def.keys.get(name);
      const value = describeValue(key, all.get(name)!);
      return { definition: key === undefined ? null : describeKey(key), value };
    });
}

function groupsOf(def: ConfigDef): string[] {
  return [...def.keys.values()].flatMap((key) => (key.group === null || key.internal ? [] : [key.group]));
}
