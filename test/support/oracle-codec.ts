import { isDeepStrictEqual } from 'node:util';
import { type Headers, SinkRecord, type SourceOffset, SourceRecord, type TimestampType } from '../../src/api/record.ts';
import { javaClass } from '../../src/data/connect-class.ts';
import { ConnectSchema } from '../../src/data/connect-schema.ts';
import { schemaEquals } from '../../src/data/equality.ts';
import { Decimal, Instant } from '../../src/data/logical.ts';
import { KeyInterner } from '../../src/data/map-key.ts';
import type { Schema, SchemaType } from '../../src/data/schema.ts';
import { SchemaBuilder } from '../../src/data/schema-builder.ts';
import { BigInteger, Float32, Float64, Int8, Int16, Int32, isWrapper, unwrap } from '../../src/data/schemaless.ts';
import { Struct } from '../../src/data/struct.ts';
import type { AnyRecord } from './oracle-operations.ts';

/** The data oracle's encodings of schemas (S), values (V) and records (R) in JSON. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonRecord = { [key: string]: Json };

export function decodeSchema(json: Json | undefined): Schema | null {
  if (json === null || json === undefined) return null;
  const s = json as JsonRecord;
  const type = s.type as SchemaType;
  const keySchema = decodeSchema(s.keySchema);
  const valueSchema = decodeSchema(s.valueSchema);
  const parameters = s.parameters as [string, string][] | null | undefined;
  if ((type === 'array' && valueSchema === null) || (type === 'map' && (keySchema === null || valueSchema === null))) {
    return new ConnectSchema(type, {
      optional: s.optional === true,
      name: textOrNull(s.name),
      version: (s.version as number | undefined) ?? null,
      doc: textOrNull(s.doc),
      parameters: parameters ? new Map(parameters) : null,
      keySchema,
      valueSchema,
    });
  }
  const builder = new SchemaBuilder(type, keySchema, valueSchema);
  if (type === 'struct') {
    for (const field of s.fields as JsonRecord[]) builder.field(field.name as string, decodeSchema(field.schema));
  }
  if (s.optional === true) builder.optional();
  if (s.name != null) builder.name(s.name as string);
  if (s.version != null) builder.version(s.version as number);
  if (s.doc != null) builder.doc(s.doc as string);
  if (parameters) builder.parameters(parameters);
  if (s.default != null) builder.defaultValue(decodeValue(s.default, builder.draft()));
  return builder.build();
}

function textOrNull(json: Json | undefined): string | null {
  return typeof json === 'string' ? json : null;
}

export function encodeSchema(schema: Schema | null, withDefault = true): Json {
  if (schema === null) return null;
  const out: JsonRecord = { type: schema.type };
  if (schema.optional) out.optional = true;
  if (schema.name !== null) out.name = schema.name;
  if (schema.version !== null) out.version = schema.version;
  if (schema.doc !== null) out.doc = schema.doc;
  if (schema.parameters !== null) out.parameters = [...schema.parameters].map(([key, value]) => [key, value]);
  if (withDefault && schema.defaultValue !== undefined) out.default = encodeValue(schema.defaultValue, schema, true);
  if (schema.type === 'map') out.keySchema = encodeSchema(schema.keySchema);
  if (schema.type === 'map' || schema.type === 'array') out.valueSchema = encodeSchema(schema.valueSchema);
  if (schema.type === 'struct') {
    out.fields = schema.fields.map((field) => ({ name: field.name, schema: encodeSchema(field.schema) }));
  }
  return out;
}

/** `context` is the schema that stands beside or around the value. */
export function decodeValue(json: Json | undefined, context: Schema | null): unknown {
  if (json === null || json === undefined) return null;
  if (typeof json === 'boolean' || typeof json === 'string') return json;
  if (typeof json !== 'object' || Array.isArray(json)) throw new TypeError(`not a value: ${JSON.stringify(json)}`);
  const first = Object.keys(json)[0];
  if (first === undefined) throw new TypeError('not a value: {}');
  const tag = first === 'schema' ? 'struct' : first;
  const content = json[tag] as Json;
  switch (tag) {
    case 'int8':
      return fitted(context, new Int8(content as number));
    case 'int16':
      return fitted(context, new Int16(content as number));
    case 'int32':
      return fitted(context, new Int32(content as number));
    case 'int64':
      return long(content as string | number);
    case 'float32':
      return fitted(context, new Float32(Number(content)));
    case 'float64':
      return fitted(context, new Float64(Number(content)));
    case 'bytes':
    case 'byteBuffer':
      return Buffer.from(content as string, 'base64');
    case 'decimal': {
      const [unscaled, scale] = content as [string, number];
      return new Decimal(BigInt(unscaled), scale);
    }
    case 'bigint':
      return new BigInteger(BigInt(content as string));
    case 'date':
      return new Instant(BigInt(content as string | number));
    case 'array': {
      const element = context?.type === 'array' ? context.valueSchema : null;
      return (content as Json[]).map((item) => decodeValue(item, element));
    }
    case 'map': {
      const map = context?.type === 'map' ? context : null;
      const keys = new KeyInterner();
      const out = new Map<unknown, unknown>();
      for (const [key, item] of content as [Json, Json][]) {
        out.set(keys.intern(decodeValue(key, map?.keySchema ?? null)), decodeValue(item, map?.valueSchema ?? null));
      }
      return out;
    }
    case 'struct': {
      const schema = json.schema == null ? context : decodeSchema(json.schema);
      if (schema === null) throw new TypeError('struct without a schema');
      const struct = new Struct(schema);
      for (const [name, item] of Object.entries(content as JsonRecord)) {
        const field = schema.field(name);
        if (field === undefined) throw new TypeError(`no such field: ${name}`);
        const value = decodeValue(item, field.schema);
        if (value !== null) struct.put(field, value);
      }
      return struct;
    }
    default:
      throw new TypeError(`unknown value tag: ${tag}`);
  }
}

