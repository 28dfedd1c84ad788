import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { listOfDistinct } from '../../config/validators.ts';
import type { Field, Schema } from '../../data/schema.ts';
import { Struct, validateValue } from '../../data/struct.ts';
import { DataError } from '../../errors.ts';
import { javaHashOrder } from '../../java/hash-order.ts';
import { definePartTransform } from './define-transform.ts';
import { parsePairs, validPairs } from './pair-list.ts';
import type { RecordPart } from './record-part.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { copyBasics, copyField, fieldsOf, PerSchema, readField, replaceNullKey } from './struct-copy.ts';

const purpose = 'field replacement';

const config = defineConfig({
  exclude: {
    type: 'LIST',
    default: [],
    importance: 'MEDIUM',
    doc: 'Fields to leave out; wins over `include`.',
    validator: listOfDistinct({ empty: true }),
  },
  include: {
    type: 'LIST',
    default: [],
    importance: 'MEDIUM',
    doc: 'Fields to keep; empty keeps all.',
    validator: listOfDistinct({ empty: true }),
  },
  renames: {
    type: 'LIST',
    default: [],
    importance: 'MEDIUM',
    doc: 'Pairs `old:new` of names.',
    validator: validPairs,
  },
  'replace.null.with.default': replaceNullKey,
});

interface Plan {
  readonly schema: Schema;
  readonly sources: readonly Field[];
  /** Target fields that take their value from a field of another schema, which must then fit. */
  readonly checked: readonly boolean[];
}

class ReplaceField implements Transformation {
  readonly #part: RecordPart;
  #exclude: ReadonlySet<unknown> = new Set();
  #include: ReadonlySet<unknown> = new Set();
  #renames: ReadonlyMap<unknown, string> = new Map();
  #originals: ReadonlyMap<string, string> = new Map();
  #useDefault = true;
  readonly #plans = new PerSchema((schema) => this.#plan(schema));

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#exclude = new Set(values.exclude);
    this.#include = new Set(values.include);
    const renames = parsePairs('renames', values.renames);
    this.#renames = renames;
    this.#originals = new Map(
      // Where two fields get the same name, the order of Java's hash map decides whose value is taken.
      javaHashOrder([...renames.keys()]).map((original) => [renames.get(original)!, original]),
    );
    this.#useDefault = values['replace.null.with.default'];
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const value = this.#part.value(record);
    if (value === null) return record;
    const schema = this.#part.schema(record);
    if (schema === null) return this.#part.replace(record, null, this.#applySchemaless(value));
    const struct = requireStruct(schema, value, purpose);
    const plan = this.#plans.get(struct.schema);
    const { sources, checked } = plan;
    const values = new Array<unknown>(sources.length);
    for (let i = 0; i < sources.length; i++) {
      if (checked[i] !== true) {
        values[i] = copyField(struct, sources[i]!, this.#useDefault);
        continue;
      }
      const moved = readField(struct, sources[i]!, this.#useDefault);
      validateValue(plan.schema.fields[i]!.schema, moved, plan.schema.fields[i]!.name);
      values[i] = moved;
    }
    return this.#part.replace(record, plan.schema, new Struct(plan.schema, values));
  }

  #applySchemaless(value: unknown): Map<unknown, unknown> {
    const updated = new Map<unknown, unknown>();
    for (const [name, item] of requireMap(value, purpose)) {
      if (this.#keeps(name)) updated.set(this.#renames.get(name) ?? name, item);
    }
    return updated;
  }

  #keeps(name: unknown): boolean {
    return !this.#exclude.has(name) && (this.#include.size === 0 || this.#include.has(name));
  }

  #plan(schema: Schema): Plan {
    const builder = copyBasics(schema, 'struct');
    for (const field of fieldsOf(schema)) {
      if (this.#keeps(field.name)) builder.field(this.#renames.get(field.name) ?? field.name, field.schema);
    }
    const updated = builder.build();
    // Connect looks a field's source up by the reversed rename alone, even where the renamed field is left out.
    const sources = updated.fields.map(({ name }) => {
      const source = schema.field(this.#originals.get(name) ?? name);
      if (source === undefined) throw new DataError(`${this.#originals.get(name)} is not a valid field name`);
      return source;
    });
    return { schema: updated, sources, checked: updated.fields.map((field, i) => field.schema !== sources[i]!.schema) };
  }
}

export const replaceField = definePartTransform(
  {
    name: 'ReplaceField',
    doc: 'Keeps, leaves out and renames fields.',
    config,
    examples: [
      {
        title: 'Leave one out, rename another',
        settings: { exclude: 'secret', renames: 'id:order_id' },
        before: { value: { id: 1, secret: 'x', note: 'n' } },
        after: { value: { order_id: 1, note: 'n' } },
      },
    ],
  },
  (part) => new ReplaceField(part),
);
