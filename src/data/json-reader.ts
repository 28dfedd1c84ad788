import { isUtf8 } from 'node:buffer';
import { SerializationError } from '../errors.ts';
import { asBuffer } from '../java/utf8.ts';
import { Decimal } from './logical.ts';
import { decimalToLong, lowLong, textToFloat } from './numbers.ts';

/**
 * JSON as Java's Jackson reads it: numbers keep their text, so that 64-bit integers and decimals stay exact; leading
 * zeros, a byte order mark, UTF-16 and anything after the first value are accepted.
 *
 * `number` only occurs in trees that came from the native parser, where the caller has made sure that it is exact.
 */
export type JsonNode = null | boolean | string | number | JsonNumber | JsonMissing | JsonNode[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonNode;
}

/** The root of an empty document: not null, not anything. */
export class JsonMissing {}
const missing = new JsonMissing();

export class JsonNumber {
  readonly text: string;
  readonly integral: boolean;

  constructor(text: string, integral: boolean) {
    this.text = text;
    this.integral = integral;
  }

  /** Low 64 bits of the integer part. */
  toLong(): bigint {
    return this.integral ? lowLong(BigInt(plainInteger(this.text))) : decimalToLong(this.toDecimal());
  }

  toDouble(): number {
    const value = Number(this.text);
    return value === 0 && (this.integral || this.toDecimal().unscaled === 0n) ? 0 : value;
  }

  toFloat(): number {
    const value = textToFloat(this.text);
    return value === 0 && (this.integral || this.toDecimal().unscaled === 0n) ? 0 : value;
  }

  toDecimal(): Decimal {
    const decimal = Decimal.parse(this.text);
    if (decimal === null) throw unreadable(`Number out of range: ${this.text.slice(0, 40)}`);
    return decimal;
  }

  /** Whether it is an integer that fits 32 bits. */
  isInt(): boolean {
    if (!this.integral) return false;
    const value = Number(this.text);
    return value >= -2_147_483_648 && value <= 2_147_483_647;
  }

  toJSON(): string {
    return this.text;
  }
}

export function isJsonObject(node: JsonNode | undefined): node is JsonObject {
  return (
    typeof node === 'object' &&
    node !== null &&
    !Array.isArray(node) &&
    !(node instanceof JsonNumber) &&
    !(node instanceof JsonMissing)
  );
}

/** JavaScript moves keys that look like array indexes to the front; here is how such objects were written. */
const writtenOrder = new WeakMap<JsonObject, string[]>();

/** The keys of an object that `readJson` made, in the order of the document. */
export function keysAsWritten(node: JsonObject): readonly string[] {
  return writtenOrder.get(node) ?? Object.keys(node);
}

/** Reads the first value of a document. Throws SerializationError. */
export function readJson(bytes: Uint8Array): JsonNode {
  const { text, cut } = jsonText(bytes);
  return new Reader(text, cut).document();
}

export function readJsonText(text: string): JsonNode {
  return new Reader(text, false).document();
}

/** Reads a text that must hold one value and nothing else; undefined for anything else. */
export function readWholeJson(text: string): JsonNode | undefined {
  const end = skipJson(text, 0);
  return end < 0 || text.slice(end).trim() !== '' ? undefined : readJsonText(text);
}

/** Where the value that starts at `start` ends, without reading it; -1 if it is not well-formed there. */
export function skipJson(text: string, start: number): number {
  const reader = new Reader(text, false);
  reader.at = start;
  try {
    reader.value(0);
    return reader.at;
  } catch (error) {
    if (error instanceof SerializationError) return -1;
    throw error;
  }
}

const maxDepth = 1000;
const maxNumberLength = 1000;
const maxNameLength = 50_000;
const maxStringLength = 100_000_000;

class Reader {
  readonly #text: string;
  /** The text ends where a malformed byte stood. */
  readonly #cut: boolean;
  at = 0;

  constructor(text: string, cut: boolean) {
    this.#text = text;
    this.#cut = cut;
  }

