import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { SchemaBuilder } from '../../data/schema-builder.ts';
import { Struct } from '../../data/struct.ts';
import { definePartTransform } from './define-transform.ts';
import type { RecordPart } from './record-part.ts';
import { PerSchema } from './struct-copy.ts';

const config = defineConfig({
  field: { type: 'STRING', importance: 'MEDIUM', doc: 'Name of the single field that takes the whole.' },
});

class HoistField implements Transformation {
  readonly #part: RecordPart;
  #field = '';
  readonly #schemas = new PerSchema((schema) => SchemaBuilder.struct().field(this.#field, schema).build());

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    this.#field = parseConfig(config, settings).field;
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const schema = this.#part.schema(record);
    const value = this.#part.value(record);
    if (schema === null) return this.#part.replace(record, null, new Map([[this.#field, value]]));
    const updated = this.#schemas.get(schema);
    const field = updated.fields[0]!;
    // The value comes from outside: here it is held against its schema for the first time.
    const struct =
      typeof value === 'string' && schema.type === 'string'
        ? new Struct(updated, [value])
        : new Struct(updated).put(field, value);
    return this.#part.replace(record, updated, struct);
  }
}

export const hoistField = definePartTransform(
  {
    name: 'HoistField',
    doc: 'Wraps the key or value in a struct (or map, without a schema) of one field.',
    config,
    examples: [
      {
        title: 'A plain value becomes a map',
        settings: { field: 'line' },
        before: { value: 'a' },
        after: { value: { line: 'a' } },
      },
    ],
  },
  (part) => new HoistField(part),
);
