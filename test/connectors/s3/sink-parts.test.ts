import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aivenS3Sink, confluentS3Sink } from '../../../connectors/s3/plugin.ts';
import { plainAvro } from '../../../src/plugins/converters/avro/plain-avro.ts';
import { ConnectorBench } from '../../../src/testing/index.ts';
import { MemoryS3 } from '../../support/memory-s3.ts';
import { readBack } from './formats/read-back.ts';

/** What a record has beside its value, and records without one, in files of every format. */
let store: MemoryS3;
let bench: ConnectorBench;

beforeEach(async () => {
  store = await MemoryS3.start();
});

afterEach(async () => {
  await bench.close();
  await store[Symbol.asyncDispose]();
});

const text = { type: 'string' };
const fields = [
  { field: 'id', type: 'int32' },
  { field: 'name', ...text, optional: true },
];
/** As JsonConverter reads a value with its schema. */
const withSchema = (id: number) =>
  JSON.stringify({
    schema: { type: 'struct', name: 'Row', fields },
    payload: { id, name: id % 2 === 0 ? null : `n${id}` },
  });
const row = (id: number) => ({ id, name: id % 2 === 0 ? null : `n${id}` });
const converters = { 'key.converter': 'StringConverter', 'value.converter': 'JsonConverter' };

