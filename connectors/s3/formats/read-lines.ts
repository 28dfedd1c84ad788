import { isUtf8 } from 'node:buffer';
import { DataError, readWholeSchemaless, STRING_SCHEMA } from '../../../src/api/index.ts';
import {
  type ByteSource,
  Chunks,
  item,
  markLength,
  type ObjectReader,
  type ReadItem,
  tooLong,
  unreadable,
} from './read.ts';

const lf = 10;
const cr = 13;
const nothing = Buffer.alloc(0);

/** What a line stands for; `undefined`: nothing. Throws for one that cannot be read. */
type LineDecoder = (bytes: Buffer, start: number, end: number, position: number) => ReadItem | undefined;

/** Each line, without its end, as text. */
export function openLines(source: ByteSource, from: number, maxBytes: number, skip = 0): ObjectReader {
  return new LineReader(source, from, maxBytes, skip, false, (bytes, start, end, position) => {
    const stop = end > start && bytes[end - 1] === cr ? end - 1 : end;
    const line = bytes.subarray(start, stop);
    if (!isUtf8(line)) throw new DataError('The line holds bytes that are not UTF-8');
    return item(STRING_SCHEMA, line.toString('utf8'), position);
  });
}

/** A JSON value on each line that is not blank. */
export function openJsonLines(source: ByteSource, from: number, maxBytes: number, skip = 0): ObjectReader {
  return new LineReader(source, from, maxBytes, skip, true, (bytes, start, end, position) => {
    if (isBlankLine(bytes, start, end)) return undefined;
    return item(null, readWholeSchemaless(bytes, start, end), position);
  });
}

function isBlankLine(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== cr) return false;
  }
  return true;
}

/** Cuts at line feeds; the last line needs none. What a line that is too long holds is passed over and not kept. */
class LineReader implements ObjectReader {
  readonly #chunks: Chunks;
  readonly #maxBytes: number;
  readonly #decode: LineDecoder;
  readonly #dropsBlank: boolean;
  #toSkip: number;
  #bytes: Buffer = nothing;
  #at = 0;
  /** No line feed is in front of it. */
  #searched = 0;
  /** Position of `#bytes[0]` in the object. */
  #base: number;
  #isFirst: boolean;
  /** Of the last piece, behind the line that it ends. */
  #pending: Buffer = nothing;
  /** Within a line that is too long. */
  #passing = false;
  #ended = false;

  /** `skip`: so many lines are left out without a look at what they hold, but whether it is something, if `dropsBlank`. */
  constructor(
    source: ByteSource,
    from: number,
    maxBytes: number,
    skip: number,
    dropsBlank: boolean,
    decode: LineDecoder,
  ) {
    this.#toSkip = skip;
    this.#dropsBlank = dropsBlank;
    this.#chunks = new Chunks(source.chunks(from, true));
    this.#base = from;
    this.#isFirst = from === 0;
    this.#maxBytes = maxBytes;
    this.#decode = decode;
  }

  async next(max: number): Promise<readonly ReadItem[]> {
    const items: ReadItem[] = [];
    for (;;) {
      while (items.length < max) {
        const end = this.#bytes.indexOf(lf, this.#searched);
        if (end < 0) break;
        this.#take(end, end + 1, items);
      }
      if (items.length > 0) return items;
      this.#searched = this.#bytes.length;
      if (!(await this.#more())) return this.#last();
    }
  }

  #take(end: number, next: number, items: ReadItem[]): void {
    const start = this.#at;
    const position = this.#base + next;
    this.#at = next;
    this.#searched = next;
    if (this.#toSkip > 0) {
      const isBlank = this.#dropsBlank && !this.#passing && isBlankLine(this.#bytes, start, end);
      this.#passing = false;
      if (!isBlank) this.#toSkip--;
      return;
    }
    if (this.#passing || end - start > this.#maxBytes) {
      this.#passing = false;
      items.push(unreadable(tooLong('The line', this.#maxBytes), null, position));
      return;
    }
    try {
      const decoded = this.#decode(this.#bytes, start, end, position);
      if (decoded !== undefined) items.push(decoded);
    } catch (error) {
      items.push(unreadable(error as Error, this.#bytes.subarray(start, end), position));
    }
  }

  #last(): readonly ReadItem[] {
    const items: ReadItem[] = [];
    if (this.#at < this.#bytes.length || this.#passing) this.#take(this.#bytes.length, this.#bytes.length, items);
    return items;
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    // Of its own, as the piece that it lies in is gone with the next.
    const rest = this.#passing ? nothing : Buffer.from(this.#bytes.subarray(this.#at));
    let piece: Buffer | null = this.#pending;
    if (piece.length === 0) piece = await this.#chunks.more();
    this.#pending = nothing;
    if (piece === null) {
      this.#base += this.#bytes.length - rest.length;
      this.#bytes = rest;
      this.#at = 0;
      this.#searched = rest.length;
      this.#ended = true;
      return false;
    }
    this.#base += this.#bytes.length - rest.length;
    this.#at = 0;
    this.#searched = rest.length;
    if (rest.length > 0) {
      // The line that lies across is put together, and not the megabytes behind it.
      const next = piece.indexOf(lf) + 1;
      if (next > 0) {
        this.#pending = piece.subarray(next);
        piece = piece.subarray(0, next);
      }
    }
    this.#bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#at = markLength(this.#bytes);
      this.#searched = this.#at;
    }
    if (rest.length > this.#maxBytes) this.#passing = true;
    return true;
  }

  close(): Promise<void> {
    return this.#chunks.close();
  }
}