const narrow: readonly string[] = ['int8', 'int16', 'int32', 'float32'];

function fitted(context: Schema | null, value: Int8 | Int16 | Int32 | Float32 | Float64): unknown {
  if (value instanceof Float64 && (context === null || !narrow.includes(context.type))) return value.value;
  return context === null ? value : unwrap(context.type, value);
}

export function encodeValue(value: unknown, context: Schema | null, isDefault = false): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  switch (javaClass(context, value)) {
    case 'Byte':
      return { int8: Number(bare(value)) };
    case 'Short':
      return { int16: Number(bare(value)) };
    case 'Integer':
      return { int32: Number(bare(value)) };
    case 'Long':
      return { int64: String(value) };
    case 'Float':
      return { float32: encodeDouble(Math.fround(Number(bare(value)))) };
    case 'Double':
      return { float64: encodeDouble(Number(bare(value))) };
    case 'BigInteger':
      return { bigint: String(bare(value)) };
    case 'byte[]':
      return { bytes: Buffer.from(value as Uint8Array).toString('base64') };
    case 'BigDecimal': {
      const { unscaled, scale } = value as Decimal;
      return { decimal: [String(unscaled), scale] };
    }
    case 'Date':
      return { date: String((value as Instant).exactMs) };
    case 'List': {
      const element = context?.type === 'array' ? context.valueSchema : null;
      return { array: (value as unknown[]).map((item) => encodeValue(item, element)) };
    }
    case 'Map': {
      const map = context?.type === 'map' ? context : null;
      const entries = [...(value as Map<unknown, unknown>)];
      return {
        map: entries.map(([key, item]) => [
          encodeValue(key, map?.keySchema ?? null),
          encodeValue(item, map?.valueSchema ?? null),
        ]),
      };
    }
    case 'Struct': {
      const struct = value as Struct;
      const fields: JsonRecord = Object.create(null);
      for (const field of struct.schema.fields) {
        fields[field.name] = encodeValue(struct.getWithoutDefault(field), field.schema);
      }
      const same = isDefault ? alikeButForDefault(struct.schema, context) : schemaEquals(struct.schema, context);
      return same ? { struct: fields } : { struct: fields, schema: encodeSchema(struct.schema, !isDefault) };
    }
    default:
      throw new TypeError(`Java has nothing like ${String(value)}`);
  }
}

