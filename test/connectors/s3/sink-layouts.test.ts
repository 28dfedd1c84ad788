import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { snappyUncompress } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectorBench } from '../../../src/testing/index.ts';
import type { MemoryS3 } from '../../support/memory-s3.ts';
import { closeS3Sink, openS3Sink } from '../../support/s3-sink-bench.ts';

/** Every partitioner, extractor, rotation, packing and file beside a file that the settings name. */
let store: MemoryS3;
let bench: ConnectorBench;

beforeEach(async () => {
  ({ store, bench } = await openS3Sink());
});

afterEach(async () => {
  await closeS3Sink({ store, bench });
});

const part = 'io.confluent.connect.storage.partitioner.';
const hour = 3_600_000;
/** 23:30 UTC, which is half past midnight in Berlin and five in the morning in Kolkata. */
const night = Date.UTC(2026, 0, 31, 23, 30);

interface Given {
  readonly at: number;
  readonly value: object;
  readonly key?: string;
}

async function filesOf(records: readonly Given[], settings: Readonly<Record<string, string>>) {
  await bench.produce(
    records.map(({ at, value, key }) => ({
      topic: 't',
      timestamp: at,
      value: JSON.stringify(value),
      ...(key === undefined ? {} : { key }),
    })),
  );
  await bench.configure({
    'flush.quiet.ms': '0',
    ...store.confluent,
    topics: 't',
    'flush.size': '1000',
    'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    'key.converter': 'StringConverter',
    'value.converter': 'JsonConverter',
    'value.converter.schemas.enable': 'false',
    locale: 'en',
    ...settings,
  });
  await bench.drain();
  expect((await bench.status()).tasks[0]?.trace).toBeNull();
  return store.files;
}

