import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const api = new URL('../../src/api/index.ts', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'drover-dev-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A source of one record that says `word`. */
const pluginSaying = (word: string) => `
import { definePlugin, noConfig, SourceRecord } from '${api}';
let said = false;
const task = {
  start() {},
  poll() {
    if (said) return null;
    said = true;
    return [new SourceRecord({ p: 1 }, { o: 1 }, 'words', null, null, null, null, '${word}')];
  },
  stop() {},
};
export default [definePlugin({
  kind: 'source', className: 'test.Word', version: '1', doc: 'Says a word.', config: noConfig,
  create: () => ({ start() {}, taskConfigs: () => [{}], createTask: () => task, stop() {} }),
})];
`;

function startDev(...args: string[]) {
  const child = spawn(process.execPath, [cli, 'dev', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let onMore = () => {};
  const more = (chunk: Buffer) => {
    output += chunk;
    onMore();
  };
  child.stdout.on('data', more);
  child.stderr.on('data', more);
  /** Resolves once that has been printed; rejects when the program ends before. */
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      onMore = () => output.includes(text) && resolve();
      child.once('exit', () => reject(new Error(`It ended before it printed ${text}:\n${output}`)));
      onMore();
    });
  return { child, printed, output: () => output };
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const config = { 'connector.class': 'Word', 'value.converter': 'StringConverter' };

test('drover dev runs a plugin, prints what it gives, and runs it anew when its file is saved', async () => {
  const module = write('plugins.mjs', pluginSaying('first'));
  const { child, printed } = startDev(module, '--config', write('connector.json', JSON.stringify(config)));
  const exited = once(child, 'exit');
  await printed('words-0@0 first');
  await printed('offset {"p":1} {"o":1}');
  write('plugins.mjs', pluginSaying('second'));
  await printed('words-0@0 second');
  write('plugins.mjs', 'export default 5;');
  await printed('must be a list of plugins');
  await printed('waiting for the next save');
  write('plugins.mjs', pluginSaying('third'));
  await printed('words-0@0 third');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

test.each([
  ['no config', [], '--config is missing'],
  ['a module that is not there', ['--config', 'x.json'], 'There is no file'],
])('drover dev says what is wrong: %s', async (_what, args, message) => {
  const { child, output } = startDev(join(folder, 'none.mjs'), ...args);
  expect(await once(child, 'close')).toEqual([2, null]);
  expect(output()).toContain(message);
});

test('drover dev names a class that the module does not list', async () => {
  const module = write('others.mjs', pluginSaying('word'));
  const wrong = write('wrong.json', JSON.stringify({ ...config, 'connector.class': 'Wrod' }));
  const { child, printed } = startDev(module, '--config', wrong);
  const exited = once(child, 'exit');
  await printed('connector.class Wrod is no connector of the module; it lists test.Word');
  child.kill('SIGTERM');
  await exited;
});
