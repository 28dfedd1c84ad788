import {
  atLeast,
  type ConfigKeySpec,
  caseInsensitiveString,
  defineConfig,
  lambda,
  nonEmptyString,
  Password,
  range,
  validString,
} from '../../src/api/index.ts';
import { aivenAccessConfig } from './access-settings.ts';
import { TimeZone } from './time-zone.ts';

const zone = lambda('a time zone', (_name, value) => {
  if (value === '' || value === null) return undefined;
  try {
    new TimeZone(String(value));
    return undefined;
  } catch {
    return 'Name a time zone as in UTC, Europe/Vienna or +02:00';
  }
});

/** What neither connector has: how files come about in bounded runs. Of both, under the same names. */
const runsSpec = {
  'flush.when.drained': {
    type: 'BOOLEAN',
    default: true,
    importance: 'HIGH',
    doc: 'Finish files once the topics are drained, so that a burst ends as complete files. Otherwise a file stays open over runs until a rotation ends it.',
  },
  'flush.quiet.ms': {
    type: 'LONG',
    default: 10_000,
    validator: range(0, 3_600_000),
    importance: 'MEDIUM',
    doc: 'Of flush.when.drained: milliseconds for which a file must have got no record before it is finished, so that a burst with pauses is not cut into many. A file that a trickle keeps open is finished after six times as long. 0: as soon as a run has drained the topics.',
  },
  'file.max.bytes': {
    type: 'LONG',
    default: 0,
    validator: atLeast(0),
    importance: 'MEDIUM',
    doc: 'Bytes (as stored) at which a file is finished, counted as they are packed: a MiB of text at a time, of Parquet sixteen; 0: no limit.',
  },
  'file.max.age.ms': {
    type: 'LONG',
    default: 0,
    validator: range(0, 518_400_000),
    importance: 'MEDIUM',
    doc: 'Milliseconds since the first record came into it at which a file is finished, new records or not; 0: six days, after which an unfinished upload is in danger of being swept.',
  },
  'file.max.open': {
    type: 'INT',
    default: 200,
    validator: range(1, 10_000),
    importance: 'LOW',
    doc: 'Files that a task keeps open at a time; beyond it the one that has been without a record for longest is finished.',
  },
  'buffer.max.bytes': {
    type: 'LONG',
    default: 67_108_864,
    validator: atLeast(1_048_576),
    importance: 'LOW',
    doc: 'Memory for all open files of a task together; what is beyond it goes to the bucket, where it waits until its file is finished.',
  },
  'state.prefix': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: "Where in the bucket the rests of open files wait between runs. Left out: _drover/ within the files' own prefix. Query engines pass over names that begin with an underscore.",
  },
} as const satisfies Record<string, ConfigKeySpec>;

/** Settings that are taken, so that a config carries over, and that change nothing here. */
function withoutEffect<const K extends string>(why: Readonly<Record<K, string>>) {
  const spec = (doc: string) =>
    ({ type: 'STRING', default: null, importance: 'LOW', doc: `Without effect here: ${doc}.` }) as const;
  const entries = Object.entries<string>(why).map(([key, doc]) => [key, spec(doc)] as const);
  return Object.fromEntries(entries) as Record<K, ReturnType<typeof spec>>;
}

const refused = (why: string) =>
  lambda('not supported', (_name, value) =>
    value === null || value === '' || (value instanceof Password && value.reveal() === '') ? undefined : why,
  );

const retries = 'requests are tried again, with growing pauses, until the run has to end';

export const confluentWithoutEffect = {
  's3.part.retries': retries,
  's3.retry.backoff.ms': retries,
  'retry.backoff.ms': retries,
  's3.wan.mode': 'name an accelerated endpoint in store.url',
  's3.http.send.expect.continue': 'parts are small enough to be sent again',
  's3.send.digest': 'the MD5 of each part is always sent',
  's3.elastic.buffer.enable': 'buffers always grow as they need to',
  's3.elastic.buffer.init.capacity': 'buffers always grow as they need to',
  's3.proxy.user': 'there is no proxy',
  's3.proxy.password': 'there is no proxy',
  'max.write.duration.ms': 'a run ends before its deadline by itself',
  'schemas.cache.config': 'schemas are kept as long as their records',
  'enhanced.avro.schema.support': 'names and versions of schemas are always kept',
  'connect.meta.data': 'names and versions of schemas are always kept',
  'allow.optional.map.keys': 'maps with keys that may be null are written as lists of entries',
  'enable.conditional.writes': 'files are always made on the condition that no other is in the way',
  'report.null.values.to.dlq': 'errors.tolerance and errors.deadletterqueue.topic.name decide',
} as const;

