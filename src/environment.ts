import { type ConfigValues, defineConfig, type Settings } from './config/config-def.ts';
import { apacheConverters } from './config/connector-config.ts';
import { parseConfig, settingsWithPrefix } from './config/parse-config.ts';
import { atLeast, nonEmptyList, nonEmptyString, range, validString } from './config/validators.ts';
import { ConfigError } from './errors.ts';

/**
 * Drover's own settings, declared once: the CDK construct writes them into the functions' environment, the functions
 * read them. A setting's variable is its name in capitals with underscores, under the prefix `DROVER_`:
 * `bootstrap.servers` is `DROVER_BOOTSTRAP_SERVERS`, `drover.run.max.ms` is `DROVER_RUN_MAX_MS`. Settings that Connect's
 * worker has too keep its name, default and meaning.
 */
export const environmentConfig = defineConfig({
  'drover.table.name': {
    type: 'STRING',
    importance: 'HIGH',
    validator: nonEmptyString,
    doc: 'The DynamoDB table that holds connectors, tasks, offsets and leases.',
  },
  'group.id': {
    type: 'STRING',
    default: 'drover',
    importance: 'HIGH',
    validator: nonEmptyString,
    doc: 'Identifies this Connect cluster; part of the transactional ids that its exactly-once tasks use.',
  },
  'bootstrap.servers': {
    type: 'LIST',
    importance: 'HIGH',
    validator: nonEmptyList,
    doc: 'host:port pairs for the first connection to the Kafka cluster.',
  },
  'security.protocol': {
    type: 'STRING',
    default: 'PLAINTEXT',
    importance: 'HIGH',
    validator: validString('PLAINTEXT', 'SSL', 'SASL_SSL', 'SASL_PLAINTEXT'),
    doc: 'How brokers are spoken to.',
  },
  'sasl.mechanism': {
    type: 'STRING',
    default: 'AWS_MSK_IAM',
    importance: 'HIGH',
    validator: validString('AWS_MSK_IAM', 'SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN'),
    doc: 'How functions prove who they are, under SASL_SSL and SASL_PLAINTEXT.',
  },
  'drover.security.secret': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc:
      'Id or ARN of the secret in Secrets Manager with the Kafka credentials, a JSON object: `username` and `password` ' +
      'for SASL, `certificate` and `key` (PEM; optionally `passphrase`) for mutual TLS, and in either case optionally ' +
      '`ca` (PEM) for brokers whose certificate is not publicly signed.',
  },
  'key.converter': {
    type: 'CLASS',
    default: apacheConverters['key.converter'],
    importance: 'HIGH',
    doc: 'Converter of record keys, for connectors that do not name their own.',
  },
  'value.converter': {
    type: 'CLASS',
    default: apacheConverters['value.converter'],
    importance: 'HIGH',
    doc: 'Converter of record values, for connectors that do not name their own.',
  },
  'header.converter': {
    type: 'CLASS',
    default: apacheConverters['header.converter'],
    importance: 'LOW',
    doc: 'Converter of record headers, for connectors that do not name their own.',
  },
  'drover.worker.settings': {
    type: 'STRING',
    default: '{}',
    importance: 'MEDIUM',
    doc:
      'A JSON object with further settings of a Connect worker: those of its converters (`value.converter.schemas.enable`), ' +
      '`producer.*`, `consumer.*`, `admin.*` and the like.',
  },
  'config.storage.topic': {
    type: 'STRING',
    default: 'connect-configs',
    importance: 'HIGH',
    validator: nonEmptyString,
    doc: 'Topic that mirrors connector and task configs.',
  },
  'config.storage.replication.factor': {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: range(-1, 32_767),
    doc: "Replication factor with which it is created; -1: the broker's default.",
  },
  'offset.storage.topic': {
    type: 'STRING',
    default: 'connect-offsets',
    importance: 'HIGH',
    validator: nonEmptyString,
    doc: 'Topic that mirrors source offsets.',
  },
  'offset.storage.partitions': {
    type: 'INT',
    default: 25,
    importance: 'LOW',
    validator: atLeast(-1),
    doc: "Partitions with which it is created; -1: the broker's default.",
  },
  'offset.storage.replication.factor': {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: range(-1, 32_767),
    doc: "Replication factor with which it is created; -1: the broker's default.",
  },
  'status.storage.topic': {
    type: 'STRING',
    default: 'connect-status',
    importance: 'HIGH',
    validator: nonEmptyString,
    doc: 'Topic that mirrors the states of connectors and tasks.',
  },
  'status.storage.partitions': {
    type: 'INT',
    default: 5,
    importance: 'LOW',
    validator: atLeast(-1),
    doc: "Partitions with which it is created; -1: the broker's default.",
  },
  'status.storage.replication.factor': {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: range(-1, 32_767),
    doc: "Replication factor with which it is created; -1: the broker's default.",
  },
  'config.providers': {
    type: 'LIST',
    default: ['secretsmanager', 'ssm'],
    importance: 'LOW',
    doc:
      'Who may resolve references in connector configs like secretsmanager:id:key in dollar braces: secretsmanager, ssm, and on trusted ' +
      "installations env and file, which show the task function's own variables and files to whoever writes configs.",
  },
  'topic.creation.enable': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether source connectors may create topics by their `topic.creation.*` settings.',
  },
  'topic.tracking.enable': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether the topics that a connector uses are noted.',
  },
  'drover.task.function': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Name of the task function; the coordinator invokes it.',
  },
  'drover.runs.in.flight.max': {
    type: 'INT',
    default: 100,
    importance: 'MEDIUM',
    validator: atLeast(1),
    doc: 'Task runs that may be under way at a time.',
  },
  'drover.run.max.ms': {
    type: 'LONG',
    default: 60_000,
    importance: 'MEDIUM',
    validator: atLeast(1000),
    doc: 'How long one run may take; with more to do the task goes on in the next run.',
  },
  'drover.run.linger.ms': {
    type: 'LONG',
    default: 500,
    importance: 'LOW',
    validator: atLeast(0),
    doc: 'How long a run waits for more once it has found nothing.',
  },
  'drover.idle.floor.ms': {
    type: 'LONG',
    default: 1000,
    importance: 'MEDIUM',
    validator: atLeast(1),
    doc: 'Pause after the first run that found nothing; doubled with each further one.',
  },
  'drover.idle.ceiling.ms': {
    type: 'LONG',
    default: 60_000,
    importance: 'MEDIUM',
    validator: atLeast(1),
    doc: 'Longest pause between runs that find nothing.',
  },
  'drover.log.level': {
    type: 'STRING',
    default: 'INFO',
    importance: 'LOW',
    validator: validString('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF'),
    doc: 'Least level that is logged, until changed through /admin/loggers.',
  },
});

