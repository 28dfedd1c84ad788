import type { SourceOffset, SourcePartition } from '../api/record.ts';
import { doubleText } from '../java/number-text.ts';
import type { SourceOffsetEntry } from './offset-backing-store.ts';

/**
 * Source partitions and offsets as text: the JSON that Java's schemaless JsonConverter writes to the offsets topic, so
 * that the mirror and an exactly-once source's own records are byte for byte what Java reads and writes.
 */
export function sourceOffsetEntry(partition: SourcePartition, offset: SourceOffset | null): SourceOffsetEntry {
  return {
    key: canonicalPartition(partition),
    partition: jsonText(partition),
    offset: offset === null ? null : jsonText(offset),
  };
}

/** Keys sorted, so that two partitions of the same content are one; a number and its bigint are the same. */
export function canonicalPartition(partition: SourcePartition): string {
  const keys = Object.keys(partition);
  if (keys.length > 1) keys.sort();
  return objectText(partition, keys);
}

/** Integers beyond 2^53 become bigints, so that no digit is lost. */
export function parseOffset(text: string): SourceOffset {
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown) as SourceOffset;
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** The key of an offset's record on the offsets topic. */
export function offsetRecordKey(connector: string, entry: SourceOffsetEntry): string {
  return `[${stringText(connector)},${entry.partition}]`;
}

function jsonText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return stringText(value);
    case 'number':
      return Number.isInteger(value) && !Object.is(value, -0) ? BigInt(value).toString() : doubleText(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'undefined':
      return 'null';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  return objectText(value as Record<string, unknown>, Object.keys(value as object));
}

function objectText(object: Readonly<Record<string, unknown>>, keys: readonly string[]): string {
  return `{${keys.map((key) => `${stringText(key)}:${jsonText(object[key])}`).join(',')}}`;
}

/** Java's JSON writer escapes every surrogate, paired or not, in capital hexadecimal. */
function stringText(text: string): string {
  return JSON.stringify(text).replace(/\\\\|\\u[0-9a-f]{4}|[\ud800-\udfff]/g, (found) => {
    if (found === '\\\\') return found;
    const digits = found.length === 1 ? found.charCodeAt(0).toString(16) : found.slice(2);
    return `\\u${digits.toUpperCase()}`;
  });
}
