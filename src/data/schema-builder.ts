import { DataError } from '../errors.ts';
import { ConnectSchema, schemaText } from './connect-schema.ts';
import { DATE_NAME, DECIMAL_NAME, DECIMAL_SCALE, TIME_NAME, TIMESTAMP_NAME } from './logical.ts';
import type { Field, Schema, SchemaType } from './schema.ts';
import { Struct, validateValue } from './struct.ts';

/** Java: SchemaBuilderException. */
function builderError(message: string, cause?: unknown): DataError {
  return new DataError(message, { code: 'data.schema', javaClass: 'SchemaBuilderException', cause });
}

/**
 * Builds a schema step by step: `SchemaBuilder.struct().field('id', INT64_SCHEMA).optional().build()`. Each property
 * can be set once, as in Java.
 */
export class SchemaBuilder {
  readonly type: SchemaType;
  #optional: boolean | null = null;
  #name: string | null = null;
  #version: number | null = null;
  #doc: string | null = null;
  #parameters: Map<string, string> | null = null;
  #defaultValue: unknown;
  #keySchema: Schema | null;
  #valueSchema: Schema | null;
  readonly #fields = new Map<string, Field>();
  #draft: Schema | null = null;

  /** For a map or an array prefer `map` and `array`: here element schemas may be missing, as in parsed headers. */
  constructor(type: SchemaType, keySchema: Schema | null = null, valueSchema: Schema | null = null) {
    this.type = type;
    this.#keySchema = keySchema;
    this.#valueSchema = valueSchema;
  }

  static int8(): SchemaBuilder {
    return new SchemaBuilder('int8');
  }
  static int16(): SchemaBuilder {
    return new SchemaBuilder('int16');
  }
  static int32(): SchemaBuilder {
    return new SchemaBuilder('int32');
  }
  static int64(): SchemaBuilder {
    return new SchemaBuilder('int64');
  }
  static float32(): SchemaBuilder {
    return new SchemaBuilder('float32');
  }
  static float64(): SchemaBuilder {
    return new SchemaBuilder('float64');
  }
  static bool(): SchemaBuilder {
    return new SchemaBuilder('boolean');
  }
  static string(): SchemaBuilder {
    return new SchemaBuilder('string');
  }
  static bytes(): SchemaBuilder {
    return new SchemaBuilder('bytes');
  }
  static struct(): SchemaBuilder {
    return new SchemaBuilder('struct');
  }
  static array(valueSchema: Schema | null): SchemaBuilder {
    if (valueSchema === null) throw builderError('valueSchema cannot be null.');
    return new SchemaBuilder('array', null, valueSchema);
  }
  static map(keySchema: Schema | null, valueSchema: Schema | null): SchemaBuilder {
    if (keySchema === null) throw builderError('keySchema cannot be null.');
    if (valueSchema === null) throw builderError('valueSchema cannot be null.');
    return new SchemaBuilder('map', keySchema, valueSchema);
  }
  static decimal(scale: number): SchemaBuilder {
    return SchemaBuilder.bytes().name(DECIMAL_NAME).parameter(DECIMAL_SCALE, String(scale)).version(1);
  }
  static date(): SchemaBuilder {
    return SchemaBuilder.int32().name(DATE_NAME).version(1);
  }
  static time(): SchemaBuilder {
    return SchemaBuilder.int32().name(TIME_NAME).version(1);
  }
  static timestamp(): SchemaBuilder {
    return SchemaBuilder.int64().name(TIMESTAMP_NAME).version(1);
  }

  optional(): this {
    return this.#setOptional(true);
  }

  required(): this {
    return this.#setOptional(false);
  }

  name(name: string | null): this {
    this.#checkUnset('name', this.#name, name);
    this.#name = name;
    return this.#changed();
  }

  version(version: number | null): this {
    this.#checkUnset('version', this.#version, version);
    this.#version = version;
    return this.#changed();
  }

  doc(doc: string | null): this {
    this.#checkUnset('doc', this.#doc, doc);
    this.#doc = doc;
    return this.#changed();
  }

  parameter(key: string, value: string): this {
    this.#parameters ??= new Map();
    this.#parameters.set(key, value);
    return this.#changed();
  }

  parameters(parameters: Iterable<readonly [string, string]>): this {
    for (const [key, value] of parameters) this.parameter(key, value);
    return this;
  }

