import type { SinkConnector, SourceConnector } from '../api/connector.ts';
import type { AnyPlugin, PluginDescriptor, PluginKind } from '../api/plugin.ts';
import { type ConfigDef, type ConfigKey, defineConfig, mergeConfigs, type Settings } from '../config/config-def.ts';
import { type ConfigInfo, type ConfigInfos, describeKey, describeValue } from '../config/describe-config.ts';
import { validRegex } from '../config/java-regex.ts';
import { javaTrim } from '../config/java-text.ts';
import type { ParseOptions } from '../config/parse-config.ts';
import { type ConfigValue, validateConfig } from '../config/validate-config.ts';
import {
  allOf,
  atLeast,
  caseInsensitiveString,
  lambda,
  listOfDistinct,
  nonEmptyString,
  nonNull,
  type Validator,
  validString,
} from '../config/validators.ts';
import { ConfigError, ConnectError } from '../errors.ts';
import { askPlugin, createPlugin } from '../plugins/create-plugin.ts';
import type { PluginRegistry } from '../plugins/registry.ts';
import {
  classNames,
  predicateStages,
  stageKeys,
  transformStages,
  versionSyntax,
  versionValidator,
} from '../plugins/transform-settings.ts';
import { clientOverrideInfos } from './client-overrides.ts';
import { sinkErrors, sourceErrors } from './connector-checks.ts';
import { converterInfos } from './converter-settings.ts';

const uniqueAliases = (what: string): Validator =>
  allOf(
    nonNull,
    lambda(`unique ${what}`, (_name, value) =>
      Array.isArray(value) && new Set(value).size !== value.length ? 'Duplicate alias provided.' : undefined,
    ),
  );

const connectorName: Validator = lambda('non-empty string without ISO control characters', (_name, value) => {
  if (typeof value !== 'string') return undefined;
  if (value === '') return 'String may not be empty';
  const controls = [...value]
    .map((char) => char.codePointAt(0)!)
    .filter((code) => code < 0x20 || (code >= 0x7f && code < 0xa0));
  if (controls.length === 0) return undefined;
  return `String may not contain control sequences but had the following ASCII chars: ${controls.join(', ')}`;
});

const pluginVersion = (name: string) => ({
  type: 'STRING' as const,
  default: null,
  importance: 'LOW' as const,
  doc: `Version of the ${name} plugin; the installed one when left out.`,
  validator: versionSyntax,
  group: 'Common',
  width: 'SHORT' as const,
});

/** The version of a converter matters where there is a converter. */
const converterIsSet = (name: string, parsed: ReadonlyMap<string, unknown>): boolean =>
  (parsed.get(name.slice(0, -'.plugin.version'.length)) ?? null) !== null;

const converterVersion = (name: string) => ({
  ...pluginVersion(name),
  recommender: { validValues: () => [], visible: converterIsSet },
});

const converterClass = (name: string) => ({
  type: 'CLASS' as const,
  default: null,
  importance: 'LOW' as const,
  doc: `Converter of ${name}; the runtime's own when left out.`,
  group: 'Common',
  width: 'SHORT' as const,
});

