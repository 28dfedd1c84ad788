import { type ConnectRecord, SinkRecord } from '../../api/record.ts';
import { javaClassName } from '../../data/connect-class.ts';
import type { Schema } from '../../data/schema.ts';
import { Struct } from '../../data/struct.ts';
import { DataError } from '../../errors.ts';

/** Schemaless data as transformations see it. */
export type DataMap = Map<unknown, unknown>;

/** What a value must be for a transformation to work on it; the texts are Connect's. Java: Requirements. */
export function requireMap(value: unknown, purpose: string): DataMap {
  if (value instanceof Map) return value;
  throw new DataError(
    `Only Map objects supported in absence of schema for [${purpose}], found: ${classOf(null, value)}`,
  );
}

export function requireMapOrNull(value: unknown, purpose: string): DataMap | null {
  return value === null ? null : requireMap(value, purpose);
}

export function requireStruct(schema: Schema | null, value: unknown, purpose: string): Struct {
  if (value instanceof Struct) return value;
  throw new DataError(`Only Struct objects supported for [${purpose}], found: ${classOf(schema, value)}`);
}

export function requireStructOrNull(schema: Schema | null, value: unknown, purpose: string): Struct | null {
  return value === null ? null : requireStruct(schema, value, purpose);
}

export function requireSinkRecord<R extends ConnectRecord<R>>(record: R, purpose: string): SinkRecord {
  const candidate: unknown = record;
  if (candidate instanceof SinkRecord) return candidate;
  throw new DataError(
    `Only SinkRecord supported for [${purpose}], found: org.apache.kafka.connect.source.SourceRecord`,
  );
}

function classOf(schema: Schema | null, value: unknown): string {
  return value === null || value === undefined ? 'null' : javaClassName(schema, value).slice('class '.length);
}
