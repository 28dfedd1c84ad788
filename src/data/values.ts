import { DataError } from '../errors.ts';
import { calendarFromEpochMs, MS_PER_DAY } from '../java/calendar.ts';
import { doubleText, floatText } from '../java/number-text.ts';
import { javaClass, javaClassName } from './connect-class.ts';
import { schemaText } from './connect-schema.ts';
import { javaText, numberText } from './connect-text.ts';
import {
  DATE_NAME,
  DECIMAL_NAME,
  Decimal,
  dateFromInt,
  dateToInt,
  decimalFromBytes,
  decimalToBytes,
  Instant,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeFromInt,
  timeToInt,
} from './logical.ts';
import { decimalToLong, doubleToLong, lowBits, lowLong } from './numbers.ts';
import type { Schema, SchemaAndValue } from './schema.ts';
import {
  BOOLEAN_SCHEMA,
  BYTES_SCHEMA,
  decimalSchema,
  FLOAT32_SCHEMA,
  FLOAT64_SCHEMA,
  INT8_SCHEMA,
  INT16_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
} from './schema-builder.ts';
import { BigInteger, isWrapper } from './schemaless.ts';
import { Struct } from './struct.ts';
import { parseText } from './values-parser.ts';

/**
 * Conversions between the types, as Java's `Values` does them. `schema` is the value's own schema, or null. The
 * result is bare (see schema.ts): a byte, short, int, float or double is a number, a long a bigint.
 */
export function convertToBoolean(schema: Schema | null, value: unknown): boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    const parsed = parseString(value)?.value;
    if (typeof parsed === 'boolean') return parsed;
  }
  return asLong(schema, value) !== 0n;
}

export function convertToByte(schema: Schema | null, value: unknown): number | null {
  if (value === null || value === undefined) return null;
  return lowBits(asLong(schema, value), 8);
}

export function convertToShort(schema: Schema | null, value: unknown): number | null {
  if (value === null || value === undefined) return null;
  return lowBits(asLong(schema, value), 16);
}

export function convertToInteger(schema: Schema | null, value: unknown): number | null {
  if (value === null || value === undefined) return null;
  return lowBits(asLong(schema, value), 32);
}

export function convertToLong(schema: Schema | null, value: unknown): bigint | null {
  if (value === null || value === undefined) return null;
  return asLong(schema, value);
}

export function convertToFloat(schema: Schema | null, value: unknown): number | null {
  if (value === null || value === undefined) return null;
  return Math.fround(asDouble(schema, value));
}

export function convertToDouble(schema: Schema | null, value: unknown): number | null {
  if (value === null || value === undefined) return null;
  return asDouble(schema, value);
}

export function convertToString(schema: Schema | null, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : printed(schema, value, false);
}

export function convertToList(_schema: Schema | null, value: unknown): unknown[] {
  const list = typeof value === 'string' ? parseString(value)?.value : value;
  if (Array.isArray(list)) return list;
  throw isNull(list) ? nullRefused() : cannotConvert(null, list, 'Schema{ARRAY}');
}

function convertToMap(_schema: Schema | null, value: unknown): Map<unknown, unknown> {
  const map = typeof value === 'string' ? parseString(value)?.value : value;
  if (map instanceof Map) return map;
  throw isNull(map) ? nullRefused() : cannotConvert(null, map, 'Schema{MAP}');
}

function convertToStruct(_schema: Schema | null, value: unknown): Struct {
  if (value instanceof Struct) return value;
  throw isNull(value) ? nullRefused() : cannotConvert(null, value, 'Schema{STRUCT}');
}

export function convertToDate(schema: Schema | null, value: unknown): Instant {
  if (isNull(value)) throw nullRefused();
  const [from, source] = parsedIfText(schema, value);
  if (source instanceof Instant) {
    if (schema === null || schema.name === DATE_NAME) return source;
    if (schema.name === TIMESTAMP_NAME) return dateFromInt(lowBits(source.exactMs / BigInt(MS_PER_DAY), 32));
  }
  return dateFromInt(lowBits(asLong(from, source), 32));
}

export function convertToTime(schema: Schema | null, value: unknown): Instant {
  if (isNull(value)) throw nullRefused();
  const [from, source] = parsedIfText(schema, value);
  if (source instanceof Instant) {
    if (schema === null || schema.name === TIME_NAME) return source;
    if (schema.name === TIMESTAMP_NAME) {
      const day = BigInt(MS_PER_DAY);
      return timeFromInt(Number(((source.exactMs % day) + day) % day));
    }
  }
  return timeFromInt(lowBits(asLong(from, source), 32));
}

