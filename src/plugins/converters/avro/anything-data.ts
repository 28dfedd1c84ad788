import { Float32, Float64, Int8, Int16, Int32 } from '../../../data/schemaless.ts';
import { DataError } from '../../../errors.ts';
import {
  typeName,
  writeDouble,
  writeFloat,
  writeString,
  writeZigZag,
  writeZigZagBig,
} from '../../../schema-registry/sink.ts';

/** Fields of the `Anything` record, in order. */
const fieldBoolean = 0;
const fieldDouble = 2;
const fieldFloat = 3;
const fieldInt = 4;
const fieldLong = 5;
const fieldString = 6;
const fieldArray = 7;
const fieldMap = 8;
const fieldCount = 9;

/** Writes schemaless data: every field of the record is a union with null, and one at most is set. */
export function encodeAnything(b: Buffer, p: number, value: unknown): number {
  const field = value === null || value === undefined ? fieldCount : fieldFor(value);
  for (let i = 0; i < Math.min(field, fieldCount); i++) b[p++] = 0;
  if (field === fieldCount) return p;
  b[p++] = 2;
  p = encodeField(b, p, field, value);
  for (let i = field + 1; i < fieldCount; i++) b[p++] = 0;
  return p;
}

function fieldFor(value: unknown): number {
  if (typeof value === 'string') return fieldString;
  if (typeof value === 'number') return fieldDouble;
  if (typeof value === 'bigint') return fieldLong;
  if (typeof value === 'boolean') return fieldBoolean;
  if (value instanceof Int32 || value instanceof Int16 || value instanceof Int8) return fieldInt;
  if (value instanceof Float32) return fieldFloat;
  if (value instanceof Float64) return fieldDouble;
  if (Array.isArray(value)) return fieldArray;
  if (value instanceof Map) return fieldMap;
  throw new DataError(`Unknown type for schemaless data: ${typeName(value)}`);
}

function encodeField(b: Buffer, p: number, field: number, value: unknown): number {
  switch (field) {
    case fieldBoolean:
      b[p] = value === true ? 1 : 0;
      return p + 1;
    case fieldDouble:
      return writeDouble(b, p, value instanceof Float64 ? value.value : (value as number));
    case fieldFloat:
      return writeFloat(b, p, (value as Float32).value);
    case fieldInt:
      return writeZigZag(b, p, (value as Int32).value);
    case fieldLong:
      return writeZigZagBig(b, p, value as bigint);
    case fieldString:
      return writeString(b, p, value as string);
    case fieldArray: {
      const list = value as readonly unknown[];
      if (list.length > 0) p = writeZigZag(b, p, list.length);
      for (const item of list) p = encodeAnything(b, p, item);
      b[p] = 0;
      return p + 1;
    }
    default: {
      const map = value as ReadonlyMap<unknown, unknown>;
      if (map.size > 0) p = writeZigZag(b, p, map.size);
      for (const [key, item] of map) p = encodeAnything(b, encodeAnything(b, p, key), item);
      b[p] = 0;
      return p + 1;
    }
  }
}
