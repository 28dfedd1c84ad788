import type { SchemaElement } from 'hyparquet';
import { DataError, Decimal, Instant, type Schema, SchemaBuilder } from '../../../src/api/index.ts';

export interface ValueReading {
  readonly schema: Schema;
  /** Of what is stored; never asked for nothing. */
  readonly read: (raw: unknown) => unknown;
}

type Builder = SchemaBuilder;

/** In what unit a time is that Connect has no type for: a parameter of its schema. */
const unitParameter = 'parquet.unit';

const same = (raw: unknown) => raw;
const asText = (raw: unknown) => decoder.decode(raw as Uint8Array);
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const asBytes = (raw: unknown) => new Uint8Array(raw as Uint8Array);
const asLong = (raw: unknown) => BigInt(raw as number | bigint);
const days = (raw: unknown) => new Instant((raw as number) * 86_400_000);
const instant = (raw: unknown) => new Instant(raw as bigint | number);

/** What a column holds, by its annotation: the new kind, or the old one that says the same. */
export function leafReading(element: SchemaElement, optional: boolean): ValueReading {
  const [builder, read] = reading(element);
  return { schema: (optional ? builder.optional() : builder).build(), read };
}

function reading(element: SchemaElement): [Builder, ValueReading['read']] {
  const { type, name } = element;
  const meaning = meaningOf(element);
  if (meaning === 'DECIMAL') return decimal(element);
  switch (type) {
    case 'BOOLEAN':
      return [SchemaBuilder.bool(), same];
    case 'INT32':
      return int32(meaning);
    case 'INT64':
      return int64(meaning);
    case 'INT96':
      return [long('timestamp', 'NANOS'), asLong];
    case 'FLOAT':
      return [SchemaBuilder.float32(), same];
    case 'DOUBLE':
      return [SchemaBuilder.float64(), same];
    case 'BYTE_ARRAY':
      return ['STRING', 'ENUM', 'JSON'].includes(meaning)
        ? [SchemaBuilder.string(), asText]
        : [SchemaBuilder.bytes(), asBytes];
    case 'FIXED_LEN_BYTE_ARRAY':
      if (meaning === 'UUID') return [SchemaBuilder.string(), uuid];
      if (meaning === 'FLOAT16') return [SchemaBuilder.float32(), half];
      return [SchemaBuilder.bytes(), asBytes];
    default:
      throw new DataError(`Column ${name} of the Parquet file is of the unknown type ${String(type)}`);
  }
}

function int32(meaning: string): [Builder, ValueReading['read']] {
  switch (meaning) {
    case 'DATE':
      return [SchemaBuilder.date(), days];
    case 'TIME_MILLIS':
      return [SchemaBuilder.time(), instant];
    case 'INT_8':
      return [SchemaBuilder.int8(), same];
    case 'INT_16':
      return [SchemaBuilder.int16(), same];
    case 'UINT_8':
      return [SchemaBuilder.int16(), (raw) => (raw as number) & 0xff];
    case 'UINT_16':
      return [SchemaBuilder.int32(), (raw) => (raw as number) & 0xffff];
    case 'UINT_32':
      return [SchemaBuilder.int64(), (raw) => BigInt((raw as number) >>> 0)];
    default:
      return [SchemaBuilder.int32(), same];
  }
}

function int64(meaning: string): [Builder, ValueReading['read']] {
  switch (meaning) {
    case 'TIMESTAMP_MILLIS':
      return [SchemaBuilder.timestamp(), instant];
    case 'TIMESTAMP_MICROS':
    case 'TIMESTAMP_NANOS':
      return [long('timestamp', meaning.slice(10)), asLong];
    case 'TIME_MICROS':
    case 'TIME_NANOS':
      return [long('time', meaning.slice(5)), asLong];
    case 'UINT_64':
      return [SchemaBuilder.decimal(0), (raw) => new Decimal(BigInt.asUintN(64, raw as bigint), 0)];
    default:
      return [SchemaBuilder.int64(), asLong];
  }
}

/** Connect's own times have milliseconds; these keep all their digits, as whole numbers. */
const long = (of: 'timestamp' | 'time', unit: string) =>
  SchemaBuilder.int64().parameter(unitParameter, `${of} ${unit}`);

function decimal(element: SchemaElement): [Builder, ValueReading['read']] {
  const { logical_type: logical } = element;
  const scale = logical?.type === 'DECIMAL' ? logical.scale : (element.scale ?? 0);
  const read = (raw: unknown) =>
    raw instanceof Uint8Array ? Decimal.fromBytes(raw, scale) : new Decimal(BigInt(raw as number | bigint), scale);
  return [SchemaBuilder.decimal(scale), read];
}

/** One word for both kinds of annotation, by the names of the old ones where there are such. */
function meaningOf({ converted_type: converted, logical_type: logical }: SchemaElement): string {
  if (logical !== undefined) {
    switch (logical.type) {
      case 'INTEGER':
        return `${logical.isSigned ? '' : 'U'}INT_${logical.bitWidth}`;
      case 'TIME':
      case 'TIMESTAMP':
        return `${logical.type}_${logical.unit}`;
      default:
        return logical.type;
    }
  }
  return converted === 'UTF8' ? 'STRING' : (converted ?? '');
}

function uuid(raw: unknown): string {
  const hex = Buffer.from(raw as Uint8Array).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function half(raw: unknown): number {
  const bits = Buffer.from(raw as Uint8Array).readUInt16LE(0);
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
