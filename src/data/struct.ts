import { DataError } from '../errors.ts';
import { javaClassName } from './connect-class.ts';
import { schemaText } from './connect-schema.ts';
import { schemaEquals, valueEquals } from './equality.ts';
import { DATE_NAME, DECIMAL_NAME, Decimal, Instant, TIME_NAME, TIMESTAMP_NAME } from './logical.ts';
import type { Field, Schema } from './schema.ts';
import { unwrap } from './schemaless.ts';

/** A record of named fields. Absent fields are null. Java: org.apache.kafka.connect.data.Struct. */
export class Struct {
  readonly schema: Schema;
  /** By field index; write through `put`, which validates. */
  readonly values: unknown[];

  /** `values`, by field index, are taken over without validation: for decoders and others that know they fit. */
  constructor(schema: Schema, values?: unknown[]) {
    if (schema.type !== 'struct') throw new DataError(`Not a struct schema: ${schemaText(schema)}`);
    this.schema = schema;
    this.values = values ?? new Array(schema.fields.length).fill(null);
  }

  /** The value, or the field's default where it is null. */
  get(field: string | Field): unknown {
    const { index, schema } = typeof field === 'string' ? this.#lookup(field) : field;
    return this.values[index] ?? schema.defaultValue ?? null;
  }

  getWithoutDefault(field: string | Field): unknown {
    return this.values[typeof field === 'string' ? this.#lookup(field).index : field.index] ?? null;
  }

  put(field: string | Field, value: unknown): this {
    const { name, index, schema } = typeof field === 'string' ? this.#lookup(field) : field;
    const fitting = typeof value === 'object' ? unwrap(schema.type, value) : value;
    validateValue(schema, fitting, name);
    this.values[index] = fitting ?? null;
    return this;
  }

  /** Throws unless every required field is there and every value fits. */
  validate(): void {
    for (const { name, index, schema } of this.schema.fields) {
      const value = this.values[index] ?? null;
      if (value === null && (schema.optional || schema.defaultValue !== undefined)) continue;
      validateValue(schema, value, name);
    }
  }

  equals(other: unknown): boolean {
    return other instanceof Struct && schemaEquals(this.schema, other.schema) && valueEquals(this.values, other.values);
  }

  #lookup(name: string): Field {
    const field = this.schema.field(name);
    if (field === undefined) throw new DataError(`${name} is not a valid field name`);
    return field;
  }
}

/** Throws a DataError unless the value fits the schema. Java: ConnectSchema.validateValue. */
export function validateValue(schema: Schema, value: unknown, field?: string): void {
  validateAt(schema, value, field, '');
}

/** `path` is what leads to this value from the field, such as `element of array `; the text is built only on failure. */
function validateAt(schema: Schema, value: unknown, field: string | undefined, path: string): void {
  if (value === null || value === undefined) {
    if (schema.optional) return;
    throw new DataError(
      `Invalid value: null used for required ${where(field, path)}, schema type: ${schema.type.toUpperCase()}`,
    );
  }
  if (!isInstance(schema, value)) {
    const name = schema.name === null ? '' : ` "${schema.name}"`;
    throw new DataError(
      `Invalid Java object for schema${name} with type ${schema.type.toUpperCase()}: ${javaClassName(schema, value)} for ${where(field, path)}`,
    );
  }
  switch (schema.type) {
    case 'struct':
      if (!(value instanceof Struct)) throw notA(schema, value);
      if (!schemaEquals(value.schema, schema)) throw new DataError('Struct schemas do not match.');
      value.validate();
      break;
    case 'array': {
      if (!Array.isArray(value)) throw notA(schema, value);
      const entryPath = `element of array ${path}`;
      const entrySchema = defined(schema.valueSchema, field, entryPath);
      for (const entry of value) validateAt(entrySchema, entry, field, entryPath);
      break;
    }
    case 'map': {
      if (!(value instanceof Map)) throw notA(schema, value);
      const keyPath = `key of map ${path}`;
      const valuePath = `value of map ${path}`;
      const keySchema = defined(schema.keySchema, field, keyPath);
      const valueSchema = defined(schema.valueSchema, field, valuePath);
      for (const [key, item] of value) {
        validateAt(keySchema, key, field, keyPath);
        validateAt(valueSchema, item, field, valuePath);
      }
      break;
    }
  }
}

function where(field: string | undefined, path: string): string {
  return field === undefined ? `${path}value` : `${path}field: "${field}"`;
}

function defined(schema: Schema | null, field: string | undefined, path: string): Schema {
  if (schema === null) throw new DataError(`No schema defined for ${where(field, path)}`);
  return schema;
}

/** A logical name on a type that it does not belong to. */
function notA(schema: Schema, value: unknown): DataError {
  return new DataError(`Invalid type for ${schema.type.toUpperCase()}: ${javaClassName(schema, value)}`);
}

/** Whether the value is of the class that the schema wants, without looking inside. */
export function isInstance(schema: Schema, value: unknown): boolean {
  if (schema.name !== null) {
    switch (schema.name) {
      case DECIMAL_NAME:
        return value instanceof Decimal;
      case DATE_NAME:
      case TIME_NAME:
      case TIMESTAMP_NAME:
        return value instanceof Instant;
    }
  }
  switch (schema.type) {
    case 'int8':
      return typeof value === 'number' && (value << 24) >> 24 === value;
    case 'int16':
      return typeof value === 'number' && (value << 16) >> 16 === value;
    case 'int32':
      return typeof value === 'number' && (value | 0) === value;
    case 'int64':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
    case 'float32':
    case 'float64':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return value instanceof Uint8Array;
    case 'array':
      return Array.isArray(value);
    case 'map':
      return value instanceof Map;
    case 'struct':
      return value instanceof Struct;
  }
}