/** What every connector has. Java: ConnectorConfig. */
const connectorConfig = defineConfig({
  name: {
    type: 'STRING',
    importance: 'HIGH',
    doc: "The connector's name, unique in the cluster.",
    validator: connectorName,
    group: 'Common',
    orderInGroup: 1,
    width: 'MEDIUM',
    displayName: 'Connector name',
  },
  'connector.class': {
    type: 'STRING',
    importance: 'HIGH',
    doc: "The connector's class: full name, simple name, or simple name without `Connector`.",
    group: 'Common',
    orderInGroup: 2,
    width: 'LONG',
    displayName: 'Connector class',
  },
  'connector.plugin.version': {
    ...pluginVersion('connector'),
    importance: 'MEDIUM',
    orderInGroup: 3,
    width: 'MEDIUM',
    displayName: 'Connector version',
  },
  'tasks.max': {
    type: 'INT',
    default: 1,
    importance: 'HIGH',
    doc: 'The most tasks the connector may have.',
    validator: atLeast(1),
    group: 'Common',
    orderInGroup: 4,
    width: 'SHORT',
    displayName: 'Tasks max',
  },
  'tasks.max.enforce': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether a connector that makes more tasks than allowed fails.',
    group: 'Common',
    orderInGroup: 5,
    width: 'SHORT',
    displayName: 'Enforce tasks max',
  },
  'key.converter': { ...converterClass('keys'), orderInGroup: 6, displayName: 'Key converter class' },
  'key.converter.plugin.version': {
    ...converterVersion('key converter'),
    orderInGroup: 7,
    displayName: 'Key converter version',
  },
  'value.converter': { ...converterClass('values'), orderInGroup: 8, displayName: 'Value converter class' },
  'value.converter.plugin.version': {
    ...converterVersion('value converter'),
    orderInGroup: 9,
    displayName: 'Value converter version',
  },
  'header.converter': { ...converterClass('headers'), orderInGroup: 10, displayName: 'Header converter class' },
  'header.converter.plugin.version': {
    ...converterVersion('header converter'),
    orderInGroup: 11,
    displayName: 'Header converter version',
  },
  transforms: {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: 'Aliases of the transformations, in the order in which they are applied.',
    validator: uniqueAliases('transformation aliases'),
    group: 'Transforms',
    orderInGroup: 12,
    width: 'LONG',
    displayName: 'Transforms',
  },
  predicates: {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: 'Aliases of the predicates that transformations refer to.',
    validator: uniqueAliases('predicate aliases'),
    group: 'Predicates',
    orderInGroup: 13,
    width: 'LONG',
    displayName: 'Predicates',
  },
  'config.action.reload': {
    type: 'STRING',
    default: 'restart',
    importance: 'LOW',
    doc: 'What happens when a secret that the settings refer to changes: `restart` or `none`.',
    validator: validString('none', 'restart'),
    group: 'Common',
    orderInGroup: 14,
    width: 'MEDIUM',
    displayName: 'Reload Action',
  },
  'errors.retry.timeout': {
    type: 'LONG',
    default: 0,
    importance: 'MEDIUM',
    doc: 'For how long, in milliseconds, a failed operation is repeated; -1 is for ever.',
    group: 'Error Handling',
    orderInGroup: 1,
    width: 'MEDIUM',
    displayName: 'Retry Timeout for Errors',
  },
  'errors.retry.delay.max.ms': {
    type: 'LONG',
    default: 60000,
    importance: 'MEDIUM',
    doc: 'The longest pause between two attempts, in milliseconds.',
    group: 'Error Handling',
    orderInGroup: 2,
    width: 'MEDIUM',
    displayName: 'Maximum Delay Between Retries for Errors',
  },
  'errors.tolerance': {
    type: 'STRING',
    default: 'none',
    importance: 'MEDIUM',
    doc: '`none`: a bad record fails the task. `all`: bad records are skipped.',
    validator: validString('none', 'all'),
    group: 'Error Handling',
    orderInGroup: 3,
    width: 'SHORT',
    displayName: 'Error Tolerance',
  },
  'errors.log.enable': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether tolerated errors are logged.',
    group: 'Error Handling',
    orderInGroup: 4,
    width: 'SHORT',
    displayName: 'Log Errors',
  },
  'errors.log.include.messages': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether the log shows where the bad record was.',
    group: 'Error Handling',
    orderInGroup: 5,
    width: 'SHORT',
    displayName: 'Log Error Details',
  },
});

/** What every source connector has. Java: SourceConnectorConfig. */
export const sourceConnectorConfig = mergeConfigs(
  connectorConfig,
  defineConfig({
    'topic.creation.groups': {
      type: 'LIST',
      default: '',
      importance: 'LOW',
      doc: 'Groups of settings for topics that the connector creates.',
      validator: uniqueAliases('topic creation groups'),
      group: 'Topic Creation',
      orderInGroup: 1,
      width: 'LONG',
      displayName: 'Topic Creation Groups',
    },
    'exactly.once.support': {
      type: 'STRING',
      default: 'requested',
      importance: 'MEDIUM',
      doc: '`required`: the connector must be able to deliver exactly once, or it is not created.',
      validator: caseInsensitiveString('REQUIRED', 'REQUESTED'),
      group: 'Exactly Once Support',
      orderInGroup: 2,
      width: 'SHORT',
      displayName: 'Exactly once support',
    },
    'transaction.boundary': {
      type: 'STRING',
      default: 'poll',
      importance: 'MEDIUM',
      doc: 'What one transaction holds: the records of one `poll`, those of an `interval`, or what the `connector` says.',
      validator: caseInsensitiveString('INTERVAL', 'POLL', 'CONNECTOR'),
      group: 'Exactly Once Support',
      orderInGroup: 3,
      width: 'SHORT',
      displayName: 'Transaction Boundary',
    },
    'transaction.boundary.interval.ms': {
      type: 'LONG',
      default: null,
      importance: 'LOW',
      doc: 'Length of the interval, in milliseconds.',
      validator: whenSet(atLeast(0)),
      group: 'Exactly Once Support',
      orderInGroup: 4,
      width: 'SHORT',
      displayName: 'Transaction boundary interval',
    },
    'offsets.storage.topic': {
      type: 'STRING',
      default: null,
      importance: 'LOW',
      doc: "A topic of the connector's own for its offsets.",
      validator: nonEmptyString,
      group: 'offsets.topic',
      orderInGroup: 1,
      width: 'LONG',
      displayName: 'Offsets topic',
    },
  }),
);

