import {
  DATE_NAME,
  DECIMAL_NAME,
  Decimal,
  dateFromInt,
  decimalScale,
  Instant,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeFromInt,
} from '../../../data/logical.ts';
import type { Schema } from '../../../data/schema.ts';
import { Float32, Int32 } from '../../../data/schemaless.ts';
import { Struct } from '../../../data/struct.ts';
import { ConnectError, DataError, SerializationError } from '../../../errors.ts';
import { readDouble, readFloat } from '../../../schema-registry/sink.ts';
import type { AvroType } from './avro-schema.ts';
import type * as c from './conventions.ts';
import { fieldNamed, isAnything, singleBranch } from './to-connect-schema.ts';

/** Reads the value that lies in `buffer[start, end)`. */
export type Decode = (buffer: Buffer, start: number, end: number) => unknown;

/**
 * Values that take no byte (an empty record, a fixed type of no size) can be any number for a few bytes. A payload may
 * hold as many of them as it has bytes, and these more: a batch of hostile records still fits into memory.
 */
const freeValues = 4096;

const runtime = {
  Struct,
  Instant,
  Int32,
  Float32,
  readFloat,
  readDouble,
  dateFromInt,
  timeFromInt,
  /** A zigzag varint of up to 64 bits from its 28 low, 28 middle and 8 high bits. */
  big: (low: number, middle: number, high: number): bigint => {
    const z = BigInt.asUintN(64, (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low));
    return (z >> 1n) ^ -(z & 1n);
  },
  truncated: (): never => {
    throw new SerializationError('Invalid Avro data: it ends within a value');
  },
  tooLong: (): never => {
    throw new SerializationError('Invalid Avro data: a number is longer than its type');
  },
  badBranch: (index: number, count: number): never => {
    throw new SerializationError(`Invalid Avro data: branch ${index} of a union of ${count}`);
  },
  badCount: (count: number): never => {
    throw new SerializationError(`Invalid Avro data: ${count} elements cannot follow`);
  },
  tooManyFree: (): never => {
    throw new SerializationError('Invalid Avro data: too many values that take no bytes');
  },
  symbol: (symbols: readonly string[], index: number): string => {
    const symbol = symbols[index];
    if (symbol === undefined)
      throw new SerializationError(`Invalid Avro data: enum symbol ${index} of ${symbols.length}`);
    return symbol;
  },
  decimal: (bytes: Buffer, from: number, to: number, scale: number): Decimal => {
    const length = to - from;
    if (length > 0 && length <= 6) return new Decimal(BigInt(bytes.readIntBE(from, length)), scale);
    return Decimal.fromBytes(bytes.subarray(from, to), scale);
  },
  freeValues,
};

/** Readers of the primitive types; `b`, `p` and `end` are the buffer, the position and the end of the value. */
const primitives = `
function int() {
  let x = b[p++];
  if (x < 128) return (x >>> 1) ^ -(x & 1);
  x &= 127;
  let shift = 7, y;
  do { y = b[p++]; x |= (y & 127) << shift; shift += 7; } while (y > 127 && shift < 35);
  if (y > 127) tooLong();
  return (x >>> 1) ^ -(x & 1);
}
function long() {
  let y = b[p++];
  if (y < 128) return BigInt((y >>> 1) ^ -(y & 1));
  let low = y & 127, middle = 0, high = 0, shift = 7;
  do { y = b[p++]; low |= (y & 127) << shift; shift += 7; } while (y > 127 && shift < 28);
  if (y > 127) {
    shift = 0;
    do { y = b[p++]; middle |= (y & 127) << shift; shift += 7; } while (y > 127 && shift < 28);
    if (y > 127) {
      y = b[p++]; high = y & 127;
      if (y > 127) { y = b[p++]; high |= (y & 127) << 7; if (y > 127) tooLong(); }
    }
    if (high !== 0 || middle > 0xffffff) return big(low, middle, high);
    const z = middle * 268435456 + low;
    return BigInt(z % 2 === 0 ? z / 2 : -(z + 1) / 2);
  }
  return BigInt((low >>> 1) ^ -(low & 1));
}
function instant() {
  let low = 0, middle = 0, high = 0, shift = 0, y;
  do { y = b[p++]; low |= (y & 127) << shift; shift += 7; } while (y > 127 && shift < 28);
  if (y > 127) {
    shift = 0;
    do { y = b[p++]; middle |= (y & 127) << shift; shift += 7; } while (y > 127 && shift < 28);
    if (y > 127) {
      y = b[p++]; high = y & 127;
      if (y > 127) { y = b[p++]; high |= (y & 127) << 7; if (y > 127) tooLong(); }
    }
    if (high !== 0 || middle > 0xffffff) return new Instant(big(low, middle, high));
  }
  const z = middle * 268435456 + low;
  return new Instant(z % 2 === 0 ? z / 2 : -(z + 1) / 2);
}
function size() {
  const n = int();
  if (n < 0 || n > end - p) truncated();
  return n;
}
function float() { const x = readFloat(b, p); p += 4; return x; }
function double() { const x = readDouble(b, p); p += 8; return x; }
function bool() { return b[p++] === 1; }
function string() {
  let n = b[p];
  if (n < 128 && (n & 1) === 0) { p++; n >>= 1; if (n > end - p) truncated(); } else n = size();
  const from = p;
  p += n;
  return n === 0 ? "" : b.utf8Slice(from, p);
}
function raw(n) { if (n > end - p) truncated(); const from = p; p += n; return new Uint8Array(b.subarray(from, p)); }
function bytes() { return raw(size()); }
function decimal(n, scale) { if (n > end - p) truncated(); const from = p; p += n; return rt.decimal(b, from, p, scale); }
function count(least) {
  let n = int();
  if (n < 0) { n = -n; long(); }
  if (n < 0 || (least !== 0 && n > end - p)) rt.badCount(n);
  return n;
}
function nothing() { if (--free < 0) rt.tooManyFree(); return new Uint8Array(0); }`;

