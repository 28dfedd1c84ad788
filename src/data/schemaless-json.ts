import { isUtf8 } from 'node:buffer';
import { SerializationError } from '../errors.ts';
import { asBuffer } from '../java/utf8.ts';
import { JsonMissing, type JsonNode, JsonNumber, readJson, readWholeJson } from './json-reader.ts';

/**
 * Thrown where a number from the native parser may have lost what matters (digits, its fraction): the document is
 * then read again with exact numbers. One shared object: it carries nothing, and making a stack costs more than it.
 */
export const needsExactNumbers = new Error('Read this document with exact numbers');

/** Integers are longs, the lowest 64 bits of longer ones as in Java, other numbers doubles, objects maps. */
export function decodeSchemaless(node: JsonNode | undefined): unknown {
  return decodeFree(node, 0, (number) => number.toLong());
}

const isLong = (value: bigint) => BigInt.asIntN(64, value) === value;

function requireLong(number: JsonNumber): bigint {
  const exact = /^-?\d{1,19}$/.test(number.text) ? BigInt(number.text) : null;
  if (exact !== null && isLong(exact)) return exact;
  const shown = number.text.length > 40 ? `${number.text.slice(0, 40)}…` : number.text;
  throw new SerializationError(
    `The whole number ${shown} has more than 64 bits: it would lose digits, write it as text`,
  );
}

/** Java refuses deeper documents; the exact reader says so. */
const maxNativeDepth = 1000;

function decodeFree(node: JsonNode | undefined, depth: number, long: (number: JsonNumber) => bigint): unknown {
  switch (typeof node) {
    case 'string':
    case 'boolean':
      return node;
    case 'number':
      if (Number.isSafeInteger(node)) return BigInt(node);
      if (Number.isInteger(node) || !Number.isFinite(node)) throw needsExactNumbers;
      return node;
    case 'undefined':
      return null;
  }
  if (node === null || node instanceof JsonMissing) return null;
  if (node instanceof JsonNumber) return node.integral ? long(node) : node.toDouble();
  if (depth >= maxNativeDepth) throw needsExactNumbers;
  if (Array.isArray(node)) return node.map((item) => decodeFree(item, depth + 1, long));
  const out = new Map<unknown, unknown>();
  for (const key of Object.keys(node)) out.set(key, decodeFree(node[key], depth + 1, long));
  return out;
}

/**
 * Schemaless JSON in one pass, straight to Connect's values: integers are longs with all their digits, other numbers
 * doubles, objects maps. Whatever is out of the ordinary is left to the exact reader.
 */
export function readSchemaless(buffer: Buffer, start: number, end: number): unknown {
  const value = readPlain(buffer, start, end);
  return value === odd ? decodeSchemaless(readJson(buffer.subarray(start, end))) : value;
}

/**
 * The same where one value must fill the range, but for blanks. Throws SerializationError, for whole numbers of more than
 * 64 bits too: Java's converter takes the lowest 64 of them.
 */
export function readWholeSchemaless(buffer: Buffer, start: number, end: number): unknown {
  const value = readPlain(buffer, start, end);
  if (value !== odd) return value;
  const bytes = buffer.subarray(start, end);
  if (!isUtf8(bytes)) throw new SerializationError('This is no JSON: it holds bytes that are not UTF-8');
  const node = readWholeJson(bytes.toString('utf8'));
  if (node !== undefined) return decodeFree(node, 0, requireLong);
  // Says what is wrong, where something is in the value itself.
  readJson(bytes);
  throw new SerializationError('This is no JSON: there is more than one value');
}

/** `odd` where the exact reader has to look. */
function readPlain(buffer: Buffer, start: number, end: number): unknown {
  const first = buffer[start];
  if (end - start <= 1 || first === 0 || buffer[start + 1] === 0) return odd;
  text = asBuffer(buffer).utf8Slice(start, end);
  if (text.includes('\ufffd') && !isUtf8(buffer.subarray(start, end))) return odd;
  at = 0;
  const value = readValue(0);
  if (value === odd) return odd;
  skipBlanks();
  return at === text.length ? value : odd;
}