export function convertToTimestamp(schema: Schema | null, value: unknown): Instant {
  if (isNull(value)) throw nullRefused();
  const [from, source] = parsedIfText(schema, value);
  if (source instanceof Instant) {
    if (schema === null || schema.name === TIMESTAMP_NAME) return source;
    if (schema.name === DATE_NAME) return new Instant(dateToInt(source) * MS_PER_DAY);
    if (schema.name === TIME_NAME) return new Instant(timeToInt(source));
  }
  return new Instant(asLong(from, source));
}

export function convertToDecimal(schema: Schema | null, value: unknown, scale: number): Decimal {
  if (isNull(value)) throw nullRefused();
  return toDecimal(decimalSchema(scale), schema, value);
}

function toDecimal(to: Schema, from: Schema | null, value: unknown): Decimal {
  if (value instanceof Uint8Array) return decimalFromBytes(to, value);
  if (value instanceof Decimal) return value;
  if (typeof value === 'number' || typeof value === 'bigint' || isWrapper(value)) {
    const parsed = Decimal.parse(doubleText(asDouble(from, value)));
    if (parsed !== null) return parsed;
    throw new DataError('Infinite or NaN');
  }
  if (typeof value === 'string') {
    const parsed = Decimal.parse(value);
    if (parsed !== null) return parsed;
    throw new DataError(`Not a decimal number: ${value}`, { javaClass: 'NumberFormatException' });
  }
  throw cannotConvert(from, value, schemaText(to));
}

/**
 * The value as the type of `to`, bare. `from` is the value's own schema, or null. Java: Values.convertTo.
 */
export function convertTo(to: Schema, from: Schema | null, value: unknown): unknown {
  if (isNull(value)) {
    if (to.optional) return null;
    throw nullRefused();
  }
  switch (to.type) {
    case 'bytes':
      if (to.name === DECIMAL_NAME) return toDecimal(to, from, value);
      if (value instanceof Uint8Array) return value;
      if (value instanceof Decimal) return decimalToBytes(to, value);
      throw cannotConvert(from, value, schemaText(to));
    case 'string':
      return convertToString(from, value);
    case 'boolean':
      return convertToBoolean(from, value);
    case 'int8':
      return convertToByte(from, value);
    case 'int16':
      return convertToShort(from, value);
    case 'int32':
      if (to.name === DATE_NAME) return convertToDate(from, value);
      if (to.name === TIME_NAME) return convertToTime(from, value);
      return convertToInteger(from, value);
    case 'int64':
      if (to.name === TIMESTAMP_NAME) return convertToTimestamp(from, value);
      return convertToLong(from, value);
    case 'float32':
      return convertToFloat(from, value);
    case 'float64':
      return convertToDouble(from, value);
    case 'array':
      return convertToList(from, value);
    case 'map':
      return convertToMap(from, value);
    case 'struct':
      return convertToStruct(from, value);
  }
}

const convertElement = (to: Schema, value: unknown) => convertTo(to, null, value);

/** The schema and value that a text stands for; null for the text `null`. Java: Values.parseString. */
export function parseString(text: string): SchemaAndValue | null {
  return text === '' ? { schema: STRING_SCHEMA, value: text } : parseText(text, convertElement);
}

/** The schema of a schemaless value, or null when there is none that fits. Java: Values.inferSchema. */
export function inferSchema(value: unknown): Schema | null {
  switch (javaClass(null, value)) {
    case 'String':
      return STRING_SCHEMA;
    case 'Boolean':
      return BOOLEAN_SCHEMA;
    case 'Byte':
      return INT8_SCHEMA;
    case 'Short':
      return INT16_SCHEMA;
    case 'Integer':
      return INT32_SCHEMA;
    case 'Long':
      return INT64_SCHEMA;
    case 'Float':
      return FLOAT32_SCHEMA;
    case 'Double':
      return FLOAT64_SCHEMA;
    case 'byte[]':
      return BYTES_SCHEMA;
    case 'Struct':
      return (value as Struct).schema;
    case 'List': {
      const element = commonSchema(value as unknown[]);
      return element === null ? null : SchemaBuilder.array(element).build();
    }
    case 'Map': {
      const map = value as Map<unknown, unknown>;
      const key = commonSchema([...map.keys()]);
      const item = commonSchema([...map.values()]);
      return key === null || item === null ? null : SchemaBuilder.map(key, item).build();
    }
    default:
      return null;
  }
}

