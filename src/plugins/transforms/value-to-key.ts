import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { listOfDistinct } from '../../config/validators.ts';
import type { Field, Schema } from '../../data/schema.ts';
import { SchemaBuilder } from '../../data/schema-builder.ts';
import { Struct } from '../../data/struct.ts';
import { DataError } from '../../errors.ts';
import { defineTransform } from './define-transform.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { copyField, PerSchema, replaceNullKey } from './struct-copy.ts';

const purpose = 'copying fields from value to key';

const config = defineConfig({
  fields: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'Fields of the value that make up the key, in this order.',
    validator: listOfDistinct({ empty: false }),
  },
  'replace.null.with.default': replaceNullKey,
});

class ValueToKey implements Transformation {
  #fields: readonly string[] = [];
  #useDefault = true;
  readonly #plans = new PerSchema((schema) => this.#plan(schema));

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#fields = values.fields;
    this.#useDefault = values['replace.null.with.default'];
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    if (record.valueSchema === null) {
      const value = requireMap(record.value, purpose);
      const key = new Map<unknown, unknown>();
      for (const field of this.#fields) key.set(field, value.get(field) ?? null);
      return record.with({ keySchema: null, key });
    }
    const struct = requireStruct(record.valueSchema, record.value, purpose);
    const { keySchema, sources } = this.#plans.get(struct.schema);
    const values = sources.map((source) => copyField(struct, source, this.#useDefault));
    return record.with({ keySchema, key: new Struct(keySchema, values) });
  }

  #plan(schema: Schema): { keySchema: Schema; sources: readonly Field[] } {
    const builder = SchemaBuilder.struct();
    const sources = this.#fields.map((name) => {
      const field = schema.field(name);
      if (field === undefined) throw new DataError(`Field does not exist: ${name}`);
      builder.field(name, field.schema);
      return field;
    });
    return { keySchema: builder.build(), sources };
  }
}

export const valueToKey = defineTransform(
  {
    name: 'ValueToKey',
    doc: 'Makes the key from fields of the value.',
    config,
    examples: [
      {
        title: 'Key by customer',
        settings: { fields: 'customer' },
        before: { value: { customer: 'c1', total: 5 } },
        after: { key: { customer: 'c1' }, value: { customer: 'c1', total: 5 } },
      },
    ],
  },
  () => new ValueToKey(),
);
