import { expect, it } from 'vitest';
import { splitJsonArray } from '../../src/data/json-array.ts';
import { atJsonPointer, parseJsonPointer } from '../../src/data/json-pointer.ts';
import { readWholeSchemaless } from '../../src/data/schemaless-json.ts';

/** The document of RFC 6901, section 5. */
const text = '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}';
const bytes = Buffer.from(text);
const document = readWholeSchemaless(bytes, 0, bytes.length);

it.each([
  ['/foo', ['bar', 'baz']],
  ['/foo/0', 'bar'],
  ['/', 0n],
  ['/a~1b', 1n],
  ['/c%d', 2n],
  ['/e^f', 3n],
  ['/g|h', 4n],
  ['/i\\j', 5n],
  ['/k"l', 6n],
  ['/ ', 7n],
  ['/m~0n', 8n],
  ['/foo/2', undefined],
  ['/foo/-', undefined],
  ['/foo/00', undefined],
  ['/foo/length', undefined],
  ['/foo/0/x', undefined],
  ['/constructor', undefined],
])('%s leads to what RFC 6901 says', (pointer, value) => {
  expect(atJsonPointer(document, parseJsonPointer(pointer))).toEqual(value);
});

it('the empty one is the whole document', () => {
  expect(atJsonPointer(document, parseJsonPointer(''))).toBe(document);
});

it.each(['a', ' /a', '#/a', '/~', '/a~2'])('%j is none', (pointer) => {
  expect(() => parseJsonPointer(pointer)).toThrow('is no JSON pointer');
});

it('elements of an array are as they were written, whatever is in them', () => {
  const elements = ['1.10', '"a,]\\"["', '{"a":[1,2],"b":"}"}', '[[],[ ]]', 'null', '-0', '12345678901234567890'];
  expect(splitJsonArray(` [ ${elements.join(' ,\n')} ] `)).toEqual(elements);
  expect(splitJsonArray('[]')).toEqual([]);
  expect(splitJsonArray('[ ]')).toEqual([]);
});

it.each(['{}', '"[1]"', '1', '[1] 2', '[1,]', '[1', '', '[1 2]', '[,1]'])('%j is no array', (json) => {
  expect(() => splitJsonArray(json)).toThrow();
});
