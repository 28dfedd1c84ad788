import type { Field, Schema, SchemaType } from '../../data/schema.ts';
import { SchemaBuilder } from '../../data/schema-builder.ts';
import { type Struct, validateValue } from '../../data/struct.ts';
import { DataError } from '../../errors.ts';

/** The setting that most transformations of structs share. */
export const replaceNullKey = {
  type: 'BOOLEAN',
  default: true,
  importance: 'MEDIUM',
  doc: "Whether a null field that has a default counts as its default (`true`, Connect's old behaviour) or as null.",
} as const;

/** Work that depends on a schema only, done once per schema; the last one seen answers without a look-up. */
export class PerSchema<T> {
  readonly #build: (schema: Schema) => T;
  #known = new WeakMap<Schema, T>();
  #lastSchema: Schema | null = null;
  #lastResult: T | undefined;

  constructor(build: (schema: Schema) => T) {
    this.#build = build;
  }

  get(schema: Schema): T {
    if (schema === this.#lastSchema) return this.#lastResult as T;
    let result = this.#known.get(schema);
    if (result === undefined) {
      result = this.#build(schema);
      this.#known.set(schema, result);
    }
    this.#lastSchema = schema;
    this.#lastResult = result;
    return result;
  }
}

/** A builder with the source's name, version, doc and parameters. Java: SchemaUtil.copySchemaBasics. */
export function copyBasics(source: Schema, type: SchemaType = source.type): SchemaBuilder {
  return basicsOnto(source, new SchemaBuilder(type, source.keySchema, source.valueSchema));
}

export function basicsOnto(source: Schema, builder: SchemaBuilder): SchemaBuilder {
  builder.name(source.name).version(source.version).doc(source.doc);
  if (source.parameters !== null) builder.parameters(source.parameters);
  return builder;
}

/** The fields of a struct schema; other schemas have none to list. */
export function fieldsOf(schema: Schema): readonly Field[] {
  if (schema.type !== 'struct') throw new DataError('Cannot list fields on non-struct type');
  return schema.fields;
}

export function readField(struct: Struct, field: Field, useDefault: boolean): unknown {
  const value = struct.values[field.index] ?? null;
  return value === null && useDefault ? (field.schema.defaultValue ?? null) : value;
}

/** Reads a field for another struct, where null only fits an optional one. */
export function copyField(struct: Struct, field: Field, useDefault: boolean): unknown {
  const own = struct.values[field.index] ?? null;
  if (own !== null) return own;
  const value = readField(struct, field, useDefault);
  // A default has to fit too: a struct that is one lacks itself in its schema, and Java refuses it here.
  if (value === null ? !field.schema.optional : typeof value === 'object') {
    validateValue(field.schema, value, field.name);
  }
  return value;
}

/** Refuses null in a required field. */
export function requireFit(field: Field, value: unknown): unknown {
  if (value === null && !field.schema.optional) validateValue(field.schema, null, field.name);
  return value;
}
