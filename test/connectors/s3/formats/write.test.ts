import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import { loadWriter } from '../../../../connectors/s3/formats/load-writer.ts';
import type { FileCompression } from '../../../../connectors/s3/formats/record-writer.ts';
import {
  BYTES_SCHEMA,
  DataError,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  SinkRecord,
  Struct,
} from '../../../../src/api/index.ts';
import { plainAvro } from '../../../../src/plugins/converters/avro/plain-avro.ts';
import { fileOf, order, specOf } from './write.ts';

const count = 300;
const leftAfter = [1, 7, 200];

/** Of a file, by what is around its text. */
function unpacked(bytes: Buffer, compression: FileCompression): string {
  if (compression === 'gzip') return gunzipSync(bytes).toString();
  return bytes.toString();
}

// Node reads the first frame of zstd only; other readers of it have their turn in test/integration.
test.each<FileCompression>(['none', 'gzip'])(
  'text packed by %s is the same whether or not its file was left to others',
  async (compression) => {
    for (const format of ['jsonl', 'json', 'csv'] as const) {
      const spec = specOf(format, compression);
      const whole = unpacked(await fileOf(spec, count), compression);
      expect(unpacked(await fileOf(spec, count, leftAfter), compression)).toBe(whole);
      if (format === 'json') expect(JSON.parse(whole)).toHaveLength(count);
      if (format === 'jsonl')
        expect(
          whole
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line).in.a),
        ).toEqual(Array.from({ length: count }, (_, i) => i));
    }
  },
);

test('a snappy stream is one header and blocks behind it, however often its file was left', async () => {
  const bytes = await fileOf(specOf('jsonl', 'snappy'), count, leftAfter);
  expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]));
  let at = 16;
  for (; at < bytes.length; at += 4 + bytes.readUInt32BE(at));
  expect(at).toBe(bytes.length);
});

test.each<FileCompression>(['none', 'gzip', 'snappy', 'zstd'])(
  'Parquet packed by %s holds every cell, and its rows in few groups though its file was left',
  async (compression) => {
    const file = await fileOf(specOf('parquet', compression), count, leftAfter);
    const compressors = { GZIP: gunzip, ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };
    const rows = await parquetReadObjects({
      file: { byteLength: file.length, slice: (from, to) => bufferOf(file.subarray(from, to)) },
      compressors,
    });
    expect(rows).toHaveLength(count);
    expect(rows[9]).toMatchObject({
      id: 9_000_000_000_000_027n,
      name: 'näme "9", x\ny',
      note: 'note 9',
      in: { a: 9, b: null },
    });
    expect(rows.map(({ id }) => id)).toEqual(
      Array.from({ length: count }, (_, i) => BigInt(i) * 1_000_000_000_000_003n),
    );
  },
);

const gunzip = (bytes: Uint8Array) => new Uint8Array(gunzipSync(bytes));
const bufferOf = (bytes: Buffer) =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;

test.each([
  ['16 MiB', 40, 1 << 20, [16, 16, 8]],
  ['100,000 rows', 200_001, 1, [100_000, 100_000, 1]],
] as const)('a row group of Parquet ends with %s, and what is held with it', async (_, rows, bytes, groups) => {
  const factory = await loadWriter('parquet', async () => plainAvro);
  const writer = factory.open({ spec: specOf('parquet', 'none'), mark: Buffer.alloc(16), resumed: null });
  const schema = SchemaBuilder.struct().field('raw', BYTES_SCHEMA).build();
  const pieces: Uint8Array[] = [];
  let most = 0;
  for (let row = 0; row < rows; row++) {
    const value = new Struct(schema, [Buffer.alloc(bytes, row)]);
    writer.add(new SinkRecord('t', 0, null, null, schema, value, row));
    most = Math.max(most, writer.held);
    pieces.push(...writer.take('ready'));
  }
  pieces.push(...writer.finish());
  const { row_groups: found } = parquetMetadata(bufferOf(Buffer.concat(pieces)));
  expect(found.map(({ num_rows: count }) => Number(count))).toEqual(groups);
  expect(most).toBeLessThan(18 << 20);
});

test.each<FileCompression>(['none', 'gzip', 'snappy', 'zstd'])(
  'an Avro file packed by %s has one header, with its codec',
  async (compression) => {
    const file = await fileOf(specOf('avro', compression), count, leftAfter);
    const head = file.toString('latin1');
    expect(head.startsWith('Obj\u0001')).toBe(true);
    expect(head.lastIndexOf('Obj\u0001')).toBe(0);
    expect(head).toContain({ none: 'null', gzip: 'deflate', snappy: 'snappy', zstd: 'zstandard' }[compression]);
    expect(head).toContain('"connect.name":"com.example.Order"');
  },
);

test.each(['avro', 'parquet'] as const)('%s: records of another schema are of another kind', async (format) => {
  const factory = await loadWriter(format, async () => plainAvro);
  const spec = specOf(format, 'none');
  const text = new SinkRecord('t', 0, null, null, OPTIONAL_STRING_SCHEMA, 'x', 1);
  expect(factory.kindOf(order(1), spec)).toBe(factory.kindOf(order(2), spec));
  expect(factory.kindOf(text, spec)).not.toBe(factory.kindOf(order(1), spec));
});

test.each(['avro', 'parquet'] as const)('%s: a value without a schema is the record’s own error', async (format) => {
  const factory = await loadWriter(format, async () => plainAvro);
  const writer = factory.open({ spec: specOf(format, 'none'), mark: Buffer.alloc(16), resumed: null });
  const record = new SinkRecord('t', 0, null, null, null, new Map([['a', 1]]), 1);
  expect(() => writer.add(record)).toThrow(DataError);
  expect(() => writer.add(record)).toThrow('has no schema, which Avro and Parquet need');
  writer.add(order(1));
  expect(Buffer.concat(writer.finish()).length).toBeGreaterThan(100);
});

test('bytes are the values as they are, a separator behind each', async () => {
  const factory = await loadWriter('bytes', async () => plainAvro);
  const writer = factory.open({
    spec: specOf('bytes', 'none', { separator: '|' }),
    mark: Buffer.alloc(16),
    resumed: null,
  });
  writer.add(new SinkRecord('t', 0, null, null, null, Buffer.from([1, 2]), 0));
  writer.add(new SinkRecord('t', 0, null, null, null, 'text', 1));
  expect(Buffer.concat(writer.finish())).toEqual(Buffer.from('\u0001\u0002|text|'));
  expect(() => writer.add(order(1))).toThrow('neither bytes nor text');
});