const foldersOf = async (records: readonly Given[], settings: Readonly<Record<string, string>>) =>
  (await filesOf(records, settings)).map(({ key }) => key.replace(/^topics\/t\//, '').replace(/\/[^/]*$/, ''));

const two: readonly Given[] = [
  { at: night, value: { id: 0, when: '2026-03-01T10:59:59+02:00', in: { ms: Date.UTC(2026, 4, 5, 6) } } },
  { at: night + hour, value: { id: 1, when: '2026-03-01T11:00:00+02:00', in: { ms: Date.UTC(2026, 4, 5, 7) } } },
];
const record = { 'timestamp.extractor': 'Record' };

describe('partitioners', () => {
  test.each<readonly [string, Readonly<Record<string, string>>, readonly string[]]>([
    ['Default', {}, ['partition=0']],
    [
      'Hourly, UTC',
      { ...record, timezone: 'UTC' },
      ['year=2026/month=01/day=31/hour=23', 'year=2026/month=02/day=01/hour=00'],
    ],
    [
      'Hourly, a zone half an hour beside',
      { ...record, timezone: 'Asia/Kolkata' },
      ['year=2026/month=02/day=01/hour=05', 'year=2026/month=02/day=01/hour=06'],
    ],
    ['Daily, UTC', { ...record, timezone: 'UTC' }, ['year=2026/month=01/day=31', 'year=2026/month=02/day=01']],
    ['Daily, Berlin', { ...record, timezone: 'Europe/Berlin' }, ['year=2026/month=02/day=01']],
    [
      'Hourly, a field of text',
      { 'timestamp.extractor': 'RecordField', 'timestamp.field': 'when', timezone: 'UTC' },
      ['year=2026/month=03/day=01/hour=08', 'year=2026/month=03/day=01/hour=09'],
    ],
    [
      'Hourly, a field within a field',
      { 'timestamp.extractor': 'RecordField', 'timestamp.field': 'in.ms', timezone: 'UTC' },
      ['year=2026/month=05/day=05/hour=06', 'year=2026/month=05/day=05/hour=07'],
    ],
    [
      'TimeBased',
      {
        ...record,
        timezone: 'UTC',
        'path.format': "'at'=YYYY-MM-dd'T'HHmm",
        'partition.duration.ms': String(2 * hour),
      },
      ['at=2026-01-31T2200', 'at=2026-02-01T0000'],
    ],
    ['Field', { 'partition.field.name': 'id' }, ['id=0', 'id=1']],
  ])('%s', async (name, settings, folders) => {
    const kind = name.split(',')[0]!;
    expect(await foldersOf(two, { 'partitioner.class': `${part}${kind}Partitioner`, ...settings })).toEqual(folders);
  });

  test('by the wall clock', async () => {
    const before = new Date().toISOString().slice(0, 13);
    const folders = await foldersOf(two, { 'partitioner.class': `${part}HourlyPartitioner`, timezone: 'UTC' });
    const after = new Date().toISOString().slice(0, 13);
    const folderOf = (text: string) => text.replace(/^(\d+)-(\d+)-(\d+)T(\d+)$/, 'year=$1/month=$2/day=$3/hour=$4');
    expect([folderOf(before), folderOf(after)]).toEqual(expect.arrayContaining(folders));
  });

  test.each(['SUFFIX', 'PREFIX'])('a folder of the schema as %s', async (affix) => {
    const folders = await foldersOf(two, { 's3.schema.partition.affix.type': affix });
    expect(folders).toEqual([affix === 'SUFFIX' ? 'partition=0/schema_name=null' : 'schema_name=null/partition=0']);
  });
});

describe('rotations', () => {
  const ids = (files: readonly { readonly bytes: Buffer }[]) =>
    files.map(({ bytes }) =>
      bytes
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: number }).id),
    );
  const every = (minutes: number, count: number, more: (id: number) => object = () => ({})): Given[] =>
    Array.from({ length: count }, (_, id) => ({ at: night + id * minutes * 60_000, value: { id, ...more(id) } }));

  test('flush.size', async () => {
    expect(ids(await filesOf(every(0, 7), { 'flush.size': '3' }))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
  });

  test('file.max.bytes, a MiB at a time', async () => {
    const large = every(0, 6, () => ({ text: 'x'.repeat(600_000) }));
    expect(ids(await filesOf(large, { 'file.max.bytes': '2000000' }))).toEqual([
      [0, 1, 2, 3],
      [4, 5],
    ]);
  });

  test('rotate.interval.ms, from each file’s first record', async () => {
    const settings = {
      'partitioner.class': `${part}DailyPartitioner`,
      ...record,
      timezone: 'Asia/Kolkata',
      'rotate.interval.ms': String(hour),
    };
    expect(ids(await filesOf(every(25, 8), settings))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7],
    ]);
  });

  test('rotate.file.on.partition.change: a file ends when a record goes to another path; by default it goes on', async () => {
    const turns = every(0, 6, (id) => ({ kind: `k${Math.floor(id / 2) % 2}` }));
    const settings = { 'partitioner.class': `${part}FieldPartitioner`, 'partition.field.name': 'kind' };
    expect(ids(await filesOf(turns, { ...settings, 'rotate.file.on.partition.change': 'true' }))).toEqual([
      [0, 1],
      [4, 5],
      [2, 3],
    ]);
  });

  test('file.max.open: the file that has been without a record for longest makes room', async () => {
    const turns = every(0, 6, (id) => ({ kind: `k${id % 3}` }));
    const settings = {
      'partitioner.class': `${part}FieldPartitioner`,
      'partition.field.name': 'kind',
      'file.max.open': '2',
    };
    const files = await filesOf(turns, { ...settings, 'consumer.override.max.poll.records': '3' });
    expect(ids(files).flat().sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

const unsnappy = (bytes: Buffer): string => {
  let text = '';
  for (let at = 16; at < bytes.length; ) {
    const block = bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at));
    // Its length unpacked, of less than 2 MiB.
    const [a, b = 0, c = 0] = block;
    const length = (a! & 127) | (a! < 128 ? 0 : ((b & 127) << 7) | (b < 128 ? 0 : c << 14));
    const output = new Uint8Array(length);
    snappyUncompress(block, output);
    text += Buffer.from(output).toString();
    at += 4 + block.length;
  }
  return text;
};

test.each<readonly [string, string, (bytes: Buffer) => string]>([
  ['none', '.json', String],
  ['gzip', '.json.gz', (bytes) => gunzipSync(bytes).toString()],
  ['snappy', '.json.snappy', unsnappy],
  ['zstd', '.json.zst', (bytes) => zstdDecompressSync(bytes).toString()],
])('packed by %s', async (compression, ending, unpack) => {
  const [file] = await filesOf(two, { 's3.compression.type': compression });
  expect(file?.key).toBe(`topics/t/partition=0/t+0+0000000000${ending}`);
  expect(unpack(file!.bytes)).toBe(two.map(({ value }) => `${JSON.stringify(value)}\n`).join(''));
});
