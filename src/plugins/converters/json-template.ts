import { isUtf8 } from 'node:buffer';
import { specialsIn } from '../../data/json-text.ts';
import { DATE_NAME, DECIMAL_NAME, TIME_NAME, TIMESTAMP_NAME } from '../../data/logical.ts';
import type { Field, Schema } from '../../data/schema.ts';
import { Struct } from '../../data/struct.ts';
import { TextWindow } from '../../data/text-window.ts';
import { asBuffer } from '../../java/utf8.ts';
import type { JsonDecoding } from './json-decoder.ts';

/** The answer for JSON that is laid out otherwise, or that needs a closer look: read it another way. */
const otherwise = Symbol('laid out otherwise');

/** Reads one value at `scan.at` and moves behind it. */
type TemplateReader = (scan: JsonScan) => unknown;

/** A position in a buffer of JSON documents. A buffer that was scanned once must keep its content. */
export class JsonScan {
  buffer: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  end = 0;
  readonly texts = new TextWindow();

  turnTo(buffer: Buffer, start: number, end: number): void {
    if (buffer !== this.buffer) {
      this.buffer = buffer;
      this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    }
    this.at = start;
    this.end = end;
  }

  /** Whether these bytes stand at `at`; then moves behind them. */
  take(literal: Literal): boolean {
    const { bytes, words } = literal;
    const at = this.at;
    const next = at + bytes.length;
    if (next > this.end) return false;
    const view = this.view;
    for (let i = 0; i < words.length; i++) if (view.getInt32(at + (i << 2), true) !== words[i]) return false;
    for (let i = words.length << 2; i < bytes.length; i++) if (this.buffer[at + i] !== bytes[i]) return false;
    this.at = next;
    return true;
  }
}

/** Bytes to compare with, four at a time. */
export class Literal {
  readonly bytes: Buffer;
  readonly words: Int32Array;

  constructor(text: string) {
    this.bytes = Buffer.from(text);
    this.words = Int32Array.from({ length: this.bytes.length >> 2 }, (_, i) => this.bytes.readInt32LE(i << 2));
  }
}

/**
 * Reads values as JSON writers lay them out who know the schema: every field in its order, no blanks, texts without
 * escapes. That is how messages mostly look, and it takes no parser; `undefined` for all others.
 */
export class JsonTemplate {
  readonly #read: TemplateReader;

  private constructor(read: TemplateReader) {
    this.#read = read;
  }

  /** Null for schemas with types whose JSON takes more than a look. */
  static of(schema: Schema | null, decoding: JsonDecoding): JsonTemplate | null {
    const read = schema === null ? null : compile(schema, decoding);
    return read === null ? null : new JsonTemplate(read);
  }

  /** The value that fills `[scan.at, scan.end)`. */
  read(scan: JsonScan): unknown {
    const value = this.#read(scan);
    return value === otherwise || scan.at !== scan.end ? undefined : value;
  }
}

const nullLiteral = new Literal('null');
const trueLiteral = new Literal('true');
const falseLiteral = new Literal('false');

function compile(schema: Schema, decoding: JsonDecoding): TemplateReader | null {
  const read = compileNonNull(schema, decoding);
  if (read === null) return null;
  const { defaultValue } = schema;
  const nullValue =
    defaultValue !== undefined && decoding.replaceNullWithDefault ? defaultValue : schema.optional ? null : otherwise;
  if (nullValue === otherwise) return read;
  return (scan) => (scan.buffer[scan.at] === 0x6e && scan.take(nullLiteral) ? nullValue : read(scan));
}

function compileNonNull(schema: Schema, decoding: JsonDecoding): TemplateReader | null {
  switch (schema.name) {
    case DECIMAL_NAME:
    case DATE_NAME:
    case TIME_NAME:
    case TIMESTAMP_NAME:
      return null;
  }
  switch (schema.type) {
    case 'boolean':
      return readBoolean;
    case 'int8':
      return (scan) => narrow(readInteger(scan, 9), 24);
    case 'int16':
      return (scan) => narrow(readInteger(scan, 9), 16);
    case 'int32':
      return (scan) => readInteger(scan, 9);
    case 'int64':
      return (scan) => {
        const value = readInteger(scan, 15);
        return value === otherwise ? otherwise : BigInt(value);
      };
    case 'float64':
      return readDouble;
    case 'string':
      return readText;
    case 'array':
      return compileArray(schema, decoding);
    case 'struct':
      return compileStruct(schema, decoding);
    default:
      return null;
  }
}