export const aivenWithoutEffect = {
  'aws.credentials.provider': "give keys or a role, or let the function's role do",
  aws_access_key_id: 'use aws.access.key.id',
  aws_secret_access_key: 'use aws.secret.access.key',
  'aws.s3.backoff.delay.ms': retries,
  'aws.s3.backoff.max.delay.ms': retries,
  'aws.s3.backoff.max.retries': retries,
  'kafka.retry.backoff.ms': retries,
  'file.prefix.template': "Aiven's own sink does not use it",
} as const;

const formats = ['avro', 'bytes', 'csv', 'json', 'jsonl', 'parquet'] as const;
const compressions = ['none', 'gzip', 'snappy', 'zstd'] as const;
const parquetCodecs = ['none', 'uncompressed', 'gzip', 'snappy', 'zstd'] as const;
const avroCodecs = ['null', 'deflate', 'snappy', 'zstandard'] as const;

const canned = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'log-delivery-write',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'aws-exec-read',
] as const;

/** The last part of a class name, as in `io.confluent.connect.s3.format.json.JsonFormat`. */
const simpleName = (value: unknown) => String(value).slice(String(value).lastIndexOf('.') + 1);

const classOf = (...names: readonly string[]) =>
  lambda(names.join(', '), (_name, value) =>
    value === null || names.includes(simpleName(value)) ? undefined : `It must be one of ${names.join(', ')}`,
  );

const keyFormats = ['AvroFormat', 'JsonFormat', 'ByteArrayFormat', 'ParquetFormat'];
const notEmptyList = lambda('list', () => undefined);

