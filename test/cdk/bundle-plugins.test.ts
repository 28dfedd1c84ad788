import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BundledApp } from './bundled-app.ts';

const api = join(import.meta.dirname, '../../src/api/index.ts');

/** A list whose only plugin is as it should be, but for `changes`. */
const listWith = (changes: string) => `
  import { definePlugin, noConfig } from '${api}';
  const right = definePlugin({
    kind: 'sink', className: 'com.example.Right', version: '1', doc: '', config: noConfig, create: () => ({}) as never,
  });
  export default [right, { ...right, className: 'com.example.Wrong', ${changes} } as never];
`;

describe("an app's list of plugins, when it is synthesised", () => {
  it.each([
    ['export const plugins = [];', 'It has no default export: end it with `export default [myConnector, myTransform]`'],
    ['export default { a: 1 };', 'Its default export is an object: it must be a list of plugins'],
    ['export default [null];', 'Plugin 0: it is null: it must be what definePlugin({ kind, className, … }) gives'],
    ['export default [class Mine {}];', 'Plugin 0: it is a function'],
    [
      listWith("kind: 'sinc'"),
      'Plugin 1 (com.example.Wrong): kind is "sinc": it must be one of source, sink, converter',
    ],
    [listWith("className: 'two words'"), 'Plugin 1 (two words): className is "two words"'],
    [listWith('version: undefined'), 'Plugin 1 (com.example.Wrong): version is missing'],
    [
      listWith('config: { file: {} }'),
      'Plugin 1 (com.example.Wrong): config is an object: it must be what defineConfig',
    ],
    [listWith('create: 5'), 'Plugin 1 (com.example.Wrong): create is 5: it must be a function'],
    [listWith("get doc() { throw new Error('no doc') }"), 'Plugin 1'],
    ["throw new Error('no database');\nexport default [];", 'Error: no database\n\tat plugins.ts:1:7'],
    ['await new Promise(() => {});\nexport default [];', 'It awaits, when it is loaded, what never comes'],
    ['process.exit(0);\nexport default [];', 'It ends the process when it is loaded'],
    ['export default [', 'Unexpected end of file'],
  ])('is refused when it is wrong (case %#)', (text, message) => {
    using app = new BundledApp({ 'app/plugins.ts': text });
    expect(() => app.checkPlugins('app/plugins.ts')).toThrow(message);
  });

  it('is taken as it is when nothing is wrong with it, whatever its module leaves open', () => {
    using app = new BundledApp({
      'app/plugins.ts': `${listWith("className: 'com.example.Other'")}\nsetInterval(() => {}, 1000);`,
    });
    expect(() => app.checkPlugins('app/plugins.ts')).not.toThrow();
  });

  it('is refused when its file is not there', () => {
    using app = new BundledApp({});
    expect(() => app.checkPlugins('app/plugins.ts')).toThrow('there is no such file');
  });
});