/** What every sink connector has. Java: SinkConnectorConfig. */
export const sinkConnectorConfig = mergeConfigs(
  connectorConfig,
  defineConfig({
    topics: {
      type: 'LIST',
      default: '',
      importance: 'HIGH',
      doc: 'Topics to read; or use `topics.regex`.',
      validator: listOfDistinct({ empty: true }),
      group: 'Common',
      orderInGroup: 4,
      width: 'LONG',
      displayName: 'Topics',
    },
    'topics.regex': {
      type: 'STRING',
      default: '',
      importance: 'HIGH',
      doc: 'Java regular expression of the topics to read; or use `topics`.',
      validator: validRegex,
      group: 'Common',
      orderInGroup: 4,
      width: 'LONG',
      displayName: 'Topics regex',
    },
    'errors.deadletterqueue.topic.name': {
      type: 'STRING',
      default: '',
      importance: 'MEDIUM',
      doc: 'Topic for records that could not be handled; empty: there is none.',
      group: 'Error Handling',
      orderInGroup: 6,
      width: 'MEDIUM',
      displayName: 'Dead Letter Queue Topic Name',
    },
    'errors.deadletterqueue.topic.replication.factor': {
      type: 'SHORT',
      default: 3,
      importance: 'MEDIUM',
      doc: 'Replication factor of that topic when it has to be created.',
      group: 'Error Handling',
      orderInGroup: 7,
      width: 'MEDIUM',
      displayName: 'Dead Letter Queue Topic Replication Factor',
    },
    'errors.deadletterqueue.context.headers.enable': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether headers say where the record failed and why.',
      group: 'Error Handling',
      orderInGroup: 8,
      width: 'MEDIUM',
      displayName: 'Enable Error Context Headers',
    },
  }),
);

function whenSet(validator: Validator): Validator {
  return {
    description: validator.description,
    check: (name, value) => {
      if (value !== null && value !== undefined) validator.check(name, value);
    },
  };
}

/** What the runtime uses where a connector names no converter. */
export interface ConverterDefaults {
  readonly keyConverter: string;
  readonly valueConverter: string;
  readonly headerConverter: string;
}

const apacheDefaults: ConverterDefaults = {
  keyConverter: 'org.apache.kafka.connect.json.JsonConverter',
  valueConverter: 'org.apache.kafka.connect.json.JsonConverter',
  headerConverter: 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
};

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

/**
 * Everything that Connect says about a connector's settings before it takes them: the settings of all connectors, of
 * transformations, predicates and converters, of the connector itself, and overrides for the Kafka clients. Throws
 * ConnectError `config.invalid` when there is no such connector. Java: AbstractHerder.validateConnectorConfig.
 */
export async function validateConnectorConfig(
  registry: PluginRegistry,
  settings: Settings,
  defaults: ConverterDefaults = apacheDefaults,
): Promise<ConfigInfos> {
  const plugin = findConnector(registry, settings['connector.class'] ?? '');
  const options: ParseOptions = { resolveClass: (name) => registry.classNameOf(name) ?? null };
  const base = enrichedConfigDef(registry, plugin, settings, defaults);
  const values = validateConfig(base, settings, options);
  const own = await askPlugin(plugin.className, 'its settings could not be validated', () =>
    validateConfig(plugin.config, settings, options),
  );
  await addConnectorChecks(plugin, settings, values, own);
  const infos: ConfigInfo[] = [...infosOf(base, values, own), ...infosOf(plugin.config, own, new Map())];
  const groups = new Set([...groupsOf(base), ...groupsOf(plugin.config)]);
  for (const converter of converterInfos(registry, settings, options)) addTo(infos, groups, converter);
  for (const overrides of clientOverrideInfos(plugin.kind, settings)) addTo(infos, groups, overrides);
  return {
    name: settings['connector.class'] ?? '',
    error_count: infos.reduce((count, info) => count + info.value.errors.length, 0),
    groups: [...groups],
    configs: infos,
  };
}

