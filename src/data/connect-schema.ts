import { DataError } from '../errors.ts';
import type { Field, Schema, SchemaType } from './schema.ts';

interface SchemaParts {
  readonly optional?: boolean;
  readonly name?: string | null;
  readonly version?: number | null;
  readonly doc?: string | null;
  readonly parameters?: ReadonlyMap<string, string> | null;
  readonly defaultValue?: unknown;
  readonly keySchema?: Schema | null;
  readonly valueSchema?: Schema | null;
  readonly fields?: readonly Field[];
}

const noFields: readonly Field[] = Object.freeze([]);

/** An immutable schema. Compiled encoders are cached by its identity: build a schema once, not per record. */
export class ConnectSchema implements Schema {
  readonly type: SchemaType;
  readonly optional: boolean;
  readonly name: string | null;
  readonly version: number | null;
  readonly doc: string | null;
  readonly parameters: ReadonlyMap<string, string> | null;
  readonly defaultValue: unknown;
  readonly keySchema: Schema | null;
  readonly valueSchema: Schema | null;
  readonly fields: readonly Field[];
  readonly #byName: ReadonlyMap<string, Field> | null;

  constructor(type: SchemaType, parts: SchemaParts = {}) {
    this.type = type;
    this.optional = parts.optional ?? false;
    this.name = parts.name ?? null;
    this.version = parts.version ?? null;
    this.doc = parts.doc ?? null;
    this.parameters = parts.parameters ?? null;
    this.defaultValue = parts.defaultValue ?? undefined;
    this.keySchema = parts.keySchema ?? null;
    this.valueSchema = parts.valueSchema ?? null;
    this.fields = parts.fields ?? noFields;
    this.#byName = type === 'struct' ? new Map(this.fields.map((field) => [field.name, field])) : null;
  }

  field(name: string): Field | undefined {
    if (this.#byName === null) throw new DataError('Cannot look up fields on non-struct type');
    return this.#byName.get(name);
  }

  toString(): string {
    return schemaText(this);
  }
}

/** How Java prints a schema inside its messages. */
export function schemaText(schema: Schema): string {
  const type = schema.type.toUpperCase();
  return schema.name === null ? `Schema{${type}}` : `Schema{${schema.name}:${type}}`;
}
