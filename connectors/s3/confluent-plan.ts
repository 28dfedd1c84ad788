import { type ConfigProblem, type ConfigValues, type ConnectorConfig, parseConfig } from '../../src/api/index.ts';
import { confluentLayout, confluentLayoutProblems } from './confluent-layout.ts';
import type { FileFormat, RecordShape, WriterSpec } from './formats/record-writer.ts';
import { statePrefixOf } from './rests.ts';
import type { S3Access } from './s3-client.ts';
import { type CompanionFile, compressionEndings, fingerprintOf, rotationOf, type SinkPlan } from './sink-plan.ts';
import { confluentSinkConfig } from './sink-settings.ts';
import { TimeZone } from './time-zone.ts';

type Values = ConfigValues<typeof confluentSinkConfig>;

const simpleName = (name: string) => name.slice(name.lastIndexOf('.') + 1);

const formats: Readonly<Record<string, FileFormat>> = {
  AvroFormat: 'avro',
  ByteArrayFormat: 'bytes',
  CsvFormat: 'csv',
  JsonFormat: 'jsonl',
  ParquetFormat: 'parquet',
};

export function confluentProblems(config: ConnectorConfig): ConfigProblem[] {
  const values = parseConfig(confluentSinkConfig, config);
  const problems: ConfigProblem[] = [...confluentLayoutProblems(values)];
  const format = formats[simpleName(values['format.class'])]!;
  if (values['s3.compression.type'] !== 'none' && (format === 'avro' || format === 'parquet')) {
    problems.push({
      key: 's3.compression.type',
      message: `s3.compression.type does not go with ${format} files, which are compressed inside: set ${format}.codec`,
    });
  }
  if (values['behavior.on.null.values'] === 'write' && !values['store.kafka.keys']) {
    problems.push({
      key: 'behavior.on.null.values',
      message: 'behavior.on.null.values=write keeps the keys of records without a value: set store.kafka.keys=true',
    });
  }
  if ((values['aws.access.key.id'] === '') !== (values['aws.secret.access.key'].reveal() === '')) {
    problems.push({
      key: 'aws.access.key.id',
      message: 'Set aws.access.key.id and aws.secret.access.key together, or neither of them',
    });
  }
  const provider = values['s3.credentials.provider.class'];
  if (simpleName(provider ?? '') === 'AwsAssumeRoleCredentialsProvider' && roleArn(values) === null) {
    problems.push({
      key: 's3.credentials.provider.sts.role.arn',
      message: 'The setting s3.credentials.provider.sts.role.arn is missing: the provider needs the role to take',
    });
  }
  return problems;
}

export function confluentPlan(config: ConnectorConfig): SinkPlan {
  const values = parseConfig(confluentSinkConfig, config);
  const writer = writerOf(values);
  const layout = confluentLayout(values, endingOf(values, values['format.class'], writer));
  const interval = values['rotate.schedule.interval.ms'];
  const zone = new TimeZone(values.timezone || 'UTC');
  return {
    bucket: values['s3.bucket.name'],
    access: accessOf(values),
    storing: {
      encryption: values['s3.ssea.name'] || null,
      kmsKeyId: values['s3.sse.kms.key.id'] || null,
      acl: values['s3.acl.canned'],
      tags: tagsOf(values),
    },
    layout,
    writer,
    companions: companionsOf(values),
    projects: values['schema.compatibility'] !== 'NONE',
    rotation: {
      ...rotationOf(values),
      records: values['flush.size'],
      spanMs: values['rotate.interval.ms'] > 0 ? values['rotate.interval.ms'] : null,
      schedule: interval > 0 ? { intervalMs: interval, zone } : null,
      onPathChange: values['rotate.file.on.partition.change'],
    },
    nulls: values['behavior.on.null.values'],
    partBytes: values['s3.part.size'],
    mostOpenFiles: values['file.max.open'],
    mostBufferedBytes: values['buffer.max.bytes'],
    statePrefix: statePrefixOf(values['state.prefix'], layout.prefix),
    fingerprint: fingerprintOf(values),
  };
}

