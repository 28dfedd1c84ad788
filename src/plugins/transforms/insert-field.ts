import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { type ConfigValues, defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { invalidValue } from '../../config/validators.ts';
import { Instant } from '../../data/logical.ts';
import type { Schema } from '../../data/schema.ts';
import {
  INT32_SCHEMA,
  INT64_SCHEMA,
  OPTIONAL_INT32_SCHEMA,
  OPTIONAL_INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  OPTIONAL_TIMESTAMP_SCHEMA,
  STRING_SCHEMA,
  TIMESTAMP_SCHEMA,
} from '../../data/schema-builder.ts';
import { Int32 } from '../../data/schemaless.ts';
import { Struct } from '../../data/struct.ts';
import { ConfigError } from '../../errors.ts';
import { definePartTransform } from './define-transform.ts';
import type { RecordPart } from './record-part.ts';
import { requireMap, requireSinkRecord, requireStruct } from './requirements.ts';
import { copyBasics, copyField, fieldsOf, PerSchema, replaceNullKey } from './struct-copy.ts';

const purpose = 'field insertion';
const suffixes = 'A trailing `!` makes the field required, a trailing `?` optional (the default).';

const config = defineConfig({
  'topic.field': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: `Field for the topic's name. ${suffixes}`,
  },
  'partition.field': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: `Field for the Kafka partition. ${suffixes}`,
  },
  'offset.field': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: `Field for the Kafka offset; sink connectors only. ${suffixes}`,
  },
  'timestamp.field': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: `Field for the record's timestamp. ${suffixes}`,
  },
  'static.field': { type: 'STRING', default: null, importance: 'MEDIUM', doc: `Field for a fixed text. ${suffixes}` },
  'static.value': { type: 'STRING', default: null, importance: 'MEDIUM', doc: 'The text for `static.field`.' },
  'replace.null.with.default': replaceNullKey,
});

type Origin = 'topic' | 'partition' | 'offset' | 'timestamp' | 'static';

interface Insertion {
  readonly origin: Origin;
  readonly name: string;
  readonly schema: Schema;
}

const schemas: Record<Origin, readonly [required: Schema, optional: Schema]> = {
  topic: [STRING_SCHEMA, OPTIONAL_STRING_SCHEMA],
  partition: [INT32_SCHEMA, OPTIONAL_INT32_SCHEMA],
  offset: [INT64_SCHEMA, OPTIONAL_INT64_SCHEMA],
  timestamp: [TIMESTAMP_SCHEMA, OPTIONAL_TIMESTAMP_SCHEMA],
  static: [STRING_SCHEMA, OPTIONAL_STRING_SCHEMA],
};

class InsertField implements Transformation {
  readonly #part: RecordPart;
  #insertions: readonly Insertion[] = [];
  #staticValue: string | null = null;
  #useDefault = true;
  readonly #schemas = new PerSchema((schema) => {
    const builder = copyBasics(schema, 'struct');
    for (const field of fieldsOf(schema)) builder.field(field.name, field.schema);
    for (const insertion of this.#insertions) builder.field(insertion.name, insertion.schema);
    return builder.build();
  });

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#insertions = insertionsOf(values);
    this.#staticValue = values['static.value'];
    this.#useDefault = values['replace.null.with.default'];
    if (this.#insertions.length === 0) throw new ConfigError('No field insertion configured');
    if (values['static.field'] !== null && this.#staticValue === null) {
      throw invalidValue('static.value', null, 'No value specified for static field');
    }
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const value = this.#part.value(record);
    if (value === null) return record;
    const schema = this.#part.schema(record);
    return schema === null ? this.#applySchemaless(record, value) : this.#applyWithSchema(record, schema, value);
  }

  #applySchemaless<R extends ConnectRecord<R>>(record: R, value: unknown): R {
    const updated = new Map(requireMap(value, purpose));
    for (const { origin, name } of this.#insertions) {
      switch (origin) {
        case 'topic':
          updated.set(name, record.topic);
          break;
        case 'partition':
          if (record.kafkaPartition !== null) updated.set(name, new Int32(record.kafkaPartition));
          break;
        case 'offset':
          updated.set(name, BigInt(requireSinkRecord(record, purpose).kafkaOffset));
          break;
        case 'timestamp':
          if (record.timestamp !== null) updated.set(name, BigInt(record.timestamp));
          break;
        case 'static':
          updated.set(name, this.#staticValue);
          break;
      }
    }
    return this.#part.replace(record, null, updated);
  }

  #applyWithSchema<R extends ConnectRecord<R>>(record: R, schema: Schema, value: unknown): R {
    const struct = requireStruct(schema, value, purpose);
    const updated = this.#schemas.get(struct.schema);
    const { fields } = struct.schema;
    const insertions = this.#insertions;
    const copied = fields.length;
    const values = new Array<unknown>(copied + insertions.length);
    for (let i = 0; i < copied; i++) values[i] = copyField(struct, fields[i]!, this.#useDefault);
    // A required field stays null where the record has no partition or timestamp: Connect does not mind either.
    for (let i = 0; i < insertions.length; i++) values[copied + i] = this.#valueOf(record, insertions[i]!.origin);
    return this.#part.replace(record, updated, new Struct(updated, values));
  }

  #valueOf<R extends ConnectRecord<R>>(record: R, origin: Origin): unknown {
    switch (origin) {
      case 'topic':
        return record.topic;
      case 'partition':
        return record.kafkaPartition;
      case 'offset':
        return BigInt(requireSinkRecord(record, purpose).kafkaOffset);
      case 'timestamp':
        return record.timestamp === null ? null : new Instant(record.timestamp);
      case 'static':
        return this.#staticValue;
    }
  }
}

function insertionsOf(values: ConfigValues<typeof config>): Insertion[] {
  const origins: readonly Origin[] = ['topic', 'partition', 'offset', 'timestamp', 'static'];
  return origins.flatMap((origin) => {
    const spec = values[`${origin}.field`];
    if (spec === null) return [];
    const suffix = spec.at(-1);
    const name = suffix === '!' || suffix === '?' ? spec.slice(0, -1) : spec;
    return [{ origin, name, schema: schemas[origin][suffix === '!' ? 0 : 1] }];
  });
}

export const insertField = definePartTransform(
  {
    name: 'InsertField',
    doc: "Adds fields with the record's topic, partition, offset or timestamp, or with a fixed text.",
    config,
    examples: [
      {
        title: 'Where did this come from?',
        settings: { 'topic.field': 'topic', 'static.field': 'site', 'static.value': 'eu' },
        before: { topic: 'orders', value: { id: 1 } },
        after: { topic: 'orders', value: { id: 1, topic: 'orders', site: 'eu' } },
      },
    ],
  },
  (part) => new InsertField(part),
);