interface Given {
  readonly key?: string;
  readonly value: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** By name, what the files hold after all of it was read. */
async function filesOf(settings: Readonly<Record<string, string>>, records: readonly Given[]) {
  bench = new ConnectorBench(
    (settings['connector.class']!.includes('aiven') ? aivenS3Sink : confluentS3Sink)(async () => plainAvro),
  );
  await bench.produce(records.map((one) => ({ topic: 't', timestamp: 1_700_000_000_000, ...one })));
  const tolerant = { 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': 'dead' };
  await bench.configure({ topics: 't', 'flush.quiet.ms': '0', ...converters, ...tolerant, ...settings });
  await bench.drain();
  const files = await Promise.all(
    store.files.map(async ({ key, bytes }) => [key, await readBack(key, bytes)] as const),
  );
  return {
    files: Object.fromEntries(files),
    dead: (await bench.deadLetters()).map(({ key }) => key?.toString() ?? null),
  };
}

const confluent = (format: string) => ({
  ...store.confluent,
  'topics.dir': '',
  'flush.size': '1000',
  'format.class': `io.confluent.connect.s3.format.${format}`,
});

describe('files beside a file of Confluent’s', () => {
  const records = [0, 1].map((id) => ({
    key: `key ${id}`,
    value: withSchema(id),
    headers: { from: `shop, "${id}"`, count: String(id) },
  }));
  const headers = [0, 1].map((id) => [
    { key: 'from', value: `shop, "${id}"` },
    { key: 'count', value: String(id) },
  ]);
  const inStruct = headers.map((own) => ({ headers: own }));
  const keys = [{ key: 'key 0' }, { key: 'key 1' }];

  test.each<readonly [string, string, unknown, string | null, unknown]>([
    ['avro.AvroFormat', 'avro', keys, 'avro', inStruct],
    ['json.JsonFormat', 'json', ['key 0', 'key 1'], 'json', headers],
    ['parquet.ParquetFormat', 'snappy.parquet', keys, 'snappy.parquet', inStruct],
    ['bytearray.ByteArrayFormat', 'bin', ['key 0', 'key 1'], null, null],
  ])('keys and headers as %s, each record’s in its place', async (format, ending, keysThere, headersEnding, there) => {
    const formatClass = `io.confluent.connect.s3.format.${format}`;
    const { files, dead } = await filesOf(
      {
        ...confluent('json.JsonFormat'),
        'store.kafka.keys': 'true',
        'keys.format.class': formatClass,
        ...(headersEnding === null ? {} : { 'store.kafka.headers': 'true', 'headers.format.class': formatClass }),
      },
      records,
    );
    const path = 't/partition=0/t+0+0000000000';
    expect(files).toEqual({
      [`${path}.json`]: [row(0), row(1)],
      [`${path}.keys.${ending}`]: keysThere,
      ...(headersEnding === null ? {} : { [`${path}.headers.${headersEnding}`]: there }),
    });
    expect(dead).toEqual([]);
  });

  test('a record without a key or a header that is to be kept is its own error, and is in none of the files', async () => {
    const { files, dead } = await filesOf(
      {
        ...confluent('json.JsonFormat'),
        'store.kafka.keys': 'true',
        'keys.format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
        'store.kafka.headers': 'true',
        'headers.format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      },
      [
        records[0]!,
        { value: withSchema(7), headers: { from: 'x' } },
        { key: 'bare', value: withSchema(8) },
        records[1]!,
      ],
    );
    expect(Object.values(files)).toEqual([headers, [row(0), row(1)], ['key 0', 'key 1']]);
    expect(dead).toEqual([null, 'bare']);
  });

  test.each(['keys.format.class', 'headers.format.class'])('%s: not CSV, which has fields', async (setting) => {
    bench = new ConnectorBench(confluentS3Sink(async () => plainAvro));
    const config = {
      topics: 't',
      ...confluent('json.JsonFormat'),
      [setting]: 'io.confluent.connect.s3.format.CsvFormat',
    };
    expect([...(await bench.validate(config)).keys()]).toEqual([setting]);
  });
});

test.each(['avro.AvroFormat', 'parquet.ParquetFormat'])(
  'records of two schemas in turns are two files as %s, and not one each',
  async (format) => {
    const other = JSON.stringify({ schema: { ...text, optional: false }, payload: 'x' });
    const wide = JSON.stringify({
      schema: { type: 'struct', name: 'Row', fields: [...fields, { field: 'more', ...text, optional: true }] },
      payload: { id: 9, name: null, more: 'y' },
    });
    const turns = Array.from({ length: 40 }, (_, at) => ({ value: at % 2 === 0 ? withSchema(2) : wide }));
    // Neither format has a place for what is no struct but Avro.
    const { files, dead } = await filesOf(confluent(format), [...turns, { key: 'k', value: other }]);
    const [one, two, ...rest] = Object.values(files);
    expect([one, two]).toEqual([Array(20).fill(row(2)), Array(20).fill({ id: 9, name: null, more: 'y' })]);
    if (format.startsWith('avro')) expect(rest).toEqual([['x']]);
    else expect([rest, dead]).toEqual([[], ['k']]);
  },
);

describe('records without a value', () => {
  const records = [
    { key: 'a', value: withSchema(0) },
    { key: 'b', value: null },
    { key: 'c', value: withSchema(1) },
  ];

  describe.each<readonly [string, string, (rows: readonly { id: number; name: string | null }[]) => unknown]>([
    ['avro.AvroFormat', 'avro', (rows) => rows],
    ['json.JsonFormat', 'json', (rows) => rows],
    ['parquet.ParquetFormat', 'snappy.parquet', (rows) => rows],
    ['csv.CsvFormat', 'csv', (rows) => ['id,name', ...rows.map(({ id, name }) => `${id},${name ?? ''}`)]],
    ['bytearray.ByteArrayFormat', 'bin', (rows) => rows.map(({ id }) => withSchema(id))],
  ])('Confluent’s %s', (format, ending, lookOf) => {
    const plain = { ...(format.startsWith('byte') ? { 'value.converter': 'ByteArrayConverter' } : {}) };
    const path = `t/partition=0/t+0+0000000000.${ending}`;
    const rows = lookOf([row(0), row(1)]);

    test.each(['ignore', 'fail'])('behavior.on.null.values=%s', async (policy) => {
      const settings = { ...confluent(format), ...plain, 'behavior.on.null.values': policy };
      const { files, dead } = await filesOf(settings, records);
      expect(files).toEqual({ [path]: rows });
      expect(dead).toEqual(policy === 'fail' ? ['b'] : []);
    });

    test('behavior.on.null.values=write keeps their keys', async () => {
      const settings = {
        ...confluent(format),
        ...plain,
        'behavior.on.null.values': 'write',
        'store.kafka.keys': 'true',
        'keys.format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      };
      const { files, dead } = await filesOf(settings, records);
      expect(files).toEqual({
        [path]: rows,
        't/partition=0/t+0+0000000000.keys.json': ['a', 'c'],
        't/tombstone/t+0+0000000001.keys.json': ['b'],
      });
      expect(dead).toEqual([]);
    });
  });

  const aiven = (format: string) => ({
    ...store.aiven,
    'file.name.template': `{{topic}}-{{partition}}-{{start_offset}}.${format === 'json' ? 'array' : format}`,
    'file.compression.type': 'none',
    'format.output.type': format,
    'format.output.fields': format === 'bytes' ? 'value' : 'key,value',
    ...(format === 'csv' || format === 'bytes' ? { 'value.converter': 'ByteArrayConverter' } : {}),
  });
  const whole = [
    { key: 'a', value: row(0) },
    { key: 'c', value: row(1) },
  ];
  const base64 = (value: string) => Buffer.from(value).toString('base64');
  const cells = [`${base64('a')},${base64(withSchema(0))}`, `${base64('c')},${base64(withSchema(1))}`];
  const none = { key: 'b', value: null };

  describe.each<readonly [string, unknown, Readonly<Record<string, unknown>>]>([
    ['jsonl', whole, { 't-0-0.jsonl': [whole[0], none, whole[1]] }],
    ['json', whole, { 't-0-0.array': [whole[0], none, whole[1]] }],
    ['csv', cells, { 't-0-0.csv': [cells[0], `${base64('b')},`, cells[1]] }],
    // Of another schema, so in a file of its own.
    ['avro', whole, { 't-0-0.avro': whole, 't-0-1.avro': [none] }],
    ['parquet', whole, { 't-0-0.parquet': whole, 't-0-1.parquet': [none] }],
    ['bytes', [withSchema(0), withSchema(1)], { 't-0-0.bytes': [withSchema(0), withSchema(1)] }],
  ])('Aiven’s %s', (format, rows, written) => {
    test.each(['ignore', 'fail', 'write'])('behavior.on.null.values=%s', async (policy) => {
      const { files, dead } = await filesOf({ ...aiven(format), 'behavior.on.null.values': policy }, records);
      const name = `t-0-0.${format === 'json' ? 'array' : format}`;
      expect(files).toEqual(policy === 'write' ? written : { [name]: rows });
      expect(dead).toEqual(policy === 'fail' ? ['b'] : []);
    });
  });

  test.each(['avro', 'parquet'])(
    'Aiven’s %s of values alone has no place for them: each is its own error',
    async (format) => {
      const alone = { 'format.output.fields': 'value', 'format.output.envelope': 'false' };
      const settings = { ...aiven(format), ...alone, 'behavior.on.null.values': 'write' };
      const { files, dead } = await filesOf(settings, records);
      expect(files).toEqual({ [`t-0-0.${format}`]: [row(0), row(1)] });
      expect(dead).toEqual(['b']);
    },
  );
});