function addTo(
  infos: ConfigInfo[],
  groups: Set<string>,
  more: { infos: readonly ConfigInfo[]; groups: readonly string[] },
): void {
  infos.push(...more.infos);
  for (const group of more.groups) groups.add(group);
}

function findConnector(registry: PluginRegistry, name: string): Connector {
  // Not trimmed, unlike other settings: the name finds the plugin before anything is parsed.
  const plugin = registry.find('source', name) ?? registry.find('sink', name);
  if (plugin !== undefined) return plugin;
  const available = registry.list().filter(({ kind }) => kind === 'source' || kind === 'sink');
  throw new ConnectError(
    'config.invalid',
    `Failed to find any class that implements Connector and which name matches ${name}, available connectors are: ${available
      .map(({ className }) => className)
      .sort()
      .join(', ')}`,
    { facts: { key: 'connector.class' } },
  );
}

/** The settings of all connectors with what this one's transformations, predicates and converters make of them. */
function enrichedConfigDef(
  registry: PluginRegistry,
  plugin: Connector,
  settings: Settings,
  defaults: ConverterDefaults,
): ConfigDef {
  const keys = new Map(commonConfigDef(registry, plugin.kind).keys);
  const put = (name: string, change: Partial<ConfigKey>) => keys.set(name, { ...keys.get(name)!, ...change });
  put('connector.plugin.version', installed(plugin.version));
  const roles = [
    ['key.converter', 'converter', defaults.keyConverter],
    ['value.converter', 'converter', defaults.valueConverter],
    ['header.converter', 'header_converter', defaults.headerConverter],
  ] as const;
  for (const [name, kind, defaultClass] of roles) {
    const chosen = registry.find(kind, javaTrim(settings[name] ?? defaultClass));
    put(name, {
      defaultValue: registry.classNameOf(defaultClass) ?? defaultClass,
      recommender: { validValues: () => classNames(registry, kind) },
    });
    put(`${name}.plugin.version`, installed(chosen?.version, converterIsSet));
  }
  for (const stages of [transformStages, predicateStages]) {
    for (const key of stageKeys(registry, stages, settings, false)) keys.set(key.name, key);
  }
  return { spec: {}, keys };
}

function installed(
  version: string | undefined,
  visible = (_name: string, _parsed: ReadonlyMap<string, unknown>) => true,
): Partial<ConfigKey> {
  return {
    defaultValue: version ?? null,
    validator: versionValidator(version),
    recommender: { validValues: () => (version === undefined ? [] : [version]), visible },
  };
}

function converterValidator(registry: PluginRegistry, kind: PluginKind): Validator {
  const javaInterface = kind === 'converter' ? 'Converter' : 'HeaderConverter';
  return {
    description: `A concrete subclass of org.apache.kafka.connect.storage.${javaInterface}`,
    check(name, value) {
      if (typeof value !== 'string' || registry.find(kind, value) !== undefined) return;
      throw new ConfigError(`Class class ${value} does not implement the ${javaInterface} interface`, { key: name });
    },
  };
}

async function addConnectorChecks(
  plugin: Connector,
  settings: Settings,
  values: Map<string, ConfigValue>,
  own: Map<string, ConfigValue>,
): Promise<void> {
  const connector: SourceConnector | SinkConnector = await createPlugin<'source' | 'sink'>(plugin);
  const note = (name: string, message: string) => (own.get(name) ?? values.get(name))?.errors.push(message);
  const problems = await askPlugin(plugin.className, 'it could not say what it supports', () =>
    plugin.kind === 'sink' ? sinkErrors(settings) : sourceErrors(connector as SourceConnector, settings),
  );
  for (const { key, message } of problems) note(key, message);
  const found = await askPlugin(plugin.className, 'validate() failed', async () => [
    ...((await connector.validate?.(settings)) ?? []),
  ]);
  for (const { key, message } of found) {
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

function infosOf(
  def: ConfigDef,
  values: ReadonlyMap<string, ConfigValue>,
  overriding: ReadonlyMap<string, ConfigValue>,
): ConfigInfo[] {
  return [...values.values()]
    .filter(({ name }) => !overriding.has(name) && !def.keys.get(name)?.internal)
    .map((value) => {
      const key = def.keys.get(value.name);
      return { definition: key === undefined ? null : describeKey(key), value: describeValue(key, value) };
    });
}

function groupsOf(def: ConfigDef): string[] {
  return [...def.keys.values()].flatMap((key) => (key.group === null || key.internal ? [] : [key.group]));
}