function compileStruct(schema: Schema, decoding: JsonDecoding): TemplateReader | null {
  const count = schema.fields.length;
  if (count === 0) return null;
  const heads = schema.fields.map(
    (field: Field, i) => new Literal(`${i === 0 ? '{' : ','}${JSON.stringify(field.name)}:`),
  );
  const readers: TemplateReader[] = [];
  for (const field of schema.fields) {
    const read = compile(field.schema, decoding);
    if (read === null) return null;
    readers.push(read);
  }
  return (scan) => {
    const values = new Array<unknown>(count);
    for (let i = 0; i < count; i++) {
      if (!scan.take(heads[i]!)) return otherwise;
      const value = readers[i]!(scan);
      if (value === otherwise) return otherwise;
      values[i] = value;
    }
    if (scan.at >= scan.end || scan.buffer[scan.at] !== 0x7d) return otherwise;
    scan.at++;
    return new Struct(schema, values);
  };
}

function compileArray(schema: Schema, decoding: JsonDecoding): TemplateReader | null {
  const read = schema.valueSchema === null ? null : compile(schema.valueSchema, decoding);
  if (read === null) return null;
  return (scan) => {
    const { buffer } = scan;
    if (buffer[scan.at] !== 0x5b) return otherwise;
    const items: unknown[] = [];
    scan.at++;
    if (buffer[scan.at] === 0x5d) {
      scan.at++;
      return items;
    }
    for (;;) {
      const item = read(scan);
      if (item === otherwise) return otherwise;
      items.push(item);
      const next = buffer[scan.at++];
      if (next === 0x5d) return items;
      if (next !== 0x2c) return otherwise;
    }
  };
}

function readBoolean(scan: JsonScan): unknown {
  return scan.take(trueLiteral) ? true : scan.take(falseLiteral) ? false : otherwise;
}

/** No leading zeros, no `-0`, few enough digits to be exact. */
function readInteger(scan: JsonScan, mostDigits: number): number | typeof otherwise {
  const { buffer, end } = scan;
  let at = scan.at;
  const negative = buffer[at] === 0x2d;
  if (negative) at++;
  const start = at;
  let value = 0;
  for (; at < end; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const digits = at - start;
  if (digits === 0 || digits > mostDigits) return otherwise;
  if (buffer[start] === 0x30 && (digits > 1 || negative)) return otherwise;
  scan.at = at;
  return negative ? -value : value;
}

function narrow(value: number | typeof otherwise, shift: number): number | typeof otherwise {
  return value === otherwise ? otherwise : (value << shift) >> shift;
}

const plainNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const longestNumber = 32;

function readDouble(scan: JsonScan): number | typeof otherwise {
  const { buffer, end } = scan;
  const start = scan.at;
  let at = start;
  while (at < end && isOfNumber(buffer[at]!)) at++;
  if (at === start || at - start > longestNumber) return otherwise;
  const text = asBuffer(buffer).latin1Slice(start, at);
  if (!plainNumber.test(text)) return otherwise;
  const value = Number(text);
  if (value === 0 ? text.startsWith('-') : !Number.isFinite(value)) return otherwise;
  scan.at = at;
  return value;
}

function isOfNumber(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2e || byte === 0x2b || (byte | 0x20) === 0x65;
}

function readText(scan: JsonScan): string | typeof otherwise {
  const { buffer, view, end } = scan;
  let at = scan.at;
  if (at >= end || buffer[at] !== 0x22) return otherwise;
  const start = ++at;
  let seen = 0;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    if (specialsIn(word) !== 0) break;
    seen |= word;
  }
  for (; ; at++) {
    if (at >= end) return otherwise;
    const byte = buffer[at]!;
    if (byte === 0x22) break;
    if (byte < 0x20 || byte === 0x5c) return otherwise;
    seen |= byte;
  }
  scan.at = at + 1;
  if ((seen & 0x80808080) === 0) return scan.texts.slice(buffer, start, at);
  const text = asBuffer(buffer).utf8Slice(start, at);
  return text.includes('\ufffd') && !isUtf8(buffer.subarray(start, at)) ? otherwise : text;
}