/** Confluent's, as its ConfigDef has them, and ours. */
export const confluentSinkConfig = defineConfig({
  's3.bucket.name': { type: 'STRING', validator: nonEmptyString, importance: 'HIGH', doc: 'The bucket.' },
  'format.class': {
    type: 'STRING',
    validator: classOf(...keyFormats, 'CsvFormat'),
    importance: 'HIGH',
    doc: 'What the files are: io.confluent.connect.s3.format.avro.AvroFormat, .json.JsonFormat (a document a line), .bytearray.ByteArrayFormat or .parquet.ParquetFormat. Drover has CsvFormat too: the fields of the value, quoted where needed, below a header.',
  },
  'flush.size': {
    type: 'INT',
    validator: atLeast(1),
    importance: 'HIGH',
    doc: 'Records after which a file is finished.',
  },
  'storage.class': {
    type: 'STRING',
    default: 'io.confluent.connect.s3.storage.S3Storage',
    validator: classOf('S3Storage'),
    importance: 'LOW',
    doc: "Confluent's; there is no other.",
  },
  's3.region': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: "The bucket's region. Left out: the function's own.",
  },
  'store.url': {
    type: 'STRING',
    default: null,
    validator: lambda('a URL', (_name, value) =>
      value === null || value === '' || URL.canParse(String(value))
        ? undefined
        : 'Give it whole, as in https://s3.example.com',
    ),
    importance: 'LOW',
    doc: 'Another store that speaks S3.',
  },
  's3.path.style.access.enabled': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'With store.url: the bucket in the path and not in the host name.',
  },
  'topics.dir': { type: 'STRING', default: 'topics', importance: 'HIGH', doc: 'First part of the path; may be empty.' },
  'directory.delim': {
    type: 'STRING',
    default: '/',
    validator: nonEmptyString,
    importance: 'MEDIUM',
    doc: 'Between the parts of the path.',
  },
  'file.delim': { type: 'STRING', default: '+', importance: 'MEDIUM', doc: 'Between the parts of the file name.' },
  'filename.offset.zero.pad.width': {
    type: 'INT',
    default: 10,
    validator: range(0, 30),
    importance: 'LOW',
    doc: 'Digits of the offset in the file name.',
  },
  'rotate.interval.ms': {
    type: 'LONG',
    default: -1,
    importance: 'HIGH',
    doc: "Span of record times in one file, by the partitioner's clock; needs a time-based partitioner. -1: no limit.",
  },
  'rotate.schedule.interval.ms': {
    type: 'LONG',
    default: -1,
    importance: 'MEDIUM',
    doc: 'Finish files at whole multiples of this since midnight, by the wall clock; needs timezone. -1: never.',
  },
  'rotate.file.on.partition.change': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Finish the files of a topic partition when a record belongs to another path. Off here, unlike with Confluent: records that come late or in turns go on in the open file of their path, and do not make a file each.',
  },
  'schema.compatibility': {
    type: 'STRING',
    default: 'NONE',
    validator: validString('NONE', 'BACKWARD', 'FORWARD', 'FULL'),
    importance: 'HIGH',
    doc: 'NONE: each schema has files of its own. The others: a record is projected onto the schema of its open file if that works, else a file of its own begins.',
  },
  'partitioner.class': {
    type: 'STRING',
    default: 'io.confluent.connect.storage.partitioner.DefaultPartitioner',
    validator: classOf(
      'DefaultPartitioner',
      'FieldPartitioner',
      'TimeBasedPartitioner',
      'HourlyPartitioner',
      'DailyPartitioner',
    ),
    importance: 'HIGH',
    doc: 'What directory a record goes to: DefaultPartitioner (partition=N), FieldPartitioner (field=value), TimeBasedPartitioner, HourlyPartitioner, DailyPartitioner.',
  },
  'partition.field.name': {
    type: 'LIST',
    default: [],
    validator: notEmptyList,
    importance: 'MEDIUM',
    doc: 'Of the FieldPartitioner; dots reach into structs.',
  },
  'partition.duration.ms': {
    type: 'LONG',
    default: -1,
    importance: 'MEDIUM',
    doc: 'Of the TimeBasedPartitioner: the step of its times.',
  },
  'path.format': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: "Of the TimeBasedPartitioner, as Joda and Java write it: 'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH.",
  },
  locale: { type: 'STRING', default: '', importance: 'MEDIUM', doc: 'For names of months and days in path.format.' },
  timezone: { type: 'STRING', default: '', validator: zone, importance: 'MEDIUM', doc: 'Of paths and schedules.' },
  'timestamp.extractor': {
    type: 'STRING',
    default: 'Wallclock',
    validator: classOf(
      'Wallclock',
      'Record',
      'RecordField',
      'TimeBasedPartitioner$WallclockTimestampExtractor',
      'TimeBasedPartitioner$RecordTimestampExtractor',
      'TimeBasedPartitioner$RecordFieldTimestampExtractor',
    ),
    importance: 'MEDIUM',
    doc: 'The clock of time-based partitioners: Wallclock, Record (timestamp), RecordField. Only the last two give the same path when a record is read again.',
  },
  'timestamp.field': {
    type: 'STRING',
    default: 'timestamp',
    validator: nonEmptyString,
    importance: 'MEDIUM',
    doc: 'Of RecordField: milliseconds, ISO text, or Connect’s Timestamp; dots reach into structs.',
  },
  's3.part.size': {
    type: 'INT',
    default: 26_214_400,
    validator: range(5_242_880),
    importance: 'MEDIUM',
    doc: 'Bytes of a part of an upload.',
  },
  's3.compression.type': {
    type: 'STRING',
    default: 'none',
    validator: validString(...compressions),
    importance: 'LOW',
    doc: 'Of JSON, CSV and byte array files; Avro and Parquet have codecs of their own.',
  },
  's3.compression.level': {
    type: 'INT',
    default: -1,
    validator: range(-1, 9),
    importance: 'LOW',
    doc: 'Of gzip; -1: the usual one.',
  },
  'parquet.codec': {
    type: 'STRING',
    default: 'snappy',
    validator: validString(...parquetCodecs),
    importance: 'LOW',
    doc: 'Codec of Parquet files.',
  },
  'avro.codec': {
    type: 'STRING',
    default: 'null',
    validator: validString(...avroCodecs),
    importance: 'LOW',
    doc: 'Codec of Avro files.',
  },
  'json.decimal.format': {
    type: 'STRING',
    default: 'BASE64',
    validator: validString('BASE64', 'NUMERIC'),
    importance: 'LOW',
    doc: 'How JSON shows decimals.',
  },
  'format.bytearray.extension': {
    type: 'STRING',
    default: '.bin',
    importance: 'LOW',
    doc: 'Ending of byte array files.',
  },
  'format.bytearray.separator': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Behind each value of a byte array file, escapes as in Java. Left out: a line feed.',
  },
  'behavior.on.null.values': {
    type: 'STRING',
    default: 'fail',
    validator: validString('ignore', 'fail', 'write'),
    importance: 'LOW',
    doc: 'A record without a value: ignore it, fail (by errors.tolerance), or write it below tombstone.encoded.partition, which needs store.kafka.keys.',
  },
  'tombstone.encoded.partition': {
    type: 'STRING',
    default: 'tombstone',
    validator: nonEmptyString,
    importance: 'LOW',
    doc: 'Directory of records without a value.',
  },
  'store.kafka.keys': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'A second file with the keys beside each file. Every record must have one then.',
  },
  'store.kafka.headers': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'A file with the headers beside each file. Every record must have some then.',
  },
  'keys.format.class': {
    type: 'STRING',
    default: 'io.confluent.connect.s3.format.avro.AvroFormat',
    validator: classOf(...keyFormats),
    importance: 'LOW',
    doc: 'What the files of keys are.',
  },
  'headers.format.class': {
    type: 'STRING',
    default: 'io.confluent.connect.s3.format.avro.AvroFormat',
    validator: classOf('AvroFormat', 'JsonFormat', 'ParquetFormat'),
    importance: 'LOW',
    doc: 'What the files of headers are.',
  },
  's3.schema.partition.affix.type': {
    type: 'STRING',
    default: 'NONE',
    validator: validString('NONE', 'SUFFIX', 'PREFIX'),
    importance: 'LOW',
    doc: 'A directory schema_name=<name> behind or before that of the partitioner.',
  },
  's3.object.tagging': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Tag files with startOffset, endOffset and recordCount.',
  },
  's3.object.tagging.key.value.pairs': {
    type: 'LIST',
    default: [],
    importance: 'LOW',
    doc: 'More tags, as name:value.',
  },
  's3.object.behavior.on.tagging.error': {
    type: 'STRING',
    default: 'ignore',
    validator: validString('ignore', 'fail'),
    importance: 'LOW',
    doc: 'Whether a file that cannot be tagged fails the task.',
  },
  'aws.access.key.id': {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    doc: "Access key, together with aws.secret.access.key. Left out: the function's role, which is better.",
  },
  'aws.secret.access.key': {
    type: 'PASSWORD',
    default: '',
    importance: 'HIGH',
    doc: 'Secret of aws.access.key.id.',
  },
  's3.credentials.provider.class': {
    type: 'STRING',
    default: null,
    validator: classOf(
      'AwsAssumeRoleCredentialsProvider',
      'DefaultCredentialsProvider',
      'DefaultAWSCredentialsProviderChain',
    ),
    importance: 'LOW',
    doc: 'io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider takes the role of s3.credentials.provider.sts.role.arn.',
  },
  's3.credentials.provider.sts.role.arn': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'A role to assume, for a bucket of another account say. Needs a way to STS.',
  },
  's3.credentials.provider.sts.role.session.name': {
    type: 'STRING',
    default: 'drover',
    importance: 'LOW',
    doc: 'Name of the session of that role.',
  },
  's3.credentials.provider.sts.role.external.id': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'External id that the role asks for.',
  },
  's3.ssea.name': {
    type: 'STRING',
    default: '',
    validator: validString('', 'AES256', 'aws:kms', 'aws:kms:dsse'),
    importance: 'LOW',
    doc: 'Encryption in the bucket.',
  },
  's3.sse.kms.key.id': { type: 'STRING', default: '', importance: 'LOW', doc: 'KMS key of that encryption.' },
  's3.acl.canned': {
    type: 'STRING',
    default: null,
    validator: lambda(canned.join(', '), (_name, value) =>
      value === null || (canned as readonly unknown[]).includes(value)
        ? undefined
        : `It must be one of ${canned.join(', ')}`,
    ),
    importance: 'LOW',
    doc: 'Canned ACL of the files.',
  },
  's3.sse.customer.key': {
    type: 'PASSWORD',
    default: null,
    validator: refused('Keys of the client are not supported: encrypt with s3.ssea.name and s3.sse.kms.key.id'),
    importance: 'LOW',
    doc: 'Not supported.',
  },
  's3.proxy.url': {
    type: 'STRING',
    default: null,
    validator: refused('There is no way through a proxy: reach S3 by its gateway endpoint'),
    importance: 'LOW',
    doc: 'Not supported.',
  },
  ...runsSpec,
  ...withoutEffect(confluentWithoutEffect),
});

