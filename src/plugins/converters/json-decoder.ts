import { fillFields } from '../../data/field-allowance.ts';
import { isJsonObject, JsonMissing, type JsonNode, JsonNumber, type JsonObject } from '../../data/json-reader.ts';
import {
  DATE_NAME,
  DECIMAL_NAME,
  Decimal,
  dateFromInt,
  decimalFromBytes,
  Instant,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeFromInt,
} from '../../data/logical.ts';
import { KeyInterner } from '../../data/map-key.ts';
import type { Field, Schema } from '../../data/schema.ts';
import { decodeSchemaless, needsExactNumbers } from '../../data/schemaless-json.ts';
import { Struct } from '../../data/struct.ts';
import { DataError } from '../../errors.ts';

export interface JsonDecoding {
  readonly replaceNullWithDefault: boolean;
}

/** Turns one JSON node (undefined where a field is absent) into a value of a schema. */
export type JsonDecoder = (node: JsonNode | undefined) => unknown;

/** The decoder of a schema, made once. */
export function compileJsonDecoder(schema: Schema | null, decoding: JsonDecoding): JsonDecoder {
  return schema === null ? decodeSchemaless : compile(schema, decoding, false);
}

/** `inStruct`: the value goes into a Struct, which refuses null where its schema does. */
function compile(schema: Schema, decoding: JsonDecoding, inStruct: boolean): JsonDecoder {
  const decode = compileNonNull(schema, decoding, inStruct);
  const { defaultValue } = schema;
  if (defaultValue !== undefined && decoding.replaceNullWithDefault) {
    return (node) => (node === null || node === undefined ? defaultValue : decode(node));
  }
  if (schema.optional) return (node) => (node === null || node === undefined ? null : decode(node));
  const type = schema.type.toUpperCase();
  return (node) => {
    if (node === null || node === undefined) throw new DataError(`Invalid null value for required ${type} field`);
    return decode(node);
  };
}

type NonNullDecoder = (node: Exclude<JsonNode, null>) => unknown;

function compileNonNull(schema: Schema, decoding: JsonDecoding, inStruct: boolean): NonNullDecoder {
  switch (schema.name) {
    case DECIMAL_NAME:
      return (node) => decodeDecimal(schema, node);
    case DATE_NAME:
      return (node) => dateFromInt(intOf('Date', node));
    case TIME_NAME:
      return (node) => timeFromInt(intOf('Time', node));
    case TIMESTAMP_NAME:
      return decodeTimestamp;
  }
  switch (schema.type) {
    case 'boolean':
      return (node) => node === true;
    case 'int8':
      return (node) => (toInt(node) << 24) >> 24;
    case 'int16':
      return (node) => (toInt(node) << 16) >> 16;
    case 'int32':
      return toInt;
    case 'int64':
      return toLong;
    case 'float32':
      return toFloat;
    case 'float64':
      return toDouble;
    case 'string':
      return inStruct && !schema.optional
        ? (node) => textOf(schema, node)
        : (node) => (typeof node === 'string' ? node : null);
    case 'bytes':
      return inStruct && !schema.optional
        ? (node) => decodeBase64(textOf(schema, node))
        : (node) => (typeof node === 'string' ? decodeBase64(node) : null);
    case 'array':
      return compileArray(schema, decoding, inStruct);
    case 'map':
      return compileMap(schema, decoding, inStruct);
    case 'struct':
      return compileStruct(schema, decoding);
  }
}

function textOf(schema: Schema, node: JsonNode): string {
  if (typeof node === 'string') return node;
  throw new DataError(
    `Invalid value: null used for required field, schema type: ${schema.type.toUpperCase()} (the JSON has ${nodeType(node)})`,
  );
}

