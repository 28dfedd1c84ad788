import type { ByteSource, ObjectReader, ReadItem } from '../../../../connectors/s3/formats/read.ts';
import { Struct } from '../../../../src/api/index.ts';

/** An object in memory that comes in pieces of so many bytes. */
export function memorySource(bytes: Buffer, pieceBytes = 7): ByteSource {
  return {
    size: bytes.length,
    async *chunks(from, reused = false) {
      for (let at = from; at < bytes.length; at += pieceBytes) {
        const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
        yield piece;
        // Whoever has said that a piece may go must have nothing of it any more.
        if (reused) piece.fill('!');
      }
    },
    async slice(start, end) {
      return bytes.subarray(start, end);
    },
  };
}

/** Everything that is left, asked for in twos and threes. */
export async function readAll(reader: ObjectReader): Promise<ReadItem[]> {
  const all: ReadItem[] = [];
  for (let ask = 0; ; ask++) {
    const items = await reader.next(2 + (ask % 2));
    if (items.length === 0) break;
    all.push(...items);
  }
  await reader.close();
  return all;
}

/** What an item says: its value in plain terms, or `!` and why there is none. */
export function told({ value, error }: ReadItem): unknown {
  return error === null ? plain(value) : `! ${error.message}`;
}

export function plain(value: unknown): unknown {
  if (value instanceof Struct) {
    return Object.fromEntries(value.schema.fields.map((field) => [field.name, plain(value.get(field))]));
  }
  if (value instanceof Map) return new Map(Array.from(value, ([key, entry]) => [plain(key), plain(entry)]));
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return value;
}

/** Reads all of it; then again from behind each item, which must give exactly the rest. */
export async function readFromEverywhere(open: (position: number) => Promise<ObjectReader> | ObjectReader) {
  const items = await readAll(await open(0));
  const said = items.map(told);
  for (const [index, { position, skip }] of items.entries()) {
    const rest = (await readAll(await open(position))).slice(skip).map(told);
    const wanted = said.slice(index + 1);
    if (JSON.stringify(rest, digits) !== JSON.stringify(wanted, digits)) {
      throw new Error(`Behind item ${index} (${position}, ${skip}) comes ${JSON.stringify(rest, digits)}`);
    }
  }
  return { items, said };
}

const digits = (_key: string, value: unknown) =>
  typeof value === 'bigint' ? `${value}n` : value instanceof Map ? [...value] : value;
