import { DataError, readWholeSchemaless } from '../../../src/api/index.ts';
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

const nothing = Buffer.alloc(0);
/** In front of the first value nothing but blanks may stand, and not more of them than this. */
const headBytes = 4096;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * JSON documents: the elements of an array are records, each for itself; else each value is one, be it the only one or
 * one of many behind each other. Values are found by their brackets and quotes alone and read one by one, so that an
 * array of any length needs the memory of its longest element, and one that cannot be read takes no other with it.
 */
export function openJson(source: ByteSource, from: number, maxBytes: number, skip = 0): ObjectReader {
  return new JsonReader(source, from, maxBytes, skip);
}

class JsonReader implements ObjectReader {
  readonly #source: ByteSource;
  readonly #maxBytes: number;
  #toSkip: number;
  #chunks: Chunks | null = null;
  /** Null: not known yet. */
  #inArray: boolean | null = null;
  /** The array's own end has been read. */
  #closed = false;
  #bytes: Buffer = nothing;
  #at = 0;
  #base: number;
  /** Where the value under way begins; -1: between two values, or within one that is too long to be kept. */
  #start = -1;
  #within = false;
  #passing = false;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #ended = false;

  /** `skip`: so many values are left out, of which only the end is looked for. */
  constructor(source: ByteSource, from: number, maxBytes: number, skip: number) {
    this.#source = source;
    this.#toSkip = skip;
    this.#base = from;
    this.#maxBytes = maxBytes;
  }

  async next(max: number): Promise<readonly ReadItem[]> {
    if (this.#chunks === null) await this.#open();
    const items: ReadItem[] = [];
    for (;;) {
      this.#scan(items, max);
      if (items.length > 0) return items;
      if (await this.#more()) continue;
      if (this.#within) {
        // A number at the very end is complete; everything else is not.
        this.#take(this.#bytes.length, items);
      }
      return items;
    }
  }

  /** Whether the values are those of an array is seen at the start of the object, wherever reading begins. */
  async #open(): Promise<void> {
    if (this.#base > 0) {
      const head = await this.#source.slice(0, Math.min(headBytes, this.#source.size ?? headBytes));
      this.#inArray = head[firstSolid(head, markLength(head))] === openBracket;
    }
    this.#chunks = new Chunks(this.#source.chunks(this.#base, true));
  }

  #scan(items: ReadItem[], max: number): void {
    const bytes = this.#bytes;
    while (this.#at < bytes.length && items.length < max) {
      const byte = bytes[this.#at]!;
      if (this.#within) this.#step(byte, items);
      else this.#between(byte, items);
    }
  }

  #between(byte: number, items: ReadItem[]): void {
    if (isBlank(byte)) {
      this.#at++;
    } else if (this.#inArray === null) {
      this.#inArray = byte === openBracket;
      if (this.#inArray) this.#at++;
    } else if (this.#inArray && !this.#closed && byte === comma) {
      this.#at++;
    } else if (this.#inArray && !this.#closed && byte === closeBracket) {
      this.#closed = true;
      this.#at++;
    } else if (this.#closed) {
      const error = new DataError('There is more behind the end of the array');
      items.push(unreadable(error, null, this.#source.size ?? this.#base + this.#at + 1));
      this.#at = this.#bytes.length;
      this.#ended = true;
    } else {
      this.#start = this.#at;
      this.#within = true;
    }
  }

  #step(byte: number, items: ReadItem[]): void {
    if (this.#inString) {
      this.#at++;
      if (this.#escaped) this.#escaped = false;
      else if (byte === backslash) this.#escaped = true;
      else if (byte === quote) {
        this.#inString = false;
        if (this.#depth === 0) this.#take(this.#at, items);
      }
      return;
    }
    if (byte === quote) {
      // Behind a number without anything between: what is in front ends here.
      this.#inString = true;
      this.#at++;
    } else if (byte === openBrace || byte === openBracket) {
      this.#depth++;
      this.#at++;
    } else if (byte === closeBrace || byte === closeBracket) {
      if (this.#depth === 0) {
        // The end of the array behind a number, or a bracket too many, which then is a value that cannot be read.
        if (byte === closeBrace || this.#inArray !== true) this.#at++;
        this.#take(this.#at, items);
        return;
      }
      this.#at++;
      if (--this.#depth === 0) this.#take(this.#at, items);
    } else if (this.#depth === 0 && (isBlank(byte) || (byte === comma && this.#inArray === true))) {
      this.#take(this.#at, items);
    } else {
      this.#at++;
    }
  }

  #take(end: number, items: ReadItem[]): void {
    const start = this.#start;
    const position = this.#base + end;
    const passed = this.#passing || end - start > this.#maxBytes;
    this.#within = false;
    this.#start = -1;
    this.#passing = false;
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return;
    }
    if (passed) {
      items.push(unreadable(tooLong('The value', this.#maxBytes), null, position));
      return;
    }
    try {
      items.push(item(null, readWholeSchemaless(this.#bytes, start, end), position));
    } catch (error) {
      items.push(unreadable(error as Error, this.#bytes.subarray(start, end), position));
    }
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const isFirst = this.#base === 0 && this.#bytes.length === 0;
    // Of its own, as the piece that it lies in is gone with the next.
    const rest = this.#start >= 0 ? Buffer.from(this.#bytes.subarray(this.#start)) : nothing;
    this.#base += this.#bytes.length - rest.length;
    if (this.#start >= 0) this.#start = 0;
    this.#bytes = rest;
    this.#at = rest.length;
    const piece = await this.#chunks!.more();
    if (piece === null) {
      this.#ended = true;
      return false;
    }
    if (rest.length > this.#maxBytes) {
      // Too long to be kept: only its end is looked for.
      this.#passing = true;
      this.#base += rest.length;
      this.#bytes = piece;
      this.#at = 0;
      this.#start = -1;
      return true;
    }
    this.#bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    this.#at = isFirst ? markLength(piece) : rest.length;
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks?.close();
  }
}

const isBlank = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function firstSolid(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && isBlank(bytes[at]!)) at++;
  return at;
}
