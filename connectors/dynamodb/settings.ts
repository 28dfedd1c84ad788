import {
  type ConfigValues,
  defineConfig,
  parseConfig,
  range,
  type Settings,
  validString,
} from '../../src/api/index.ts';

const ignored = (why: string) => ({ importance: 'LOW', doc: `Has no effect: ${why}`, deprecated: why }) as const;
const untagged = 'tables are not looked for by their tags, `dynamodb.table.whitelist` names them.';

export const dynamoDbSourceConfig = defineConfig({
  'dynamodb.table.whitelist': {
    type: 'LIST',
    default: null,
    importance: 'HIGH',
    doc: 'The tables whose streams are read. Needed: tables are not looked for by their tags. One table can be fed by its stream; several are polled.',
  },
  'kafka.topic.prefix': {
    type: 'STRING',
    default: 'dynamodb-',
    importance: 'HIGH',
    doc: "Begins the name of each table's topic; the name of the table follows.",
  },
  'kafka.topic.map': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'A JSON object from tables to names that follow the prefix in place of theirs.',
  },
  'record.shape': {
    type: 'STRING',
    default: 'document',
    validator: validString('document', 'images'),
    importance: 'HIGH',
    doc: '`document`: the new image as text of DynamoDB JSON, in an envelope. `images`: old and new image as plain values, without a schema.',
  },
  'tombstones.on.delete': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: 'A delete is followed by a record without value, by which compaction removes the item.',
  },
  snapshot: {
    type: 'STRING',
    default: 'none',
    validator: validString('none', 'initial'),
    importance: 'HIGH',
    doc: "`initial`: the items that are there are read once, beside the stream. Never begun anew by itself: for another one, reset the offset of the table's source partition. Set it to `none` once it is over, and nothing looks whether it is.",
  },
  'snapshot.segments': {
    type: 'INT',
    default: 1,
    validator: range(1, 1000),
    importance: 'LOW',
    doc: 'Parts of the table that are scanned at the same time. A change begins a snapshot that is under way anew.',
  },
  'snapshot.page.items': {
    type: 'INT',
    default: 1000,
    validator: range(1, 100_000),
    importance: 'LOW',
    doc: 'Most items that one request of a snapshot reads; it ends at 1 MB as well.',
  },
  'stream.trimmed': {
    type: 'STRING',
    default: 'fail',
    validator: validString('fail', 'continue'),
    importance: 'MEDIUM',
    doc: 'What becomes of a polled stream whose next records are older than the 24 hours that it keeps, and gone. `continue`: it goes on with the oldest there are, and says what is lost.',
  },
  'aws.region': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Region of the tables. Default: that of the installation.',
  },
  'aws.access.key.id': {
    type: 'PASSWORD',
    default: null,
    importance: 'LOW',
    doc: "Together with `aws.secret.key`. Default: the function's own role.",
  },
  'aws.secret.key': { type: 'PASSWORD', default: null, importance: 'LOW', doc: 'See `aws.access.key.id`.' },
  'dynamodb.service.endpoint': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'URL that stands for DynamoDB and its streams.',
  },
  'dynamodb.table.ingestion.tag.key': { type: 'STRING', default: 'datalake-ingest', ...ignored(untagged) },
  'dynamodb.table.env.tag.key': { type: 'STRING', default: 'environment', ...ignored(untagged) },
  'dynamodb.table.env.tag.value': { type: 'STRING', default: 'dev', ...ignored(untagged) },
  'resource.tagging.service.endpoint': { type: 'STRING', default: null, ...ignored(untagged) },
  'connect.dynamodb.rediscovery.period': { type: 'LONG', default: 60000, ...ignored(untagged) },
  'init.sync.delay.period': {
    type: 'INT',
    default: 60,
    ...ignored('nothing is scanned unless `snapshot` asks for it, and then at once.'),
  },
  'kcl.table.billing.mode': {
    type: 'STRING',
    default: 'PROVISIONED',
    validator: validString('PROVISIONED', 'PAY_PER_REQUEST'),
    ...ignored('no table of leases is made, positions are offsets of the connector.'),
  },
  /** Of a task whose tables' streams are fed to the connector: it takes the snapshot alone. */
  'task.fed': { type: 'BOOLEAN', default: false, importance: 'LOW', internal: true, doc: 'The stream is not polled.' },
});

export type DynamoDbSettings = ConfigValues<typeof dynamoDbSourceConfig>;

export const tablesKey = 'dynamodb.table.whitelist';
export const mapKey = 'kafka.topic.map';

/** Throws ConfigError. */
export const parseSettings = (config: Settings): DynamoDbSettings => parseConfig(dynamoDbSourceConfig, config);
