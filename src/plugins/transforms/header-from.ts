import type { ConnectRecord, Header } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { nonEmptyList, validString } from '../../config/validators.ts';
import { schemaText } from '../../data/connect-schema.ts';
import { checkHeader } from '../../data/headers.ts';
import type { Field, Schema } from '../../data/schema.ts';
import { Struct } from '../../data/struct.ts';
import { ConfigError, DataError } from '../../errors.ts';
import { definePartTransform } from './define-transform.ts';
import type { RecordPart } from './record-part.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { copyBasics, copyField, fieldsOf, PerSchema, readField, replaceNullKey } from './struct-copy.ts';

const config = defineConfig({
  fields: { type: 'LIST', importance: 'HIGH', doc: 'Fields to put into headers.', validator: nonEmptyList },
  headers: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'Names of the headers, as many as fields and in the same order.',
    validator: nonEmptyList,
  },
  operation: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Whether the fields stay in the record (`copy`) or not (`move`).',
    validator: validString('move', 'copy'),
  },
  'replace.null.with.default': replaceNullKey,
});

interface Plan {
  readonly schema: Schema;
  /** Null when nothing moves and the value stays as it is. */
  readonly kept: readonly Field[] | null;
  readonly sources: readonly Field[];
}

class HeaderFrom implements Transformation {
  readonly #part: RecordPart;
  #fields: readonly string[] = [];
  #headers: readonly string[] = [];
  #move = false;
  #useDefault = true;
  readonly #plans = new PerSchema((schema) => this.#plan(schema));

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#fields = values.fields;
    this.#headers = values.headers;
    this.#move = values.operation === 'move';
    this.#useDefault = values['replace.null.with.default'];
    if (this.#fields.length !== this.#headers.length) {
      throw new ConfigError("'fields' config must have the same number of elements as 'headers' config.", {
        key: 'fields',
      });
    }
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const purpose = this.#move ? 'header move' : 'header copy';
    const schema = this.#part.schema(record);
    const value = this.#part.value(record);
    const headers: Header[] = [...record.headers];
    if (schema === null) {
      const map = requireMap(value, purpose);
      const updated = new Map(map);
      this.#fields.forEach((field, i) => {
        headers.push({ key: this.#headers[i]!, schema: null, value: map.get(field) ?? null });
        if (this.#move) updated.delete(field);
      });
      return this.#part.replace(record, null, updated).with({ headers });
    }
    const struct = requireStruct(schema, value, purpose);
    const plan = this.#plans.get(struct.schema);
    const moved =
      plan.kept === null
        ? struct
        : new Struct(
            plan.schema,
            plan.kept.map((field) => copyField(struct, field, this.#useDefault)),
          );
    plan.sources.forEach((field, i) => {
      const item = readField(struct, field, this.#useDefault);
      if (item === null && !field.schema.optional) {
        throw new DataError(`A null value requires an optional schema but was ${schemaText(field.schema)}`);
      }
      checkHeader(field.schema, item);
      headers.push({ key: this.#headers[i]!, schema: field.schema, value: item });
    });
    return this.#part.replace(record, plan.schema, moved).with({ headers });
  }

  #plan(schema: Schema): Plan {
    const sources = this.#fields.map((name) => {
      const field = schema.field(name);
      if (field === undefined) throw new DataError(`Field does not exist: ${name}`);
      return field;
    });
    if (!this.#move) return { schema, kept: null, sources };
    const builder = copyBasics(schema, 'struct');
    const kept = fieldsOf(schema).filter((field) => !this.#fields.includes(field.name));
    for (const field of kept) builder.field(field.name, field.schema);
    return { schema: builder.build(), kept, sources };
  }
}

export const headerFrom = definePartTransform(
  {
    name: 'HeaderFrom',
    doc: 'Copies or moves fields of the key or value into headers.',
    config,
    examples: [
      {
        title: 'Move a field into a header',
        settings: { fields: 'trace', headers: 'trace-id', operation: 'move' },
        before: { value: { trace: 't1', id: 1 } },
        after: { value: { id: 1 }, headers: { 'trace-id': 't1' } },
      },
    ],
  },
  (part) => new HeaderFrom(part),
);
