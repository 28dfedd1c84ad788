import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { invalidValue, type Validator } from '../../config/validators.ts';
import type { Schema } from '../../data/schema.ts';
import { SchemaBuilder } from '../../data/schema-builder.ts';
import { Struct } from '../../data/struct.ts';
import { ConfigError } from '../../errors.ts';
import { javaTrim } from '../../java/text.ts';
import { type CastType, castTo, castTypes, isCastType } from './cast-value.ts';
import { definePartTransform } from './define-transform.ts';
import { splitColons } from './pair-list.ts';
import type { RecordPart } from './record-part.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { basicsOnto, copyField, fieldsOf, PerSchema, readField, replaceNullKey, requireFit } from './struct-copy.ts';

const purpose = 'cast types';

interface Casts {
  /** The type of the whole key or value, or null when fields are cast. */
  readonly whole: CastType | null;
  readonly fields: ReadonlyMap<unknown, CastType>;
}

const schemaTypes = [
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FLOAT32',
  'FLOAT64',
  'BOOLEAN',
  'STRING',
  'BYTES',
  'ARRAY',
  'MAP',
  'STRUCT',
];

function castType(text: string): CastType {
  const type = javaTrim(text).toUpperCase();
  if (!schemaTypes.includes(type)) {
    const reason = `java.lang.IllegalArgumentException: No enum constant org.apache.kafka.connect.data.Schema.Type.${type}`;
    throw invalidValue(`Invalid type found in casting spec: ${javaTrim(text)}`, reason);
  }
  const lower = type.toLowerCase();
  if (isCastType(lower)) return lower;
  const supported = castTypes.map((name) => name.toUpperCase()).join(', ');
  throw new ConfigError(`Cast transformation does not support casting to ${type}; supported types are [${supported}]`, {
    key: 'spec',
  });
}

function parseSpec(spec: readonly string[]): Casts {
  const fields = new Map<unknown, CastType>();
  let whole: CastType | null = null;
  for (const mapping of spec) {
    const parts = splitColons(mapping);
    if (parts.length > 2) throw invalidValue('renames', spec, `Invalid rename mapping: ${mapping}`);
    if (parts.length < 2) {
      whole = castType(parts[0] ?? '');
    } else {
      fields.set(javaTrim(parts[0]!), castType(parts[1]!));
    }
  }
  if (whole !== null && spec.length > 1) {
    throw new ConfigError(
      'Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec',
      { key: 'spec' },
    );
  }
  return { whole, fields };
}

const validSpec: Validator = {
  description: 'list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>',
  check(_name, value) {
    if (!Array.isArray(value) || value.length === 0) {
      throw new ConfigError('Must specify at least one field to cast.', { key: 'spec' });
    }
    parseSpec(value);
  },
};

const config = defineConfig({
  spec: {
    type: 'LIST',
    importance: 'HIGH',
    doc: `Pairs \`field:type\`, or one type for the whole key or value. Types: ${castTypes.join(', ')}.`,
    validator: validSpec,
  },
  'replace.null.with.default': replaceNullKey,
});

interface Plan {
  readonly schema: Schema;
  /** Per field; null copies. */
  readonly targets: readonly (CastType | null)[];
}

class Cast implements Transformation {
  readonly #part: RecordPart;
  #casts: Casts = { whole: null, fields: new Map() };
  #useDefault = true;
  readonly #plans = new PerSchema((schema) => this.#plan(schema));

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#casts = parseSpec(values.spec);
    this.#useDefault = values['replace.null.with.default'];
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const value = this.#part.value(record);
    if (value === null) return record;
    const schema = this.#part.schema(record);
    if (schema === null) return this.#part.replace(record, null, this.#castSchemaless(value));
    const plan = this.#plans.get(schema);
    if (this.#casts.whole !== null) {
      return this.#part.replace(record, plan.schema, castTo(schema, value, this.#casts.whole));
    }
    const struct = requireStruct(schema, value, purpose);
    const values: unknown[] = [];
    for (const field of struct.schema.fields) {
      const target = plan.targets[field.index] ?? null;
      values.push(
        target === null
          ? copyField(struct, field, this.#useDefault)
          : requireFit(field, castTo(field.schema, readField(struct, field, this.#useDefault), target)),
      );
    }
    return this.#part.replace(record, plan.schema, new Struct(plan.schema, values));
  }

  #castSchemaless(value: unknown): unknown {
    if (this.#casts.whole !== null) return castTo(null, value, this.#casts.whole);
    const map = requireMap(value, purpose);
    const updated = new Map(map);
    for (const [field, type] of this.#casts.fields) updated.set(field, castTo(null, map.get(field) ?? null, type));
    return updated;
  }

  #plan(schema: Schema): Plan {
    const { whole, fields } = this.#casts;
    const builder = basicsOnto(schema, new SchemaBuilder(whole ?? 'struct'));
    const targets: (CastType | null)[] = [];
    if (whole === null) {
      for (const field of fieldsOf(schema)) {
        const target = fields.get(field.name) ?? null;
        targets.push(target);
        builder.field(field.name, target === null ? field.schema : castSchema(field.schema, target));
      }
    }
    if (schema.optional) builder.optional();
    if (schema.defaultValue !== undefined) {
      builder.defaultValue(castTo(schema, schema.defaultValue, builder.type));
    }
    return { schema: builder.build(), targets };
  }
}

/** A cast field keeps its optionality and its default; name, version and doc go. */
function castSchema(schema: Schema, type: CastType): Schema {
  const builder = new SchemaBuilder(type);
  if (schema.optional) builder.optional();
  if (schema.defaultValue !== undefined) builder.defaultValue(castTo(schema, schema.defaultValue, type));
  return builder.build();
}

export const cast = definePartTransform(
  {
    name: 'Cast',
    doc: 'Converts fields, or the whole key or value, to another primitive type.',
    config,
    examples: [
      {
        title: 'Text to numbers',
        settings: { spec: 'count:float64,flag:boolean' },
        before: { value: { count: '12', flag: 'TRUE' } },
        after: { value: { count: 12, flag: true } },
      },
    ],
  },
  (part) => new Cast(part),
);