  document(): JsonNode {
    this.#blanks();
    if (this.at >= this.#text.length && !this.#cut) return missing;
    const node = this.value(0);
    const ended = this.at >= this.#text.length;
    if (node instanceof JsonNumber && (ended ? this.#cut : !isBlank(this.#text.charCodeAt(this.at)))) {
      throw this.#unexpected('a space after the number');
    }
    return node;
  }

  value(depth: number): JsonNode {
    this.#blanks();
    const char = this.#text[this.at];
    switch (char) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#array(depth + 1);
      case '"':
        return this.#string(maxStringLength);
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    if (depth > maxDepth) throw tooDeep(depth);
    const object: JsonObject = Object.create(null);
    const names: string[] = [];
    let indexLike = false;
    this.at++;
    this.#blanks();
    if (this.#text[this.at] === '}') {
      this.at++;
      return object;
    }
    for (;;) {
      this.#blanks();
      if (this.#text[this.at] !== '"') throw this.#unexpected('a field name in double quotes');
      const name = this.#string(maxNameLength);
      if (!name.isWellFormed()) throw unreadable('A field name has half of a surrogate pair');
      this.#blanks();
      if (this.#text[this.at] !== ':') throw this.#unexpected('a colon');
      this.at++;
      indexLike ||= /^\d/.test(name);
      names.push(name);
      object[name] = this.value(depth);
      this.#blanks();
      const char = this.#text[this.at++];
      if (char === '}') {
        if (indexLike) writtenOrder.set(object, [...new Set(names)]);
        return object;
      }
      if (char !== ',') {
        this.at--;
        throw this.#unexpected('a comma or }');
      }
    }
  }

  #array(depth: number): JsonNode[] {
    if (depth > maxDepth) throw tooDeep(depth);
    const items: JsonNode[] = [];
    this.at++;
    this.#blanks();
    if (this.#text[this.at] === ']') {
      this.at++;
      return items;
    }
    for (;;) {
      items.push(this.value(depth));
      this.#blanks();
      const char = this.#text[this.at++];
      if (char === ']') return items;
      if (char !== ',') {
        this.at--;
        throw this.#unexpected('a comma or ]');
      }
    }
  }

  #string(limit: number): string {
    const text = this.#text;
    const start = ++this.at;
    let out = '';
    let from = start;
    for (;;) {
      const code = text.charCodeAt(this.at);
      if (code === 0x22) {
        const whole = from === start ? text.slice(start, this.at) : out + text.slice(from, this.at);
        if (whole.length > limit) throw unreadable(`String of ${whole.length} characters is longer than ${limit}`);
        this.at++;
        return whole;
      }
      if (code === 0x5c) {
        out += text.slice(from, this.at) + this.#escape();
        from = this.at;
      } else if (code < 0x20 || Number.isNaN(code)) {
        throw this.#unexpected('the end of the string');
      } else {
        this.at++;
      }
    }
  }

  #escape(): string {
    const char = this.#text[this.at + 1];
    this.at += 2;
    switch (char) {
      case '"':
      case '\\':
      case '/':
        return char;
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'u': {
        const hex = this.#text.slice(this.at, this.at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#unexpected('four hexadecimal digits');
        this.at += 4;
        return String.fromCharCode(Number.parseInt(hex, 16));
      }
      default:
        this.at -= 1;
        throw this.#unexpected('an escape');
    }
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.at)) throw this.#unexpected('a value');
    this.at += word.length;
    const next = this.#text[this.at];
    if (next === undefined ? this.#cut : next >= '0' && /[\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mn}\p{Mc}]/u.test(next)) {
      throw this.#unexpected('a value');
    }
    return value;
  }

  #number(): JsonNumber {
    const number = /-?\d+(?:(\.\d+)?([eE][+-]?\d+)?)/y;
    number.lastIndex = this.at;
    const match = number.exec(this.#text);
    if (match === null) throw this.#unexpected('a value');
    const end = this.at + match[0].length;
    const next = this.#text[end];
    // A point or an exponent without digits belongs to a broken number, not to what follows it.
    if ((next === '.' && match[1] === undefined && match[2] === undefined) || next === 'e' || next === 'E') {
      this.at = end;
      throw this.#unexpected('a digit');
    }
    const text = match[0].replace(/^(-?)0+(?=\d)/, '$1');
    const integral = match[1] === undefined && match[2] === undefined;
    if (text.length > maxNumberLength && text.replace(/\D/g, '').length > maxNumberLength) {
      throw unreadable(`Number of ${text.length} characters is too long`);
    }
    if (!integral && match[2] !== undefined && Decimal.parse(text) === null) throw unreadable('Number out of range');
    this.at = end;
    return new JsonNumber(text, integral);
  }

  #blanks(): void {
    while (isBlank(this.#text.charCodeAt(this.at))) this.at++;
  }

  #unexpected(wanted: string): SerializationError {
    const found = this.at < this.#text.length ? JSON.stringify(this.#text[this.at]) : 'the end of the input';
    return unreadable(`Expected ${wanted} at character ${this.at} of the JSON document but found ${found}`);
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function plainInteger(text: string): string {
  return text === '-0' ? '0' : text;
}

function unreadable(message: string): SerializationError {
  return new SerializationError(message);
}

function tooDeep(depth: number): SerializationError {
  return unreadable(`Document nesting depth (${depth}) exceeds the maximum allowed (${maxDepth})`);
}

interface JsonText {
  readonly text: string;
  /** Something malformed followed: an error if the reader gets that far. */
  readonly cut: boolean;
}

/** The document's text: the encoding is told by a byte order mark or by where its zero bytes are. */
function jsonText(bytes: Uint8Array): JsonText {
  const [a = -1, b = -1, c = -1, d = -1] = bytes;
  if (bytes.length >= 4) {
    if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return utf32Text(bytes, 4, false);
    if (a === 0xff && b === 0xfe && c === 0 && d === 0) return utf32Text(bytes, 4, true);
    if (a === 0 && b === 0 && c === 0) return utf32Text(bytes, 0, false);
    if (b === 0 && c === 0 && d === 0) return utf32Text(bytes, 0, true);
    if ((a === 0 && b === 0) || (c === 0 && d === 0)) throw unreadable('Unsupported UCS-4 byte order');
    if (a === 0xef && b === 0xbb && c === 0xbf) return utf8Text(bytes.subarray(3));
    if (a === 0xfe && b === 0xff) return utf16Text(bytes.subarray(2), false);
    if (a === 0xff && b === 0xfe) return utf16Text(bytes.subarray(2), true);
  }
  if (a === 0 && bytes.length >= 2) return utf16Text(bytes, false);
  if (b === 0) return utf16Text(bytes, true);
  return utf8Text(bytes);
}

function utf16Text(bytes: Uint8Array, littleEndian: boolean): JsonText {
  const even = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  return { text: (littleEndian ? even : even.swap16()).toString('utf16le'), cut: bytes.length % 2 === 1 };
}

function utf32Text(bytes: Uint8Array, start: number, littleEndian: boolean): JsonText {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = start; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, littleEndian);
    if (code > 0x10ffff) return { text, cut: true };
    text += String.fromCodePoint(code);
  }
  return { text, cut: bytes.length % 4 !== 0 };
}

