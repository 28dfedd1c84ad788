import { Decimal, decimalScale, Instant } from '../data/logical.ts';
import type { Schema } from '../data/schema.ts';
import { unwrap } from '../data/schemaless.ts';
import { DataError } from '../errors.ts';

const slabBytes = 64 * 1024;
const largestSlab = 512 * 1024 * 1024;

/** Thrown inside an encoder when the slab is full: the record is written again into a larger place. */
export class Overflow extends Error {
  override readonly name = 'Overflow';
}
const overflow = new Overflow();

const float32 = new Float32Array(1);
const float64 = new Float64Array(1);
const float32Bytes = new Uint8Array(float32.buffer);
const float64Bytes = new Uint8Array(float64.buffer);

/**
 * Where encoders write. Records follow each other in a slab that is handed out in views and never reused, so a record
 * is written once and copied by nobody. Writing past the end of a slab is harmless (a typed array ignores it) and is
 * noticed at the end of the record, except for strings and bytes, which look first.
 */
export class Sink {
  bytes: Buffer = Buffer.alloc(0);
  #position = 0;

  /** Runs `write(start)`, which answers the position after the record, and gives the record's bytes. */
  record(write: (start: number) => number): Uint8Array {
    for (;;) {
      const start = this.#position;
      let end: number;
      try {
        end = write(start);
      } catch (error) {
        if (error !== overflow) throw error;
        end = Number.POSITIVE_INFINITY;
      }
      if (end <= this.bytes.length) {
        this.#position = end;
        // Half the price of a Buffer, and the record batch wants no more.
        return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, end - start);
      }
      this.#grow(start);
    }
  }

  #grow(start: number): void {
    // A record that did not fit at the start of a slab needs a larger one; after it, slabs are small again.
    const size = start === 0 ? Math.max(slabBytes, this.bytes.length * 4) : slabBytes;
    if (size > largestSlab) throw new DataError(`A record of more than ${largestSlab / 4} bytes cannot be serialized`);
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.#position = 0;
  }
}

