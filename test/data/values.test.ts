import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decimal, Instant } from '../../src/data/logical.ts';
import type { Schema } from '../../src/data/schema.ts';
import {
  DATE_SCHEMA,
  FLOAT32_SCHEMA,
  INT8_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
  TIMESTAMP_SCHEMA,
} from '../../src/data/schema-builder.ts';
import { Int8, Int32 } from '../../src/data/schemaless.ts';
import { Struct } from '../../src/data/struct.ts';
import {
  convertTo,
  convertToBoolean,
  convertToByte,
  convertToDate,
  convertToDecimal,
  convertToDouble,
  convertToFloat,
  convertToList,
  convertToLong,
  convertToString,
  convertToTime,
  convertToTimestamp,
  inferSchema,
  parseString,
} from '../../src/data/values.ts';
import { ConnectError } from '../../src/errors.ts';

function typeOf(schema: Schema | null | undefined): string | undefined {
  return schema === null || schema === undefined ? undefined : (schema.name?.split('.').pop() ?? schema.type);
}

describe('parseString', () => {
  it.each<[string, string | undefined, unknown]>([
    ['hello', 'string', 'hello'],
    ['true', 'boolean', true],
    [' false ', 'boolean', false],
    ['null', undefined, undefined],
    ['127', 'int8', 127],
    ['128', 'int16', 128],
    ['-32769', 'int32', -32769],
    ['2147483648', 'int64', 2147483648n],
    ['1.0', 'int8', 1],
    ['1e2', 'int8', 100],
    ['1.5', 'float32', 1.5],
    ['1e300', 'float64', 1e300],
    ['9223372036854775808', 'Decimal', new Decimal(9223372036854775808n, 0)],
    ['1,5', 'int8', 1],
    ['2019-08-23', 'Date', new Instant(Date.UTC(2019, 7, 23))],
    ['2019-08-23T14:34:54.346Z', 'Timestamp', new Instant(Date.UTC(2019, 7, 23, 14, 34, 54, 346))],
    ['14:34:54.346Z', 'Time', new Instant(52_494_346)],
    ['12:34:56.789', 'int8', 12],
    ['[1, 300]', 'array', [1, 300]],
    ['[1', 'string', '[1'],
    [
      '{"a":1,"b":70000}',
      'map',
      new Map([
        ['a', 1],
        ['b', 70000],
      ]),
    ],
    ['', 'string', ''],
  ])('%j is %s', (text, type, value) => {
    const parsed = parseString(text);
    expect(typeOf(parsed?.schema)).toBe(type);
    expect(parsed?.value).toEqual(value);
  });

  it('gives numbers in lists the widest type among them', () => {
    expect(parseString('[1, 2.5]')?.schema?.valueSchema?.type).toBe('float32');
    expect(parseString('["2019-08-23", 5]')?.value).toEqual([
      new Instant(Date.UTC(2019, 7, 23)),
      new Instant(5 * 86_400_000),
    ]);
    expect(parseString('[1, "a"]')?.schema?.valueSchema).toBeNull();
    expect(parseString('[1, "a"]')?.value).toEqual([new Int8(1), 'a']);
  });

  it('reads any text without failing, and whole numbers back exactly', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ 0123456789.-+eTZnulltruefalse') }), (text) => {
        expect(() => parseString(text)).not.toThrow();
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(BigInt(parseString(String(value))?.value as number | bigint)).toBe(value);
      }),
    );
  });

  it('reads back what convertToString prints', () => {
    const word = fc
      .string({ unit: fc.constantFrom(...'abcdefgxyz'), minLength: 1 })
      .filter((text) => !/^(null|true|false)$/.test(text));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (list) => {
        const schema = SchemaBuilder.array(STRING_SCHEMA).build();
        expect(parseString(convertToString(schema, list) as string)?.value).toEqual(list);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_900_000 }), (day) => {
        const date = new Instant(day * 86_400_000);
        expect(parseString(convertToString(DATE_SCHEMA, date) as string)?.value).toEqual(date);
      }),
    );
  });
});