function long(text: string | number): bigint {
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) throw new TypeError(`not a 64-bit number: ${text}`);
  return value;
}

/** A default's struct is of the schema around it, which does not have that default yet. */
function alikeButForDefault(schema: Schema, context: Schema | null): boolean {
  return isDeepStrictEqual(encodeSchema(schema, false), encodeSchema(context, false));
}

/** Transformations pass an offset through as it is, so that here one beyond 2^53 may be a bigint. */
function exactOffset(json: Json | undefined): number {
  const offset = Number(json ?? 0);
  return Number.isSafeInteger(offset) ? offset : (BigInt(json as string) as unknown as number);
}

function bare(value: unknown): unknown {
  return isWrapper(value) ? value.value : value;
}

function encodeDouble(value: number): Json {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

export function decodeRecord(json: JsonRecord): AnyRecord {
  const keySchema = decodeSchema(json.keySchema);
  const valueSchema = decodeSchema(json.valueSchema);
  const key = decodeValue(json.key, keySchema);
  const value = decodeValue(json.value, valueSchema);
  const topic = json.topic as string;
  const kafkaPartition = (json.partition as number | null | undefined) ?? null;
  const timestamp = json.timestamp == null ? null : Number(json.timestamp);
  const headers: Headers = ((json.headers ?? []) as JsonRecord[]).map((header) => {
    const schema = decodeSchema(header.schema);
    return { key: header.key as string, schema, value: decodeValue(header.value, schema) };
  });
  if (json.kind !== 'sink') {
    const sourcePartition = decodeValue(json.sourcePartition, null) as unknown as SourceOffset;
    const sourceOffset = decodeValue(json.sourceOffset, null) as unknown as SourceOffset;
    return new SourceRecord(
      sourcePartition,
      sourceOffset,
      topic,
      kafkaPartition,
      keySchema,
      key,
      valueSchema,
      value,
      timestamp,
      headers,
    );
  }
  const kafkaOffset = exactOffset(json.offset);
  return new SinkRecord(
    topic,
    kafkaPartition ?? 0,
    keySchema,
    key,
    valueSchema,
    value,
    kafkaOffset,
    timestamp,
    (json.timestampType as TimestampType | null | undefined) ?? 'NoTimestampType',
    headers,
    (json.originalTopic as string | undefined) ?? topic,
    (json.originalPartition as number | null | undefined) ?? kafkaPartition ?? 0,
    json.originalOffset == null ? kafkaOffset : exactOffset(json.originalOffset),
  );
}

export function encodeRecord(record: AnyRecord | null): Json {
  if (record === null) return null;
  const out: JsonRecord = {
    kind: record instanceof SinkRecord ? 'sink' : 'source',
    topic: record.topic,
    partition: record.kafkaPartition,
    keySchema: encodeSchema(record.keySchema),
    key: encodeValue(record.key, record.keySchema),
    valueSchema: encodeSchema(record.valueSchema),
    value: encodeValue(record.value, record.valueSchema),
    timestamp: record.timestamp === null ? null : String(record.timestamp),
    headers: record.headers.map(({ key, schema, value }) => ({
      key,
      schema: encodeSchema(schema),
      value: encodeValue(value, schema),
    })),
  };
  if (record instanceof SinkRecord) {
    out.offset = String(record.kafkaOffset);
    out.timestampType = record.timestampType;
    out.originalTopic = record.originalTopic;
    out.originalPartition = record.originalKafkaPartition;
    out.originalOffset = String(record.originalKafkaOffset);
  } else {
    out.sourcePartition = encodeValue(record.sourcePartition, null);
    out.sourceOffset = encodeValue(record.sourceOffset, null);
  }
  return out;
}