function writerOf(values: Values): WriterSpec {
  const format = formats[simpleName(values['format.class'])]!;
  return specOf(values, format, { kind: 'part', part: 'value' });
}

function specOf(values: Values, format: FileFormat, shape: RecordShape): WriterSpec {
  const inside =
    format === 'avro' ? avroCodecs[values['avro.codec']] : format === 'parquet' ? parquetCodec(values) : null;
  return {
    format,
    compression: inside ?? values['s3.compression.type'],
    level: values['s3.compression.level'],
    shape,
    numericDecimals: values['json.decimal.format'] === 'NUMERIC',
    separator: unescaped(values['format.bytearray.separator'] ?? '\n'),
    endsLines: true,
  };
}

const avroCodecs = { null: 'none', deflate: 'gzip', snappy: 'snappy', zstandard: 'zstd' } as const;

function parquetCodec(values: Values) {
  const codec = values['parquet.codec'];
  return codec === 'uncompressed' ? 'none' : codec;
}

function endingOf(values: Values, formatClass: string, { format, compression }: WriterSpec): string {
  const packed = compressionEndings[compression];
  switch (formats[simpleName(formatClass)]) {
    case 'avro':
      return '.avro';
    case 'parquet':
      return format === 'parquet' && compression !== 'none'
        ? `.${compression === 'gzip' ? 'gz' : compression}.parquet`
        : '.parquet';
    case 'bytes':
      return `${values['format.bytearray.extension']}${packed}`;
    case 'csv':
      return `.csv${packed}`;
    default:
      return `.json${packed}`;
  }
}

function companionsOf(values: Values): CompanionFile[] {
  const companion = (part: 'key' | 'headers', formatClass: string): CompanionFile => {
    const writer = specOf(values, formats[simpleName(formatClass)]!, { kind: 'part', part });
    return {
      part,
      infix: part === 'key' ? '.keys' : '.headers',
      ending: endingOf(values, formatClass, writer),
      writer,
    };
  };
  return [
    ...(values['store.kafka.keys'] ? [companion('key', values['keys.format.class'])] : []),
    ...(values['store.kafka.headers'] ? [companion('headers', values['headers.format.class'])] : []),
  ];
}

function tagsOf(values: Values): SinkPlan['storing']['tags'] {
  const pairs = values['s3.object.tagging.key.value.pairs'].filter((pair) => pair !== '');
  if (!values['s3.object.tagging'] && pairs.length === 0) return null;
  const own = pairs.map((pair) => {
    const colon = pair.indexOf(':');
    return colon < 0 ? ([pair, ''] as const) : ([pair.slice(0, colon), pair.slice(colon + 1)] as const);
  });
  return { own, counts: values['s3.object.tagging'] };
}

const roleArn = (values: Values) => values['s3.credentials.provider.sts.role.arn'] || null;

function accessOf(values: Values): S3Access {
  const arn = roleArn(values);
  const accessKeyId = values['aws.access.key.id'];
  return {
    region: values['s3.region'],
    endpoint: values['store.url'] || null,
    pathStyle: values['store.url'] ? values['s3.path.style.access.enabled'] : null,
    credentials: accessKeyId === '' ? null : { accessKeyId, secretAccessKey: values['aws.secret.access.key'] },
    role:
      arn === null
        ? null
        : {
            arn,
            sessionName: values['s3.credentials.provider.sts.role.session.name'],
            externalId: values['s3.credentials.provider.sts.role.external.id'],
            durationSeconds: 3600,
            stsEndpoint: null,
          },
  };
}

/** As Java's compiler reads them. */
const unescaped = (text: string) =>
  text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, char: string) =>
    code !== undefined ? String.fromCharCode(Number.parseInt(code, 16)) : (escapes[char] ?? char),
  );
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', '0': '\0' };
