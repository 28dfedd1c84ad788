import { expect, test } from 'vitest';
import { wantsColours } from '../../cli/io.ts';
import { parseJson, printJson } from '../../cli/json.ts';
import { age, bytesText, painter, table } from '../../cli/output.ts';

test.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
])('colours are for terminals that want them: terminal %j, %j', (isTerminal, env, colours) => {
  expect(wantsColours(env, isTerminal)).toBe(colours);
});

test('a table is as wide as its cells, painted or not, and nothing in it steers the terminal', () => {
  const rows = [
    { name: 'a\u001b[2Jb', state: 'RUNNING' },
    { name: 'longer than that', state: 'FAILED' },
  ];
  const columns = [
    { title: 'NAME', cell: (row: { name: string }) => row.name },
    { title: 'STATE', cell: (row: { state: string }) => ({ text: row.state, style: 'red' as const }) },
  ];
  const plain = 'NAME              STATE\na [2Jb            RUNNING\nlonger than that  FAILED\n';
  expect(table(rows, columns, painter(false))).toBe(plain);
  const painted = table(rows, columns, painter(true));
  expect(painted).toContain('\u001b[31mFAILED\u001b[39m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that were put in
  expect(painted.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain);
});

test('whole numbers keep their digits through JSON', () => {
  const text = '{"a":9007199254740993,"b":-9223372036854775808,"c":1.5,"d":"9007199254740993","e":[1e3]}';
  expect(printJson(parseJson(text), 0)).toBe(text.replace('1e3', '1000'));
});

test('times and sizes are short', () => {
  expect([0, 90_000, 600_000, 8_000_000, 400_000_000].map(age)).toEqual(['0s', '90s', '10m', '2h', '4d']);
  expect([0, 999, 1500, 2_500_000].map(bytesText)).toEqual(['0 B', '999 B', '1.5 kB', '2.5 MB']);
});