function compileArray(schema: Schema, decoding: JsonDecoding, inStruct: boolean): NonNullDecoder {
  const element = schema.valueSchema === null ? decodeSchemaless : compile(schema.valueSchema, decoding, inStruct);
  return (node) => {
    if (Array.isArray(node)) {
      const out = new Array(node.length);
      for (let i = 0; i < node.length; i++) out[i] = element(node[i] as JsonNode);
      return out;
    }
    // Java walks over the children of whatever it finds: an object's values, nothing in a scalar.
    return isJsonObject(node) ? Object.values(node).map(element) : [];
  };
}

function compileMap(schema: Schema, decoding: JsonDecoding, inStruct: boolean): NonNullDecoder {
  const { keySchema, valueSchema } = schema;
  const value = valueSchema === null ? decodeSchemaless : compile(valueSchema, decoding, inStruct);
  if (keySchema === null || keySchema.type === 'string') {
    return (node) => {
      if (!isJsonObject(node)) {
        throw new DataError(`Maps with string fields should be encoded as JSON objects, but found ${nodeType(node)}`);
      }
      const out = new Map<unknown, unknown>();
      for (const key of Object.keys(node)) out.set(key, value(node[key]));
      return out;
    };
  }
  const decodeKey = compile(keySchema, decoding, inStruct);
  return (node) => {
    if (!Array.isArray(node)) {
      throw new DataError(
        `Maps with non-string fields should be encoded as JSON array of tuples, but found ${nodeType(node)}`,
      );
    }
    const out = new Map<unknown, unknown>();
    const keys = new KeyInterner();
    for (const entry of node) {
      if (!Array.isArray(entry)) {
        throw new DataError(`Found invalid map entry instead of array tuple: ${nodeType(entry)}`);
      }
      if (entry.length !== 2) {
        throw new DataError(`Found invalid map entry, expected length 2 but found :${entry.length}`);
      }
      out.set(keys.intern(decodeKey(entry[0])), value(entry[1]));
    }
    return out;
  };
}

/** Names that every object answers to: only own properties of these count. */
const inherited = new Set(Object.getOwnPropertyNames(Object.prototype));

function compileStruct(schema: Schema, decoding: JsonDecoding): NonNullDecoder {
  const { fields } = schema;
  const count = fields.length;
  const names = fields.map((field) => field.name);
  const decoders = fields.map((field) => compileField(field, decoding));
  const careful = names.some((name) => inherited.has(name));
  return (node) => {
    if (!isJsonObject(node)) {
      throw new DataError(`Structs should be encoded as JSON objects, but found ${nodeType(node)}`);
    }
    fillFields(count);
    const values = new Array(count);
    for (let i = 0; i < count; i++) {
      const name = names[i] as string;
      values[i] = (decoders[i] as JsonDecoder)(careful ? ownValue(node, name) : node[name]);
    }
    return new Struct(schema, values);
  };
}

function compileField(field: Field, decoding: JsonDecoding): JsonDecoder {
  return compile(field.schema, decoding, true);
}

function ownValue(node: JsonObject, name: string): JsonNode | undefined {
  return Object.hasOwn(node, name) ? node[name] : undefined;
}

/** Whether a schema has a type for which `5` and `5.0` differ, which native numbers cannot tell. */
export function hasTemporal(schema: Schema | null): boolean {
  if (schema === null) return false;
  if (schema.name === DATE_NAME || schema.name === TIME_NAME || schema.name === TIMESTAMP_NAME) return true;
  return (
    hasTemporal(schema.keySchema) ||
    hasTemporal(schema.valueSchema) ||
    schema.fields.some((field) => hasTemporal(field.schema))
  );
}

/** Java's JsonNode.intValue: the low 32 bits of a number, 0 of anything else. */
function toInt(node: JsonNode): number {
  if (typeof node === 'number') {
    if (Number.isSafeInteger(node)) return node | 0;
    if (Math.abs(node) < 2 ** 52) return Math.trunc(node) | 0;
    throw needsExactNumbers;
  }
  return node instanceof JsonNumber ? Number(BigInt.asIntN(32, node.toLong())) : 0;
}

