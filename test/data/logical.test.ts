import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
});
