import { parseBootstrapServers } from './bootstrap-servers.ts';
import { type ConfigValues, defineConfig } from './config-def.ts';
import { apacheConverters } from './connector-config.ts';
import { atLeast, lambda, nonEmptyString, nullOr, type Validator, validString } from './validators.ts';

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
  'drover.feeds': {
    type: 'STRING',
    default: '[]',
    importance: 'LOW',
    doc: 'The event sources that are wired to the feed function, a JSON array; written by the construct.',
  },
  'drover.task.function': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Name of the task function; the coordinator invokes it.',
  },
  'drover.java.function': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Name of the function that runs Java plugins; the coordinator hands their runs to it, REST asks it what only a class can say.',
  },
  'drover.java.manifest': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'File that lists and describes the Java plugins, so that nobody needs a JVM to know them; written by the construct.',
  },
  'drover.java.home': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: "Folder of the Java runtime, with `bin/java` in it. The function's own `java` when left out.",
  },
  'drover.java.host': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Folder with the jars of the program that runs Java plugins.',
  },
  'drover.java.plugin.path': {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: "Folders whose folders and jars are Java plugins, as a worker's `plugin.path`.",
  },
  'drover.java.options': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Further options of the JVM, with spaces between: `-Xmx512m`.',
  },
  'drover.wake.sources': {
    type: 'STRING',
    default: '[]',
    importance: 'LOW',
    doc:
      'A JSON array of `{"source": ARN, "wakes": [connector, …]}`: the connectors that every message of a queue or topic ' +
      'wakes, beside those that it names.',
  },
  'drover.runs.in.flight.max': {
    type: 'INT',
    default: 100,
    importance: 'MEDIUM',
    validator: atLeast(1),
    doc: 'Task runs that may be under way at a time.',
  },
  'drover.runner.queue': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'URL of the queue (SQS) by which runners hear of tasks whose connectors ask for drover.runner=always. None: there is no runner.',
  },
  'drover.runner.tasks.max': {
    type: 'INT',
    default: 8,
    importance: 'MEDIUM',
    validator: atLeast(1),
    doc: 'Tasks that one runner runs at a time, each in a process of its own.',
  },
  'drover.runner.lease.ms': {
    type: 'LONG',
    default: 30_000,
    importance: 'LOW',
    validator: atLeast(1000),
    doc: 'For how long a runner holds a task each time; renewed every sixth of it. A runner that is lost with its machine is taken over when it is over.',
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
    default: null,
    importance: 'LOW',
    validator: nullOr(atLeast(0)),
    doc: 'How long a run that has moved records waits for more once it finds nothing. Not set: as long as that is cheaper than another run, by the rhythm of the records that came of late.',
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
