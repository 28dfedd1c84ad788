import type { Field, Schema } from './schema.ts';

/** Equality by content. Java: ConnectSchema.equals. */
export function schemaEquals(a: Schema | null, b: Schema | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  if (
    a.type !== b.type ||
    a.optional !== b.optional ||
    a.name !== b.name ||
    a.version !== b.version ||
    a.doc !== b.doc ||
    a.fields.length !== b.fields.length
  ) {
    return false;
  }
  for (let i = 0; i < a.fields.length; i++) {
    const left = a.fields[i] as Field;
    const right = b.fields[i] as Field;
    if (left.name !== right.name || !schemaEquals(left.schema, right.schema)) return false;
  }
  return (
    schemaEquals(a.keySchema, b.keySchema) &&
    schemaEquals(a.valueSchema, b.valueSchema) &&
    parametersEqual(a.parameters, b.parameters) &&
    valueEquals(a.defaultValue, b.defaultValue)
  );
}

export function parametersEqual(a: ReadonlyMap<string, string> | null, b: ReadonlyMap<string, string> | null): boolean {
  if (a === b) return true;
  if (a === null || b === null || a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

/** Equality by content of two values of the same schema (or both without one). */
export function valueEquals(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (a ?? null) === (b ?? null)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => valueEquals(item, b[i]));
  }
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    for (const [key, value] of a) {
      const match = b.has(key) ? key : [...b.keys()].find((other) => valueEquals(key, other));
      if (match === undefined || !valueEquals(value, b.get(match))) return false;
    }
    return true;
  }
  return hasEquals(a) && a.equals(b);
}

function hasEquals(value: object): value is { equals(other: unknown): boolean } {
  return 'equals' in value && typeof value.equals === 'function';
}
