import { defineConfig, mergeConfigs, type Settings, selectConfig } from './config-def.ts';
import { connectorNameFault } from './connector-name.ts';
import { parseConfig } from './parse-config.ts';
import { validRegex } from './valid-regex.ts';
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
} from './validators.ts';

/**
 * The settings of Connect's that connectors have, declared once: validation, REST answers and defaults come from here,
 * and whoever acts on some of them reads those with `selectConfig` and `parseConfig`.
 */

/** What a worker of Apache's uses where neither it nor the connector is told otherwise. */
export const apacheConverters = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'header.converter': 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
} as const;

const uniqueAliases = (what: string): Validator =>
  allOf(
    nonNull,
    lambda(`unique ${what}`, (_name, value) =>
      Array.isArray(value) && new Set(value).size !== value.length ? 'Duplicate alias provided.' : undefined,
    ),
  );

const connectorName: Validator = lambda('non-empty string without ISO control characters', (_name, value) =>
  typeof value === 'string' ? (connectorNameFault(value) ?? undefined) : undefined,
);

const pluginVersion = (name: string) => ({
  type: 'STRING' as const,
  default: null,
  importance: 'LOW' as const,
  doc: `Version of the ${name} plugin; the installed one when left out.`,
  group: 'Common',
  width: 'SHORT' as const,
});

/** The version of a converter matters where there is a converter. */
export const converterIsSet = (name: string, parsed: ReadonlyMap<string, unknown>): boolean =>
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

/** How failures of records are dealt with (KIP-298). */
export const errorSettings = defineConfig({
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

const commonConfig = defineConfig({
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
});

/** What every connector has. Java: ConnectorConfig. */
export const connectorConfig = mergeConfigs(commonConfig, errorSettings);

export const taskCountSettings = selectConfig(commonConfig, 'tasks.max', 'tasks.max.enforce');

const topicCreationGroups = defineConfig({
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
});

/** How a source delivers (KIP-618). */
export const deliverySettings = defineConfig({
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
});

/** What every source connector has. Java: SourceConnectorConfig. */
export const sourceConnectorConfig = mergeConfigs(mergeConfigs(connectorConfig, topicCreationGroups), deliverySettings);

export const sinkTopicSettings = defineConfig({
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
});

export const deadLetterSettings = defineConfig({
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
    doc: 'Replication factor of that topic when it has to be created. -1: the default of the broker.',
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
});

/** What every sink connector has. Java: SinkConnectorConfig. */
export const sinkConnectorConfig = mergeConfigs(mergeConfigs(connectorConfig, sinkTopicSettings), deadLetterSettings);

function whenSet(validator: Validator): Validator {
  return {
    description: validator.description,
    check: (name, value) => {
      if (value !== null && value !== undefined) validator.check(name, value);
    },
  };
}

const deadLetterName = selectConfig(deadLetterSettings, 'errors.deadletterqueue.topic.name');

/** A sink's; null: it has none. */
export function deadLetterTopic(settings: Settings): string | null {
  return parseConfig(deadLetterName, settings)['errors.deadletterqueue.topic.name'] || null;
}

const { validator: _, ...anyGuarantee } = deliverySettings.spec['exactly.once.support'];
const guarantee = defineConfig({ 'exactly.once.support': anyGuarantee });

/** Whether a source is to deliver exactly once. What is no answer to that is told by whoever checks the settings. */
export function requiresExactlyOnce(settings: Settings): boolean {
  return parseConfig(guarantee, settings)['exactly.once.support'].toUpperCase() === 'REQUIRED';
}
