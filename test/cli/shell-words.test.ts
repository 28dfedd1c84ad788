import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { connectorWord, parseTarget, tasksOf } from '../../cli/resources.ts';
import { shellWord } from '../../cli/shell-words.ts';

const odd = [
  'a b',
  "it's",
  'a"b',
  '$HOME',
  '`id`',
  'a;b',
  'a&b',
  '~',
  '*',
  '{a,b}',
  '#x',
  '!x',
  '=x',
  'a\u00a0b',
  '<x>',
  '',
];

test.each(['orders', 'orders-eu.v1', 'a/0', 'é', '注文', 'k=v', 'a@b:c+d,e%f'])('%s stands as it is', (word) => {
  expect(shellWord(word)).toBe(word);
});

test('what a shell would break up comes back out of it whole', () => {
  for (const word of odd) expect(shellWord(word)).toMatch(/^'/);
  const words = [...odd, 'orders', '-x'];
  const said = execFileSync('sh', ['-c', `printf '%s\\n' ${words.map(shellWord).join(' ')}`], { encoding: 'utf8' });
  expect(said).toBe(words.map((word) => `${word}\n`).join(''));
});

test('a name that is an option or a kind is shown with its kind, and read back as a name', () => {
  expect(connectorWord('orders')).toBe('orders');
  expect(connectorWord("a b's")).toBe(String.raw`'a b'\''s'`);
  for (const name of ['-x', '--all', 'topics', 't']) {
    expect(connectorWord(name)).toBe(`connector/${name}`);
    expect(parseTarget([connectorWord(name)], ['connectors', 'tasks'], 'restart')).toEqual({
      kind: 'connectors',
      names: [name],
    });
    expect(parseTarget(tasksOf(name).split(' '), ['connectors', 'tasks'], 'get')).toEqual({
      kind: 'tasks',
      names: [name],
    });
  }
});