/** Compiles the way from Avro's binary form straight to Connect values; `schema` is the Connect schema of `type`. */
export function compileDecoder(type: AvroType, schema: Schema | null, options: c.AvroDataOptions): Decode {
  return new DecoderCompiler(options).compile(type, schema).decode;
}

/** For values that lie behind each other: `end` is behind the one that was decoded last. */
export interface SequenceDecoder {
  readonly decode: Decode;
  readonly end: () => number;
}

export function compileSequenceDecoder(
  type: AvroType,
  schema: Schema | null,
  options: c.AvroDataOptions,
): SequenceDecoder {
  return new DecoderCompiler(options).compile(type, schema);
}

class DecoderCompiler {
  readonly #options: c.AvroDataOptions;
  readonly #constants: unknown[] = [];
  readonly #functions: string[] = [];
  readonly #records = new Map<Schema, Map<AvroType, string>>();
  #names = 0;

  constructor(options: c.AvroDataOptions) {
    this.#options = options;
  }

  compile(type: AvroType, schema: Schema | null): SequenceDecoder {
    const expression = schema === null ? this.#anything(type) : this.#value(type, schema);
    const constants = this.#constants.map((_, i) => `const k${i} = k[${i}];`).join('\n');
    const source = `"use strict";
const { Struct, Instant, Int32, Float32, readFloat, readDouble, big, truncated, tooLong } = rt;
let b, p = 0, end = 0, free = 0;
${constants}
${primitives}
${this.#functions.join('\n')}
function decode(buffer, start, stop) {
  b = buffer; p = start; end = stop; free = rt.freeValues + stop - start;
  const value = ${expression};
  if (p > end) truncated();
  return value;
}
return { decode, end: () => p };`;
    // As in the encoder, the source holds structure only; names are constants.
    const compiled = new Function('rt', 'k', source)(runtime, this.#constants) as SequenceDecoder;
    const decode: Decode = (buffer, start, end) => {
      try {
        return compiled.decode(buffer, start, end);
      } catch (error) {
        if (error instanceof ConnectError) throw error;
        // Nothing but hostile bytes gets here: nesting without end, say.
        throw new SerializationError('Invalid Avro data', { cause: error });
      }
    };
    return { decode, end: compiled.end };
  }

  #constant(value: unknown): string {
    const index = this.#constants.indexOf(value);
    return `k${index >= 0 ? index : this.#constants.push(value) - 1}`;
  }

