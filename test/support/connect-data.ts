import { inspect } from 'node:util';
import fc from 'fast-check';
import { ConnectSchema } from '../../src/data/connect-schema.ts';
import { DATE_NAME, DECIMAL_NAME, Decimal, Instant, TIME_NAME, TIMESTAMP_NAME } from '../../src/data/logical.ts';
import type { Schema } from '../../src/data/schema.ts';
import { Struct } from '../../src/data/struct.ts';

export interface DataLimits {
  /** Arrays in arrays, maps in arrays. */
  readonly nested: boolean;
  /** Optional arrays and maps, null elements. */
  readonly optionalContainers: boolean;
  /** NaN, infinities and minus zero. */
  readonly oddFloats: boolean;
}

export interface Sample {
  readonly schema: Schema;
  readonly value: unknown;
}

const plainTypes = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string', 'bytes'] as const;

/** A struct schema of any shape within the limits, and a value of it. */
export function structSample(limits: DataLimits): fc.Arbitrary<Sample> {
  return structSchema(limits, 3).chain((schema) => valueFor(schema, limits).map((value) => ({ schema, value })));
}

function structSchema(limits: DataLimits, depth: number): fc.Arbitrary<Schema> {
  return fc
    .tuple(
      fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/), { minLength: 0, maxLength: 6 }),
      fc.uuid({ version: 4 }),
      fc.option(fc.string({ maxLength: 10 }), { nil: null }),
    )
    .chain(([names, id, doc]) =>
      fc.tuple(...names.map(() => schemaOf(limits, depth - 1))).map(
        (schemas) =>
          new ConnectSchema('struct', {
            name: `com.example.S${id.replaceAll('-', '')}`,
            doc,
            fields: schemas.map((schema, index) => ({ name: names[index]!, index, schema })),
          }),
      ),
    );
}

function schemaOf(limits: DataLimits, depth: number): fc.Arbitrary<Schema> {
  const plain = fc
    .tuple(fc.constantFrom(...plainTypes), fc.boolean())
    .map(([type, optional]) => new ConnectSchema(type, { optional }) as Schema);
  const logical = fc
    .tuple(fc.constantFrom('date', 'time', 'timestamp', 'decimal'), fc.boolean(), fc.integer({ min: 0, max: 10 }))
    .map(([kind, optional, scale]) => logicalSchema(kind, optional, scale));
  if (depth <= 0) return fc.oneof(plain, logical);
  const element = limits.nested ? schemaOf(limits, depth - 1) : fc.oneof(plain, logical);
  const present = element.map((schema) => (limits.optionalContainers ? schema : required(schema)));
  const array = fc
    .tuple(present, fc.boolean())
    .map(
      ([valueSchema, optional]) =>
        new ConnectSchema('array', { valueSchema, optional: optional && limits.optionalContainers }) as Schema,
    );
  const map = fc
    .tuple(fc.constantFrom('string', 'int32', 'int64', 'boolean'), present, fc.uuid({ version: 4 }), fc.boolean())
    .map(
      ([key, valueSchema, id, optional]) =>
        new ConnectSchema('map', {
          // A map without string keys is a record in Avro, and records of one name must be the same.
          name: `com.example.M${id.replaceAll('-', '')}`,
          keySchema: new ConnectSchema(key as 'string'),
          valueSchema,
          optional: optional && limits.optionalContainers,
        }) as Schema,
    );
  const struct = fc
    .tuple(structSchema(limits, depth - 1), fc.boolean())
    .map(
      ([schema, optional]) =>
        (optional
          ? new ConnectSchema('struct', { name: schema.name, doc: schema.doc, fields: schema.fields, optional })
          : schema) as Schema,
    );
  return fc.oneof({ weight: 4, arbitrary: plain }, { weight: 2, arbitrary: logical }, array, map, struct);
}

function required(schema: Schema): Schema {
  const { name, version, doc, parameters, keySchema, valueSchema, fields } = schema;
  return new ConnectSchema(schema.type, { name, version, doc, parameters, keySchema, valueSchema, fields });
}

function logicalSchema(kind: string, optional: boolean, scale: number): Schema {
  switch (kind) {
    case 'date':
      return new ConnectSchema('int32', { name: DATE_NAME, version: 1, optional });
    case 'time':
      return new ConnectSchema('int32', { name: TIME_NAME, version: 1, optional });
    case 'timestamp':
      return new ConnectSchema('int64', { name: TIMESTAMP_NAME, version: 1, optional });
    default:
      return new ConnectSchema('bytes', {
        name: DECIMAL_NAME,
        version: 1,
        optional,
        parameters: new Map([['scale', String(scale)]]),
      });
  }
}

export function valueFor(schema: Schema, limits: DataLimits): fc.Arbitrary<unknown> {
  const present = presentValue(schema, limits);
  return schema.optional ? fc.option(present, { nil: null }) : present;
}

function presentValue(schema: Schema, limits: DataLimits): fc.Arbitrary<unknown> {
  switch (schema.name) {
    case DATE_NAME:
      return fc.integer({ min: -700_000, max: 2_900_000 }).map((days) => new Instant(days * 86_400_000));
    case TIME_NAME:
      return fc.integer({ min: 0, max: 86_399_999 }).map((ms) => new Instant(ms));
    case TIMESTAMP_NAME:
      return fc
        .oneof(fc.integer(), fc.integer({ min: -62_000_000_000_000, max: 253_000_000_000_000 }))
        .map((ms) => new Instant(ms));
    case DECIMAL_NAME:
      return fc
        .oneof(fc.bigInt({ min: -300n, max: 300n }), fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }))
        .map((unscaled) => new Decimal(unscaled, Number(schema.parameters?.get('scale'))));
  }
  const floats = { noNaN: !limits.oddFloats, noDefaultInfinity: !limits.oddFloats };
  const plusZero = (value: number) => (limits.oddFloats || value !== 0 ? value : 0);
  switch (schema.type) {
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -32_768, max: 32_767 });
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.oneof(fc.bigInt({ min: -300n, max: 300n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    case 'float32':
      return fc.float(floats).map(plusZero);
    case 'float64':
      return fc.double(floats).map(plusZero);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.string({ minLength: 60, maxLength: 200 }));
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 });
    case 'array':
      return fc.array(valueFor(schema.valueSchema!, limits), { maxLength: 5 });
    case 'map':
      return fc
        .array(fc.tuple(valueFor(schema.keySchema!, limits), valueFor(schema.valueSchema!, limits)), { maxLength: 5 })
        .map((entries) => new Map(entries));
    case 'struct':
      return fc
        .tuple(...schema.fields.map((field) => valueFor(field.schema, limits)))
        .map((values) => new Struct(schema, values));
  }
}

const byText = ([one]: unknown[], [other]: unknown[]) => (inspect(one) < inspect(other) ? -1 : 1);

/** A value in a form that two equal values share, whatever schema objects they hang on. */
export function plain(value: unknown): unknown {
  if (value instanceof Struct) {
    return Object.fromEntries(
      value.schema.fields.map((field) => [field.name, plain(value.values[field.index] ?? null)]),
    );
  }
  // Java's maps have no order.
  if (value instanceof Map) return { entries: [...value].map(([key, item]) => [plain(key), plain(item)]).sort(byText) };
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (value instanceof Decimal) return `decimal ${value.unscaled}e-${value.scale}`;
  if (value instanceof Instant) return `instant ${value.exactMs}`;
  return value;
}