/** Zigzag varint of any 64-bit integer that a number holds exactly, below 2^52. */
export function writeZigZag(b: Uint8Array, p: number, value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  while (rest > 0x7fffffff) {
    const low = rest % 128;
    b[p++] = low | 0x80;
    rest = (rest - low) / 128;
  }
  while (rest > 0x7f) {
    b[p++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  b[p++] = rest;
  return p;
}

const largestExact = 2 ** 51;

export function writeZigZagBig(b: Uint8Array, p: number, value: bigint): number {
  const number = Number(value);
  if (number < largestExact && number > -largestExact) return writeZigZag(b, p, number);
  if (BigInt.asIntN(64, value) !== value) throw new DataError(`${value} does not fit an int64`);
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  while (rest > 0x7fn) {
    b[p++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  b[p++] = Number(rest);
  return p;
}

export function writeFloat(b: Uint8Array, p: number, value: number): number {
  float32[0] = value;
  b[p] = float32Bytes[0]!;
  b[p + 1] = float32Bytes[1]!;
  b[p + 2] = float32Bytes[2]!;
  b[p + 3] = float32Bytes[3]!;
  return p + 4;
}

export function writeDouble(b: Uint8Array, p: number, value: number): number {
  float64[0] = value;
  for (let i = 0; i < 8; i++) b[p + i] = float64Bytes[i]!;
  return p + 8;
}

export function readFloat(b: Uint8Array, p: number): number {
  float32Bytes[0] = b[p]!;
  float32Bytes[1] = b[p + 1]!;
  float32Bytes[2] = b[p + 2]!;
  float32Bytes[3] = b[p + 3]!;
  return float32[0]!;
}

export function readDouble(b: Uint8Array, p: number): number {
  for (let i = 0; i < 8; i++) float64Bytes[i] = b[p + i]!;
  return float64[0]!;
}

/** What Node's buffers have beside what their types tell: encoding without the look-up of an encoding's name. */
type NativeWrites = Buffer & { utf8Write(text: string, at: number): number };

/** UTF-8 behind its length as a zigzag varint. Short ASCII, which most strings are, is written character by character. */
export function writeString(b: Buffer, p: number, text: string): number {
  const length = text.length;
  if (length < 64) {
    if (p + 1 + length > b.length) throw overflow;
    let at = p + 1;
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      b[at++] = code;
    }
    if (i === length) {
      b[p] = length * 2;
      return at;
    }
  }
  // Longer text is taken for ASCII too, in one call: a byte for each character says that it was.
  if (p + 5 + length * 3 <= b.length) {
    const start = writeZigZag(b, p, length);
    if ((b as NativeWrites).utf8Write(text, start) === length) return start + length;
  }
  if (!text.isWellFormed()) return writeString(b, p, replaceLoneSurrogates(text));
  const bytes = Buffer.byteLength(text);
  const start = writeZigZag(b, p, bytes);
  if (start + bytes > b.length) throw overflow;
  b.write(text, start, bytes, 'utf8');
  return start + bytes;
}

/** Java encodes a lone surrogate as a question mark. */
export function replaceLoneSurrogates(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '?');
}

export function writeBytes(b: Buffer, p: number, bytes: Uint8Array): number {
  return writeRaw(b, writeZigZag(b, p, bytes.length), bytes);
}

export function writeRaw(b: Buffer, p: number, bytes: Uint8Array): number {
  if (p + bytes.length > b.length) throw overflow;
  b.set(bytes, p);
  return p + bytes.length;
}

/** Two's complement of a decimal's unscaled value, big-endian, as short as possible. */
export function decimalBytes(schema: Schema, value: unknown): Uint8Array {
  if (!(value instanceof Decimal)) {
    throw new DataError(`Invalid type for Decimal, expected BigDecimal but was ${typeName(value)}`);
  }
  const scale = decimalScale(schema);
  if (value.scale !== scale) {
    throw new DataError(
      `Decimal value has mismatching scale for given Decimal schema. Schema has scale ${scale}, value has scale ${value.scale}.`,
    );
  }
  const number = Number(value.unscaled);
  if (number >= -0x80000000 && number <= 0x7fffffff) return smallInteger(number);
  return value.toBytes();
}

function smallInteger(value: number): Uint8Array {
  if (value >= -0x80 && value <= 0x7f) return Uint8Array.of(value);
  if (value >= -0x8000 && value <= 0x7fff) return Uint8Array.of(value >> 8, value);
  if (value >= -0x800000 && value <= 0x7fffff) return Uint8Array.of(value >> 16, value >> 8, value);
  return Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
}

/** A decimal's bytes behind their length; what fits 32 bits is written without a step between. */
export function writeDecimal(b: Buffer, p: number, value: unknown, scale: number, schema: Schema): number {
  if (!(value instanceof Decimal) || value.scale !== scale) return writeBytes(b, p, decimalBytes(schema, value));
  const number = Number(value.unscaled);
  if (number < -0x80000000 || number > 0x7fffffff) return writeBytes(b, p, value.toBytes());
  const size =
    number >= -0x80 && number <= 0x7f
      ? 1
      : number >= -0x8000 && number <= 0x7fff
        ? 2
        : number >= -0x800000 && number <= 0x7fffff
          ? 3
          : 4;
  b[p++] = size * 2;
  for (let shift = size * 8 - 8; shift >= 0; shift -= 8) b[p++] = number >> shift;
  return p;
}

/** Sign-extends a decimal to the size of its fixed type. */
export function padDecimal(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length === size) return bytes;
  if (bytes.length > size) {
    throw new DataError(`Unscaled value byte array length ${bytes.length} is greater than fixed size ${size}`);
  }
  const padded = new Uint8Array(size).fill(bytes[0]! >= 0x80 ? 0xff : 0);
  padded.set(bytes, size - bytes.length);
  return padded;
}

/** The value if it is of the plain type of its schema (out of its wrapper, where it has one); else a DataError. */
export function fitting(type: Schema['type'], value: unknown): unknown {
  const plain = typeof value === 'object' && value !== null ? unwrap(type, value) : value;
  const fits =
    type === 'int64'
      ? typeof plain === 'bigint'
      : type === 'string' || type === 'boolean'
        ? typeof plain === type
        : typeof plain === 'number' && (type[0] === 'f' || Number.isInteger(plain));
  if (!fits) throw invalidType(type, value);
  return plain;
}

export function invalidType(type: string, value: unknown): DataError {
  return new DataError(`Invalid type for ${type.toUpperCase()}: ${typeName(value)}`);
}

export function instantOf(value: unknown, logicalName: string): Instant {
  if (value instanceof Instant) return value;
  throw new DataError(`Invalid type for ${logicalName}, expected Date but was ${typeName(value)}`);
}

export function typeName(value: unknown): string {
  return value === null || value === undefined
    ? 'null'
    : typeof value === 'object'
      ? value.constructor.name
      : typeof value;
}