function toLong(node: JsonNode): bigint {
  if (typeof node === 'number') {
    if (Number.isSafeInteger(node)) return BigInt(node);
    if (Math.abs(node) < 2 ** 52) return BigInt(Math.trunc(node));
    throw needsExactNumbers;
  }
  return node instanceof JsonNumber ? node.toLong() : 0n;
}

function toDouble(node: JsonNode): number {
  if (typeof node === 'number') {
    if (node === 0 && Object.is(node, -0)) throw needsExactNumbers;
    if (!Number.isFinite(node)) throw needsExactNumbers;
    return node;
  }
  return node instanceof JsonNumber ? node.toDouble() : 0;
}

const doubleBits = new Float64Array(1);
const doubleWords = new Uint32Array(doubleBits.buffer);

function toFloat(node: JsonNode): number {
  if (typeof node === 'number') {
    const float = Math.fround(node);
    if (float === node && !Object.is(node, -0)) return float;
    doubleBits[0] = node;
    // Half-way between two floats, or among the smallest ones, a second rounding could differ from a single one.
    const halfway = ((doubleWords[0] as number) & 0x1fffffff) === 0x10000000;
    if (halfway || Math.abs(node) < 1.2e-38 || !Number.isFinite(float)) throw needsExactNumbers;
    return float;
  }
  return node instanceof JsonNumber ? node.toFloat() : 0;
}

function intOf(type: string, node: JsonNode): number {
  if (typeof node === 'number' && (node | 0) === node) return node;
  if (typeof node === 'number') throw needsExactNumbers;
  if (node instanceof JsonNumber && node.isInt()) return Number(node.text);
  throw new DataError(
    `Invalid type for ${type}, underlying representation should be integer but was ${nodeType(node)}`,
  );
}

function decodeTimestamp(node: JsonNode): Instant {
  if (typeof node === 'number') {
    if (Number.isSafeInteger(node)) return new Instant(node + 0);
    throw needsExactNumbers;
  }
  if (node instanceof JsonNumber && node.integral) return new Instant(node.toLong());
  throw new DataError(
    `Invalid type for Timestamp, underlying representation should be integral but was ${nodeType(node)}`,
  );
}

function decodeDecimal(schema: Schema, node: JsonNode): Decimal {
  if (typeof node === 'number') throw needsExactNumbers;
  if (node instanceof JsonNumber) return node.integral ? new Decimal(BigInt(node.text), 0) : node.toDecimal();
  if (typeof node !== 'string') {
    throw new DataError(
      `Invalid type for Decimal, underlying representation should be numeric or bytes but was ${nodeType(node)}`,
    );
  }
  try {
    return decimalFromBytes(schema, decodeBase64(node));
  } catch (cause) {
    throw new DataError('Invalid bytes for Decimal field', { cause });
  }
}

const plainBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Jackson's reading of base64: padding is required, blanks may stand between groups of four. */
function decodeBase64(text: string): Uint8Array {
  if (plainBase64.test(text)) return Buffer.from(text, 'base64');
  const groups: Buffer[] = [];
  // Jackson skips everything up to the blank.
  const group = /[\0- ]*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)|[\0- ]+$/y;
  while (group.lastIndex < text.length) {
    const match = group.exec(text);
    if (match === null) throw new DataError('Invalid bytes field');
    if (match[1] !== undefined) groups.push(Buffer.from(match[1], 'base64'));
  }
  return Buffer.concat(groups);
}

function nodeType(node: JsonNode): string {
  if (node === null) return 'NULL';
  if (typeof node === 'string') return 'STRING';
  if (typeof node === 'boolean') return 'BOOLEAN';
  if (typeof node === 'number' || node instanceof JsonNumber) return 'NUMBER';
  if (node instanceof JsonMissing) return 'MISSING';
  return Array.isArray(node) ? 'ARRAY' : 'OBJECT';
}
