import type { ExampleRecord } from '../../src/api/plugin.ts';
import { SourceRecord } from '../../src/api/record.ts';

/** A schemaless record of an example: objects are maps, numbers are doubles. */
export function recordOf(example: ExampleRecord): SourceRecord {
  return new SourceRecord(
    {},
    {},
    example.topic ?? 'topic',
    null,
    null,
    data(example.key),
    null,
    data(example.value),
    example.timestamp ?? null,
    Object.entries(example.headers ?? {}).map(([key, value]) => ({ key, schema: null, value: data(value) })),
  );
}

/** The same parts of a record as plain JSON. */
export function shown(record: SourceRecord, like: ExampleRecord): ExampleRecord {
  return {
    ...(like.topic === undefined ? {} : { topic: record.topic }),
    ...(like.key === undefined ? {} : { key: plain(record.key) }),
    ...(like.value === undefined ? {} : { value: plain(record.value) }),
    ...(like.timestamp === undefined ? {} : { timestamp: record.timestamp ?? Number.NaN }),
    ...(like.headers === undefined
      ? {}
      : { headers: Object.fromEntries(record.headers.map(({ key, value }) => [key, plain(value)])) }),
  };
}

function data(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(data);
  if (typeof value !== 'object') return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, data(item)]));
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  return value;
}