/** The document being read; nothing here waits, so one is enough. */
let text = '';
let at = 0;

/** Given back instead of a value when the exact reader has to look. */
const odd = Symbol('odd');

const maxDepth = 900;

function skipBlanks(): number {
  let code = text.charCodeAt(at);
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at);
  return code;
}

function readValue(depth: number): unknown {
  const code = skipBlanks();
  switch (code) {
    case 0x22:
      return readString();
    case 0x7b:
      return depth < maxDepth ? readObject(depth + 1) : odd;
    case 0x5b:
      return depth < maxDepth ? readArray(depth + 1) : odd;
    case 0x74:
      return readWord('true', true);
    case 0x66:
      return readWord('false', false);
    case 0x6e:
      return readWord('null', null);
    default:
      return readNumber(code);
  }
}

function readObject(depth: number): unknown {
  const map = new Map<unknown, unknown>();
  at++;
  if (skipBlanks() === 0x7d) {
    at++;
    return map;
  }
  for (;;) {
    if (skipBlanks() !== 0x22) return odd;
    const name = readString();
    // A name with an escape may hold half a surrogate pair, which Java refuses.
    if (name === odd || escaped) return odd;
    if (skipBlanks() !== 0x3a) return odd;
    at++;
    const value = readValue(depth);
    if (value === odd) return odd;
    map.set(name, value);
    const code = skipBlanks();
    at++;
    if (code === 0x7d) return map;
    if (code !== 0x2c) return odd;
  }
}

function readArray(depth: number): unknown {
  const items: unknown[] = [];
  at++;
  if (skipBlanks() === 0x5d) {
    at++;
    return items;
  }
  for (;;) {
    const value = readValue(depth);
    if (value === odd) return odd;
    items.push(value);
    const code = skipBlanks();
    at++;
    if (code === 0x5d) return items;
    if (code !== 0x2c) return odd;
  }
}

/** Whether the last string had an escape. */
let escaped = false;

function readString(): unknown {
  const from = ++at;
  escaped = false;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) break;
    if (code === 0x5c) {
      escaped = true;
      at++;
    } else if (!(code >= 0x20)) {
      return odd;
    }
    at++;
  }
  const end = at++;
  if (!escaped) return text.slice(from, end);
  try {
    return JSON.parse(text.slice(from - 1, end + 1));
  } catch {
    return odd;
  }
}

function readWord(word: string, value: unknown): unknown {
  if (!text.startsWith(word, at)) return odd;
  at += word.length;
  return value;
}

/** Up to fifteen digits, or with a fraction of at most that many; the rest is rare enough for the exact reader. */
function readNumber(first: number): unknown {
  const from = at;
  const negative = first === 0x2d;
  let code = negative ? text.charCodeAt(++at) : first;
  const start = at;
  let value = 0;
  while (code >= 0x30 && code <= 0x39) {
    value = value * 10 + code - 0x30;
    code = text.charCodeAt(++at);
  }
  const digits = at - start;
  if (digits === 0 || (digits > 1 && text.charCodeAt(start) === 0x30)) return odd;
  if (code === 0x65 || code === 0x45) return odd;
  if (code === 0x2e) {
    const point = at;
    code = text.charCodeAt(++at);
    while (code >= 0x30 && code <= 0x39) code = text.charCodeAt(++at);
    if (at === point + 1 || at - from > 300 || code === 0x65 || code === 0x45) return odd;
    // Adding zero: a negative zero with a fraction is a positive one in Java.
    return Number(text.slice(from, at)) + 0;
  }
  if (digits <= 15) return BigInt(negative ? -value : value);
  if (digits > 19) return odd;
  const exact = BigInt(text.slice(from, at));
  return isLong(exact) ? exact : odd;
}
