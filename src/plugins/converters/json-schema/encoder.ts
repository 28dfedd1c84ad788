import { schemaEquals } from '../../../data/equality.ts';
import { compileJsonEncoder } from '../../../data/json-encoder.ts';
import { quoteJson } from '../../../data/json-text.ts';
import { DATE_NAME, DECIMAL_NAME, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
import type { Schema } from '../../../data/schema.ts';
import { Struct } from '../../../data/struct.ts';
import { DataError } from '../../../errors.ts';
import { schemaKey } from '../../../schema-registry/schema-key.ts';
import { invalidType } from '../../../schema-registry/sink.ts';
import * as c from './conventions.ts';

/** JSON text of a value; null where there is to be nothing at all. */
export type Encode = (value: unknown) => string | null;

const logicalNames: ReadonlySet<string> = new Set([DECIMAL_NAME, DATE_NAME, TIME_NAME, TIMESTAMP_NAME]);

/** Compiles the way from values of a Connect schema to JSON. */
export function compileEncoder(schema: Schema, options: c.JsonSchemaDataOptions): Encode {
  return new EncoderCompiler(options).encoder(schema);
}

class EncoderCompiler {
  readonly #options: c.JsonSchemaDataOptions;
  readonly #open = new Map<Schema, { encode: Encode | null }>();

  constructor(options: c.JsonSchemaDataOptions) {
    this.#options = options;
  }

  encoder(schema: Schema): Encode {
    const open = this.#open.get(schema);
    if (open !== undefined) return (value) => open.encode!(value);
    const slot: { encode: Encode | null } = { encode: null };
    this.#open.set(schema, slot);
    slot.encode = this.#withNull(schema, this.#present(schema));
    return slot.encode;
  }

  #withNull(schema: Schema, encode: (value: unknown) => string | null): Encode {
    const { defaultValue, optional } = schema;
    const useDefault = defaultValue !== undefined && !this.#options.ignoreDefaultForNullables;
    return (value) => {
      if (value !== null && value !== undefined) return encode(value);
      if (useDefault) return encode(defaultValue);
      return optional ? 'null' : null;
    };
  }

  #present(schema: Schema): (value: unknown) => string | null {
    if (schema.name !== null && logicalNames.has(schema.name)) return this.#leaf(schema);
    switch (schema.type) {
      case 'array':
        return this.#array(schema);
      case 'map':
        return this.#map(schema);
      case 'struct':
        return c.isUnion(schema) ? this.#union(schema) : this.#struct(schema);
      default:
        return this.#leaf(schema);
    }
  }

  #leaf(schema: Schema): (value: unknown) => string {
    return compileJsonEncoder(schema, {
      numericDecimals: this.#options.numericDecimals,
      replaceNullWithDefault: false,
    });
  }

  #array(schema: Schema): (value: unknown) => string {
    const element = this.encoder(schema.valueSchema!);
    return (value) => {
      if (!Array.isArray(value)) throw invalidType('array', value);
      return `[${value.map((item) => element(item) ?? 'null').join(',')}]`;
    };
  }

  #map(schema: Schema): (value: unknown) => string {
    const encodeKey = this.encoder(schema.keySchema!);
    const encodeValue = this.encoder(schema.valueSchema!);
    const asObject = c.hasObjectKeys(schema);
    return (value) => {
      if (!(value instanceof Map)) throw invalidType('map', value);
      const parts: string[] = [];
      for (const [key, item] of value) {
        const text = encodeValue(item) ?? 'null';
        if (!asObject) parts.push(`{"key":${encodeKey(key) ?? 'null'},"value":${text}}`);
        else if (typeof key === 'string') parts.push(`${quoteJson(key)}:${text}`);
        else throw new DataError(`A map with string keys has the key ${String(key)}`);
      }
      return asObject ? `{${parts.join(',')}}` : `[${parts.join(',')}]`;
    };
  }

  #struct(schema: Schema): (value: unknown) => string {
    const fields = schema.fields.map((field) => ({
      index: field.index,
      label: `${quoteJson(field.name)}:`,
      encode: this.encoder(field.schema),
    }));
    return (value) => {
      const { values } = structOf(value, schema);
      let text = '';
      for (const field of fields) {
        const one = field.encode(values[field.index]);
        if (one === null) continue;
        text += text === '' ? field.label + one : `,${field.label}${one}`;
      }
      return `{${text}}`;
    };
  }

  #union(schema: Schema): (value: unknown) => string | null {
    const fields = schema.fields.map((field) => ({
      index: field.index,
      fallback: this.#options.ignoreDefaultForNullables ? null : (field.schema.defaultValue ?? null),
      encode: this.encoder(field.schema),
    }));
    return (value) => {
      const { values } = structOf(value, schema);
      for (const { index, fallback, encode } of fields) {
        const item = values[index] ?? fallback;
        if (item !== null) return encode(item);
      }
      return schema.optional ? 'null' : null;
    };
  }
}

function structOf(value: unknown, schema: Schema): Struct {
  if (!(value instanceof Struct)) throw invalidType('struct', value);
  const own = value.schema;
  if (own !== schema && schemaKey(own) !== schemaKey(schema)) {
    // A default's struct cannot carry the schema that holds the default: name and fields decide.
    const same =
      own.name === schema.name &&
      own.fields.length === schema.fields.length &&
      own.fields.every(
        (field, i) => field.name === schema.fields[i]!.name && schemaEquals(field.schema, schema.fields[i]!.schema),
      );
    if (!same) throw new DataError('Mismatching schema.');
  }
  return value;
}
