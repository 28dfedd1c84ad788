import {
  DATE_NAME,
  DataError,
  DECIMAL_NAME,
  Decimal,
  dateToInt,
  decimalScale,
  decimalToBytes,
  Instant,
  type Schema,
  Struct,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeToInt,
} from '../../../src/api/index.ts';

/** As avsc takes it: JSON of an Avro schema. */
export type AvroJson = string | AvroJson[] | { readonly [key: string]: unknown };

/** Makes of a value what avsc writes. Int64 are bigints. */
type ToAvro = (value: unknown) => unknown;

export interface AvroMapping {
  readonly schema: AvroJson;
  readonly toAvro: ToAvro;
}

const namespace = 'io.confluent.connect.avro';

/**
 * The Avro schema of a Connect schema, by the conventions of Confluent's AvroData: names and versions in `connect.name` and
 * `connect.version`, logical types by their names, a struct without a name is ConnectDefault, maps with other keys than
 * texts are lists of entries.
 */
export function avroMapping(schema: Schema): AvroMapping {
  return new Mapper().map(schema);
}

class Mapper {
  readonly #named = new Map<Schema, string>();
  readonly #mappings = new Map<Schema, AvroMapping>();
  readonly #names = new Set<string>();

  map(schema: Schema): AvroMapping {
    const base = this.#base(schema);
    if (!schema.optional) return base;
    const { toAvro } = base;
    const nullable: AvroMapping = {
      schema: ['null', base.schema],
      toAvro: (value) => (value === null || value === undefined ? null : toAvro(value)),
    };
    return nullable;
  }

