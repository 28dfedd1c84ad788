import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonNumber, parseJson, RawJson, writeJson } from '../../src/rest/json-body.ts';

const code = (read: () => unknown) => {
  try {
    read();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('parseJson', () => {
  it('keeps numbers exactly as they are written', () => {
    for (const text of ['1.50', '12345678901234567890', '-0.0', '1e3', '0', '9007199254740993']) {
      expect(parseJson(text)).toEqual(new JsonNumber(text));
      expect(writeJson(parseJson(`{"a":[${text}]}`))).toBe(`{"a":[${text}]}`);
    }
  });

  it('reads whatever JSON.parse reads, and refuses whatever it refuses', () => {
    const plain = (value: unknown): unknown => {
      if (value instanceof JsonNumber) return Number(value.text);
      if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [key, plain(entry)]));
      return Array.isArray(value) ? value.map(plain) : value;
    };
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value, null, 1);
        expect(plain(parseJson(text))).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ntrue0-1.eu \u0001') }), (text) => {
        const ours = code(() => parseJson(text));
        expect(ours).toBe(code(() => JSON.parse(text)) === 'none' ? 'none' : 'body.malformed');
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['', '{', '{"a":1,}', "{'a':1}", '{"a" 1}', '[1 2]', '01', '1.', '+1', 'NaN', '"\t"', '"\\x"', 'nul', '{}x'])(
    'refuses %j as malformed',
    (text) => {
      expect(code(() => parseJson(text))).toBe('body.malformed');
    },
  );

  it('takes the last of repeated keys, and no key reaches a prototype', () => {
    const value = parseJson('{"a":"1","a":"2","__proto__":{"x":"y"}}') as Map<string, unknown>;
    expect(value.get('a')).toBe('2');
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
    expect(value.has('__proto__')).toBe(true);
  });

  it('skips a byte order mark', () => {
    expect(parseJson('\ufeff{}')).toEqual(new Map());
  });

  it('bounds depth and size', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(code(() => parseJson(nested(60)))).toBe('none');
    expect(code(() => parseJson(nested(100)))).toBe('body.too_deep');
    expect(code(() => parseJson(nested(100_000)))).toBe('body.too_deep');
    expect(code(() => parseJson(JSON.stringify('x'.repeat(1_100_000))))).toBe('body.too_large');
    expect(code(() => parseJson(JSON.stringify('\\'.repeat(500_000))))).toBe('none');
  });
});

describe('writeJson', () => {
  it('writes 64-bit integers whole, raw JSON as it stands, and leaves undefined fields out', () => {
    const value = { offset: 9_007_199_254_740_993n, raw: new RawJson('{"position": 1.50}'), gone: undefined };
    expect(writeJson(value)).toBe('{"offset":9007199254740993,"raw":{"position": 1.50}}');
  });
});
