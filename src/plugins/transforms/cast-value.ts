import { javaClass, javaClassName } from '../../data/connect-class.ts';
import { javaText } from '../../data/connect-text.ts';
import { DATE_NAME, Decimal, dateToInt, Instant, TIME_NAME, TIMESTAMP_NAME, timeToInt } from '../../data/logical.ts';
import { decimalToLong, doubleToInt, doubleToLong, lowBits, textToFloat } from '../../data/numbers.ts';
import type { Schema, SchemaType } from '../../data/schema.ts';
import { BigInteger, Float32, Float64, Int8, Int16, Int32, withWidth } from '../../data/schemaless.ts';
import { instantText } from '../../data/values.ts';
import { DataError } from '../../errors.ts';
import { javaDigits, javaTrim, parseJavaDouble } from '../../java/text.ts';

export const castTypes = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string'] as const;
export type CastType = (typeof castTypes)[number];

export function isCastType(type: string): type is CastType {
  return (castTypes as readonly string[]).includes(type);
}

const sources = [...castTypes, 'bytes'].map((type) => type.toUpperCase()).join(', ');

const schemalessTypes: Partial<Record<ReturnType<typeof javaClass>, SchemaType>> = {
  Byte: 'int8',
  Short: 'int16',
  Integer: 'int32',
  Long: 'int64',
  Float: 'float32',
  Double: 'float64',
  Boolean: 'boolean',
  String: 'string',
  'byte[]': 'bytes',
  List: 'array',
  Map: 'map',
  Struct: 'struct',
};

/** The type that Connect infers for a value without a schema; null for logical values, which have several. */
export function inferType(value: unknown): SchemaType | null {
  return schemalessTypes[javaClass(null, value)] ?? null;
}

/** Converts as Java's casts and `Number` methods do. Without a schema the result carries its own width. */
export function castTo(schema: Schema | null, value: unknown, target: SchemaType): unknown {
  if (value === null) return null;
  const type = schema === null ? inferType(value) : schema.type;
  if (type === null) {
    throw new DataError(
      `Cast transformation was passed a value of type ${javaClassName(schema, value)} which is not supported by Connect's data API`,
    );
  }
  if (type !== 'bytes' && !isCastType(type)) {
    throw new DataError(
      `Cast transformation does not support casting from ${type.toUpperCase()}; supported types are [${sources}]`,
    );
  }
  const number = convert(schema, target === 'string' ? value : encodeLogical(schema, value), target);
  return schema === null ? withWidth(number, target) : number;
}

function convert(schema: Schema | null, value: unknown, target: SchemaType): unknown {
  switch (target) {
    case 'int8':
      return integer(schema, value, 8);
    case 'int16':
      return integer(schema, value, 16);
    case 'int32':
      return integer(schema, value, 32);
    case 'int64':
      return long(schema, value);
    case 'float32':
      return float(schema, value);
    case 'float64':
      return double(schema, value);
    case 'boolean':
      return bool(schema, value);
    case 'string':
      return text(schema, value);
    default:
      throw unexpected(schema, value);
  }
}

/** Date, Time and Timestamp count as the number that stands for them. */
function encodeLogical(schema: Schema | null, value: unknown): unknown {
  switch (schema?.name) {
    case DATE_NAME:
      return new Int32(dateToInt(instantOf(schema, value)));
    case TIME_NAME:
      return new Int32(timeToInt(instantOf(schema, value)));
    case TIMESTAMP_NAME:
      return instantOf(schema, value).exactMs;
    default:
      return value;
  }
}

/** A name of a logical type promises its values, whatever the type that it stands on. */
function instantOf(schema: Schema, value: unknown): Instant {
  if (value instanceof Instant) return value;
  throw new DataError(`Invalid type for ${schema.name}, expected Date but was ${javaClassName(schema, value)}`, {
    javaClass: 'ClassCastException',
  });
}

/** A bare number or bigint for whatever Java calls a Number; undefined for anything else. */
function numeric(value: unknown): number | bigint | Decimal | undefined {
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal) return value;
  if (
    value instanceof Int8 ||
    value instanceof Int16 ||
    value instanceof Int32 ||
    value instanceof Float32 ||
    value instanceof Float64 ||
    value instanceof BigInteger
  ) {
    return value.value;
  }
  return undefined;
}

function integer(schema: Schema | null, value: unknown, bits: 8 | 16 | 32): number {
  const number = numeric(value);
  if (number !== undefined) return narrow(toInt(number), bits);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') return Number(parseInteger(value, bits));
  throw unexpected(schema, value);
}

function narrow(int: number, bits: 8 | 16 | 32): number {
  return bits === 32 ? int : (int << (32 - bits)) >> (32 - bits);
}

function toInt(number: number | bigint | Decimal): number {
  if (typeof number === 'number') return doubleToInt(number);
  return lowBits(toLong(number), 32);
}

function long(schema: Schema | null, value: unknown): bigint {
  const number = numeric(value);
  if (number !== undefined) return toLong(number);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'string') return parseInteger(value, 64);
  throw unexpected(schema, value);
}

function toLong(number: number | bigint | Decimal): bigint {
  if (typeof number === 'number') return doubleToLong(number);
  return typeof number === 'bigint' ? BigInt.asIntN(64, number) : decimalToLong(number);
}

function parseInteger(value: string, bits: 8 | 16 | 32 | 64): bigint {
  const digits = javaDigits(value);
  if (/^[+-]?[0-9]+$/.test(digits)) {
    const number = BigInt(digits.startsWith('+') ? digits.slice(1) : digits);
    if (BigInt.asIntN(bits, number) === number) return number;
  }
  throw outOfRange(value);
}

function float(schema: Schema | null, value: unknown): number {
  const number = numeric(value);
  if (typeof number === 'number') return Math.fround(number);
  if (number !== undefined) return textToFloat(String(number));
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') {
    const parsed = parseJavaDouble(value);
    if (parsed === null) throw outOfRange(value);
    // Hexadecimal text and the words are exact as they are.
    const decimal = javaTrim(value).replace(/[fFdD]$/, '');
    return Decimal.parse(decimal) === null ? Math.fround(parsed) : textToFloat(decimal);
  }
  throw unexpected(schema, value);
}

function double(schema: Schema | null, value: unknown): number {
  const number = numeric(value);
  if (typeof number === 'number') return number;
  if (typeof number === 'bigint') return Number(number);
  if (number !== undefined) return number.toNumber();
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') {
    const parsed = parseJavaDouble(value);
    if (parsed === null) throw outOfRange(value);
    return parsed;
  }
  throw unexpected(schema, value);
}

function bool(schema: Schema | null, value: unknown): boolean {
  const number = numeric(value);
  if (number !== undefined) return toLong(number) !== 0n;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value.toLowerCase() === 'true';
  throw unexpected(schema, value);
}

function text(schema: Schema | null, value: unknown): string {
  if (value instanceof Instant) return instantText(value);
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  return javaText(schema, value);
}

function outOfRange(value: string): DataError {
  return new DataError(`Value (${value}) was out of range for requested data type`);
}

function unexpected(schema: Schema | null, value: unknown): DataError {
  return new DataError(`Unexpected type in Cast transformation: ${javaClassName(schema, value)}`);
}