describe('conversions', () => {
  it('go through the long, whose low bits count', () => {
    expect(convertToByte(null, '300')).toBe(44);
    expect(convertToByte(INT32_SCHEMA, -129)).toBe(127);
    expect(convertToLong(null, new Decimal(199n, 2))).toBe(1n);
    expect(convertToLong(null, 1e30)).toBe(2n ** 63n - 1n);
    expect(convertToBoolean(null, '0')).toBe(false);
    expect(convertToBoolean(null, 'true')).toBe(true);
    expect(convertToFloat(null, '16777217')).toBe(16777216);
    expect(convertToDouble(FLOAT32_SCHEMA, Math.fround(0.1))).toBe(Math.fround(0.1));
  });

  it('know dates and times by the schema of the value', () => {
    const noon = new Instant(Date.UTC(2020, 0, 2, 12));
    expect(convertToDate(TIMESTAMP_SCHEMA, noon)).toEqual(new Instant(Date.UTC(2020, 0, 2)));
    expect(convertToTime(TIMESTAMP_SCHEMA, noon)).toEqual(new Instant(12 * 3_600_000));
    expect(convertToTimestamp(DATE_SCHEMA, new Instant(Date.UTC(2020, 0, 2)))).toEqual(
      new Instant(Date.UTC(2020, 0, 2)),
    );
    expect(convertToTimestamp(null, '1970-01-02')).toEqual(new Instant(86_400_000));
  });

  it('print lists, maps and structs in Java’s compact form', () => {
    const schema = SchemaBuilder.struct()
      .field('a', INT8_SCHEMA)
      .field('b', SchemaBuilder.array(FLOAT32_SCHEMA).build())
      .build();
    const struct = new Struct(schema).put('a', 1).put('b', [Math.fround(0.1), 1]);
    expect(convertToString(schema, struct)).toBe('{"a":1,"b":[0.1,1.0]}');
    expect(
      convertToString(
        null,
        new Map<unknown, unknown>([
          ['a"', new Int32(1)],
          ['b', 1.5],
        ]),
      ),
    ).toBe('{"a\\"":1,"b":1.5}');
    expect(convertToString(null, Buffer.from([1, 2]))).toBe('AQI=');
    expect(convertToString(null, new Instant(-1))).toBe('23:59:59.999Z');
  });

  it('infer a schema only where all elements agree', () => {
    expect(inferSchema([1n, 2n])?.valueSchema?.type).toBe('int64');
    expect(inferSchema([1n, 'a'])).toBeNull();
    expect(inferSchema([])).toBeNull();
    expect(inferSchema(new Map([['a', new Int8(1)]]))?.valueSchema?.type).toBe('int8');
  });

  it('convert lists and decimals', () => {
    expect(convertToList(null, '[1,2]')).toEqual([1, 2]);
    expect(convertToDecimal(null, '1.50', 2)).toEqual(new Decimal(150n, 2));
    expect(convertTo(INT64_SCHEMA, INT8_SCHEMA, 5)).toBe(5n);
  });

  it('raise only coded errors, whatever the value', () => {
    const values = fc.oneof(
      fc.constant(null),
      fc.string(),
      fc.double(),
      fc.bigInt(),
      fc.boolean(),
      fc.constant(Buffer.from([1])),
      fc.constant([1]),
      fc.constant(new Map()),
      fc.constant(new Instant(5)),
      fc.constant(new Decimal(5n, 1)),
    );
    const targets = [
      INT8_SCHEMA,
      INT32_SCHEMA,
      INT64_SCHEMA,
      FLOAT32_SCHEMA,
      STRING_SCHEMA,
      DATE_SCHEMA,
      TIMESTAMP_SCHEMA,
    ];
    fc.assert(
      fc.property(values, fc.constantFrom(...targets), (value, target) => {
        try {
          convertTo(target, null, value);
        } catch (error) {
          expect(error).toBeInstanceOf(ConnectError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