  /** A struct's default must be a Struct on this builder's own `draft()`. */
  defaultValue(value: unknown): this {
    this.#checkUnset('default', this.#defaultValue ?? null, value);
    try {
      const draft = this.draft();
      // As in Java, where a built schema never equals the builder: the default of a struct is made on the draft.
      if (value instanceof Struct && value.schema !== draft) throw new DataError('Struct schemas do not match.');
      validateValue(draft, value);
    } catch (cause) {
      throw builderError('Invalid default value', cause);
    }
    this.#defaultValue = value ?? undefined;
    return this;
  }

  field(name: string, schema: Schema | null): this {
    if (this.type !== 'struct') throw builderError(`Cannot create fields on type ${this.type.toUpperCase()}`);
    if (name === '') throw builderError('fieldName cannot be null.');
    if (schema === null) throw builderError(`fieldSchema for field ${name} cannot be null.`);
    if (this.#fields.has(name)) {
      throw builderError(`Cannot create field because of field name duplication ${name}`);
    }
    this.#fields.set(name, { name, index: this.#fields.size, schema });
    return this.#changed();
  }

  /** The schema as declared so far, without a default; the same object until something changes. */
  draft(): Schema {
    this.#draft ??= this.#make(undefined);
    return this.#draft;
  }

  build(): Schema {
    return this.#make(this.#defaultValue);
  }

  toString(): string {
    return schemaText(this.draft());
  }

  #make(defaultValue: unknown): Schema {
    return new ConnectSchema(this.type, {
      optional: this.#optional ?? false,
      name: this.#name,
      version: this.#version,
      doc: this.#doc,
      parameters: this.#parameters === null ? null : new Map(this.#parameters),
      defaultValue,
      keySchema: this.#keySchema,
      valueSchema: this.#valueSchema,
      fields: [...this.#fields.values()],
    });
  }

  #setOptional(optional: boolean): this {
    this.#checkUnset('optional', this.#optional, optional);
    this.#optional = optional;
    return this.#changed();
  }

  #changed(): this {
    this.#draft = null;
    return this;
  }

  #checkUnset(property: string, current: unknown, next: unknown): void {
    if (current !== null && current !== next) {
      throw builderError(`Invalid SchemaBuilder call: ${property} has already been set.`);
    }
  }
}

export const INT8_SCHEMA: Schema = new ConnectSchema('int8');
export const INT16_SCHEMA: Schema = new ConnectSchema('int16');
export const INT32_SCHEMA: Schema = new ConnectSchema('int32');
export const INT64_SCHEMA: Schema = new ConnectSchema('int64');
export const FLOAT32_SCHEMA: Schema = new ConnectSchema('float32');
export const FLOAT64_SCHEMA: Schema = new ConnectSchema('float64');
export const BOOLEAN_SCHEMA: Schema = new ConnectSchema('boolean');
export const STRING_SCHEMA: Schema = new ConnectSchema('string');
export const BYTES_SCHEMA: Schema = new ConnectSchema('bytes');
export const OPTIONAL_INT8_SCHEMA: Schema = new ConnectSchema('int8', { optional: true });
export const OPTIONAL_INT16_SCHEMA: Schema = new ConnectSchema('int16', { optional: true });
export const OPTIONAL_INT32_SCHEMA: Schema = new ConnectSchema('int32', { optional: true });
export const OPTIONAL_INT64_SCHEMA: Schema = new ConnectSchema('int64', { optional: true });
export const OPTIONAL_FLOAT32_SCHEMA: Schema = new ConnectSchema('float32', { optional: true });
export const OPTIONAL_FLOAT64_SCHEMA: Schema = new ConnectSchema('float64', { optional: true });
export const OPTIONAL_BOOLEAN_SCHEMA: Schema = new ConnectSchema('boolean', { optional: true });
export const OPTIONAL_STRING_SCHEMA: Schema = new ConnectSchema('string', { optional: true });
export const OPTIONAL_BYTES_SCHEMA: Schema = new ConnectSchema('bytes', { optional: true });
export const DATE_SCHEMA: Schema = SchemaBuilder.date().build();
export const TIME_SCHEMA: Schema = SchemaBuilder.time().build();
export const TIMESTAMP_SCHEMA: Schema = SchemaBuilder.timestamp().build();
export const OPTIONAL_TIMESTAMP_SCHEMA: Schema = SchemaBuilder.timestamp().optional().build();

export function decimalSchema(scale: number): Schema {
  return SchemaBuilder.decimal(scale).build();
}
