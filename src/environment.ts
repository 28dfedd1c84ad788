import { parseBootstrapServers } from './config/bootstrap-servers.ts';
import { type ConfigValues, defineConfig, type Settings } from './config/config-def.ts';
import { apacheConverters } from './config/connector-config.ts';
import { type OverridePolicy, overridePolicy } from './config/override-policy.ts';
import { parseConfig, parseKey, settingsWithPrefix } from './config/parse-config.ts';
import { atLeast, invalidValue, lambda, nonEmptyString, type Validator, validString } from './config/validators.ts';
import { ConfigError } from './errors.ts';
import { type FileAccess, fileAccess } from './files.ts';

const brokers: Validator = lambda('host:port, with commas between', (_name, value) => {
  const servers = parseBootstrapServers((value as readonly string[]).join(','));
  if (typeof servers === 'string') return `"${servers}" is not host:port`;
  return servers.length === 0 ? 'It must name at least one broker as host:port' : undefined;
});

const providers: Validator = lambda('any of secretsmanager, ssm, env, file', (_name, value) => {
  const unknown = (value as readonly string[]).find((name) => !/^(?:secretsmanager|ssm|env|file)$/.test(name));
  return unknown === undefined ? undefined : `"${unknown}" is none of secretsmanager, ssm, env, file`;
});

/** As brokers take them. Java: Topic.validate. */
const topicName: Validator = lambda('name of a topic', (_name, value) =>
  /^(?!\.{1,2}$)[\w.-]{1,249}$/.test(String(value))
    ? undefined
    : 'The name of a topic is 1 to 249 letters, digits, ".", "_" and "-", and neither "." nor ".."',
);

/** Java: DistributedConfig's validators of partitions and replication factors. */
const countOrDefault = (max: number): Validator =>
  lambda(`[1,...,${max}] or -1`, (_name, value) =>
    value === -1 || (Number(value) >= 1 && Number(value) <= max)
      ? undefined
      : `Value must be from 1 to ${max}, or -1 for the broker's default`,
  );

const connectorHostList: Validator = lambda('hosts', (_name, value) => {
  const wrong = (value as string[]).find((host) => !/^(?:\*\.)?[\w-]+(?:\.[\w-]+)*(?::\d{1,5})?$/.test(host));
  return wrong === undefined ? undefined : `"${wrong}" is not a host: give "host", "host:port" or "*.domain"`;
});

