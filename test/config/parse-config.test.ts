import { expect, expectTypeOf, test } from 'vitest';
import { type ConfigValues, defineConfig, type Password } from '../../src/config/config-def.ts';
import { parseConfig, settingsWithPrefix } from '../../src/config/parse-config.ts';
import { validateConfig } from '../../src/config/validate-config.ts';
import {
  atLeast,
  caseInsensitiveString,
  listOfDistinct,
  nonEmptyString,
  validString,
} from '../../src/config/validators.ts';

const def = defineConfig({
  topic: { type: 'STRING', importance: 'HIGH', doc: 'Where to.', validator: nonEmptyString },
  mode: { type: 'STRING', importance: 'LOW', doc: 'How.', default: 'fast', validator: validString('fast', 'safe') },
  'batch.size': { type: 'INT', importance: 'LOW', doc: 'How many.', default: 2000, validator: atLeast(1) },
  'flush.ms': { type: 'LONG', importance: 'LOW', doc: 'How often.', default: null },
  fields: { type: 'LIST', importance: 'LOW', doc: 'Which.', default: [], validator: listOfDistinct({ empty: true }) },
  password: { type: 'PASSWORD', importance: 'LOW', doc: 'Secret.', default: null },
  format: {
    type: 'STRING',
    importance: 'LOW',
    doc: 'Case does not matter.',
    default: 'A',
    validator: caseInsensitiveString('A', 'B'),
  },
  old: { type: 'BOOLEAN', importance: 'LOW', doc: 'Going.', default: false, deprecated: 'use mode' },
});

test('values are trimmed, typed and defaulted', () => {
  const values = parseConfig(def, { topic: ' t ', 'batch.size': ' +5 ', fields: 'a , b,a', old: 'TRUE', format: 'b' });
  expect(values).toEqual({
    topic: 't',
    mode: 'fast',
    'batch.size': 5,
    'flush.ms': null,
    fields: ['a', 'b'],
    password: null,
    format: 'b',
    old: true,
  });
  expectTypeOf(values.topic).toEqualTypeOf<string>();
  expectTypeOf(values.mode).toEqualTypeOf<'fast' | 'safe'>();
  expectTypeOf(values['flush.ms']).toEqualTypeOf<number | null>();
  expectTypeOf<ConfigValues<typeof def>['password']>().toEqualTypeOf<Password | null>();
});

test.each([
  [{}, 'Missing required configuration "topic" which has no default value.'],
  [{ topic: '' }, 'Invalid value  for configuration topic: String must be non-empty'],
  [{ topic: 't', mode: 'slow' }, 'Invalid value slow for configuration mode: String must be one of: fast, safe'],
  [{ topic: 't', 'batch.size': '0' }, 'Invalid value 0 for configuration batch.size: Value must be at least 1'],
  [{ topic: 't', 'batch.size': '1.0' }, 'Invalid value 1.0 for configuration batch.size: Not a number of type INT'],
  [
    { topic: 't', 'batch.size': '2147483648' },
    'Invalid value 2147483648 for configuration batch.size: Not a number of type INT',
  ],
  [{ topic: 't', old: 'yes' }, 'Invalid value yes for configuration old: Expected value to be either true or false'],
  [
    { topic: 't', format: 'c' },
    'Invalid value c for configuration format: String must be one of (case insensitive): A, B',
  ],
])('a wrong setting is refused in the words Kafka uses: %j', (settings, message) => {
  expect(() => parseConfig(def, settings as Record<string, string>)).toThrow(message);
});

test('validation names every problem and keeps secrets hidden', () => {
  const values = validateConfig(def, { 'batch.size': 'x', password: 'secret', fields: 'a,a' });
  expect(values.get('topic')?.errors).toEqual(['Missing required configuration "topic" which has no default value.']);
  expect(values.get('batch.size')?.errors).toEqual([
    'Invalid value x for configuration batch.size: Not a number of type INT',
    'Invalid value null for configuration batch.size: Value must be non-null',
  ]);
  expect(values.get('fields')?.errors).toEqual(["Configuration 'fields' values must not be duplicated."]);
  expect(JSON.stringify([...values])).not.toContain('secret');
  expect((values.get('password')!.value as Password).reveal()).toBe('secret');
});

test('a prefix is taken off, also before names that objects know already', () => {
  const inner = settingsWithPrefix({ 'a.__proto__': 'x', 'a.b': 'y', 'a.': 'z', c: 'w' }, 'a.');
  expect(Object.entries(inner)).toEqual([
    ['__proto__', 'x'],
    ['b', 'y'],
  ]);
});
