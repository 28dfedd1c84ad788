import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { javaClassName } from '../../data/connect-class.ts';
import type { Schema } from '../../data/schema.ts';
import type { SchemaBuilder } from '../../data/schema-builder.ts';
import { Struct, validateValue } from '../../data/struct.ts';
import { DataError } from '../../errors.ts';
import { inferType } from './cast-value.ts';
import { definePartTransform } from './define-transform.ts';
import type { RecordPart } from './record-part.ts';
import { requireMap, requireStructOrNull } from './requirements.ts';
import { copyBasics, fieldsOf, PerSchema } from './struct-copy.ts';

const purpose = 'flattening';

const config = defineConfig({
  delimiter: {
    type: 'STRING',
    default: '.',
    importance: 'MEDIUM',
    doc: 'Stands between the names of the levels.',
  },
});

class Flatten implements Transformation {
  readonly #part: RecordPart;
  #delimiter = '.';
  readonly #schemas = new PerSchema((schema) => this.#flatSchema(schema));

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    this.#delimiter = parseConfig(config, settings).delimiter;
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const value = this.#part.value(record);
    if (value === null) return record;
    const schema = this.#part.schema(record);
    if (schema === null) {
      const flat = new Map<unknown, unknown>();
      this.#flattenMap(value, '', flat);
      return this.#part.replace(record, null, flat);
    }
    const struct = requireStructOrNull(schema, value, purpose);
    const updated = this.#schemas.get(schema);
    if (struct === null) return this.#part.replace(record, updated, null);
    const values: unknown[] = new Array(updated.fields.length).fill(null);
    this.#flattenStruct(struct, updated, values, 0);
    return this.#part.replace(record, updated, new Struct(updated, values));
  }

  #name(prefix: string, name: string): string {
    return prefix === '' ? name : `${prefix}${this.#delimiter}${name}`;
  }

  #flattenMap(value: unknown, prefix: string, flat: Map<unknown, unknown>): void {
    for (const [key, item] of requireMap(value, purpose)) {
      if (typeof key !== 'string' && key !== null) {
        throw new DataError(`Only maps with text as keys can be flattened, found: ${javaClassName(null, key)}`);
      }
      const name = this.#name(prefix, String(key));
      if (item === null) {
        flat.set(name, null);
        continue;
      }
      const type = inferType(item);
      if (type === null) {
        throw new DataError(
          `Flatten transformation was passed a value of type ${javaClassName(null, item)} which is not supported by Connect's data API`,
        );
      }
      if (type === 'map') this.#flattenMap(item, name, flat);
      else if (type === 'struct') {
        throw new DataError(
          `Flatten transformation does not support STRUCT for record without schemas (for field ${name}).`,
        );
      } else flat.set(name, item);
    }
  }

  #flatSchema(schema: Schema): Schema {
    const builder = copyBasics(schema, 'struct');
    this.#addFields(schema, '', builder, schema.optional, schema.defaultValue);
    return builder.build();
  }

  /** A field is optional when anything above it is, and takes its default from above when it has none. */
  #addFields(schema: Schema, prefix: string, builder: SchemaBuilder, optional: boolean, parentDefault: unknown): void {
    for (const field of fieldsOf(schema)) {
      const name = this.#name(prefix, field.name);
      const fieldOptional = optional || field.schema.optional;
      const inherited = parentDefault instanceof Struct ? parentDefault.get(field.name) : null;
      const fieldDefault = field.schema.defaultValue ?? inherited ?? null;
      if (field.schema.type === 'struct') {
        this.#addFields(field.schema, name, builder, fieldOptional, fieldDefault);
      } else if (field.schema.type === 'map') {
        throw new DataError(`Flatten transformation does not support MAP for record with schemas (for field ${name}).`);
      } else {
        const flat = copyBasics(field.schema);
        if (fieldOptional) flat.optional();
        if (fieldDefault !== null) flat.defaultValue(fieldDefault);
        builder.field(name, flat.build());
      }
    }
  }

  /** Leaves in order; a missing struct leaves its leaves null. Returns the index after the last one. */
  #flattenStruct(
    struct: Struct | null,
    flat: Schema,
    values: unknown[],
    start: number,
    schema = struct?.schema,
  ): number {
    let index = start;
    for (const field of schema!.fields) {
      const value = struct === null ? null : struct.get(field);
      if (field.schema.type === 'struct') {
        const inner = struct === null ? null : (struct.getWithoutDefault(field) as Struct | null);
        index = this.#flattenStruct(inner, flat, values, index, field.schema);
        continue;
      }
      const target = flat.fields[index]!;
      if (struct !== null && value === null && !target.schema.optional) validateValue(target.schema, null, target.name);
      values[index] = value;
      index++;
    }
    return index;
  }
}

export const flatten = definePartTransform(
  {
    name: 'Flatten',
    doc: 'Makes one level of nested structs or maps; names of levels are joined.',
    config,
    examples: [
      {
        title: 'Two levels become one',
        settings: { delimiter: '_' },
        before: { value: { id: 1, address: { city: 'Ulm', zip: '89073' } } },
        after: { value: { id: 1, address_city: 'Ulm', address_zip: '89073' } },
      },
    ],
  },
  (part) => new Flatten(part),
);