const maxReplicas = 32_767;
const maxPartitions = 2_147_483_647;

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
    validator: brokers,
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
      'A JSON object with further settings of a Connect worker: those of its default converters, like ' +
      '`value.converter.schemas.enable`.',
  },
  'config.storage.topic': {
    type: 'STRING',
    default: 'connect-configs',
    importance: 'HIGH',
    validator: topicName,
    doc: 'Topic that mirrors connector and task configs.',
  },
  'config.storage.replication.factor': {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: countOrDefault(maxReplicas),
    doc: "Replication factor with which it is created; -1: the broker's default.",
  },
  'offset.storage.topic': {
    type: 'STRING',
    default: 'connect-offsets',
    importance: 'HIGH',
    validator: topicName,
    doc: 'Topic that mirrors source offsets.',
  },
  'offset.storage.partitions': {
    type: 'INT',
    default: 25,
    importance: 'LOW',
    validator: countOrDefault(maxPartitions),
    doc: "Partitions with which it is created; -1: the broker's default.",
  },
  'offset.storage.replication.factor': {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: countOrDefault(maxReplicas),
    doc: "Replication factor with which it is created; -1: the broker's default.",
  },
  'status.storage.topic': {
    type: 'STRING',
    default: 'connect-status',
    importance: 'HIGH',
    validator: topicName,
    doc: 'Topic that mirrors the states of connectors and tasks.',
  },
  'status.storage.partitions': {
    type: 'INT',
    default: 5,
    importance: 'LOW',
    validator: countOrDefault(maxPartitions),
    doc: "Partitions with which it is created; -1: the broker's default.",
  },
  'status.storage.replication.factor': {
    type: 'SHORT',
    default: 3,
    importance: 'LOW',
    validator: countOrDefault(maxReplicas),
    doc: "Replication factor with which it is created; -1: the broker's default.",
  },
  'config.providers': {
    type: 'LIST',
    default: ['secretsmanager', 'ssm'],
    importance: 'LOW',
    validator: providers,
    doc:
      'Who may resolve references in connector configs like secretsmanager:id:key in dollar braces: secretsmanager, ssm, and on trusted ' +
      "installations env and file, which show the task function's own variables and files to whoever writes configs.",
  },
  'config.providers.env.param.allowlist.pattern': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc:
      'Regular expression of the whole names of variables that the provider `env` shows; all when left out. Credentials of ' +
      "the function and Drover's own settings are never shown.",
  },
  'config.providers.file.param.allowed.paths': {
    type: 'LIST',
    default: null,
    importance: 'LOW',
    doc: 'Absolute paths of the folders whose files the provider `file` reads; those of `drover.file.folders` when left out.',
  },
  'connector.client.config.override.policy': {
    type: 'STRING',
    default: 'All',
    importance: 'LOW',
    doc: 'Which settings of the Kafka clients a connector may override: All, Allowlist, Principal or None.',
  },
  'connector.client.config.override.allowlist': {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: 'The settings that a connector may override under the policy Allowlist, without the prefix of a client.',
  },
  'drover.connector.secrets': {
    type: 'LIST',
    default: '',
    importance: 'HIGH',
    doc: 'Names or ARNs of the secrets in Secrets Manager that connector configs may refer to.',
  },
  'drover.connector.parameters': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'Names or ARNs of the SSM parameters that connector configs may refer to; `/path/*` is all below a path.',
  },
  'drover.connector.hosts': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    validator: connectorHostList,
    doc:
      'Hosts that connector configs may name for brokers, schema registries and token endpoints: `host`, `host:port`, or ' +
      '`*.domain`. Any when left out.',
  },
  'drover.file.folders': {
    type: 'LIST',
    default: '',
    importance: 'HIGH',
    doc:
      'Absolute paths of the folders whose files connectors may name: those of FileStreamSource and FileStreamSink, of the ' +
      'config provider `file`, and of stores of keys and certificates. `/` is every file of the function.',
  },
  'drover.plugins.allow': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc:
      'The plugins that are offered, of every kind, by class or alias; a `*` at the end stands for any ending. All when ' +
      'left out.',
  },
  'drover.plugins.deny': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'Plugins that are left out, by class or alias; a `*` at the end stands for any ending.',
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
  'drover.metrics': {
    type: 'STRING',
    default: 'installation',
    importance: 'LOW',
    validator: validString('none', 'installation', 'connector'),
    doc:
      'Whose metrics are published, beside those of the functions: none, those of all connectors together (installation), or also ' +
      'those of each connector, which CloudWatch bills by the metric and the connector.',
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
export type EnvironmentSettings = Readonly<Partial<Record<EnvironmentSetting, string>>>;

/** What a function knows before it has asked anybody. */
export interface Environment extends EnvironmentValues {
  /** Everything as a Connect worker would have it in its properties: the declared settings and `drover.worker.settings`. */
  readonly workerSettings: Settings;
  readonly overridePolicy: OverridePolicy;
  /** The files that connectors may name. */
  readonly files: FileAccess;
  /** Those that the config provider `file` reads. */
  readonly providerFiles: FileAccess;
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
  return namingVariable(() => {
    const values = parseConfig(environmentConfig, settings);
    checkTogether(values);
    const workerSettings = { ...defaults(), ...settings, ...parseWorkerSettings(values['drover.worker.settings']) };
    const files = foldersOf('drover.file.folders', values['drover.file.folders'], allowFolder);
    const paths = values[allowedPathsKey];
    return {
      ...values,
      workerSettings,
      converterDefaults: converterDefaults(workerSettings),
      overridePolicy: overridePolicy(workerSettings),
      files,
      providerFiles: paths === null ? files : foldersOf(allowedPathsKey, paths, allowPath),
    };
  });
}

/** How an installation allows a folder, in the words of whoever deploys it. */
const allowFolder = 'To allow it, deploy with its folder in fileFolders (drover.file.folders)';

const allowedPathsKey = 'config.providers.file.param.allowed.paths';
const allowPath = `To allow it, deploy with its folder in ${allowedPathsKey}`;

function foldersOf(key: string, folders: readonly string[], advice: string): FileAccess {
  try {
    return fileAccess({ folders, advice });
  } catch (cause) {
    throw new ConfigError(`${key}: ${(cause as Error).message}`, { cause, key });
  }
}

function namingVariable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const key = error instanceof ConfigError ? error.facts.key : undefined;
    const isNamed = typeof key !== 'string' || (error as Error).message.includes(environmentVariable(key));
    const hint = isNamed ? '' : ` (environment variable ${environmentVariable(key)})`;
    throw new ConfigError(`${(error as Error).message}${hint}`, {
      cause: error,
      ...(typeof key === 'string' ? { key } : {}),
    });
  }
}

