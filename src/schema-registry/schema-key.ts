import { Decimal, Instant } from '../data/logical.ts';
import type { Schema } from '../data/schema.ts';
import { Struct } from '../data/struct.ts';

const known = new WeakMap<Schema, string>();

/** A text that two schemas share exactly when they are equal by content; recursive schemas included. */
export function schemaKey(schema: Schema): string {
  let key = known.get(schema);
  if (key === undefined) {
    key = keyOf(schema, []);
    known.set(schema, key);
  }
  return key;
}

function keyOf(schema: Schema, open: Schema[]): string {
  const depth = schema.type === 'struct' ? open.findIndex((outer) => outer.fields === schema.fields) : -1;
  const flags = `${schema.type}${schema.optional ? '?' : ''}`;
  if (depth >= 0) return `${flags}^${open.length - depth}`;
  const { name, version, doc, parameters, defaultValue } = schema;
  let key = flags;
  if (name !== null || version !== null || doc !== null) key += JSON.stringify([name, version, doc]);
  if (parameters !== null) key += JSON.stringify([...parameters]);
  if (defaultValue !== undefined) key += `=${valueText(defaultValue)}`;
  if (schema.keySchema !== null) key += `<${keyOf(schema.keySchema, open)}>`;
  if (schema.valueSchema !== null) key += `(${keyOf(schema.valueSchema, open)})`;
  if (schema.type === 'struct') {
    open.push(schema);
    const fields = schema.fields.map((field) => `${JSON.stringify(field.name)}:${keyOf(field.schema, open)}`);
    open.pop();
    key += `{${fields.join(',')}}`;
  }
  return key;
}

function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`;
  if (value instanceof Decimal) return `d${value.unscaled}e${value.scale}`;
  if (value instanceof Instant) return `i${value.exactMs}`;
  if (value instanceof Struct) return `{${value.values.map(valueText).join(',')}}`;
  if (Array.isArray(value)) return `[${value.map(valueText).join(',')}]`;
  if (value instanceof Map)
    return `<${[...value].map(([key, item]) => `${valueText(key)}:${valueText(item)}`).join(',')}>`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  return JSON.stringify(value) ?? 'null';
}
