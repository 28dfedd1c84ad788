import type { OffsetValue, SourceOffset, SourcePartition } from '../api/record.ts';
import { javaHashOrder } from '../java/hash-order.ts';
import { doubleText } from '../java/number-text.ts';
import type { SourceOffsetEntry } from './offset-backing-store.ts';

/** The text that an offset came as: it is kept to the letter where printing it again would change it. */
const exactText = Symbol('text');

/**
 * Source partitions and offsets as text: the JSON that Java's schemaless JsonConverter writes to the offsets topic, so
 * that the mirror and an exactly-once source's own records are byte for byte what Java reads and writes.
 */
export function sourceOffsetEntry(partition: SourcePartition, offset: SourceOffset | null): SourceOffsetEntry {
  return {
    key: canonicalPartition(partition),
    partition: offsetText(partition),
    offset: offset === null ? null : offsetText(offset),
  };
}

/** Keys sorted, so that two partitions of the same content are one; a number and its bigint are the same. */
export function canonicalPartition(partition: SourcePartition): string {
  const read = partition instanceof UnreadOffset ? partition.toJSON() : partition;
  const keys = Object.keys(read);
  if (keys.length > 1) keys.sort();
  return objectText(read, keys);
}

/** Integers beyond 2^53 become bigints, so that no digit is lost; doubles that are whole stay what they are. */
export function parseOffset(text: string): SourceOffset {
  const parsed = JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown) as SourceOffset;
  // Only where there is a number with a fraction or exponent can it matter.
  if (/[\d][.eE]/.test(text) && jsonText(parsed) !== text) {
    Object.defineProperty(parsed, exactText, { value: text });
  }
  return parsed;
}

/** An offset that hardly anybody looks into on its way to the table: its text, to the letter, read where somebody does. */
class UnreadOffset {
  readonly [exactText]: string;

  constructor(text: string) {
    this[exactText] = text;
  }

  toJSON(): SourceOffset {
    return parseOffset(this[exactText]);
  }
}

export function exactOffset(text: string): SourceOffset {
  return new UnreadOffset(text) as unknown as SourceOffset;
}

/**
 * An offset or a partition as Java makes it of a request: its fields in the order of a HashMap, a number with a fraction or an
 * exponent a double.
 */
export function offsetOfFields(fields: ReadonlyMap<string, OffsetValue>): SourceOffset {
  const texts = javaHashOrder([...fields.keys()]).map((key) => {
    const value = fields.get(key)!;
    return `${javaJsonString(key)}:${typeof value === 'number' ? doubleText(value) : jsonText(value)}`;
  });
  return parseOffset(`{${texts.join(',')}}`);
}

/** The text of an offset, for a connector that is to have it as Java would read it. */
export function offsetText(offset: SourceOffset): string {
  return (offset as { [exactText]?: string })[exactText] ?? jsonText(offset);
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** The key of an offset's record on the offsets topic. */
export function offsetRecordKey(connector: string, entry: SourceOffsetEntry): string {
  return `[${javaJsonString(connector)},${entry.partition}]`;
}

function jsonText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return javaJsonString(value);
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
  return `{${keys.map((key) => `${javaJsonString(key)}:${jsonText(object[key])}`).join(',')}}`;
}

/** A string as Java's JSON writer writes it: every surrogate, paired or not, as an escape in capital hexadecimal. */
export function javaJsonString(text: string): string {
  return JSON.stringify(text).replace(/\\\\|\\u[0-9a-f]{4}|[\ud800-\udfff]/g, (found) => {
    if (found === '\\\\') return found;
    const digits = found.length === 1 ? found.charCodeAt(0).toString(16) : found.slice(2);
    return `\\u${digits.toUpperCase()}`;
  });
}
