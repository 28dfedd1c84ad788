import { inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { type Avro, type AvroSequence, DataError } from '../../../src/api/index.ts';
import {
  type ByteSource,
  Chunks,
  item,
  type ObjectReader,
  type ReadItem,
  type ReadLimits,
  tooLong,
  unreadable,
} from './read.ts';
import { unsnapBlock } from './unpack-snappy.ts';

const magic = Buffer.from('Obj\u0001', 'latin1');
const markBytes = 16;
/** Schemas are long at times; what is longer than this is none. */
const maxHeaderBytes = 16 << 20;
const nothing = Buffer.alloc(0);

interface Header {
  readonly sequence: AvroSequence;
  readonly unpack: (block: Buffer, limit: number) => Buffer;
  /** Stands behind every block. */
  readonly mark: Buffer;
  readonly end: number;
}

/**
 * The records of an Avro container. It is read on from the start of a block, whose first records may be done. A block that
 * is damaged is passed over, up to the next mark.
 */
export async function openAvro(
  source: ByteSource,
  from: number,
  { maxBlockBytes }: ReadLimits,
  avro: Avro,
): Promise<ObjectReader> {
  const head = new Window(source.chunks(0), 0);
  try {
    const header = await readHeader(head, avro);
    if (from <= header.end) return new AvroReader(head, header, maxBlockBytes);
    await head.close();
    return new AvroReader(new Window(source.chunks(from), from), header, maxBlockBytes);
  } catch (error) {
    await head.close();
    throw error;
  }
}

async function readHeader(window: Window, avro: Avro): Promise<Header> {
  if (!(await window.hold(magic.length)) || !window.bytes.subarray(0, magic.length).equals(magic)) {
    throw new DataError('The object is no Avro container: it does not begin as one');
  }
  for (;;) {
    const header = parseHeader(window.bytes, avro);
    if (header !== null) {
      window.drop(header.end);
      return header;
    }
    if (window.bytes.length > maxHeaderBytes)
      throw tooLong('The header of the Avro container', maxHeaderBytes, 'Drover');
    if (!(await window.hold(window.bytes.length + 1))) throw new DataError('The Avro container ends within its header');
  }
}

/** Null: there is more of it to come. */
function parseHeader(bytes: Buffer, avro: Avro): Header | null {
  const cursor = new Cursor(bytes, magic.length);
  const facts = new Map<string, Buffer>();
  for (;;) {
    let count = cursor.long();
    if (count === null) return null;
    if (count === 0) break;
    if (count < 0) {
      count = -count;
      if (cursor.long() === null) return null;
    }
    for (let i = 0; i < count; i++) {
      const name = cursor.block();
      const value = name === null ? null : cursor.block();
      if (name === null || value === null) return null;
      facts.set(name.toString(), value);
    }
  }
  const mark = cursor.take(markBytes);
  if (mark === null) return null;
  const schema = facts.get('avro.schema');
  if (schema === undefined) throw new DataError('The Avro container has no schema');
  const codec = facts.get('avro.codec')?.toString() ?? 'null';
  const unpack = codecs[codec];
  if (unpack === undefined) {
    throw new DataError(
      `The Avro container is packed by ${codec}; it can be read packed by ${Object.keys(codecs).join(', ')}`,
    );
  }
  return { sequence: avro.open(schema.toString()), unpack, mark: Buffer.from(mark), end: cursor.at };
}

const codecs: Readonly<Record<string, Header['unpack']>> = {
  null: (block) => block,
  deflate: (block, limit) => inflateRawSync(block, { maxOutputLength: limit }),
  zstandard: (block, limit) => zstdDecompressSync(block, { maxOutputLength: limit }),
  // A checksum stands behind it.
  snappy: (block) => unsnapBlock(block.subarray(0, Math.max(0, block.length - 4))),
};

/** A block whose records are being given. */
interface Block {
  readonly bytes: Buffer;
  readonly count: number;
  /** Where it begins, and where the next one does. */
  readonly start: number;
  readonly next: number;
  given: number;
  at: number;
}

class AvroReader implements ObjectReader {
  readonly #window: Window;
  readonly #header: Header;
  readonly #maxBlockBytes: number;
  #block: Block | null = null;

  constructor(window: Window, header: Header, maxBlockBytes: number) {
    this.#window = window;
    this.#header = header;
    this.#maxBlockBytes = maxBlockBytes;
  }

  async next(max: number): Promise<readonly ReadItem[]> {
    for (;;) {
      if (this.#block !== null) {
        const items = this.#records(this.#block, max);
        if (items.length > 0) return items;
      }
      const failed = await this.#nextBlock();
      if (failed === 'end') return [];
      if (failed !== null) return [failed];
    }
  }

  #records(block: Block, max: number): ReadItem[] {
    const { sequence } = this.#header;
    const items: ReadItem[] = [];
    while (block.given < block.count && items.length < max) {
      let value: unknown;
      try {
        value = sequence.read(block.bytes, block.at, block.bytes.length);
      } catch (error) {
        const rest = new DataError(`${(error as Error).message}; the rest of the block is passed over`, {
          cause: error,
        });
        items.push(unreadable(rest, block.bytes.subarray(block.at), block.next));
        this.#block = null;
        return items;
      }
      block.at = sequence.end;
      block.given++;
      const isLast = block.given === block.count;
      items.push(item(sequence.schema, value, isLast ? block.next : block.start, isLast ? 0 : block.given));
    }
    if (block.given === block.count) this.#block = null;
    return items;
  }

  /** Null: it is there. Else what is wrong with it. */
  async #nextBlock(): Promise<ReadItem | 'end' | null> {
    const window = this.#window;
    if (!(await window.hold(1))) return 'end';
    const start = window.base;
    // Two numbers of ten bytes at most.
    await window.hold(20);
    const cursor = new Cursor(window.bytes, 0);
    const count = cursor.long();
    const size = cursor.long();
    if (count === null || size === null || count < 0 || size < 0) return this.#passOver('A block has no size');
    if (size > this.#maxBlockBytes) {
      const error = tooLong(`A block (of ${size} bytes)`, this.#maxBlockBytes, 'max.block.bytes');
      window.drop(cursor.at);
      return (await this.#dropBytes(size + markBytes))
        ? unreadable(error, null, window.base)
        : this.#passOver(error.message);
    }
    const whole = cursor.at + size + markBytes;
    if (!(await window.hold(whole))) return this.#passOver('The object ends within a block');
    const packed = window.bytes.subarray(cursor.at, cursor.at + size);
    if (!window.bytes.subarray(cursor.at + size, whole).equals(this.#header.mark)) {
      return this.#passOver('A block has no mark at its end');
    }
    window.drop(whole);
    const next = window.base;
    try {
      const bytes = this.#header.unpack(packed, this.#maxBlockBytes);
      // Records without a byte: as many as that are no data.
      if (count > bytes.length + 4096)
        throw new DataError(`It says that it has ${count} records in ${bytes.length} bytes`);
      this.#block = { bytes, count, start, next, given: 0, at: 0 };
      return null;
    } catch (error) {
      const damage = new DataError(`A block cannot be unpacked: ${(error as Error).message}`, { cause: error });
      return unreadable(damage, packed, next);
    }
  }

  async #dropBytes(count: number): Promise<boolean> {
    let left = count;
    while (left > 0) {
      if (!(await this.#window.hold(1))) return false;
      const now = Math.min(left, this.#window.bytes.length);
      this.#window.drop(now);
      left -= now;
    }
    return true;
  }

  /** Up to behind the next mark, or the end. */
  async #passOver(what: string): Promise<ReadItem> {
    const window = this.#window;
    for (;;) {
      const at = window.bytes.indexOf(this.#header.mark);
      if (at >= 0) {
        window.drop(at + markBytes);
        break;
      }
      window.drop(Math.max(0, window.bytes.length - markBytes + 1));
      if (!(await window.hold(window.bytes.length + 1))) {
        window.drop(window.bytes.length);
        break;
      }
    }
    return unreadable(new DataError(`${what}; it is passed over, up to the next one`), null, window.base);
  }

  close(): Promise<void> {
    return this.#window.close();
  }
}

/** The bytes in front, as many as are asked for. */
class Window {
  readonly #chunks: Chunks;
  bytes: Buffer = nothing;
  /** Position of the first of them in the object. */
  base: number;

  constructor(pieces: AsyncGenerator<Buffer, void, undefined>, base: number) {
    this.#chunks = new Chunks(pieces);
    this.base = base;
  }

  /** False: the object has not so many more. */
  async hold(count: number): Promise<boolean> {
    if (this.bytes.length >= count) return true;
    const parts = [this.bytes];
    let held = this.bytes.length;
    while (held < count) {
      const piece = await this.#chunks.more();
      if (piece === null) break;
      parts.push(piece);
      held += piece.length;
    }
    this.bytes = Buffer.concat(parts);
    return held >= count;
  }

  drop(count: number): void {
    this.base += count;
    this.bytes = this.bytes.subarray(count);
  }

  close(): Promise<void> {
    return this.#chunks.close();
  }
}

/** Avro's numbers and lengths; null where the bytes end. */
class Cursor {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  long(): number | null {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) return null;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number((value >> 1n) ^ -(value & 1n));
    }
    throw new DataError('The Avro container holds a number that is longer than its type');
  }

  block(): Buffer | null {
    const length = this.long();
    if (length === null) return null;
    if (length < 0 || length > maxHeaderBytes)
      throw new DataError(`The Avro container says that ${length} bytes follow`);
    return this.take(length);
  }

  take(length: number): Buffer | null {
    if (this.at + length > this.#bytes.length) return null;
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}
