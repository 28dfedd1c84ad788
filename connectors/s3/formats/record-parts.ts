import { createHash } from 'node:crypto';
import {
  compileJsonEncoder,
  DataError,
  type JsonEncoder,
  OPTIONAL_INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  type Schema,
  SchemaBuilder,
  type SinkRecord,
  STRING_SCHEMA,
  Struct,
} from '../../../src/api/index.ts';
import type { RecordPart, RecordShape } from './record-writer.ts';

/** Encoders by schema; schemas are few and kept by whoever made them. */
export class JsonTexts {
  readonly #numericDecimals: boolean;
  readonly #encoders = new WeakMap<Schema, JsonEncoder>();
  readonly #schemaless: JsonEncoder;
  #lastSchema: Schema | null = null;
  #last: JsonEncoder;

  constructor(numericDecimals: boolean) {
    this.#numericDecimals = numericDecimals;
    this.#schemaless = this.#compile(null);
    this.#last = this.#schemaless;
  }

  #compile(schema: Schema | null): JsonEncoder {
    return compileJsonEncoder(schema, { numericDecimals: this.#numericDecimals, replaceNullWithDefault: true });
  }

  of(schema: Schema | null, value: unknown): string {
    if (value === null || value === undefined) return 'null';
    if (schema === null) return this.#schemaless(value);
    if (schema !== this.#lastSchema) {
      let encode = this.#encoders.get(schema);
      if (encode === undefined) {
        encode = this.#compile(schema);
        this.#encoders.set(schema, encode);
      }
      this.#lastSchema = schema;
      this.#last = encode;
    }
    return this.#last(value);
  }
}

/** Where the record was before any transformation. */
const offsetOf = (record: SinkRecord) => record.originalKafkaOffset;

/** A record, or what is wanted of it, as one JSON text without a line end. */
export function jsonText(record: SinkRecord, shape: RecordShape, texts: JsonTexts): string {
  if (shape.kind === 'part') {
    switch (shape.part) {
      case 'value':
        return texts.of(record.valueSchema, record.value);
      case 'key':
        return texts.of(record.keySchema, record.key);
      case 'headers':
        return `[${record.headers
          .map(({ key, schema, value }) => `{"key":${JSON.stringify(key)},"value":${asText(texts, schema, value)}}`)
          .join(',')}]`;
    }
  }
  let text = '{';
  for (const part of shape.parts) text += `${text === '{' ? '' : ','}"${part}":${partText(record, part, texts)}`;
  return `${text}}`;
}

/** Confluent's files of headers hold texts. */
function asText(texts: JsonTexts, schema: Schema | null, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(texts.of(schema, value));
}

function partText(record: SinkRecord, part: RecordPart, texts: JsonTexts): string {
  switch (part) {
    case 'key':
      return texts.of(record.keySchema, record.key);
    case 'value':
      return texts.of(record.valueSchema, record.value);
    case 'offset':
      return String(offsetOf(record));
    case 'timestamp':
      return record.timestamp === null ? 'null' : `"${new Date(record.timestamp).toISOString()}"`;
    case 'headers':
      return `[${record.headers
        .map(({ key, schema, value }) => `{"key":${JSON.stringify(key)},"value":${texts.of(schema, value)}}`)
        .join(',')}]`;
  }
}

const plainTexts = new JsonTexts(false);

export interface Row {
  readonly schema: Schema;
  readonly value: unknown;
}

/** Records, or what is wanted of them, as values with schemas: the rows of Avro and Parquet files. */
export class Rows {
  readonly #shape: RecordShape;
  /** By the schemas of value and key. */
  readonly #schemas = new WeakMap<Schema, WeakMap<Schema, Schema>>();

  constructor(shape: RecordShape) {
    this.#shape = shape;
  }

  of(record: SinkRecord): Row {
    const shape = this.#shape;
    if (shape.kind === 'part') {
      switch (shape.part) {
        case 'value':
          return { schema: required(record.valueSchema, record.value, 'value'), value: record.value };
        case 'key': {
          const inner = required(record.keySchema, record.key, 'key');
          const schema = this.#remember(inner, none, () => structOf('RecordKey', [['key', inner]]));
          return { schema, value: new Struct(schema, [record.key]) };
        }
        case 'headers':
          return { schema: headersSchema, value: new Struct(headersSchema, [headersOf(record)]) };
      }
    }
    const { parts } = shape;
    const key = parts.includes('key') ? partSchema(record.keySchema, record.key, 'key') : none;
    const value = parts.includes('value') ? partSchema(record.valueSchema, record.value, 'value') : none;
    const schema = this.#remember(value, key, () =>
      structOf(
        'io.aiven.output.schema.connector_records',
        parts.map((part) => [part, schemaOfPart(part, key, value)] as const),
      ),
    );
    return {
      schema,
      value: new Struct(
        schema,
        parts.map((part) => partValue(record, part)),
      ),
    };
  }

