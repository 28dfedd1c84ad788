import { describe, expect, it } from 'vitest';
import { doubleToInt, doubleToLong, textToFloat } from '../../src/data/numbers.ts';

describe('numbers', () => {
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
