import { SerializationError } from '../errors.ts';
import { doubleText } from './java-text.ts';
import { isJsonObject, type JsonNode, JsonNumber, readJsonText } from './json-reader.ts';
import { quoteJson } from './json-text.ts';

/** What a source partition or a source offset may hold. */
type OffsetScalar = string | number | bigint | boolean | null;
export type OffsetObject = Readonly<Record<string, OffsetScalar>>;

/**
 * A source partition or offset in JSON, as Java Connect's schemaless JsonConverter writes it into its offsets topic:
 * all digits of a 64-bit integer, other numbers as Java prints doubles.
 */
export function offsetToJson(object: OffsetObject | null): string {
  if (object === null) return 'null';
  return objectText(Object.keys(object), object);
}

/** The key of an offset record: `["connector",{partition}]`. */
export function offsetKeyToJson(connector: string, partition: OffsetObject): string {
  return `[${quoteJson(connector)},${offsetToJson(partition)}]`;
}

/** The same text for equal partitions, whatever the order of their keys: sorted by UTF-16 code unit. */
export function canonicalOffsetJson(object: OffsetObject): string {
  return objectText(Object.keys(object).sort(), object);
}

function objectText(keys: readonly string[], object: OffsetObject): string {
  return `{${keys.map((key) => `${quoteJson(key)}:${scalarText(object[key] ?? null)}`).join(',')}}`;
}

function scalarText(value: OffsetScalar): string {
  switch (typeof value) {
    case 'string':
      return quoteJson(value);
    case 'number':
      if (Number.isSafeInteger(value)) return String(value + 0);
      return Number.isFinite(value) ? doubleText(value) : `"${value}"`;
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return 'null';
  }
}

/**
 * Reads an object back; null for JSON null. Integers are numbers while they are safe, else bigints. Throws
 * SerializationError for anything but a flat object.
 */
export function offsetFromJson(text: string): Record<string, OffsetScalar> | null {
  const node = readJsonText(text);
  return node === null ? null : offsetObject(node);
}

/** Reads the key of an offset record; null when it is not one. */
export function offsetKeyFromJson(
  text: string,
): { connector: string; partition: Record<string, OffsetScalar> | null } | null {
  const node = readJsonText(text);
  if (!Array.isArray(node) || node.length !== 2 || typeof node[0] !== 'string') return null;
  const partition = node[1] ?? null;
  return { connector: node[0], partition: partition === null ? null : offsetObject(partition) };
}

function offsetObject(node: JsonNode): Record<string, OffsetScalar> {
  if (!isJsonObject(node)) throw new SerializationError('An offset must be a JSON object');
  const out: Record<string, OffsetScalar> = {};
  for (const [key, value] of Object.entries(node)) {
    // Defined, not assigned: a key may be called __proto__.
    Object.defineProperty(out, key, {
      value: scalar(key, value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return out;
}

function scalar(key: string, node: JsonNode): OffsetScalar {
  if (node === null || typeof node === 'string' || typeof node === 'boolean') return node;
  if (node instanceof JsonNumber) {
    if (!node.integral) return node.toDouble();
    const value = node.toLong();
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }
  throw new SerializationError(`An offset holds only text, numbers, booleans and nulls, but ${key} is none of these`);
}
