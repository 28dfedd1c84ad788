import { DataError } from '../errors.ts';
import { doubleText, floatText } from '../java/number-text.ts';
import { asBuffer } from '../java/utf8.ts';
import { javaClassName } from './connect-class.ts';
import { schemaText } from './connect-schema.ts';
import { schemaEquals } from './equality.ts';
import { quoteJson } from './json-text.ts';
import {
  DATE_NAME,
  DECIMAL_NAME,
  Decimal,
  dateToInt,
  decimalToBytes,
  Instant,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeToInt,
} from './logical.ts';
import type { Schema } from './schema.ts';
import { Float32, Float64, Int8, Int16, Int32 } from './schemaless.ts';
import { isInstance, Struct } from './struct.ts';

export interface JsonEncoding {
  readonly numericDecimals: boolean;
  readonly replaceNullWithDefault: boolean;
}

/** Writes one value of a schema as JSON text. */
export type JsonEncoder = (value: unknown) => string;

/** The encoder of a schema, made once: everything the schema can decide is decided here. */
export function compileJsonEncoder(schema: Schema | null, encoding: JsonEncoding): JsonEncoder {
  if (schema === null) return encodeSchemaless;
  const encode = compileNonNull(schema, encoding);
  const encodeNull = compileNull(schema, encode, encoding);
  return (value) => (value === null || value === undefined ? encodeNull() : encode(value));
}

function compileNull(schema: Schema, encode: JsonEncoder, encoding: JsonEncoding): () => string {
  const { defaultValue } = schema;
  if (defaultValue !== undefined && encoding.replaceNullWithDefault) {
    let text: string | null = null;
    return () => {
      text ??= encode(defaultValue);
      return text;
    };
  }
  if (schema.optional) return () => 'null';
  return () => {
    throw new DataError('Conversion error: null value for field that is required and has no default value');
  };
}

function compileNonNull(schema: Schema, encoding: JsonEncoding): JsonEncoder {
  switch (schema.name) {
    case DECIMAL_NAME:
      return compileDecimal(schema, encoding);
    case DATE_NAME:
      return (value) => String(dateToInt(instant(schema, 'Date', value)));
    case TIME_NAME:
      return (value) => String(timeToInt(instant(schema, 'Time', value)));
    case TIMESTAMP_NAME:
      return (value) => {
        const at = instant(schema, 'Timestamp', value);
        return String(at.safe ? at.epochMs : at.exactMs);
      };
  }
  switch (schema.type) {
    case 'int8':
    case 'int16':
    case 'int32':
      return (value) => {
        if (!isInstance(schema, value)) throw misfit(schema, value);
        return String(value);
      };
    case 'int64':
      return (value) => {
        if (typeof value !== 'bigint') throw misfit(schema, value);
        return String(value);
      };
    case 'float32':
      return (value) => {
        if (typeof value !== 'number') throw misfit(schema, value);
        return Number.isFinite(value) ? floatText(value) : `"${value}"`;
      };
    case 'float64':
      return (value) => {
        if (typeof value !== 'number') throw misfit(schema, value);
        return Number.isFinite(value) ? doubleText(value) : `"${value}"`;
      };
    case 'boolean':
      return (value) => {
        if (typeof value !== 'boolean') throw misfit(schema, value);
        return value ? 'true' : 'false';
      };
    case 'string':
      return (value) => {
        if (typeof value !== 'string') throw misfit(schema, value);
        return quoteJson(value);
      };
    case 'bytes':
      return (value) => {
        if (value instanceof Uint8Array) return base64(value);
        throw new DataError(`Invalid type for bytes type: ${javaClassName(schema, value)}`);
      };
    case 'array':
      return compileArray(schema, encoding);
    case 'map':
      return compileMap(schema, encoding);
    case 'struct':
      return compileStruct(schema, encoding);
  }
}

function compileDecimal(schema: Schema, encoding: JsonEncoding): JsonEncoder {
  return (value) => {
    if (!(value instanceof Decimal)) {
      throw new DataError(`Invalid type for Decimal, expected BigDecimal but was ${javaClassName(schema, value)}`);
    }
    return encoding.numericDecimals ? value.toString() : base64(decimalToBytes(schema, value));
  };
}

function compileArray(schema: Schema, encoding: JsonEncoding): JsonEncoder {
  const element = compileJsonEncoder(schema.valueSchema, encoding);
  return (value) => {
    if (!Array.isArray(value)) throw misfit(schema, value);
    let out = '[';
    for (let i = 0; i < value.length; i++) out += i === 0 ? element(value[i]) : `,${element(value[i])}`;
    return `${out}]`;
  };
}