/** One plain schema for all the items; null when they differ, or when there is none to see. */
function commonSchema(items: readonly unknown[]): Schema | null {
  let type: Schema['type'] | null = null;
  let optional = false;
  for (const item of items) {
    if (isNull(item)) {
      optional = true;
      continue;
    }
    const schema = inferSchema(item);
    if (schema === null || (type !== null && type !== schema.type)) return null;
    type = schema.type;
  }
  if (type === null) {
    if (items.length === 0) return null;
    throw new DataError('Invalid SchemaBuilder call: type cannot be null', { javaClass: 'SchemaBuilderException' });
  }
  const builder = new SchemaBuilder(type);
  return (optional ? builder.optional() : builder).build();
}

function parsedIfText(schema: Schema | null, value: unknown): [Schema | null, unknown] {
  if (typeof value !== 'string') return [schema, value];
  const parsed = parseString(value);
  return [parsed?.schema ?? null, parsed?.value ?? null];
}

/** Java's Number.longValue, or the number in a text or in a date of a logical type. */
function asLong(schema: Schema | null, value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return doubleToLong(value);
  if (typeof value === 'string') {
    const decimal = Decimal.parse(value);
    if (decimal !== null) return decimalToLong(decimal);
  } else if (value instanceof Decimal) {
    return decimalToLong(value);
  } else if (value instanceof BigInteger) {
    return lowLong(value.value);
  } else if (isWrapper(value)) {
    return doubleToLong(Number(value.value));
  } else if (value instanceof Instant) {
    if (schema?.name === DATE_NAME) return BigInt(dateToInt(value));
    if (schema?.name === TIME_NAME) return BigInt(timeToInt(value));
    if (schema?.name === TIMESTAMP_NAME) return value.exactMs;
  }
  throw cannotConvert(schema, value, schema === null ? 'a number' : schemaText(schema));
}

/** Java's Number.doubleValue, or the number in a text. */
function asDouble(schema: Schema | null, value: unknown): number {
  if (typeof value === 'number') return schema?.type === 'float32' ? Math.fround(value) : value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Decimal) return value.toNumber();
  if (isWrapper(value)) return Number(value.value);
  if (typeof value === 'string') {
    const decimal = Decimal.parse(value);
    if (decimal !== null) return decimal.unscaled === 0n ? 0 : decimal.toNumber();
  }
  return Number(asLong(schema, value));
}

function printed(schema: Schema | null, value: unknown, embedded: boolean): string {
  if (isNull(value)) return 'null';
  if (typeof value === 'string') return embedded ? `"${escaped(value)}"` : value;
  if (typeof value === 'number') return numberText(schema, value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) {
    const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
    return embedded ? `"${base64}"` : base64;
  }
  if (Array.isArray(value)) {
    const element = schema?.type === 'array' ? schema.valueSchema : null;
    return `[${value.map((item) => printed(element, item, true)).join(',')}]`;
  }
  if (value instanceof Map) {
    const keys = schema?.type === 'map' ? schema.keySchema : null;
    const values = schema?.type === 'map' ? schema.valueSchema : null;
    const entries = [...value].map(([key, item]) => `${printed(keys, key, true)}:${printed(values, item, true)}`);
    return `{${entries.join(',')}}`;
  }
  if (value instanceof Struct) {
    const fields = value.schema.fields.map(
      (field) => `"${escaped(field.name)}":${printed(field.schema, value.get(field), true)}`,
    );
    return `{${fields.join(',')}}`;
  }
  if (value instanceof Instant) return instantText(value);
  if (value instanceof Decimal || isWrapper(value)) return javaText(schema, value);
  throw new DataError(`Failed to serialize unexpected value type ${javaClassName(schema, value).slice(6)}: ${value}`);
}

function escaped(text: string): string {
  return /[\\"]/.test(text) ? text.replace(/[\\"]/g, '\\$&') : text;
}

/** Time of day below one day, a date at midnight, else both; always UTC. */
export function instantText(instant: Instant): string {
  const at = calendarFromEpochMs(instant.safe ? instant.epochMs : instant.exactMs);
  const pad = (n: number, width: number) => String(n).padStart(width, '0');
  const time = () => `${pad(at.hour, 2)}:${pad(at.minute, 2)}:${pad(at.second, 2)}.${pad(at.ms, 3)}Z`;
  const date = () => `${pad(at.year, 4)}-${pad(at.month + 1, 2)}-${pad(at.day, 2)}`;
  if (instant.epochMs < MS_PER_DAY) return time();
  return at.hour + at.minute + at.second + at.ms === 0 ? date() : `${date()}T${time()}`;
}

function isNull(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function nullRefused(): DataError {
  return new DataError('Unable to convert a null value to a schema that requires a value');
}

function cannotConvert(schema: Schema | null, value: unknown, to: string): DataError {
  const text = typeof value === 'number' && schema?.type === 'float32' ? floatText(value) : javaText(schema, value);
  return new DataError(`Unable to convert ${text} (${javaClassName(schema, value)}) to ${to}`);
}