/**
 * Reads settings as the functions will, for who writes them; those in `later` get their values when the stack is
 * deployed. Gives the values that are known now. Throws ConfigError whose `facts.key` names the setting.
 */
export function checkSettings(
  settings: EnvironmentSettings,
  later: ReadonlySet<string> = new Set(),
): Partial<EnvironmentValues> {
  for (const name of Object.keys(settings)) {
    if (!environmentConfig.keys.has(name)) {
      const known = [...environmentConfig.keys.keys()].join(', ');
      throw new ConfigError(`${name} is no setting of Drover; there are ${known}`, { key: name });
    }
  }
  const values: Record<string, unknown> = {};
  for (const key of environmentConfig.keys.values()) {
    if (!later.has(key.name)) values[key.name] = parseKey(key, settings as Settings);
  }
  const known = values as Partial<EnvironmentValues>;
  checkTogether(known);
  if (known['drover.worker.settings'] !== undefined) parseWorkerSettings(known['drover.worker.settings']);
  return known;
}

const storageTopics = ['config.storage.topic', 'offset.storage.topic', 'status.storage.topic'] as const;

/** What no setting can say alone. */
function checkTogether(values: Partial<EnvironmentValues>): void {
  const seen = new Map<string, string>();
  for (const key of storageTopics) {
    const topic = values[key];
    if (topic === undefined) continue;
    const other = seen.get(topic);
    if (other !== undefined) throw invalidValue(key, topic, `It is ${other} already: each needs a topic of its own`);
    seen.set(topic, key);
  }
  const floor = values['drover.idle.floor.ms'];
  const ceiling = values['drover.idle.ceiling.ms'];
  if (floor !== undefined && ceiling !== undefined && floor > ceiling) {
    throw invalidValue('drover.idle.floor.ms', floor, `It must not be above drover.idle.ceiling.ms, ${ceiling}`);
  }
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
export function writeEnvironment(settings: EnvironmentSettings): Record<string, string> {
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

const workerSetting = /^(?:key|value|header)\.converter(?:\..+)?$/;

function parseWorkerSettings(text: string): Settings {
  const key = 'drover.worker.settings';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${key} is not JSON: ${(cause as Error).message}`, { cause, key });
  }
  const isSettings =
    typeof parsed === 'object' &&
    parsed !== null &&
    !Array.isArray(parsed) &&
    Object.values(parsed).every((value) => typeof value === 'string');
  if (!isSettings) throw new ConfigError(`${key} must be a JSON object of strings`, { key });
  const stray = Object.keys(parsed as Settings).find((name) => !workerSetting.test(name));
  if (stray !== undefined) {
    const mend = environmentConfig.keys.has(stray) ? 'set it by itself' : 'leave it out, it has no effect here';
    throw new ConfigError(
      `${key} names ${stray}: ${mend}. It may name key.converter, value.converter, header.converter, and what is under them`,
      { key },
    );
  }
  return parsed as Settings;
}