export type EnvironmentValues = ConfigValues<typeof environmentConfig>;
export type EnvironmentSetting = keyof EnvironmentValues & string;

/** What a function knows before it has asked anybody. */
export interface Environment extends EnvironmentValues {
  /** Everything as a Connect worker would have it in its properties: the declared settings and `drover.worker.settings`. */
  readonly workerSettings: Settings;
  /** `key.converter`, `value.converter`, `header.converter` with their prefixed settings: for connectors that name none. */
  readonly converterDefaults: Settings;
}

export function environmentVariable(setting: string): string {
  return `DROVER_${setting
    .replace(/^drover\./, '')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

/** Throws ConfigError naming the variable. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const settings: Record<string, string> = {};
  for (const name of environmentConfig.keys.keys()) {
    const value = variables[environmentVariable(name)];
    if (value !== undefined) settings[name] = value;
  }
  let values: EnvironmentValues;
  try {
    values = parseConfig(environmentConfig, settings);
  } catch (error) {
    const key = error instanceof ConfigError ? error.facts.key : undefined;
    const hint = typeof key === 'string' ? ` (environment variable ${environmentVariable(key)})` : '';
    throw new ConfigError(`${(error as Error).message}${hint}`, {
      cause: error,
      ...(typeof key === 'string' ? { key } : {}),
    });
  }
  const workerSettings = { ...defaults(), ...settings, ...parseWorkerSettings(values['drover.worker.settings']) };
  return { ...values, workerSettings, converterDefaults: converterDefaults(workerSettings) };
}

function converterDefaults(workerSettings: Settings): Settings {
  const defaults: Record<string, string> = {};
  for (const name of Object.keys(apacheConverters)) {
    defaults[name] = workerSettings[name]!;
    const own = settingsWithPrefix(workerSettings, `${name}.`);
    for (const [key, value] of Object.entries(own)) defaults[`${name}.${key}`] = value;
  }
  return defaults;
}

/** The variables of these settings. */
export function writeEnvironment(settings: Partial<Record<EnvironmentSetting, string>>): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) variables[environmentVariable(name)] = value;
  return variables;
}

function defaults(): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const key of environmentConfig.keys.values()) {
    if (key.defaultValue !== undefined && key.defaultValue !== null) settings[key.name] = String(key.defaultValue);
  }
  return settings;
}

function parseWorkerSettings(text: string): Settings {
  const key = 'drover.worker.settings';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${environmentVariable(key)} is not JSON: ${(cause as Error).message}`, { cause, key });
  }
  const isSettings =
    typeof parsed === 'object' &&
    parsed !== null &&
    !Array.isArray(parsed) &&
    Object.values(parsed).every((value) => typeof value === 'string');
  if (!isSettings) throw new ConfigError(`${environmentVariable(key)} must be a JSON object of strings`, { key });
  return parsed as Settings;
}
