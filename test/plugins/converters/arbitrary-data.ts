import fc from 'fast-check';
import { DECIMAL_NAME, Decimal, decimalScale, Instant } from '../../../src/data/logical.ts';
import type { Schema, SchemaAndValue } from '../../../src/data/schema.ts';
import {
  BOOLEAN_SCHEMA,
  BYTES_SCHEMA,
  DATE_SCHEMA,
  decimalSchema,
  FLOAT32_SCHEMA,
  FLOAT64_SCHEMA,
  INT8_SCHEMA,
  INT16_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
  TIME_SCHEMA,
  TIMESTAMP_SCHEMA,
} from '../../../src/data/schema-builder.ts';
import { Struct } from '../../../src/data/struct.ts';
import { MS_PER_DAY } from '../../../src/java/calendar.ts';

/** Random schemas, and values that fit them: what a converter must bring back unchanged. */

const leaves: readonly Schema[] = [
  INT8_SCHEMA,
  INT16_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  FLOAT32_SCHEMA,
  FLOAT64_SCHEMA,
  BOOLEAN_SCHEMA,
  STRING_SCHEMA,
  BYTES_SCHEMA,
  DATE_SCHEMA,
  TIME_SCHEMA,
  TIMESTAMP_SCHEMA,
  decimalSchema(3),
];

const name = fc.oneof(
  fc.constantFrom('id', 'name', '10', '__proto__', 'constructor', 'größe'),
  fc.string({ minLength: 1 }),
);

/** A name that UTF-8 can hold. */
const fieldName = name.filter((text) => text.isWellFormed());

export const schemas: fc.Arbitrary<Schema> = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...leaves),
    fc.tuple(fc.constantFrom(...leaves), fc.string()).map(([leaf]) => optional(leaf)),
    tie('schema').map((element) => SchemaBuilder.array(element).build()),
    fc
      .tuple(fc.constantFrom(STRING_SCHEMA, INT32_SCHEMA, INT64_SCHEMA, BOOLEAN_SCHEMA), tie('schema'))
      .map(([key, element]) => SchemaBuilder.map(key, element).build()),
    fc.uniqueArray(fc.tuple(fieldName, tie('schema')), { selector: ([field]) => field, maxLength: 5 }).map((fields) => {
      const builder = SchemaBuilder.struct();
      for (const [field, schema] of fields) builder.field(field, schema);
      return builder.build();
    }),
  ),
})).schema;

function optional(schema: Schema): Schema {
  const builder = new SchemaBuilder(schema.type).name(schema.name).version(schema.version).optional();
  return builder.parameters(schema.parameters ?? []).build();
}

export function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  const present = presentValues(schema);
  return schema.optional ? fc.option(present) : present;
}

function presentValues(schema: Schema): fc.Arbitrary<unknown> {
  switch (schema.name) {
    case DECIMAL_NAME:
      return fc.bigInt().map((unscaled) => new Decimal(unscaled, decimalScale(schema)));
    case DATE_SCHEMA.name:
      return fc.integer({ min: -100_000, max: 100_000 }).map((days) => new Instant(days * MS_PER_DAY));
    case TIME_SCHEMA.name:
      return fc.integer({ min: 0, max: MS_PER_DAY }).map((ms) => new Instant(ms));
    case TIMESTAMP_SCHEMA.name:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((ms) => new Instant(ms));
  }
  switch (schema.type) {
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -32_768, max: 32_767 });
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'float32':
      return fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    case 'float64':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'ab"\\\n\u0001\u2028é€漢😀') }));
    case 'bytes':
      return fc.uint8Array().map((bytes) => Buffer.from(bytes));
    case 'array':
      return fc.array(valuesOf(schema.valueSchema as Schema), { maxLength: 4 });
    case 'map':
      return fc
        .array(fc.tuple(valuesOf(schema.keySchema as Schema), valuesOf(schema.valueSchema as Schema)), { maxLength: 4 })
        .map((entries) => new Map(entries));
    case 'struct':
      return fc
        .tuple(...schema.fields.map((field) => valuesOf(field.schema)))
        .map((values) => new Struct(schema, values));
  }
}

export const data: fc.Arbitrary<SchemaAndValue> = schemas.chain((schema) =>
  valuesOf(schema).map((value) => ({ schema, value })),
);
