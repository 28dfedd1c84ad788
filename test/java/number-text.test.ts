import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { doubleText, floatText } from '../../src/java/number-text.ts';

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
});
