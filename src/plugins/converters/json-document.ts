import { isUtf8 } from 'node:buffer';
import { allowFields } from '../../data/field-allowance.ts';
import { type JsonNode, readJson, readWholeJson } from '../../data/json-reader.ts';
import { needsExactNumbers } from '../../data/schemaless-json.ts';
import { asBuffer } from '../../java/utf8.ts';
import type { JsonDecoder } from './json-decoder.ts';

/** A number without a fraction that is written with one, or with an exponent. */
const suspiciousNumber = /\d(?:\.0+(?!\d)|[eE])/;

/** Half a pair is refused in a field's name. */
const loneSurrogate = /\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]/;

/** After a document with large numbers, this many are read exactly at once. */
const exactStreak = 64;

/** Reads JSON documents with one decoder: natively where that is safe, which is nearly always, else exactly. */
export class JsonDocument {
  readonly #decode: JsonDecoder;
  readonly #temporal: boolean;
  #exactLeft = 0;

  /** `temporal`: the schema has types for which `5` and `5.0` differ, which the native parser does not tell. */
  constructor(decode: JsonDecoder, temporal: boolean) {
    this.#decode = decode;
    this.#temporal = temporal;
  }

  /** The document in `buffer[start, end)`; what follows its first value is ignored. */
  read(buffer: Buffer, start: number, end: number): unknown {
    const text = this.#nativeText(buffer, start, end);
    if (text !== null) {
      const value = this.#native(text);
      if (value !== undefined) return value;
    }
    const node = readJson(buffer.subarray(start, end));
    allowFields(end - start);
    return this.#decode(node);
  }

  /** The same where exactly one value must fill the range; undefined if it does not. */
  readWhole(buffer: Buffer, start: number, end: number): unknown {
    const text = this.#nativeText(buffer, start, end);
    if (text === null) return undefined;
    const value = this.#native(text);
    if (value !== undefined) return value;
    const node = readWholeJson(text);
    if (node === undefined) return undefined;
    allowFields(text.length);
    return this.#decode(node);
  }

  /** Null when the bytes are not plain UTF-8: the exact reader then looks at them. */
  #nativeText(buffer: Buffer, start: number, end: number): string | null {
    if (end - start > 1) {
      const first = buffer[start] as number;
      if (first === 0 || first >= 0xef || buffer[start + 1] === 0) return null;
    }
    const text = asBuffer(buffer).utf8Slice(start, end);
    return text.includes('\ufffd') && !isUtf8(buffer.subarray(start, end)) ? null : text;
  }

  /** Undefined when the text needs the exact reader. */
  #native(text: string): unknown {
    if (this.#exactLeft > 0) {
      this.#exactLeft--;
      return undefined;
    }
    if (this.#temporal && suspiciousNumber.test(text)) return undefined;
    if (text.includes('\\u') && loneSurrogate.test(text)) return undefined;
    if (text.length > 1000 && /[\d.eE+-]{1001}/.test(text)) return undefined;
    let node: JsonNode;
    try {
      node = JSON.parse(text);
    } catch {
      return undefined;
    }
    try {
      allowFields(text.length);
      return this.#decode(node) ?? null;
    } catch (error) {
      if (error !== needsExactNumbers) throw error;
      this.#exactLeft = exactStreak;
      return undefined;
    }
  }
}
