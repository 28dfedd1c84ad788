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
} from '../../../data/logical.ts';
import type { Schema } from '../../../data/schema.ts';
import { Struct } from '../../../data/struct.ts';
import { DataError } from '../../../errors.ts';
import type { AvroType, Json } from './avro-schema.ts';
import * as c from './conventions.ts';

/** A Connect default as it stands in an Avro schema; undefined for what JSON cannot say (NaN). */
export function defaultToJson(schema: Schema, value: unknown, options: c.AvroDataOptions): Json | undefined {
  if (value === null || value === undefined) return null;
  switch (schema.name) {
    case DECIMAL_NAME:
      return latin1(decimalToBytes(schema, expect(value, Decimal, schema)));
    case DATE_NAME:
      return dateToInt(expect(value, Instant, schema));
    case TIME_NAME:
      return timeToInt(expect(value, Instant, schema));
    case TIMESTAMP_NAME: {
      const instant = expect(value, Instant, schema);
      return instant.safe ? instant.epochMs : instant.exactMs;
    }
  }
  switch (schema.type) {
    case 'float32':
      return typeof value === 'number' && Number.isFinite(value) ? shortestFloat(value) : undefined;
    case 'float64':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
    case 'int64':
      return Number.isSafeInteger(Number(value)) ? Number(value) : (value as bigint);
    case 'bytes':
      return latin1(expect(value, Uint8Array, schema));
    case 'array':
      return expect(value, Array, schema).map(
        (item: unknown) => defaultToJson(schema.valueSchema!, item, options) ?? null,
      );
    case 'map': {
      const map = expect(value, Map, schema);
      if (!c.hasAvroKeys(schema, options)) {
        return [...map].map(([key, item]) => [
          defaultToJson(schema.keySchema!, key, options) ?? null,
          defaultToJson(schema.valueSchema!, item, options) ?? null,
        ]);
      }
      const json: { [key: string]: Json } = {};
      for (const [key, item] of map) json[String(key)] = defaultToJson(schema.valueSchema!, item, options) ?? null;
      return json;
    }
    case 'struct': {
      const struct = expect(value, Struct, schema);
      const json: { [key: string]: Json } = {};
      for (const field of schema.fields) {
        const one = defaultToJson(field.schema, struct.get(field.name), options) ?? null;
        if (c.isUnion(schema)) return one;
        json[c.scrubName(field.name, options.scrubInvalidNames)] = one;
      }
      return json;
    }
    default:
      return value as Json;
  }
}

function expect<T>(value: unknown, type: abstract new (...args: never[]) => T, schema: Schema): T {
  if (value instanceof type) return value;
  throw new DataError(`Invalid type used for default value of ${schema.type.toUpperCase()} field`);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The shortest decimal that is this float32, as Java prints it. */
function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return Number(value.toPrecision(9));
}

/** Whether Avro admits this default for a field of this type; a union's default is one of its first branch. */
export function isValidDefault(type: AvroType, json: Json | undefined, depth = 0): boolean {
  if (json === undefined || depth > 100) return false;
  switch (type.kind) {
    case 'null':
      return json === null;
    case 'boolean':
      return typeof json === 'boolean';
    case 'int':
      return typeof json === 'number' && (json | 0) === json;
    case 'long':
      return typeof json === 'bigint' || (typeof json === 'number' && Number.isInteger(json));
    case 'float':
    case 'double':
      return typeof json === 'number' || typeof json === 'bigint';
    case 'string':
    case 'enum':
      return typeof json === 'string';
    case 'bytes':
    case 'fixed':
      return typeof json === 'string' && /^[\0-\xff]*$/.test(json);
    case 'array':
      return Array.isArray(json) && json.every((item) => isValidDefault(type.element!, item, depth + 1));
    case 'map':
      return isObject(json) && Object.values(json).every((item) => isValidDefault(type.element!, item, depth + 1));
    case 'union':
      return type.branches[0] !== undefined && isValidDefault(type.branches[0], json, depth + 1);
    case 'record':
      return (
        isObject(json) &&
        type.fields.every((field) =>
          isValidDefault(field.type, Object.hasOwn(json, field.name) ? json[field.name] : field.default, depth + 1),
        )
      );
  }
}

function isObject(json: Json): json is { [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/**
 * The Connect value of a default in an Avro schema. `schema` is the Connect schema of `type`, still without the
 * default. Throws DataError when the default does not fit; null when there is none.
 */
export function defaultFromJson(schema: Schema, type: AvroType, json: Json, options: c.AvroDataOptions): unknown {
  if (json === null) return null;
  const plain = plainDefault(schema, type, json, options);
  if (plain === null) return null;
  switch (schema.name) {
    case DECIMAL_NAME:
      return decimalFromBytes(schema, plain as Uint8Array);
    case DATE_NAME:
      return dateFromInt(plain as number);
    case TIME_NAME:
      return timeFromInt(plain as number);
    case TIMESTAMP_NAME:
      return new Instant(plain as bigint);
    default:
      return plain;
  }
}

function plainDefault(schema: Schema, type: AvroType, json: Json, options: c.AvroDataOptions): unknown {
  if (type.kind === 'union') {
    const first = type.branches[0];
    if (first === undefined || first.kind === 'null') return null;
    const field = schema.fields[0];
    if (!c.isUnion(schema) || field === undefined) return defaultFromJson(schema, first, json, options);
    const values: unknown[] = new Array(schema.fields.length).fill(null);
    values[0] = defaultFromJson(field.schema, first, json, options);
    return new Struct(schema, values);
  }
  if (!isValidDefault(type, json))
    throw new DataError(`The default ${JSON.stringify(String(json))} is not a ${type.kind}`);
  switch (type.kind) {
    case 'int':
      return schema.type === 'int8'
        ? ((json as number) << 24) >> 24
        : schema.type === 'int16'
          ? ((json as number) << 16) >> 16
          : json;
    case 'long':
      return BigInt(json as number | bigint);
    case 'float':
      return Math.fround(Number(json));
    case 'double':
      return Number(json);
    case 'bytes':
    case 'fixed':
      return Uint8Array.from(Buffer.from(json as string, 'latin1'));
    case 'array':
      return (json as Json[]).map((item) => defaultFromJson(schema.valueSchema!, type.element!, item, options));
    case 'map': {
      const map = new Map<string, unknown>();
      for (const [key, item] of Object.entries(json as { [key: string]: Json })) {
        map.set(key, defaultFromJson(schema.valueSchema!, type.element!, item, options));
      }
      return map;
    }
    case 'record': {
      const object = json as { [key: string]: Json };
      const values = schema.fields.map((field) => {
        const avroField = type.fields.find(({ name }) => name === c.scrubName(field.name, options.scrubInvalidNames));
        const own = avroField === undefined ? undefined : (object[avroField.name] ?? avroField.default);
        return own === undefined || avroField === undefined
          ? null
          : defaultFromJson(field.schema, avroField.type, own, options);
      });
      return new Struct(schema, values);
    }
    default:
      return json;
  }
}
