import {
  ConfigError,
  type ConfigProblem,
  type ConfigValues,
  type ConnectorConfig,
  parseConfig,
} from '../../src/api/index.ts';
import { aivenAccess, aivenAccessProblems, aivenBucket } from './access-settings.ts';
import { prefixLayout, templateLayout } from './aiven-layout.ts';
import type { FileCompression, FileFormat, RecordPart, RecordShape, WriterSpec } from './formats/record-writer.ts';
import { statePrefixOf } from './rests.ts';
import type { SinkLayout } from './sink-layout.ts';
import { compressionEndings, fingerprintOf, rotationOf, type SinkPlan } from './sink-plan.ts';
import { aivenSinkConfig } from './sink-settings.ts';
import { TimeZone } from './time-zone.ts';

type Values = ConfigValues<typeof aivenSinkConfig>;

const smallestPartBytes = 5 << 20;

export function aivenProblems(config: ConnectorConfig): ConfigProblem[] {
  const values = parseConfig(aivenSinkConfig, config);
  const problems = aivenAccessProblems(values);
  const parts = partsOf(values);
  if (!values['format.output.envelope'] && parts.length !== 1) {
    problems.push({
      key: 'format.output.envelope',
      message: `format.output.envelope=false leaves out the names of the fields, so that there can be one in format.output.fields only, and there are ${parts.length}`,
    });
  }
  if (formatOf(values) === 'bytes' && (parts.length !== 1 || (parts[0] !== 'value' && parts[0] !== 'key'))) {
    problems.push({
      key: 'format.output.fields',
      message:
        'format.output.type=bytes holds values, or keys, and nothing else: set format.output.fields to one of them',
    });
  }
  try {
    const { newestPerKey } = layoutOf(values);
    if (newestPerKey && values['file.max.records'] > 1) {
      problems.push({
        key: 'file.max.records',
        message:
          'file.max.records is 1 at most where file.name.template has {{key}}: a file holds the newest record of its key',
      });
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push({ key: String(error.facts.key ?? 'file.name.template'), message: error.message });
  }
  return problems;
}

export function aivenPlan(config: ConnectorConfig): SinkPlan {
  const values = parseConfig(aivenSinkConfig, config);
  const layout = layoutOf(values);
  const records = values['file.max.records'];
  return {
    bucket: aivenBucket(values) ?? '',
    access: aivenAccess(values),
    storing: { encryption: values['aws.s3.sse.algorithm'], kmsKeyId: null, acl: null, tags: null },
    layout,
    writer: writerOf(values),
    companions: [],
    projects: false,
    rotation: {
      ...rotationOf(values),
      records: records > 0 ? records : null,
      spanMs: null,
      schedule: null,
      onPathChange: false,
    },
    nulls: values['behavior.on.null.values'],
    partBytes: Math.max(smallestPartBytes, values['aws.s3.part.size.bytes']),
    mostOpenFiles: values['file.max.open'],
    mostBufferedBytes: values['buffer.max.bytes'],
    statePrefix: statePrefixOf(values['state.prefix'], layout.prefix),
    fingerprint: fingerprintOf(values),
  };
}

const formatOf = (values: Values) => values['format.output.type'].toLowerCase() as FileFormat;

const partsOf = (values: Values): RecordPart[] =>
  (values['format.output.fields'] ?? values.output_fields ?? ['value']).map((part) => part.toLowerCase() as RecordPart);

/** As given; null: nobody has said. */
const givenCompression = (values: Values): FileCompression | null =>
  ((values['file.compression.type'] ?? values.output_compression)?.toLowerCase() ?? null) as FileCompression | null;

function writerOf(values: Values): WriterSpec {
  const format = formatOf(values);
  const parts = partsOf(values);
  const [only] = parts;
  const alone = format === 'bytes' || !values['format.output.envelope'];
  const shape: RecordShape =
    alone && (only === 'key' || only === 'value' || only === 'headers') && format !== 'csv'
      ? { kind: 'part', part: only }
      : { kind: 'parts', parts, rawCsvValues: values['format.output.fields.value.encoding'].toLowerCase() === 'none' };
  const codecs = { null: 'none', deflate: 'gzip', snappy: 'snappy', zstandard: 'zstd' } as const;
  const inside = values['avro.codec'] === 'null' ? null : codecs[values['avro.codec']];
  return {
    format,
    // Avro and Parquet are compressed inside, where readers can skip what they do not want.
    compression:
      format === 'avro' ? (inside ?? givenCompression(values) ?? 'none') : (givenCompression(values) ?? 'gzip'),
    level: -1,
    shape,
    numericDecimals: false,
    separator: '\n',
    endsLines: false,
  };
}

function layoutOf(values: Values): SinkLayout {
  const format = formatOf(values);
  const given = givenCompression(values);
  const zone = new TimeZone(values['timestamp.timezone'] ?? values['file.name.timestamp.timezone']);
  const source = values['timestamp.source'] ?? values['file.name.timestamp.source'];
  const options = { zone, eventTime: source.toUpperCase() === 'EVENT' };
  const packed = given === null || format === 'avro' || format === 'parquet' ? '' : compressionEndings[given];
  const prefix = values['aws.s3.prefix'] ?? values.aws_s3_prefix;
  const ending = `${format === 'avro' ? '.avro' : ''}${packed}`;
  if (prefix !== null && prefix !== '') return prefixLayout(prefix, ending, options);
  const template = values['file.name.template'];
  if (template === null) return templateLayout('{{topic}}-{{partition}}-{{start_offset}}', ending, options);
  return templateLayout(template, '', options);
}