/** Aiven's, as its ConfigDef has them, and ours. */
export const aivenSinkConfig = defineConfig({
  ...aivenAccessConfig.spec,
  'aws.s3.prefix': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Prefix of the files, with {{topic}}, {{partition}}, {{start_offset}}, {{timestamp:unit=…}}, {{utc_date}}. Once it is set, files are named <topic>-<partition>-<offset> and file.name.template does not count.',
  },
  aws_s3_prefix: {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'Older name of aws.s3.prefix.',
    deprecated: 'aws.s3.prefix',
  },
  'file.name.template': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Name of the files, with {{topic}}, {{partition:padding=true}}, {{start_offset:padding=true}}, {{timestamp:unit=yyyy}} (MM, dd, HH) and {{key}}. With {{key}} and without {{start_offset}} a file holds the newest record of its key.',
  },
  'file.compression.type': {
    type: 'STRING',
    default: null,
    validator: caseOrNull(...compressions),
    importance: 'MEDIUM',
    doc: 'none, gzip, snappy or zstd; left out: gzip. Of Parquet files it is the codec inside.',
  },
  output_compression: {
    type: 'STRING',
    default: null,
    validator: caseOrNull(...compressions),
    importance: 'LOW',
    doc: 'Older name of file.compression.type.',
    deprecated: 'file.compression.type',
  },
  'file.max.records': {
    type: 'INT',
    default: 0,
    validator: atLeast(0),
    importance: 'MEDIUM',
    doc: 'Records after which a file is finished; 0: no limit.',
  },
  'format.output.type': {
    type: 'STRING',
    default: 'csv',
    validator: caseInsensitiveString(...formats),
    importance: 'MEDIUM',
    doc: 'avro, csv, json, jsonl, parquet; and, of Drover alone, bytes: the values as they are, a line feed behind each.',
  },
  'format.output.fields': {
    type: 'LIST',
    default: null,
    validator: fields(),
    importance: 'MEDIUM',
    doc: 'What is written of a record: key, value, offset, timestamp, headers; left out: value.',
  },
  output_fields: {
    type: 'LIST',
    default: null,
    validator: fields(),
    importance: 'LOW',
    doc: 'Older name of format.output.fields.',
    deprecated: 'format.output.fields',
  },
  'format.output.fields.value.encoding': {
    type: 'STRING',
    default: 'base64',
    validator: caseInsensitiveString('base64', 'none'),
    importance: 'MEDIUM',
    doc: 'Of values in CSV; keys are always base64.',
  },
  'format.output.envelope': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: 'Whether the one field that is written stands within an object that names it.',
  },
  'file.name.timestamp.timezone': {
    type: 'STRING',
    default: 'Z',
    validator: zone,
    importance: 'LOW',
    doc: 'Zone of {{timestamp}}.',
  },
  'timestamp.timezone': {
    type: 'STRING',
    default: null,
    validator: zone,
    importance: 'LOW',
    doc: 'Older name of file.name.timestamp.timezone.',
    deprecated: 'file.name.timestamp.timezone',
  },
  'file.name.timestamp.source': {
    type: 'STRING',
    default: 'WALLCLOCK',
    validator: caseInsensitiveString('WALLCLOCK', 'EVENT'),
    importance: 'LOW',
    doc: "What {{timestamp}} is: the wall clock's, or the record's own (event).",
  },
  'timestamp.source': {
    type: 'STRING',
    default: null,
    validator: caseOrNull('WALLCLOCK', 'EVENT'),
    importance: 'LOW',
    doc: 'Older name of file.name.timestamp.source.',
    deprecated: 'file.name.timestamp.source',
  },
  'aws.s3.part.size.bytes': {
    type: 'INT',
    default: 5_242_880,
    validator: range(1, 2_000_000_000),
    importance: 'MEDIUM',
    doc: 'Bytes of a part of an upload; what is below 5 MiB counts as 5 MiB, as S3 takes no smaller ones.',
  },
  'aws.s3.sse.algorithm': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'Encryption in the bucket: AES256, aws:kms.',
  },
  'avro.codec': {
    type: 'STRING',
    default: 'null',
    validator: validString(...avroCodecs),
    importance: 'LOW',
    doc: 'Codec inside Avro files.',
  },
  'behavior.on.null.values': {
    type: 'STRING',
    default: 'write',
    validator: validString('ignore', 'fail', 'write'),
    importance: 'LOW',
    doc: 'A record without a value: ignore it, fail (by errors.tolerance), or write it as null, which Avro and Parquet can do within an envelope only.',
  },
  ...runsSpec,
  ...withoutEffect(aivenWithoutEffect),
});

function caseOrNull(...values: readonly string[]) {
  const inner = caseInsensitiveString(...values);
  return lambda(inner.description, (name, value) => {
    if (value !== null) inner.check(name, value);
    return undefined;
  });
}

function fields() {
  const known = ['key', 'value', 'offset', 'timestamp', 'headers'];
  return lambda(known.join(', '), (_name, value) => {
    if (value === null) return undefined;
    const unknown = (value as readonly string[]).filter((field) => !known.includes(field.toLowerCase()));
    return unknown.length === 0 ? undefined : `Supported are ${known.join(', ')}`;
  });
}
