import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BundledApp } from './bundled-app.ts';

/** What the program and what it loads later have in common keeps a count: there must be one of it. */
const files = (more: string) => ({
  'app/count.ts': 'let count = 0; export const next = () => ++count; export class Mark {}',
  'app/other.ts': "import { next } from './count.ts'; export const whole = next(); export default next;",
  'app/later.ts': `
    import { Mark, next } from './count.ts';
    import other, { whole } from './other.ts';
    export const seen = () => [next(), whole, other === next];
    export { Mark };
    export const fail = () => { throw new Error('later'); };`,
  'app/main.ts': `
    import { Mark, next } from './count.ts';
    import { whole } from './other.ts';
    const first = [next(), whole];
    const load = () => import('./later.ts');
    ${more}`,
});
const print = `
  const later = await load();
  console.log(JSON.stringify({ first, seen: later.seen(), same: new later.Mark() instanceof Mark, name: Mark.name }));`;
const printed = { first: [2, 1], seen: [3, 1, true], same: true, name: 'Mark' };

const importsOf = (app: BundledApp) =>
  [...readFileSync(join(app.at('out'), 'dist', 'program.mjs'), 'utf8').matchAll(/from"(\.\/[^"]+)"/g)].map(
    ([, file]) => file,
  );

it('what a program imports at once lies in its file, and there is one of what it shares with what is loaded later', () => {
  using app = new BundledApp(files(`const main = async () => {${print}}; void main();`));
  expect(app.run('app/main.ts')).toEqual(printed);
  expect(importsOf(app)).toEqual([]);
});

it('a program that awaits when it is loaded keeps its files: one would wait for the other', () => {
  using app = new BundledApp(files(print));
  expect(app.run('app/main.ts')).toEqual(printed);
  expect(importsOf(app).length).toBeGreaterThan(0);
});

it('maps name the lines of the source, of the program and of what it shares', () => {
  using app = new BundledApp({
    ...files(''),
    'app/main.ts': `
      import { next } from './count.ts';
      const load = () => import('./later.ts');
      function here() { return new Error('here'); }
      next();
      console.log(JSON.stringify([here().stack, typeof load]));`,
  });
  const [stack] = app.run('app/main.ts') as [string];
  const [, line, column] = /program\.mjs:(\d+):(\d+)/.exec(stack)!;
  const map = readFileSync(join(app.at('out'), 'dist', 'program.mjs.map'), 'utf8');
  const { SourceMap } = process.getBuiltinModule('node:module');
  const entry = new SourceMap(JSON.parse(map)).findEntry(Number(line) - 1, Number(column) - 1);
  expect(entry).toMatchObject({ originalSource: 'main.ts', originalLine: 3 });
});
