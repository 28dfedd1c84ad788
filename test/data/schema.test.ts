import { describe, expect, it } from 'vitest';
import { ConnectSchema } from '../../src/data/connect-schema.ts';
import { schemaEquals } from '../../src/data/equality.ts';
import { Decimal, Instant } from '../../src/data/logical.ts';
import type { Schema } from '../../src/data/schema.ts';
import {
  DATE_SCHEMA,
  decimalSchema,
  FLOAT32_SCHEMA,
  FLOAT64_SCHEMA,
  INT8_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
} from '../../src/data/schema-builder.ts';
import { project } from '../../src/data/schema-projector.ts';
import { Float64, Int16, Int32, refit } from '../../src/data/schemaless.ts';
import { Struct, validateValue } from '../../src/data/struct.ts';
import { ConnectError } from '../../src/errors.ts';

const point = SchemaBuilder.struct().name('point').field('x', INT32_SCHEMA).field('y', OPTIONAL_STRING_SCHEMA).build();

describe('SchemaBuilder', () => {
  it('sets each property once', () => {
    expect(() => SchemaBuilder.int32().name('a').name('b')).toThrow('name has already been set');
    expect(() => SchemaBuilder.int32().optional().required()).toThrow('optional has already been set');
  });

  it('refuses two fields of one name, fields outside a struct, and missing element schemas', () => {
    expect(() => SchemaBuilder.struct().field('a', INT8_SCHEMA).field('a', INT8_SCHEMA)).toThrow('duplication a');
    expect(() => SchemaBuilder.string().field('a', INT8_SCHEMA)).toThrow('Cannot create fields on type STRING');
    expect(() => SchemaBuilder.array(null)).toThrow('valueSchema cannot be null.');
  });

  it('refuses a default that does not fit, as SchemaBuilderException', () => {
    const attempt = () => SchemaBuilder.int8().defaultValue(300);
    expect(attempt).toThrow(expect.objectContaining({ javaClass: 'SchemaBuilderException' }) as ConnectError);
  });

  it('takes a struct as default only on its own draft', () => {
    const builder = SchemaBuilder.struct().field('a', INT8_SCHEMA);
    const struct = new Struct(builder.draft()).put('a', 1);
    expect(builder.defaultValue(struct).build().defaultValue).toBe(struct);
    expect(() => SchemaBuilder.struct().field('a', INT8_SCHEMA).defaultValue(struct)).toThrow('Invalid default value');
  });
});

describe('schemaEquals', () => {
  const build = () =>
    SchemaBuilder.struct()
      .field('a', SchemaBuilder.array(decimalSchema(2)).optional().build())
      .field('b', SchemaBuilder.int64().defaultValue(5n).build())
      .parameter('k', 'v')
      .build();

  it('compares content, not identity', () => {
    expect(schemaEquals(build(), build())).toBe(true);
  });

  it.each<[string, Schema, Schema]>([
    ['type', INT8_SCHEMA, INT32_SCHEMA],
    ['optional', STRING_SCHEMA, OPTIONAL_STRING_SCHEMA],
    ['name', INT32_SCHEMA, DATE_SCHEMA],
    ['parameters', decimalSchema(1), decimalSchema(2)],
    ['default', new ConnectSchema('int8', { defaultValue: 1 }), new ConnectSchema('int8', { defaultValue: 2 })],
    ['doc', INT8_SCHEMA, new ConnectSchema('int8', { doc: 'x' })],
  ])('sees another %s', (_part, a, b) => {
    expect(schemaEquals(a, b)).toBe(false);
  });
});

