import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { itemText, parseItem, plainItem, sdkItem } from '../../../connectors/dynamodb/item.ts';
import { DataError } from '../../../src/errors.ts';

const all = {
  s: { S: 'text' },
  n: { N: '12.50' },
  b: { B: 'AAEC' },
  yes: { BOOL: true },
  none: { NULL: true },
  ss: { SS: ['a', 'b'] },
  ns: { NS: ['1', '2.5'] },
  bs: { BS: ['AA==', 'AQ=='] },
  l: { L: [{ S: 'x' }, { N: '1' }] },
  m: { M: { inner: { M: { deep: { BOOL: false } } } } },
};

describe('items of DynamoDB', () => {
  test('are written as they were read, with type names in either case', () => {
    const item = parseItem(all, 'NewImage');
    expect(JSON.parse(itemText(item, false))).toEqual(all);
    expect(parseItem(JSON.parse(itemText(item, true)), 'document')).toEqual(item);
    expect(itemText(parseItem({ a: { NULL: true } }, 'x'), true)).toBe('{"a":{"null":true}}');
  });

  test('are the same from the SDK, where bytes are bytes and unused types are undefined', () => {
    const sdk = sdkItem(parseItem(all, 'NewImage'));
    expect(sdk.b).toEqual({ B: Buffer.from([0, 1, 2]) });
    expect(parseItem({ ...sdk, s: { S: 'text', N: undefined } }, 'NewImage')).toEqual(parseItem(all, 'NewImage'));
  });

  test('are plain values without a schema', () => {
    expect(plainItem(parseItem(all, 'NewImage'))).toEqual(
      new Map<string, unknown>([
        ['s', 'text'],
        ['n', 12.5],
        ['b', Buffer.from([0, 1, 2])],
        ['yes', true],
        ['none', null],
        ['ss', ['a', 'b']],
        ['ns', [1n, 2.5]],
        ['bs', [Buffer.from([0]), Buffer.from([1])]],
        ['l', ['x', 1n]],
        ['m', new Map([['inner', new Map([['deep', false]])]])],
      ]),
    );
  });

  test.each([
    ['0', 0n],
    ['-7', -7n],
    ['9223372036854775807', 9223372036854775807n],
    ['9223372036854775808', '9223372036854775808'],
    ['-9223372036854775808', -9223372036854775808n],
    ['0.1', 0.1],
    ['1.10', 1.1],
    ['1E+3', 1000],
    ['1.5e-7', 1.5e-7],
    ['-0.0', -0],
    ['1e400', '1e400'],
    ['3.14159265358979323846', '3.14159265358979323846'],
    ['0.1000000000000000055511151231257827', '0.1000000000000000055511151231257827'],
  ])('the number %s loses no digit', (text, plain) => {
    expect(plainItem(parseItem({ n: { N: text } }, 'x')).get('n')).toBe(plain);
  });

  test('names that objects have of themselves are names like others', () => {
    const item = parseItem(JSON.parse('{"__proto__":{"S":"x"},"constructor":{"N":"1"}}'), 'NewImage');
    expect(itemText(item, false)).toBe('{"__proto__":{"S":"x"},"constructor":{"N":"1"}}');
    expect(Object.keys(sdkItem(item))).toEqual(['__proto__', 'constructor']);
  });

  const nested = (depth: number) => JSON.parse(`${'{"a":{"M":'.repeat(depth)}{}${'}}'.repeat(depth)}`);
  test.each([
    ['no object', 7],
    ['a list', []],
    ['an attribute without a type', { a: {} }],
    ['an attribute with two', { a: { S: 'x', N: '1' } }],
    ['an unknown type', { a: { X: 'x' } }],
    ['a text that is none', { a: { S: 7 } }],
    ['a number that is none', { a: { N: 'NaN' } }],
    ['a number as a number', { a: { N: 7 } }],
    ['bytes that are not base64', { a: { B: 'ä' } }],
    ['a set that is none', { a: { SS: 'x' } }],
    ['a set with something else', { a: { NS: ['1', 'x'] } }],
    ['a boolean that is none', { a: { BOOL: 'true' } }],
    ['a list that is none', { a: { L: {} } }],
    ['something wrong inside', { a: { L: [{ M: { b: { S: null } } }] } }],
    ['nesting without end', nested(5000)],
  ])('%s is refused by name', (_what, given) => {
    expect(() => parseItem(given, 'NewImage')).toThrow(DataError);
    expect(() => parseItem(given, 'NewImage')).toThrow(/NewImage/);
  });

  test('whatever is given, nothing but a DataError comes of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (given) => {
        try {
          itemText(parseItem(given, 'x'), true);
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
    );
  });
});
