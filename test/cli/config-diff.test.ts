import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configChanges, printChanges, shownValue } from '../../cli/config-diff.ts';

const plain = (_style: string, text: string) => text;

test('a change is told by key, the same is not', () => {
  const changes = configChanges({ a: '1', b: '2', c: '3' }, { a: '1', b: '4', d: '5' });
  expect(printChanges(changes, plain)).toBe('  - b: "2"\n  + b: "4"\n  - c: "3"\n  + d: "5"\n');
  expect(configChanges({ a: '1' }, { a: '1' })).toEqual([]);
  expect(configChanges(null, { a: '' })).toEqual([{ key: 'a', before: null, after: '' }]);
});

test('applying the changes to what is there gives what is wanted', () => {
  const config = fc.dictionary(fc.string(), fc.string());
  fc.assert(
    fc.property(config, config, (before, after) => {
      const result = new Map(Object.entries(before));
      for (const { key, after: value } of configChanges(before, after)) {
        if (value === null) result.delete(key);
        else result.set(key, value);
      }
      expect(result).toEqual(new Map(Object.entries(after)));
    }),
  );
});

test('passwords are not shown, references to them are', () => {
  const changes = configChanges({ 'database.password': 'old' }, { 'database.password': 'new' });
  expect(printChanges(changes, plain)).toBe('  - database.password: "[hidden]"\n  + database.password: "[hidden]"\n');
  expect(shownValue('sasl.jaas.config', 'x password="y";')).toBe('[hidden]');
  expect(shownValue('database.password', '${secretsmanager:db:password}')).toBe('${secretsmanager:db:password}');
  expect(shownValue('topic', 'orders')).toBe('orders');
});