function compileMap(schema: Schema, encoding: JsonEncoding): JsonEncoder {
  const { keySchema } = schema;
  if (keySchema === null) {
    return () => {
      throw new DataError(`${schemaText(schema)} has no schema for its keys`);
    };
  }
  const encodeKey = compileJsonEncoder(keySchema, encoding);
  const encodeValue = compileJsonEncoder(schema.valueSchema, encoding);
  if (keySchema.type === 'string') {
    return (value) => {
      if (!(value instanceof Map)) throw misfit(schema, value);
      return value.has(null)
        ? objectWithNullKey(value, encodeKey, encodeValue)
        : jsonObject(value, encodeKey, encodeValue);
    };
  }
  return (value) => {
    if (!(value instanceof Map)) throw misfit(schema, value);
    return jsonPairs(value, encodeKey, encodeValue);
  };
}

function compileStruct(schema: Schema, encoding: JsonEncoding): JsonEncoder {
  const heads = schema.fields.map((field, i) => `${i === 0 ? '{' : ','}${quoteJson(field.name)}:`);
  const encoders = schema.fields.map((field) => compileJsonEncoder(field.schema, encoding));
  const count = heads.length;
  return (value) => {
    if (!(value instanceof Struct)) throw misfit(schema, value);
    if (value.schema !== schema && !schemaEquals(value.schema, schema)) throw new DataError('Mismatching schema.');
    if (count === 0) return '{}';
    const { values } = value;
    let out = '';
    for (let i = 0; i < count; i++) {
      out += heads[i] as string;
      out += (encoders[i] as JsonEncoder)(values[i]);
    }
    return `${out}}`;
  };
}

/** Pairs, as soon as a key is no text. */
function schemalessObject(map: Map<unknown, unknown>): string {
  let out = '';
  for (const [key, item] of map) {
    if (typeof key !== 'string') return jsonPairs(map, encodeSchemaless, encodeSchemaless);
    out += `${out === '' ? '{' : ','}${quotedKey(key)}:${encodeSchemaless(item)}`;
  }
  return out === '' ? '{}' : `${out}}`;
}

/** The fields of records are few, and come again with each. */
const quotedKeys = new Map<string, string>();
const mostQuotedKeys = 1000;

function quotedKey(key: string): string {
  let quoted = quotedKeys.get(key);
  if (quoted === undefined) {
    quoted = quoteJson(key);
    if (quotedKeys.size < mostQuotedKeys) quotedKeys.set(key, quoted);
  }
  return quoted;
}

function jsonObject(map: Map<unknown, unknown>, encodeKey: JsonEncoder, encodeValue: JsonEncoder): string {
  let out = '';
  for (const [key, item] of map) out += `${out === '' ? '{' : ','}${encodeKey(key)}:${encodeValue(item)}`;
  return out === '' ? '{}' : `${out}}`;
}

/** A null key is written as the text `null` (or as the key's default) and may then meet a key of that name. */
function objectWithNullKey(map: Map<unknown, unknown>, encodeKey: JsonEncoder, encodeValue: JsonEncoder): string {
  const entries = new Map<string, string>();
  for (const [key, item] of map) {
    const text = encodeKey(key);
    entries.set(text === 'null' ? '"null"' : text, encodeValue(item));
  }
  return `{${[...entries].map(([key, item]) => `${key}:${item}`).join(',')}}`;
}

function jsonPairs(map: Map<unknown, unknown>, encodeKey: JsonEncoder, encodeValue: JsonEncoder): string {
  let out = '[';
  for (const [key, item] of map) out += `${out === '[' ? '' : ','}[${encodeKey(key)},${encodeValue(item)}]`;
  return `${out}]`;
}

/** Without a schema the value's own type decides. */
export function encodeSchemaless(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quoteJson(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? doubleText(value) : `"${value}"`;
    case 'undefined':
      return 'null';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) {
    let out = '[';
    for (let i = 0; i < value.length; i++) {
      out += i === 0 ? encodeSchemaless(value[i]) : `,${encodeSchemaless(value[i])}`;
    }
    return `${out}]`;
  }
  if (value instanceof Map) return schemalessObject(value);
  if (value instanceof Uint8Array) return base64(value);
  if (value instanceof Int32 || value instanceof Int16 || value instanceof Int8) return String(value.value);
  if (value instanceof Float32) return Number.isFinite(value.value) ? floatText(value.value) : `"${value.value}"`;
  if (value instanceof Float64) return encodeSchemaless(value.value);
  if (value instanceof Struct) throw new DataError('Mismatching schema.');
  throw new DataError(`Java ${javaClassName(null, value)} does not have corresponding schema type.`);
}

function base64(bytes: Uint8Array): string {
  return `"${asBuffer(bytes).toString('base64')}"`;
}

function instant(schema: Schema, type: string, value: unknown): Instant {
  if (value instanceof Instant) return value;
  throw new DataError(`Invalid type for ${type}, expected Date but was ${javaClassName(schema, value)}`);
}

function misfit(schema: Schema, value: unknown): DataError {
  return new DataError(`Invalid type for ${schema.type.toUpperCase()}: ${javaClassName(schema, value)}`);
}