  #remember(one: Schema, other: Schema, make: () => Schema): Schema {
    let known = this.#schemas.get(one);
    if (known === undefined) {
      known = new WeakMap();
      this.#schemas.set(one, known);
    }
    let made = known.get(other);
    if (made === undefined) {
      made = make();
      known.set(other, made);
    }
    return made;
  }
}

const none = OPTIONAL_STRING_SCHEMA;

const structOf = (name: string, fields: readonly (readonly [string, Schema])[]): Schema =>
  fields.reduce((builder, [field, schema]) => builder.field(field, schema), SchemaBuilder.struct().name(name)).build();

const headerElement = structOf('RecordHeader', [
  ['key', OPTIONAL_STRING_SCHEMA],
  ['value', OPTIONAL_STRING_SCHEMA],
]);
const headersSchema = structOf('RecordHeaders', [['headers', SchemaBuilder.array(headerElement).build()]]);
const headerMap = SchemaBuilder.map(STRING_SCHEMA, OPTIONAL_STRING_SCHEMA).optional().build();

const textOf = (schema: Schema | null, value: unknown): string | null =>
  value === null || value === undefined || typeof value === 'string' ? (value ?? null) : plainTexts.of(schema, value);

const headersOf = (record: SinkRecord) =>
  record.headers.map(({ key, schema, value }) => new Struct(headerElement, [key, textOf(schema, value)]));

function required(schema: Schema | null, value: unknown, part: 'key' | 'value'): Schema {
  if (schema !== null && value !== null && value !== undefined) return schema;
  throw new DataError(
    value === null || value === undefined
      ? `The record has no ${part}, which a file of nothing else cannot hold`
      : `The record's ${part} has no schema, which Avro and Parquet need: use a converter with schemas, or write JSON`,
  );
}

/** Of one that is not there, any: the row has a null. */
function partSchema(schema: Schema | null, value: unknown, part: 'key' | 'value'): Schema {
  return schema === null && (value === null || value === undefined) ? none : required(schema, value ?? '', part);
}

function schemaOfPart(part: RecordPart, key: Schema, value: Schema): Schema {
  switch (part) {
    case 'key':
      return key;
    case 'value':
      return value;
    case 'headers':
      return headerMap;
    default:
      return OPTIONAL_INT64_SCHEMA;
  }
}

function partValue(record: SinkRecord, part: RecordPart): unknown {
  switch (part) {
    case 'key':
      return record.key ?? null;
    case 'value':
      return record.value ?? null;
    case 'offset':
      return BigInt(offsetOf(record));
    case 'timestamp':
      return record.timestamp === null ? null : BigInt(record.timestamp);
    case 'headers':
      if (record.headers.length === 0) return null;
      return new Map(record.headers.map(({ key, schema, value }) => [key, textOf(schema, value)]));
  }
}

/** Tells the schemas of a record's rows apart; the same in every process. */
export function rowKind(record: SinkRecord, shape: RecordShape): string {
  const wants = (part: RecordPart) => (shape.kind === 'part' ? shape.part === part : shape.parts.includes(part));
  const value = wants('value') ? schemaKind(record.valueSchema) : '';
  return wants('key') ? `${value}.${schemaKind(record.keySchema)}` : value;
}

const kinds = new WeakMap<Schema, string>();

function schemaKind(schema: Schema | null): string {
  if (schema === null) return '-';
  let kind = kinds.get(schema);
  if (kind === undefined) {
    kind = createHash('sha256')
      .update(JSON.stringify(describe(schema, [])))
      .digest('base64url')
      .slice(0, 16);
    kinds.set(schema, kind);
  }
  return kind;
}

/** `within`: what is being described around it, as schemas may hold themselves. */
function describe(schema: Schema | null, within: readonly Schema[]): unknown {
  if (schema === null) return null;
  const depth = within.indexOf(schema);
  if (depth >= 0) return depth;
  const inside = [...within, schema];
  return [
    schema.type,
    schema.optional,
    schema.name,
    schema.version,
    [...(schema.parameters ?? [])],
    describe(schema.keySchema, inside),
    describe(schema.valueSchema, inside),
    schema.fields.map((field) => [field.name, describe(field.schema, inside)]),
  ];
}