  #function(prefix: string, body: (name: string) => string): string {
    const name = `${prefix}${this.#names++}`;
    const slot = this.#functions.push('') - 1;
    this.#functions[slot] = `function ${name}() { ${body(name)} }`;
    return `${name}()`;
  }

  /** An expression that reads one value. */
  #value(type: AvroType, schema: Schema): string {
    switch (type.kind) {
      case 'null':
        return 'null';
      case 'boolean':
        return 'bool()';
      case 'int':
        return intExpression(schema);
      case 'long':
        return schema.name === TIMESTAMP_NAME ? 'instant()' : 'long()';
      case 'float':
        return 'float()';
      case 'double':
        return 'double()';
      case 'string':
        return 'string()';
      case 'bytes':
        return schema.name === DECIMAL_NAME ? `decimal(size(), ${decimalScale(schema)})` : 'bytes()';
      case 'fixed':
        return schema.name === DECIMAL_NAME
          ? `decimal(${type.size}, ${decimalScale(schema)})`
          : type.size === 0
            ? 'nothing()'
            : `raw(${type.size})`;
      case 'enum':
        return `rt.symbol(${this.#constant(type.symbols)}, int())`;
      case 'array':
        return schema.type === 'map' ? this.#entries(type, schema) : this.#array(type, schema);
      case 'map':
        return this.#map(type, schema);
      case 'record':
        return this.#record(type, schema);
      case 'union':
        return this.#union(type, schema);
    }
  }

  #array(type: AvroType, schema: Schema): string {
    const element = this.#value(type.element!, schema.valueSchema!);
    return this.#function('a', () => loop(type.element!, 'const list = [];', `list.push(${element});`, 'list'));
  }

  #map(type: AvroType, schema: Schema): string {
    const element = this.#value(type.element!, schema.valueSchema!);
    return this.#function('m', () => loop(null, 'const map = new Map();', `map.set(string(), ${element});`, 'map'));
  }

  #entries(type: AvroType, schema: Schema): string {
    const entry = type.element!;
    const key = this.#value(fieldNamed(entry, 'key').type, schema.keySchema!);
    const value = this.#value(fieldNamed(entry, 'value').type, schema.valueSchema!);
    const read =
      entry.fields[0]!.name === 'key'
        ? `const x = ${key}; map.set(x, ${value});`
        : `const x = ${value}; map.set(${key}, x);`;
    return this.#function('m', () => loop(entry, 'const map = new Map();', `{ ${read} }`, 'map'));
  }

  #record(type: AvroType, schema: Schema): string {
    let byType = this.#records.get(schema);
    if (byType === undefined) {
      byType = new Map();
      this.#records.set(schema, byType);
    }
    const known = byType.get(type);
    if (known !== undefined) return known;
    return this.#function('r', (name) => {
      byType.set(type, `${name}()`);
      const values = type.fields.map((field, i) => this.#value(field.type, schema.fields[i]!.schema));
      const charge = takesBytes(type) ? '' : 'if (--free < 0) rt.tooManyFree(); ';
      return `${charge}return new Struct(${this.#constant(schema)}, [${values.join(', ')}]);`;
    });
  }

  #union(type: AvroType, schema: Schema): string {
    const single = singleBranch(type, this.#options);
    const { branches } = type;
    const branchCases = branches.map((branch, index) => {
      const field = single === null ? this.#unionField(type, index, schema) : -1;
      if (branch.kind === 'null') return `case ${index}: return null;`;
      if (single !== null) return `case ${index}: return ${this.#value(branch, schema)};`;
      const values = schema.fields.map((_, i) =>
        i === field ? this.#value(branch, schema.fields[i]!.schema) : 'null',
      );
      return `case ${index}: return new Struct(${this.#constant(schema)}, [${values.join(', ')}]);`;
    });
    return this.#function(
      'u',
      () =>
        `const i = int(); switch (i) { ${branchCases.join(' ')} default: return rt.badBranch(i, ${branches.length}); }`,
    );
  }

  /** A union struct has one field per branch that is not null. */
  #unionField(type: AvroType, index: number, schema: Schema): number {
    const field = type.branches.slice(0, index).filter((branch) => branch.kind !== 'null').length;
    if (type.branches[index]!.kind !== 'null' && schema.fields[field] === undefined) {
      throw new DataError('Did not find matching union field for data');
    }
    return field;
  }

  /** Schemaless data: the one field of the record that is set. */
  #anything(type: AvroType): string {
    if (!isAnything(type)) throw new DataError(`The Avro schema ${type.fullName} has no Connect schema`);
    this.#functions.push(`
function items() { ${loop(type, 'const list = [];', 'list.push(anything());', 'list')} }
function pairs() { ${loop(type, 'const map = new Map();', '{ const x = anything(); map.set(x, anything()); }', 'map')} }
function set() { const i = int(); if (i < 0 || i > 1) rt.badBranch(i, 2); return i === 1; }
function anything() {
  let value = null;
  if (set()) value = bool();
  if (set()) { const x = bytes(); value ??= x; }
  if (set()) { const x = double(); value ??= x; }
  if (set()) { const x = new Float32(float()); value ??= x; }
  if (set()) { const x = new Int32(int()); value ??= x; }
  if (set()) { const x = long(); value ??= x; }
  if (set()) { const x = string(); value ??= x; }
  if (set()) { const x = items(); value ??= x; }
  if (set()) { const x = pairs(); value ??= x; }
  if (p > end) truncated();
  return value;
}`);
    return 'anything()';
  }
}

function intExpression(schema: Schema): string {
  if (schema.name === DATE_NAME) return 'rt.dateFromInt(int())';
  if (schema.name === TIME_NAME) return 'rt.timeFromInt(int())';
  if (schema.type === 'int8') return '((int() << 24) >> 24)';
  if (schema.type === 'int16') return '((int() << 16) >> 16)';
  return 'int()';
}

/** Reads the blocks of an array or a map; null for `element` says that every element takes at least a byte. */
function loop(element: AvroType | null, start: string, read: string, result: string): string {
  const least = element === null || takesBytes(element) ? 1 : 0;
  return `${start} for (let n = count(${least}); n !== 0; n = count(${least})) { if (p > end) truncated();
do { ${read} } while (--n > 0 && p <= end); }
if (p > end) truncated(); return ${result};`;
}

/** A record straight inside itself counts as nothing: no data is of such a type. */
function takesBytes(type: AvroType, known = new Map<AvroType, boolean>()): boolean {
  if (type.kind === 'null') return false;
  if (type.kind === 'fixed') return type.size > 0;
  if (type.kind !== 'record') return true;
  let takes = known.get(type);
  if (takes === undefined) {
    known.set(type, false);
    takes = type.fields.some((field) => takesBytes(field.type, known));
    known.set(type, takes);
  }
  return takes;
}
