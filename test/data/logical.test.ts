import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarFromEpochMs, calendarToEpochMs } from '../../src/data/java-calendar.ts';
import { doubleText, floatText } from '../../src/data/java-text.ts';
import {
  Decimal,
  dateFromInt,
  dateToInt,
  decimalFromBytes,
  decimalToBytes,
  Instant,
  timeFromInt,
  timeToInt,
} from '../../src/data/logical.ts';
import { doubleToInt, doubleToLong, textToFloat } from '../../src/data/numbers.ts';
import { decimalSchema } from '../../src/data/schema-builder.ts';

const decimals = fc
  .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.integer({ min: -50, max: 50 }))
  .map(([unscaled, scale]) => new Decimal(unscaled, scale));

describe('Decimal', () => {
  it('prints and reads back the same value and scale', () => {
    fc.assert(
      fc.property(decimals, (decimal) => {
        expect(Decimal.parse(decimal.toString())).toEqual(decimal);
      }),
    );
  });

  it('keeps its value in plain notation', () => {
    fc.assert(
      fc.property(decimals, (decimal) => {
        const read = Decimal.parse(decimal.toPlainString()) as Decimal;
        expect(read.compareTo(decimal)).toBe(0);
      }),
    );
  });

  it('survives its bytes', () => {
    fc.assert(
      fc.property(decimals, (decimal) => {
        const schema = decimalSchema(decimal.scale);
        expect(decimalFromBytes(schema, decimalToBytes(schema, decimal))).toEqual(decimal);
      }),
    );
  });

  it.each([
    [0n, [0x00]],
    [127n, [0x7f]],
    [128n, [0x00, 0x80]],
    [-1n, [0xff]],
    [-128n, [0x80]],
    [-129n, [0xff, 0x7f]],
    [256n, [0x01, 0x00]],
  ])('writes %s in as few bytes as two’s complement needs', (unscaled, bytes) => {
    expect([...new Decimal(unscaled, 0).toBytes()]).toEqual(bytes);
  });

  it.each([
    ['1E+3', 1n, -3],
    ['123.45', 12345n, 2],
    ['0E-7', 0n, 7],
    ['1.5E-10', 15n, 11],
    ['-0.001', -1n, 3],
  ])('prints %s as Java does', (text, unscaled, scale) => {
    expect(new Decimal(unscaled, scale).toString()).toBe(text);
  });

  it.each(['', '.', 'e5', '1e', '--1', '1_0', '0x1', ' 1', '1e99999999999', 'NaN'])('refuses %j', (text) => {
    expect(Decimal.parse(text)).toBeNull();
  });

  it('refuses bytes of another scale than the schema', () => {
    expect(() => decimalToBytes(decimalSchema(2), new Decimal(1n, 3))).toThrow('mismatching scale');
  });
});

describe('dates and times', () => {
  it('keeps any 64-bit number of milliseconds', () => {
    const far = new Instant(2n ** 63n - 1n);
    expect(far.exactMs).toBe(2n ** 63n - 1n);
    expect(far.safe).toBe(false);
    expect(new Instant(5n).equals(new Instant(5))).toBe(true);
  });

  it('refuses a date with a time of day and a time beyond its day', () => {
    expect(() => dateToInt(new Instant(1))).toThrow('Date type should not have any time fields');
    expect(() => timeToInt(new Instant(-1))).toThrow('Time type should not have any date fields');
    expect(() => timeFromInt(86_400_001)).toThrow('less than 86400000');
    expect(dateToInt(dateFromInt(-719_528))).toBe(-719_528);
  });

  it('reads back what the calendar says, across the change of 1582', () => {
    fc.assert(
      fc.property(fc.integer({ min: -70_000_000_000_000, max: 250_000_000_000_000 }), (ms) => {
        expect(calendarToEpochMs(calendarFromEpochMs(ms))).toBe(ms);
      }),
    );
  });

  it('has ten days less in October 1582, and rolls fields over', () => {
    const at = (year: number, month: number, day: number) =>
      calendarToEpochMs({ year, month, day, hour: 0, minute: 0, second: 0, ms: 0 });
    expect(at(1582, 9, 15) - at(1582, 9, 4)).toBe(86_400_000);
    expect(at(2019, 12, 1)).toBe(Date.UTC(2020, 0, 1));
    expect(at(2019, -1, 0)).toBe(Date.UTC(2018, 10, 30));
  });
});

describe('numbers as Java prints them', () => {
  it.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [1e7, '1.0E7'],
    [9999999, '9999999.0'],
    [0.001, '0.001'],
    [0.00099, '9.9E-4'],
    [5e-324, '4.9E-324'],
    [2e23, '2.0E23'],
    [1.7976931348623157e308, '1.7976931348623157E308'],
    [123456789.125, '1.23456789125E8'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ])('double %d is %s', (value, text) => {
    expect(doubleText(value)).toBe(text);
  });

  it.each([
    [0.1, '0.1'],
    [1.4e-45, '1.4E-45'],
    [3.4028234663852886e38, '3.4028235E38'],
    [16777216, '1.6777216E7'],
    [3035340.25, '3035340.2'],
    [1e10, '1.0E10'],
    [33554432, '3.3554432E7'],
    [8.5e-4, '8.5E-4'],
  ])('float %d is %s', (value, text) => {
    expect(floatText(value)).toBe(text);
  });

  it('prints any double and float so that it reads back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(Number(doubleText(value))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        expect(Math.fround(Number(floatText(value)))).toBe(value);
      }),
    );
  });

  it('rounds decimal text to a float once', () => {
    expect(textToFloat('16777217.0000000001')).toBe(16777218);
    expect(textToFloat('16777217')).toBe(16777216);
    expect(textToFloat('3.4028235677973365e38')).toBe(3.4028234663852886e38);
    expect(textToFloat('3.5e38')).toBe(Number.POSITIVE_INFINITY);
  });

  it('narrows as Java casts', () => {
    expect(doubleToInt(1e10)).toBe(2_147_483_647);
    expect(doubleToInt(Number.NaN)).toBe(0);
    expect(doubleToLong(-1e30)).toBe(-(2n ** 63n));
    expect(doubleToLong(-1.9)).toBe(-1n);
  });
});
