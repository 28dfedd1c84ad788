import { readFileSync } from 'node:fs';
import { constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import avsc from 'avsc';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../connectors/s3/formats/crc32c.ts';
import { openAvro } from '../../../../connectors/s3/formats/read-avro.ts';
import { openJsonLines, openLines } from '../../../../connectors/s3/formats/read-lines.ts';
import { openParquet } from '../../../../connectors/s3/formats/read-parquet.ts';
import { packingByName, unpacked } from '../../../../connectors/s3/formats/unpack.ts';
import { Decimal, Instant } from '../../../../src/api/index.ts';
import { loadCodecs } from '../../../../src/kafka/codecs.ts';
import { plainAvro } from '../../../../src/plugins/converters/avro/plain-avro.ts';
import { memorySource, readAll, readFromEverywhere, told } from './reading.ts';

const limits = { maxRecordBytes: 1 << 20, maxBlockBytes: 1 << 20 };

describe('avro', () => {
  const schema = {
    type: 'record',
    name: 'Order',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'note', type: ['null', 'string'], default: null },
      { name: 'tags', type: { type: 'array', items: 'string' } },
    ],
  };
  const type = avsc.Type.forSchema(schema as avsc.Schema);
  const orders = Array.from({ length: 25 }, (_, id) => ({
    id,
    note: id % 2 === 0 ? null : `note ${id}`,
    tags: ['a', `${id}`],
  }));
  const wanted = orders.map(({ id, ...rest }) => ({ id: BigInt(id), ...rest }));

  const long = (value: number) => {
    const bytes: number[] = [];
    let z = value >= 0 ? value * 2 : -value * 2 - 1;
    for (; z > 127; z = Math.floor(z / 128)) bytes.push((z % 128) | 128);
    return Buffer.from([...bytes, z]);
  };
  const mark = Buffer.from('0123456789abcdef');
  const text = (value: string | Buffer) => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)]);
  const header = (codec: string) =>
    Buffer.concat([
      Buffer.from('Obj\u0001', 'latin1'),
      long(2),
      text('avro.schema'),
      text(JSON.stringify(schema)),
      text('avro.codec'),
      text(codec),
      long(0),
      mark,
    ]);
  const block = (values: readonly unknown[], pack: (bytes: Buffer) => Buffer) => {
    const packed = pack(Buffer.concat(values.map((value) => type.toBuffer(value))));
    return Buffer.concat([long(values.length), text(packed), mark]);
  };
  const container = (codec: string, pack: (bytes: Buffer) => Buffer) => {
    const blocks = [];
    for (let at = 0; at < orders.length; at += 10) blocks.push(block(orders.slice(at, at + 10), pack));
    return { head: header(codec), blocks };
  };
  const same = (bytes: Buffer) => bytes;
  const open = (bytes: Buffer, from: number, piece = 13) =>
    openAvro(memorySource(bytes, piece), from, limits, plainAvro);

  it.each([
    ['null', same],
    ['deflate', (bytes: Buffer) => deflateRawSync(bytes)],
    ['zstandard', (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('reads containers packed by %s, from anywhere', async (codec, pack) => {
    const { head, blocks } = container(codec, pack);
    const bytes = Buffer.concat([head, ...blocks]);
    for (const piece of [1, 13, 10_000]) {
      expect((await readFromEverywhere((from) => open(bytes, from, piece))).said).toEqual(wanted);
    }
  });

  it('passes a damaged block over and tells of it', async () => {
    const { head, blocks } = container('deflate', (bytes) => deflateRawSync(bytes));
    const damaged = Buffer.from(blocks[1]!);
    damaged.fill(0xff, 5, 12);
    const { said } = await readFromEverywhere((from) =>
      open(Buffer.concat([head, blocks[0]!, damaged, blocks[2]!]), from),
    );
    expect(said).toHaveLength(16);
    expect(said[10]).toMatch(/^! A block cannot be unpacked/);
    expect([...said.slice(0, 10), ...said.slice(11)]).toEqual([...wanted.slice(0, 10), ...wanted.slice(20)]);
  });

  it('finds the next block behind one whose frame is broken, and tells of what is cut off', async () => {
    const { head, blocks } = container('null', same);
    const broken = Buffer.from(blocks[1]!);
    broken.set(long(-5), 1);
    const { said } = await readFromEverywhere((from) =>
      open(Buffer.concat([head, blocks[0]!, broken, blocks[2]!]), from),
    );
    expect(said[10]).toMatch(/^! .*passed over, up to the next one/);
    expect(said.slice(11)).toEqual(wanted.slice(20));
    const cut = Buffer.concat([head, ...blocks]).subarray(0, -20);
    expect((await readAll(await open(cut, 0))).map(told).at(-1)).toMatch(/^! The object ends within a block/);
  });

  it('gives the records in front of one that is none, and goes on with the next block', async () => {
    const { head, blocks } = container('null', same);
    const bad = Buffer.concat([type.toBuffer(orders[10]), Buffer.from([2, 9])]);
    const second = Buffer.concat([long(3), text(bad), mark]);
    const { said } = await readFromEverywhere((from) => open(Buffer.concat([head, second, blocks[2]!]), from));
    expect(said[0]).toEqual(wanted[10]);
    expect(said[1]).toMatch(/^! .*the rest of the block is passed over/);
    expect(said.slice(2)).toEqual(wanted.slice(20));
  });

  it('refuses what is no container, too large a block, and more records than there can be', async () => {
    await expect(open(Buffer.from('{"a":1}\n'), 0)).rejects.toThrow('no Avro container');
    await expect(open(header('bzip2'), 0)).rejects.toThrow('packed by bzip2');
    await expect(open(Buffer.from('Obj\u0001\u0004', 'latin1'), 0)).rejects.toThrow('ends within its header');
    const { head, blocks } = container('null', same);
    const large = await openAvro(
      memorySource(Buffer.concat([head, ...blocks])),
      0,
      { ...limits, maxBlockBytes: 50 },
      plainAvro,
    );
    expect((await readAll(large)).map(told)).toEqual(
      Array(3).fill(expect.stringMatching(/^! A block .*max.block.bytes/)),
    );
    const many = Buffer.concat([head, long(1e9), text(''), mark]);
    expect((await readAll(await open(many, 0))).map(told)).toEqual([
      expect.stringMatching(/^! .*1000000000 records in 0 bytes/),
    ]);
  });
});

describe('parquet', () => {
  const count = 23;
  const numbers = Array.from({ length: count }, (_, index) => index);
  const micros = (index: number) => 1_700_000_000_000_001n + BigInt(index);
  const file = (options: Partial<Parameters<typeof parquetWriteBuffer>[0]> = {}) =>
    Buffer.from(
      parquetWriteBuffer({
        schema: [
          { name: 'root', num_children: 8 },
          { name: 'id', type: 'INT64', repetition_type: 'REQUIRED' },
          { name: 'name', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
          {
            name: 'price',
            type: 'INT64',
            converted_type: 'DECIMAL',
            scale: 4,
            precision: 18,
            repetition_type: 'OPTIONAL',
          },
          {
            name: 'at',
            type: 'INT64',
            logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
            repetition_type: 'OPTIONAL',
          },
          { name: 'day', type: 'INT32', converted_type: 'DATE', repetition_type: 'OPTIONAL' },
          { name: 'raw', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
          { name: 'tags', converted_type: 'LIST', repetition_type: 'OPTIONAL', num_children: 1 },
          { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
          { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
          { name: 'place', repetition_type: 'OPTIONAL', num_children: 1 },
          { name: 'x', type: 'INT32', repetition_type: 'OPTIONAL' },
        ],
        columnData: [
          { name: 'id', data: numbers.map((index) => 9_007_199_254_740_993n + BigInt(index)) },
          { name: 'name', data: numbers.map((index) => (index % 3 === 0 ? null : `äöü ${index}`)) },
          {
            name: 'price',
            data: numbers.map((index) => (index % 4 === 0 ? null : 123_456_789_012_345_678n + BigInt(index))),
          },
          { name: 'at', data: numbers.map((index) => micros(index)) },
          { name: 'day', data: numbers.map((index) => 20_000 + index) },
          { name: 'raw', data: numbers.map((index) => Uint8Array.of(0xff, index)) },
          {
            name: 'tags',
            data: numbers.map((index) => (index % 5 === 0 ? null : index % 5 === 1 ? [] : ['a', null, `${index}`])),
          },
          { name: 'place', data: numbers.map((index) => (index % 2 === 0 ? null : { x: index })) },
        ],
        rowGroupSize: 10,
        ...options,
      }),
    );
  const wanted = numbers.map((index) => ({
    id: 9_007_199_254_740_993n + BigInt(index),
    name: index % 3 === 0 ? null : `äöü ${index}`,
    price: index % 4 === 0 ? null : new Decimal(123_456_789_012_345_678n + BigInt(index), 4),
    at: micros(index),
    day: new Instant((20_000 + index) * 86_400_000),
    raw: `\u00ff${String.fromCharCode(index)}`,
    tags: index % 5 === 0 ? null : index % 5 === 1 ? [] : ['a', null, `${index}`],
    place: index % 2 === 0 ? null : { x: index },
  }));
  const open = (bytes: Buffer, from: number) => openParquet(memorySource(bytes), from, limits);

  it.each(['UNCOMPRESSED', 'SNAPPY'] as const)('reads rows exactly, from anywhere, packed by %s', async (codec) => {
    const bytes = file({ codec });
    expect((await readFromEverywhere((from) => open(bytes, from))).said).toEqual(wanted);
  });

  it('reads rows that are packed by zstd and gzip', async () => {
    const zstd = file({ codec: 'ZSTD', compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) } });
    expect((await readAll(await open(zstd, 0))).map(told)).toEqual(wanted);
    const gzip = file({ codec: 'GZIP', compressors: { GZIP: (bytes) => gzipSync(bytes) } });
    expect((await readAll(await open(gzip, 0))).map(told)).toEqual(wanted);
  });

  it('refuses a row group by its name, and goes on with the next', async () => {
    const bytes = file();
    const reader = await openParquet(memorySource(bytes), 0, { ...limits, maxBlockBytes: 600 });
    const said = (await readAll(reader)).map(told);
    expect(said.slice(0, 2)).toEqual([
      expect.stringMatching(/^! Row group 0 \(of 10 rows.*max.block.bytes/),
      expect.stringMatching(/^! Row group 1 /),
    ]);
    expect(said.slice(2)).toEqual(wanted.slice(20));
  });

  it('tells of a damaged row group, and goes on with the next', async () => {
    const bytes = file({ codec: 'ZSTD', compressors: { ZSTD: (input) => zstdCompressSync(input) } });
    bytes.fill(0xff, 4, 60);
    const { said } = await readFromEverywhere((from) => open(bytes, from));
    expect(said[0]).toMatch(/^! Row group 0 cannot be read/);
    expect(said.slice(1)).toEqual(wanted.slice(10));
  });

  it('reads what pyarrow writes: nested, lists of lists, maps by numbers, unsigned, two versions of pages', async () => {
    const bytes = readFileSync(new URL('./fixtures/pyarrow.parquet', import.meta.url));
    const { said } = await readFromEverywhere((from) => open(bytes, from));
    const row = (index: number) => ({
      u64: new Decimal(18_446_744_073_709_551_615n - BigInt(index), 0),
      dec:
        index % 7 === 0
          ? null
          : new Decimal(index % 2 === 1 ? 12_345_678_901_234_567_125n : -12_345_678_901_234_567_125n, 3),
      micros: BigInt(Date.UTC(2026, 0, 1)) * 1000n + BigInt(index),
      nested: index % 5 === 0 ? null : { a: BigInt(index), in: { x: index % 2 === 1 ? null : String(index) } },
      lists: [[1, index], [], null],
      map:
        index % 6 === 0
          ? null
          : new Map(Array.from({ length: index % 4 }, (_, key) => [key, key === 1 ? null : `ä${index * key}`])),
    });
    expect(said).toEqual(Array.from({ length: 12 }, (_, index) => row(index)));
  });

  it('refuses what is no Parquet file', async () => {
    await expect(open(Buffer.from('PAR1 and so on'), 0)).rejects.toThrow('no Parquet file, or damaged');
    await expect(open(Buffer.alloc(100), 0)).rejects.toThrow('no Parquet file, or damaged');
    const cut = file();
    await expect(open(Buffer.concat([cut.subarray(0, -40), cut.subarray(-8)]), 0)).rejects.toThrow('damaged');
  });
});

/** As few do who write snappy: all of it literal. */
function snapped(bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let left = bytes.length; ; left >>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([...length, 61 << 2, (bytes.length - 1) & 255, (bytes.length - 1) >> 8]), bytes]);
}

const pieces = (bytes: Buffer) =>
  Array.from({ length: Math.ceil(bytes.length / 30_000) }, (_, at) => bytes.subarray(at * 30_000, (at + 1) * 30_000));

function framed(bytes: Buffer): Buffer {
  const chunk = (type: number, body: Buffer) => {
    const header = Buffer.from([type, 0, 0, 0]);
    header.writeUIntLE(body.length, 1, 3);
    return Buffer.concat([header, body]);
  };
  const checked = (piece: Buffer, body: Buffer) => {
    const crc = crc32c(piece);
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
    return Buffer.concat([sum, body]);
  };
  return Buffer.concat([
    chunk(0xff, Buffer.from('sNaPpY')),
    ...pieces(bytes).flatMap((piece, at) => [
      at % 2 === 0 ? chunk(0, checked(piece, snapped(piece))) : chunk(1, checked(piece, piece)),
      chunk(0xfe, Buffer.alloc(9)),
    ]),
  ]);
}

describe('packed objects', () => {
  const text = Array.from({ length: 5000 }, (_, line) => `line ${line}`).join('\n');
  const wanted = text.split('\n');
  const half = Math.floor(text.length / 2);
  const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  const halves = [text.slice(0, half), text.slice(half)];

  it.each([
    ['gzip', gzipSync(text)],
    ['gzip', Buffer.concat(halves.map((part) => gzipSync(part)))],
    ['zstd', zstdCompressSync(text)],
    ['zstd', Buffer.concat(halves.map((part) => zstdCompressSync(part)))],
    [
      'zstd',
      Buffer.concat([
        Buffer.from('502a4d180300000001020328b52ffd', 'hex').subarray(0, 11),
        zstdCompressSync(text, checked),
      ]),
    ],
    ['snappy', framed(Buffer.from(text))],
    ['snappy', Buffer.concat(halves.map((part) => framed(Buffer.from(part))))],
  ] as const)('unpacks %s, several streams behind each other too', async (packing, bytes) => {
    for (const piece of [1, 100, 1 << 20]) {
      const source = unpacked(memorySource(Buffer.from(bytes), piece), packing);
      expect((await readAll(openLines(source, 0, 1000))).map(told)).toEqual(wanted);
    }
  });

  it('unpacks the snappy of snappy-java, as a compressor packs it', async () => {
    const { compress } = await loadCodecs();
    const blocks = pieces(Buffer.from(text)).flatMap((piece) => {
      const packed = compress({ type: 'snappy' }, piece);
      const length = Buffer.alloc(4);
      length.writeInt32BE(packed.length);
      return [length, packed];
    });
    const header = Buffer.from('82534e41505059000000000100000001', 'hex');
    const stream = Buffer.concat([header, ...blocks]);
    expect(stream.length).toBeLessThan(text.length / 2);
    const source = unpacked(memorySource(Buffer.concat([stream, stream]), 100), 'snappy');
    expect((await readAll(openLines(source, 0, 1000))).map(told)).toEqual(`${text}${text}`.split('\n'));
  });

  it('says that a checksum of snappy does not hold', async () => {
    const bytes = framed(Buffer.from(text));
    bytes[2000]! ^= 1;
    await expect(readAll(openLines(unpacked(memorySource(bytes), 'snappy'), 0, 1000))).rejects.toThrow(
      'a checksum does not hold',
    );
  });

  it.each(['gzip', 'zstd', 'snappy'] as const)('says that an object is no %s', async (packing) => {
    const source = unpacked(memorySource(Buffer.from('{"a":1}\n'.repeat(10))), packing);
    await expect(readAll(openJsonLines(source, 0, 1000))).rejects.toThrow(`The object is no ${packing}, or damaged`);
  });

  it.each([
    ['gzip', gzipSync(text)],
    ['zstd', zstdCompressSync(text)],
  ] as const)('says that a %s is cut off, and loses nothing in front of that', async (packing, bytes) => {
    const source = unpacked(memorySource(bytes.subarray(0, bytes.length - 100), 50), packing);
    const reader = openLines(source, 0, 1000);
    const seen: unknown[] = [];
    const reading = (async () => {
      for (let items = await reader.next(100); items.length > 0; items = await reader.next(100))
        seen.push(...items.map(told));
    })();
    await expect(reading).rejects.toThrow('damaged');
    expect(seen).toEqual(wanted.slice(0, seen.length));
  });

  it('knows them by the ends of their names', () => {
    const names = ['a.jsonl.gz', 'a.GZ', 'a.zst', 'a.sz', 'a.snappy', 'a.jsonl', 'gz'];
    expect(names.map(packingByName)).toEqual(['gzip', 'gzip', 'zstd', 'snappy', 'snappy', null, null]);
  });
});