/** As Jackson decodes: overlong forms pass, surrogates do not. */
function utf8Text(bytes: Uint8Array): JsonText {
  const buffer = asBuffer(bytes);
  if (isUtf8(buffer)) return { text: buffer.utf8Slice(0, buffer.length), cut: false };
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++] as number;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const extra = (first & 0xe0) === 0xc0 ? 1 : (first & 0xf0) === 0xe0 ? 2 : (first & 0xf8) === 0xf0 ? 3 : 0;
    if (extra === 0) return { text, cut: true };
    let code = first & (0x3f >> extra);
    for (let i = 0; i < extra; i++) {
      const next = bytes[at++];
      if (next === undefined || (next & 0xc0) !== 0x80) return { text, cut: true };
      code = (code << 6) | (next & 0x3f);
    }
    if (extra === 3) {
      const beyond = code - 0x10000;
      text += String.fromCharCode((0xd800 | (beyond >> 10)) & 0xffff, 0xdc00 | (beyond & 0x3ff));
    } else if (code >= 0xd800 && code <= 0xdfff) {
      return { text, cut: true };
    } else {
      // An overlong quote or control character is content: escaped, the reader takes it so.
      text += code < 0x80 ? `\\u${code.toString(16).padStart(4, '0')}` : String.fromCharCode(code);
    }
  }
  return { text, cut: false };
}