describe('Struct', () => {
  it('gives the default for what is not set, and what is set without it', () => {
    const schema = SchemaBuilder.struct().field('a', SchemaBuilder.int8().defaultValue(7).build()).build();
    const struct = new Struct(schema);
    expect(struct.get('a')).toBe(7);
    expect(struct.getWithoutDefault('a')).toBeNull();
    expect(() => struct.validate()).not.toThrow();
  });

  it('names the field that is missing, unknown or of the wrong type', () => {
    expect(() => new Struct(point).validate()).toThrow(
      'Invalid value: null used for required field: "x", schema type: INT32',
    );
    expect(() => new Struct(point).put('z', 1)).toThrow('z is not a valid field name');
    expect(() => new Struct(point).put('x', 'text')).toThrow(
      'Invalid Java object for schema with type INT32: class java.lang.String for field: "x"',
    );
  });

  it('refuses numbers that do not fit, and takes wrappers of the right width', () => {
    expect(() => new Struct(point).put('x', 1.5)).toThrow('INT32');
    expect(() => new Struct(point).put('x', 2 ** 31)).toThrow('INT32');
    expect(() => new Struct(point).put('x', 5n)).toThrow('class java.lang.Long');
    expect(() => new Struct(point).put('x', new Int16(5))).toThrow('class java.lang.Short');
    expect(new Struct(point).put('x', new Int32(5)).get('x')).toBe(5);
  });

  it('equals another of the same content', () => {
    const make = () => new Struct(point).put('x', 1).put('y', 'a');
    expect(make().equals(make())).toBe(true);
    expect(make().equals(make().put('x', 2))).toBe(false);
  });

  it('checks nested structs, arrays and maps', () => {
    const map = SchemaBuilder.map(STRING_SCHEMA, SchemaBuilder.array(INT8_SCHEMA).build()).build();
    expect(() => validateValue(map, new Map([['a', [1, 2]]]))).not.toThrow();
    expect(() => validateValue(map, new Map([['a', [1, null]]]))).toThrow('element of array value of map');
    expect(() => validateValue(point, new Struct(SchemaBuilder.struct().build()))).toThrow('do not match');
  });

  it('wants logical types as their own classes', () => {
    expect(() => validateValue(DATE_SCHEMA, 5)).toThrow('class java.lang.Integer');
    expect(() => validateValue(DATE_SCHEMA, new Instant(0))).not.toThrow();
    expect(() => validateValue(decimalSchema(0), new Decimal(1n, 0))).not.toThrow();
  });
});

describe('refit', () => {
  it('turns bare numbers into what a different schema cannot mistake for its own', () => {
    expect(refit(INT8_SCHEMA, null, 5)).toMatchObject({ value: 5 });
    expect(refit(FLOAT64_SCHEMA, INT32_SCHEMA, 5)).toBeInstanceOf(Float64);
    expect(refit(null, FLOAT64_SCHEMA, 5)).toBe(5);
    const bytes = SchemaBuilder.array(INT8_SCHEMA).build();
    const shorts = SchemaBuilder.array(SchemaBuilder.int16().build()).build();
    expect(() => validateValue(shorts, refit(bytes, shorts, [1]))).toThrow('class java.lang.Byte');
  });
});

describe('SchemaProjector', () => {
  it('widens numbers, fills defaults and leaves out what the target lacks', () => {
    const source = SchemaBuilder.struct().field('a', INT8_SCHEMA).field('gone', STRING_SCHEMA).build();
    const target = SchemaBuilder.struct()
      .field('a', INT64_SCHEMA)
      .field('new', SchemaBuilder.float32().defaultValue(1.5).build())
      .field('maybe', OPTIONAL_STRING_SCHEMA)
      .build();
    const result = project(source, new Struct(source).put('a', 5).put('gone', 'x'), target) as Struct;
    expect(result.values).toEqual([5n, 1.5, null]);
  });

  it('rounds a long to the nearest float once', () => {
    expect(project(INT64_SCHEMA, 9_007_199_254_740_993n, FLOAT64_SCHEMA)).toBe(9_007_199_254_740_992);
    expect(project(INT32_SCHEMA, 16_777_217, FLOAT32_SCHEMA)).toBe(16_777_216);
  });

  it('refuses narrowing, other names and required fields that are missing', () => {
    expect(() => project(INT64_SCHEMA, 1n, INT8_SCHEMA)).toThrow('Schema type mismatch');
    expect(() => project(INT32_SCHEMA, 1, DATE_SCHEMA)).toThrow('Schema name mismatch');
    expect(() => project(OPTIONAL_STRING_SCHEMA, 'a', STRING_SCHEMA)).toThrow('Writer schema is optional');
    const empty = SchemaBuilder.struct().name('point').build();
    expect(() => project(empty, new Struct(empty), point)).toThrow('Required field `x` is missing');
  });

  it('raises only coded errors', () => {
    try {
      project(INT64_SCHEMA, 1n, INT8_SCHEMA);
    } catch (error) {
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ javaClass: 'SchemaProjectorException' });
    }
    expect.assertions(2);
  });
});
