import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { ConnectSchema } from '../../data/connect-schema.ts';
import type { Schema } from '../../data/schema.ts';
import { Struct } from '../../data/struct.ts';
import { ConfigError, DataError } from '../../errors.ts';
import { definePartTransform } from './define-transform.ts';
import type { RecordPart } from './record-part.ts';
import { copyField, fieldsOf, PerSchema, replaceNullKey } from './struct-copy.ts';

const config = defineConfig({
  'schema.name': { type: 'STRING', default: null, importance: 'HIGH', doc: "The schema's new name." },
  'schema.version': { type: 'INT', default: null, importance: 'HIGH', doc: "The schema's new version." },
  'replace.null.with.default': replaceNullKey,
});

class SetSchemaMetadata implements Transformation {
  readonly #part: RecordPart;
  #name: string | null = null;
  #version: number | null = null;
  #useDefault = true;
  readonly #schemas = new PerSchema((schema) => this.#rename(schema));

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#name = values['schema.name'];
    this.#version = values['schema.version'];
    this.#useDefault = values['replace.null.with.default'];
    if (this.#name === null && this.#version === null) {
      throw new ConfigError('Neither schema name nor version configured');
    }
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const schema = this.#part.schema(record);
    const value = this.#part.value(record);
    if (schema === null) {
      if (value === null) return record;
      throw new DataError('Schema required for [updating schema metadata]');
    }
    const updated = this.#schemas.get(schema);
    if (!(value instanceof Struct)) return this.#part.replace(record, updated, value);
    const values = updated.fields.map((field) => copyField(value, field, this.#useDefault));
    return this.#part.replace(record, updated, new Struct(updated, values));
  }

  /** Connect 4.3 asks every schema for its fields here, so that only structs pass. */
  #rename(schema: Schema): Schema {
    return new ConnectSchema(schema.type, {
      optional: schema.optional,
      name: this.#name ?? schema.name,
      version: this.#version ?? schema.version,
      doc: schema.doc,
      parameters: schema.parameters,
      defaultValue: schema.defaultValue,
      fields: fieldsOf(schema),
    });
  }
}

export const setSchemaMetadata = definePartTransform(
  {
    name: 'SetSchemaMetadata',
    doc: "Sets the name and version of the key's or value's struct schema.",
    config,
    examples: [
      {
        title: 'A tombstone has no schema to name',
        settings: { 'schema.name': 'com.example.Order' },
        before: { value: null },
        after: { value: null },
      },
    ],
  },
  (part) => new SetSchemaMetadata(part),
);
