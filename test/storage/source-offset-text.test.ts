import { describe, expect, it } from 'vitest';
import {
  canonicalPartition,
  exactOffset,
  offsetOfFields,
  offsetRecordKey,
  offsetText,
  parseOffset,
  sourceOffsetEntry,
} from '../../src/storage/source-offset-text.ts';

describe('source offsets as text', () => {
  it('keep the order of the keys as they were written, and find them in any', () => {
    const entry = sourceOffsetEntry({ b: 'x', a: 1 }, { position: 5 });
    expect(entry).toEqual({ key: '{"a":1,"b":"x"}', partition: '{"b":"x","a":1}', offset: '{"position":5}' });
    expect(canonicalPartition({ a: 1n, b: 'x' })).toBe(entry.key);
  });

  it('lose no digit of a 64-bit number', () => {
    const text = sourceOffsetEntry({}, { lsn: 9007199254740993n, small: 3, half: 0.5, none: null, yes: true }).offset!;
    expect(text).toBe('{"lsn":9007199254740993,"small":3,"half":0.5,"none":null,"yes":true}');
    expect(parseOffset(text)).toEqual({ lsn: 9007199254740993n, small: 3, half: 0.5, none: null, yes: true });
  });

  it('stay what they are where printing them anew would change them', () => {
    for (const text of [
      '{"ratio":1.0,"at":9007199254740993}',
      '{"small":1.0E-5}',
      '{"position":14}',
      '{"v":"1.0.0"}',
    ]) {
      expect(offsetText(parseOffset(text))).toBe(text);
      expect(sourceOffsetEntry(parseOffset(text), exactOffset(text))).toMatchObject({ partition: text, offset: text });
    }
    const unread = exactOffset('{"b":1.0,"a":9007199254740993}');
    expect(canonicalPartition(unread)).toBe('{"a":9007199254740993,"b":1}');
    expect(Object.keys(JSON.parse(JSON.stringify(exactOffset('{"b":2}'))))).toEqual(['b']);
  });

  it('escape what Java escapes, as Java does', () => {
    const entry = sourceOffsetEntry({ f: 'é😀\u0001"\\u00ab\ud800' }, null);
    expect(entry.partition).toBe('{"f":"é\\uD83D\\uDE00\\u0001\\"\\\\u00ab\\uD800"}');
    expect(entry.offset).toBeNull();
    expect(parseOffset(entry.partition)).toEqual({ f: 'é😀\u0001"\\u00ab\ud800' });
  });

  it('of a request are in the order of a HashMap, what has a fraction or an exponent is a double', () => {
    const partition = { filename: '/in', zulu: 1n, alpha: null, mike: 1.5, kilo: true, bravo: '🎉' };
    expect(offsetText(offsetOfFields(new Map(Object.entries(partition))))).toBe(
      '{"bravo":"\\uD83C\\uDF89","filename":"/in","kilo":true,"mike":1.5,"alpha":null,"zulu":1}',
    );
    const offset = { position: 3n, whole: 3, bravo: 1e21, one: 2n ** 63n - 1n };
    const fields = offsetOfFields(new Map(Object.entries(offset)));
    expect(JSON.parse(offsetText(fields))).toEqual({ position: 3, whole: 3, bravo: 1e21, one: Number(2n ** 63n) });
    expect(offsetText(fields)).toContain('"whole":3.0');
    expect(offsetText(fields)).toContain('"bravo":1.0E21');
    expect(offsetText(fields)).toContain('"one":9223372036854775807');
  });

  it("name the connector in the record's key", () => {
    const entry = sourceOffsetEntry({ filename: '/in' }, { position: 1 });
    expect(offsetRecordKey('a"b', entry)).toBe('["a\\"b",{"filename":"/in"}]');
  });
});
