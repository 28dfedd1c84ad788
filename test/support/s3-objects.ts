import { gzipSync, zstdCompressSync } from 'node:zlib';
import avsc from 'avsc';
import { parquetWriteBuffer } from 'hyparquet-writer';

/** What a record of a burst holds. */
export interface Row {
  readonly id: string;
  readonly text: string;
}

const avroType = avsc.Type.forSchema({
  type: 'record',
  name: 'Row',
  fields: ['id', 'text'].map((name) => ({ name, type: 'string' as const })),
} as avsc.Schema);

function avroContainer(rows: readonly Row[]): Promise<Buffer> {
  const encoder = new avsc.streams.BlockEncoder(avroType, { codec: 'deflate', blockSize: 200 });
  const parts: Buffer[] = [];
  encoder.on('data', (part: Buffer) => parts.push(part));
  for (const row of rows) encoder.write(row);
  encoder.end();
  return new Promise((done) => encoder.on('end', () => done(Buffer.concat(parts))));
}

const jsonl = (rows: readonly Row[]) => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const csv = (rows: readonly Row[]) =>
  Buffer.from(`id,text\n${rows.map(({ id, text }) => `${id},"${text.replaceAll('"', '""')}"\n`).join('')}`);
const parquet = (rows: readonly Row[]) =>
  Buffer.from(
    parquetWriteBuffer({
      columnData: (['id', 'text'] as const).map((name) => ({
        name,
        data: rows.map((row) => row[name]),
        type: 'STRING',
      })),
      rowGroupSize: 10,
    }),
  );
/** Records of 16 bytes each. */
const pieces = (rows: readonly Row[]) => Buffer.from(rows.map(({ id }) => id.padEnd(16, '.')).join(''));

/** Objects of each format that the S3 source reads. */
export const formats: Readonly<Record<string, (rows: readonly Row[]) => Buffer | Promise<Buffer>>> = {
  jsonl,
  lines: jsonl,
  json: (rows) => Buffer.from(JSON.stringify(rows)),
  csv,
  bytes: pieces,
  avro: avroContainer,
  parquet,
};
/** Endings of names, and what packs what is named so. */
const packings: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
  ['', (bytes) => bytes],
  ['.gz', (bytes) => gzipSync(bytes)],
  ['.zst', (bytes) => zstdCompressSync(bytes)],
];
const packsItself = new Set(['avro', 'parquet']);

/** Of a value as it stands on the topic. */
export function idOf(format: string, bytes: Buffer): string {
  if (format === 'bytes') return bytes.toString().replace(/\.+$/, '');
  const value = JSON.parse(bytes.toString());
  return (format === 'lines' ? JSON.parse(value) : value).id;
}

/** The object with this number in a burst: the ending of its name, and its bytes, packed in turns. */
export async function objectOf(format: string, number: number, rows: readonly Row[]) {
  const [ending, pack] = packings[packsItself.has(format) ? 0 : number % packings.length]!;
  return { ending, body: pack(await formats[format]!(rows)) };
}
