import {
  type ConfigValues,
  defineConfig,
  nonEmptyString,
  parseConfig,
  range,
  type Settings,
  validString,
} from '../../src/api/index.ts';

const ignored = (why: string) => ({ importance: 'LOW', doc: `Has no effect: ${why}`, deprecated: why }) as const;
const leastPauseMs = 500;
const longest = 2_147_483_647;

export const kinesisSourceConfig = defineConfig({
  'kinesis.stream': {
    type: 'STRING',
    validator: nonEmptyString,
    importance: 'HIGH',
    doc: 'Name of the stream.',
  },
  'kafka.topic': {
    type: 'STRING',
    validator: nonEmptyString,
    importance: 'HIGH',
    doc: 'Topic that its records are written to.',
  },
  'kinesis.region': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Region of the stream, as `eu-west-1` or `EU_WEST_1`. Default: that of the installation.',
  },
  'kinesis.position': {
    type: 'STRING',
    default: 'TRIM_HORIZON',
    validator: validString('TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'),
    importance: 'MEDIUM',
    doc: 'Where a shard is begun that has no offset yet, when the stream is polled: with all that it keeps, with what comes after the connector was configured, or at `kinesis.shard.timestamp`. A stream that feeds the connector has its position in the CDK app. For a sequence number, set the offset.',
  },
  'kinesis.shard.timestamp': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'ISO 8601 or epoch milliseconds. Needed for the position AT_TIMESTAMP.',
  },
  'kinesis.shard.id': {
    type: 'STRING',
    default: '.*',
    importance: 'MEDIUM',
    doc: 'Regular expression for the ids of the shards that are read, as a whole. Anything else than `.*` is polled.',
  },
  'kinesis.record.limit': {
    type: 'INT',
    default: 500,
    validator: range(1, 10_000),
    importance: 'MEDIUM',
    doc: 'Most records that one request reads, when the stream is polled.',
  },
  'kinesis.empty.records.backoff.ms': {
    type: 'LONG',
    default: 5000,
    validator: range(leastPauseMs, longest),
    importance: 'LOW',
    doc: 'How long a shard that has nothing new is left alone within a run, when the stream is polled.',
  },
  'kinesis.throughput.exceeded.backoff.ms': {
    type: 'LONG',
    default: 10_000,
    validator: range(leastPauseMs, longest),
    importance: 'LOW',
    doc: 'How long a shard is left alone that was asked too often, when the stream is polled.',
  },
  'kinesis.deaggregate': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: "Whether the records that Amazon's producer library has put together into one are split again.",
  },
  'aws.access.key.id': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: "Together with `aws.secret.key.id`. Default: the function's own role.",
  },
  'aws.secret.key.id': { type: 'PASSWORD', default: null, importance: 'LOW', doc: 'See `aws.access.key.id`.' },
  'kinesis.base.url': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'URL that stands for Kinesis. Such a stream is polled.',
  },
  'kinesis.credentials.provider.class': {
    type: 'STRING',
    default: null,
    ...ignored("no Java class is loaded: the function's own role or the two keys are what gives access."),
  },
  'kinesis.proxy.url': { type: 'STRING', default: null, ...ignored('functions call Kinesis directly.') },
  'kinesis.proxy.username': { type: 'STRING', default: null, ...ignored('functions call Kinesis directly.') },
  'kinesis.proxy.password': { type: 'PASSWORD', default: null, ...ignored('functions call Kinesis directly.') },
  'kinesis.non.proxy.hosts': { type: 'LIST', default: null, ...ignored('functions call Kinesis directly.') },
  'confluent.topic.bootstrap.servers': { type: 'LIST', default: null, ...ignored('there is no licence to look for.') },
  'confluent.topic.replication.factor': { type: 'INT', default: 3, ...ignored('there is no licence to look for.') },
  'confluent.topic': { type: 'STRING', default: null, ...ignored('there is no licence to look for.') },
  'confluent.license': { type: 'PASSWORD', default: null, ...ignored('there is no licence to look for.') },
  /** Epoch milliseconds, of a task: what LATEST begins behind. */
  'task.since': { type: 'LONG', default: null, importance: 'LOW', internal: true, doc: 'When it was configured.' },
});

export type KinesisSettings = ConfigValues<typeof kinesisSourceConfig>;

/** Throws ConfigError. */
export const parseSettings = (config: Settings): KinesisSettings => parseConfig(kinesisSourceConfig, config);

/** Confluent writes regions as AWS does, the other connector as a constant of the SDK. */
export const regionOf = (settings: KinesisSettings): string | null =>
  settings['kinesis.region']?.trim().toLowerCase().replaceAll('_', '-') || null;

/** Epoch milliseconds; null where it is neither ISO 8601 nor a number of them. */
export function timestampOf(text: string): number | null {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
