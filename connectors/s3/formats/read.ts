import { DataError, type Schema } from '../../../src/api/index.ts';

/** An object as its reader sees it: unpacked, where it is compressed. */
export interface ByteSource {
  /** Bytes; null where the object is compressed, and can be read from its start only. */
  readonly size: number | null;
  /**
   * The bytes from there on, in pieces of some megabytes at most. `reused`: a piece is good until the next one is asked for
   * and its memory may be that of a later one, so that a large object does not leave its whole size to the garbage collector.
   */
  chunks(from: number, reused?: boolean): AsyncGenerator<Buffer, void, undefined>;
  /** `end` is exclusive. Throws where the object is compressed. */
  slice(start: number, end: number): Promise<Buffer>;
}

/** What an object holds at one place: a value, or something that cannot be read. */
export interface ReadItem {
  readonly schema: Schema | null;
  readonly value: unknown;
  /** Why there is no value. */
  readonly error: Error | null;
  /** Where to begin to find what is behind it … */
  readonly position: number;
  /** … and how many items from there on are to be left out. */
  readonly skip: number;
}

export interface ObjectReader {
  /** Some items, at most `max`, as far as they are at hand without waiting; none: that was all. */
  next(max: number): Promise<readonly ReadItem[]>;
  close(): Promise<void>;
}

/** Leaves the first items out. Readers that can do so for less than it costs to read them do it themselves. */
export function skipping(reader: ObjectReader, count: number): ObjectReader {
  let left = count;
  return {
    async next(max) {
      for (;;) {
        const items = await reader.next(max);
        if (items.length === 0 || left === 0) return items;
        const rest = items.slice(left);
        left -= items.length - rest.length;
        if (rest.length > 0) return rest;
      }
    },
    close: () => reader.close(),
  };
}

export interface ReadLimits {
  /** Of one record: a line, a JSON value, a row of CSV, a whole object. */
  readonly maxRecordBytes: number;
  /** Of a block of Avro and a row group of Parquet, unpacked. */
  readonly maxBlockBytes: number;
}

export const item = (schema: Schema | null, value: unknown, position: number, skip = 0): ReadItem => ({
  schema,
  value,
  error: null,
  position,
  skip,
});

/** Of what cannot be read so much is kept for the dead letter. */
const keptBytes = 256 << 10;

/** `bytes`: what is there in place of a value; null where that is too much, or not known. */
export const unreadable = (error: Error, bytes: Buffer | null, position: number, skip = 0): ReadItem => ({
  schema: null,
  value: bytes === null || bytes.length > keptBytes ? null : new Uint8Array(bytes),
  error,
  position,
  skip,
});

export const tooLong = (what: string, limit: number, key = 'max.record.bytes'): DataError =>
  new DataError(`${what} is longer than ${limit} bytes; ${key} allows no more`);

/** A byte order mark, and the magic of a format, is not cut in two. */
const leastFirstBytes = 4;

/** Pulls pieces out of a source, and lets go of it in the end. */
export class Chunks {
  readonly #pieces: AsyncGenerator<Buffer, void, undefined>;
  #begun = false;
  #ended = false;

  constructor(pieces: AsyncGenerator<Buffer, void, undefined>) {
    this.#pieces = pieces;
  }

  /** Null at the end; never an empty piece. */
  async more(): Promise<Buffer | null> {
    let piece = await this.#next();
    if (this.#begun) return piece;
    this.#begun = true;
    while (piece !== null && piece.length < leastFirstBytes) {
      piece = Buffer.from(piece);
      const next = await this.#next();
      if (next === null) return piece;
      piece = Buffer.concat([piece, next]);
    }
    return piece;
  }

  async #next(): Promise<Buffer | null> {
    while (!this.#ended) {
      const { done, value } = await this.#pieces.next();
      if (done === true) this.#ended = true;
      else if (value.length > 0) return value;
    }
    return null;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#pieces.return();
  }
}

/** The bytes of a byte order mark at the start of a text, which belongs to nothing in it. */
export const markLength = (bytes: Buffer): number =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
