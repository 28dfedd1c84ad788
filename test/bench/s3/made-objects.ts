import { gzipSync, zstdCompressSync } from 'node:zlib';
import avsc from 'avsc';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { MadeContent } from '../../support/fake-s3.ts';

/** One record of what is read, about a hundred bytes of JSON. */
export const recordOf = (id: number) => ({
  id,
  kind: `k${id % 7}`,
  amount: id / 8,
  text: 'abcdefghijklmnopqrstuvwxyz'.repeat(2),
});
export type BenchRecord = ReturnType<typeof recordOf>;

export const lineOf = (id: number): string => `${JSON.stringify(recordOf(id))}\n`;

/** About a kilobyte of JSON. */
const wideRecordOf = (id: number): BenchRecord => ({
  ...recordOf(id),
  text: `${id} ${'abcdefghijklmnopqrstuvwxyz'.repeat(36)}`,
});
const unitRecords = 1000;
const records = Array.from({ length: unitRecords }, (_, id) => wideRecordOf(id));
const lines = Buffer.from(records.map((row) => `${JSON.stringify(row)}\n`).join(''));

/** A head, the same bytes again and again, and a tail: as large as is wanted, and never in memory. */
class Repeated implements MadeContent {
  readonly size: number;
  readonly #head: Buffer;
  readonly #unit: Buffer;
  readonly #tail: Buffer;
  readonly #times: number;

  constructor(head: Buffer, unit: Buffer, times: number, tail: Buffer) {
    this.#head = head;
    this.#unit = unit;
    this.#tail = tail;
    this.#times = times;
    this.size = head.length + unit.length * times + tail.length;
  }

  bytes(start: number, end: number): Buffer {
    const out = Buffer.allocUnsafe(end - start);
    const tailAt = this.#head.length + this.#unit.length * this.#times;
    for (let at = start; at < end; ) {
      if (at < this.#head.length) at += this.#head.copy(out, at - start, at, end);
      else if (at >= tailAt) at += this.#tail.copy(out, at - start, at - tailAt, end - tailAt);
      else at += this.#unit.copy(out, at - start, (at - this.#head.length) % this.#unit.length, this.#unit.length);
    }
    return out;
  }
}

export interface MadeObject {
  readonly content: MadeContent;
  readonly records: number;
}

const nothing = Buffer.alloc(0);
const timesIn = (size: number, unit: Buffer) => Math.max(1, Math.round(size / unit.length));
/** `packed`: the unit as it is stored, if that is another. */
const repeated = (size: number, unit: Buffer, head = nothing, tail = nothing, packed = unit): MadeObject => {
  const times = timesIn(size, unit);
  return { content: new Repeated(head, packed, times, tail), records: times * unitRecords };
};

/** One row group again and again, of as many rows as writers put into one, and a footer that knows of each. */
function parquet(size: number): MadeObject {
  // Each text another: a dictionary would make a group out of next to nothing.
  const rows = Array.from({ length: 20_000 }, (_, id) => wideRecordOf(id));
  const out = new ByteWriter();
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' } as const;
  const writer = new ParquetWriter({
    writer: out,
    codec: 'UNCOMPRESSED',
    schema: [
      { name: 'root', num_children: 4 },
      { name: 'id', type: 'INT32', repetition_type: 'REQUIRED' },
      { name: 'kind', ...text },
      { name: 'amount', type: 'DOUBLE', repetition_type: 'REQUIRED' },
      { name: 'text', ...text },
    ],
  });
  const columnData = (['id', 'kind', 'amount', 'text'] as const).map((name) => ({
    name,
    data: rows.map((row) => row[name]),
  }));
  writer.write({ columnData, rowGroupSize: rows.length });
  const bytes = Buffer.from(out.getBytes());
  const [head, unit] = [bytes.subarray(0, 4), bytes.subarray(4)];
  const times = timesIn(size, unit);
  const [group] = writer.row_groups;
  const moved = (offset: bigint | undefined, by: bigint) => (offset === undefined ? undefined : offset + by);
  writer.row_groups = Array.from({ length: times }, (_, time) => {
    const by = BigInt(time * unit.length);
    const columns = group!.columns.map(({ meta_data: facts, ...column }) => ({
      file_offset: column.file_offset,
      meta_data: {
        ...facts!,
        data_page_offset: facts!.data_page_offset + by,
        ...(facts!.dictionary_page_offset === undefined
          ? {}
          : { dictionary_page_offset: moved(facts!.dictionary_page_offset, by)! }),
      },
    }));
    return { ...group!, columns };
  });
  writer.num_rows = BigInt(times * rows.length);
  // Where its pages are a file need not say.
  writer.pendingIndexes = [];
  out.index = 0;
  out.offset = head.length + unit.length * times;
  writer.finish();
  const tail = Buffer.from(out.getBytes());
  return { content: new Repeated(head, unit, times, tail), records: times * rows.length };
}

const avroType = avsc.Type.forSchema({
  type: 'record',
  name: 'Row',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'kind', type: 'string' },
    { name: 'amount', type: 'double' },
    { name: 'text', type: 'string' },
  ],
} as avsc.Schema);

/** Its header, and its one block. */
async function avroParts(): Promise<readonly [Buffer<ArrayBuffer>, Buffer<ArrayBuffer>]> {
  const container = async (rows: readonly BenchRecord[]) => {
    const encoder = new avsc.streams.BlockEncoder(avroType, { blockSize: 1 << 20, syncMarker: Buffer.alloc(16, 7) });
    const parts: Buffer[] = [];
    encoder.on('data', (part: Buffer) => parts.push(part));
    const ended = new Promise((done) => encoder.once('end', done));
    for (const row of rows) encoder.write(row);
    encoder.end();
    await ended;
    return Buffer.concat(parts);
  };
  const whole = await container(records);
  const headBytes = whole.indexOf(Buffer.alloc(16, 7)) + 16;
  return [whole.subarray(0, headBytes), whole.subarray(headBytes)];
}

/** Objects of about so many bytes, unpacked. */
export const madeObjects: Readonly<Record<string, (size: number) => MadeObject | Promise<MadeObject>>> = {
  jsonl: (size) => repeated(size, lines),
  'jsonl.gz': (size) => repeated(size, lines, nothing, nothing, gzipSync(lines)),
  'jsonl.zst': (size) => repeated(size, lines, nothing, nothing, zstdCompressSync(lines)),
  json: (size) => {
    const made = repeated(
      size,
      Buffer.from(records.map((row) => `${JSON.stringify(row)},\n`).join('')),
      Buffer.from('['),
      Buffer.from('0]'),
    );
    return { ...made, records: made.records + 1 };
  },
  csv: (size) =>
    repeated(
      size,
      Buffer.from(records.map(({ id, kind, amount, text }) => `${id},${kind},${amount},"${text}"\n`).join('')),
      Buffer.from('id,kind,amount,text\n'),
    ),
  avro: async (size) => {
    const [head, block] = await avroParts();
    return repeated(size, block, head);
  },
  parquet,
};