  #base(schema: Schema): AvroMapping {
    const annotated = (type: string, more: Record<string, unknown> = {}): AvroJson => {
      const notes = { ...more, ...connectProps(schema) };
      return Object.keys(notes).length === 0 ? type : { type, ...notes };
    };
    switch (schema.name) {
      case DECIMAL_NAME: {
        const scale = decimalScale(schema);
        const precision = Number(schema.parameters?.get('connect.decimal.precision') ?? 64);
        return {
          schema: annotated('bytes', { logicalType: 'decimal', scale, precision }),
          toAvro: (value) => {
            if (!(value instanceof Decimal)) throw misfit(schema, value);
            return Buffer.from(decimalToBytes(schema, value));
          },
        };
      }
      case DATE_NAME:
        return {
          schema: annotated('int', { logicalType: 'date' }),
          toAvro: (value) => dateToInt(instant(schema, value)),
        };
      case TIME_NAME:
        return {
          schema: annotated('int', { logicalType: 'time-millis' }),
          toAvro: (value) => timeToInt(instant(schema, value)),
        };
      case TIMESTAMP_NAME:
        return {
          schema: annotated('long', { logicalType: 'timestamp-millis' }),
          toAvro: (value) => instant(schema, value).exactMs,
        };
    }
    switch (schema.type) {
      case 'int8':
      case 'int16':
        return {
          schema: { type: 'int', 'connect.type': schema.type, ...connectProps(schema) },
          toAvro: ofType(schema, 'number'),
        };
      case 'int32':
        return { schema: annotated('int'), toAvro: ofType(schema, 'number') };
      case 'int64':
        return { schema: annotated('long'), toAvro: ofType(schema, 'bigint') };
      case 'float32':
        return { schema: annotated('float'), toAvro: ofType(schema, 'number') };
      case 'float64':
        return { schema: annotated('double'), toAvro: ofType(schema, 'number') };
      case 'boolean':
        return { schema: annotated('boolean'), toAvro: ofType(schema, 'boolean') };
      case 'string':
        return { schema: annotated('string'), toAvro: ofType(schema, 'string') };
      case 'bytes':
        return {
          schema: annotated('bytes'),
          toAvro: (value) => {
            if (!(value instanceof Uint8Array)) throw misfit(schema, value);
            return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
          },
        };
      case 'array': {
        const element = this.map(inner(schema.valueSchema, schema));
        return {
          schema: { type: 'array', items: element.schema, ...connectProps(schema) },
          toAvro: (value) => {
            if (!Array.isArray(value)) throw misfit(schema, value);
            return value.map(element.toAvro);
          },
        };
      }
      case 'map':
        return this.#ofMap(schema);
      case 'struct':
        return this.#ofStruct(schema);
    }
  }

  #ofMap(schema: Schema): AvroMapping {
    const keySchema = inner(schema.keySchema, schema);
    const values = this.map(inner(schema.valueSchema, schema));
    const entriesOf = (value: unknown) => {
      if (!(value instanceof Map)) throw misfit(schema, value);
      return [...value];
    };
    if (keySchema.type === 'string' && !keySchema.optional && keySchema.name === null) {
      return {
        schema: { type: 'map', values: values.schema, ...connectProps(schema) },
        toAvro: (value) => Object.fromEntries(entriesOf(value).map(([key, item]) => [key, values.toAvro(item)])),
      };
    }
    const keys = this.map(keySchema);
    const entry = {
      type: 'record',
      ...this.#name(schema.name ?? `${namespace}.MapEntry`),
      fields: [
        { name: 'key', type: keys.schema },
        { name: 'value', type: values.schema },
      ],
    };
    return {
      schema: { type: 'array', items: entry },
      toAvro: (value) => entriesOf(value).map(([key, item]) => ({ key: keys.toAvro(key), value: values.toAvro(item) })),
    };
  }

  #ofStruct(schema: Schema): AvroMapping {
    const known = this.#named.get(schema);
    // A name that is there already stands for its schema, which may be around this one.
    if (known !== undefined) return { schema: known, toAvro: (value) => this.#mappings.get(schema)!.toAvro(value) };
    const name = this.#name(schema.name ?? `${namespace}.ConnectDefault`);
    this.#named.set(schema, name.namespace === undefined ? name.name : `${name.namespace}.${name.name}`);
    const fields = schema.fields.map((field) => ({ field, mapping: this.map(field.schema) }));
    const names = fields.map(({ field }) => scrubbed(field.name));
    const mapping: AvroMapping = {
      schema: {
        type: 'record',
        ...name,
        ...(schema.doc === null ? {} : { doc: schema.doc }),
        fields: fields.map(({ field, mapping: { schema: type } }, at) => ({
          name: names[at],
          type,
          ...(field.schema.doc === null ? {} : { doc: field.schema.doc }),
          ...(field.schema.optional ? { default: null } : {}),
        })),
        ...connectProps(schema),
      },
      toAvro: (value) => {
        if (!(value instanceof Struct)) throw misfit(schema, value);
        const record: Record<string, unknown> = {};
        for (let at = 0; at < fields.length; at++) {
          const { field, mapping: inside } = fields[at]!;
          const own = value.values[field.index] ?? field.schema.defaultValue ?? null;
          if (own === null && !field.schema.optional) {
            throw new DataError(`Field ${field.name} is required, and has no value`);
          }
          record[names[at]!] = inside.toAvro(own);
        }
        return record;
      },
    };
    this.#mappings.set(schema, mapping);
    return mapping;
  }

  /** Two structs of one name that differ would be taken for one: the later one gets a number. */
  #name(full: string): { name: string; namespace?: string } {
    const clean = full.split('.').map(scrubbed).join('.');
    let unique = clean;
    for (let n = 2; this.#names.has(unique); n++) unique = `${clean}${n}`;
    this.#names.add(unique);
    const dot = unique.lastIndexOf('.');
    return dot < 0 ? { name: unique } : { name: unique.slice(dot + 1), namespace: unique.slice(0, dot) };
  }
}

function connectProps(schema: Schema): Record<string, unknown> {
  const parameters = [...(schema.parameters ?? [])];
  return {
    ...(schema.version === null ? {} : { 'connect.version': schema.version }),
    ...(parameters.length === 0 ? {} : { 'connect.parameters': Object.fromEntries(parameters) }),
    ...(schema.name === null ? {} : { 'connect.name': schema.name }),
  };
}

const scrubbed = (name: string) => name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9])/, '_') || '_';

function inner(schema: Schema | null, around: Schema): Schema {
  if (schema !== null) return schema;
  throw new DataError(`A ${around.type} without a schema of what is in it cannot be written to Avro`);
}

function instant(schema: Schema, value: unknown): Instant {
  if (value instanceof Instant) return value;
  throw misfit(schema, value);
}

function ofType(schema: Schema, type: 'number' | 'bigint' | 'boolean' | 'string'): ToAvro {
  return (value) => {
    const own = typeof value;
    if (own !== type) throw misfit(schema, value);
    return value;
  };
}

const misfit = (schema: Schema, value: unknown) =>
  new DataError(
    value === null || value === undefined
      ? `A null where ${schema.name ?? schema.type} is required`
      : `A value of type ${typeof value} where the schema says ${schema.name ?? schema.type}`,
  );
