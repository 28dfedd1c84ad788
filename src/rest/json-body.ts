import { ConnectError } from '../errors.ts';

/** A number exactly as it was written: `1.50` and `12345678901234567890` stay what they are. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

/** JSON that is written into an answer as it stands. */
export class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;
/** A Map: no key of a body can reach an object's prototype; of repeated keys the last one wins, as with Jackson. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

export interface JsonLimits {
  readonly bytes: number;
  readonly depth: number;
}

/** A connector must fit into one table item (400 KB) with room for what Drover keeps beside it. */
export const bodyLimits: JsonLimits = { bytes: 1_048_576, depth: 64 };

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const stringPattern = /"(?:[^"\\]+|\\.)*"/sy;
const blanks = /[ \t\r\n]*/y;

/** Reads a body without losing a digit. Throws ConnectError `body.malformed`, `body.too_large` or `body.too_deep`. */
export function parseJson(text: string, limits: JsonLimits = bodyLimits): JsonValue {
  if (Buffer.byteLength(text) > limits.bytes) {
    throw new ConnectError('body.too_large', `The request body is larger than ${limits.bytes} bytes`);
  }
  return new Reader(text.startsWith('\ufeff') ? text.slice(1) : text, limits.depth).document();
}

class Reader {
  readonly #text: string;
  readonly #deepest: number;
  #at = 0;

  constructor(text: string, deepest: number) {
    this.#text = text;
    this.#deepest = deepest;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#skip();
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > this.#deepest) {
      throw new ConnectError('body.too_deep', `The request body is nested deeper than ${this.#deepest} levels`);
    }
    this.#skip();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default: {
        const number = this.#match(numberPattern);
        if (number === null) throw this.#unexpected();
        return new JsonNumber(number);
      }
    }
  }

  #object(depth: number): JsonObject {
    const object = new Map<string, JsonValue>();
    this.#at++;
    if (this.#accept('}')) return object;
    for (;;) {
      this.#skip();
      if (this.#text[this.#at] !== '"') throw this.#unexpected();
      const key = this.#string();
      if (!this.#accept(':')) throw this.#unexpected();
      object.set(key, this.#value(depth + 1));
      if (this.#accept('}')) return object;
      if (!this.#accept(',')) throw this.#unexpected();
    }
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    this.#at++;
    if (this.#accept(']')) return array;
    for (;;) {
      array.push(this.#value(depth + 1));
      if (this.#accept(']')) return array;
      if (!this.#accept(',')) throw this.#unexpected();
    }
  }

  #string(): string {
    const start = this.#at;
    const found = this.#match(stringPattern);
    try {
      // Also refuses bare control characters and escapes that are none.
      if (found !== null) return wellFormed(JSON.parse(found) as string);
    } catch (error) {
      if (error instanceof ConnectError) throw error;
      this.#at = start;
    }
    throw this.#unexpected();
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected();
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #accept(char: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #skip(): void {
    blanks.lastIndex = this.#at;
    blanks.exec(this.#text);
    this.#at = blanks.lastIndex;
  }

  #unexpected(): ConnectError {
    const char = this.#text[this.#at];
    const what =
      char === undefined ? 'it ends too early' : `unexpected ${JSON.stringify(char)} at character ${this.#at + 1}`;
    return new ConnectError('body.malformed', `The request body is not valid JSON: ${what}`);
  }
}

/** Half a surrogate pair has no UTF-8: what was stored could neither be read back nor named in a path. */
function wellFormed(text: string): string {
  if (text.isWellFormed()) return text;
  throw new ConnectError('body.malformed', 'The request body holds half of a surrogate pair');
}

/** The text of an answer: `JSON.stringify` with bigints as numbers and RawJson as it stands. */
export function writeJson(value: unknown): string {
  if (value === undefined) return 'null';
  if (value instanceof RawJson) return value.text;
  if (value instanceof JsonNumber) return value.text;
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`;
  if (value instanceof Map) return writeEntries([...value]);
  if (typeof value === 'object' && value !== null) return writeEntries(Object.entries(value));
  return JSON.stringify(value);
}

function writeEntries(entries: readonly (readonly [unknown, unknown])[]): string {
  const fields = entries
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${JSON.stringify(String(key))}:${writeJson(value)}`);
  return `{${fields.join(',')}}`;
}
