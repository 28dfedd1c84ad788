import { execFileSync } from 'node:child_process';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BundledApp, packageFiles } from './bundled-app.ts';

const commonJs = `
  const http = require('http');
  exports.named = () => http.STATUS_CODES[404];
  exports.lazily = async () => typeof (await import('node:http')).Agent;
`;
const packages = {
  ...packageFiles('common', {}, commonJs),
  ...packageFiles('common-default', {}, 'module.exports = class Thing {}; module.exports.extra = 1;'),
  ...packageFiles(
    'transpiled',
    {},
    'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = function d() {}; exports.other = 2;',
  ),
  ...packageFiles(
    'modern',
    { type: 'module' },
    `import * as all from 'http';
     export * from 'node:http';
     export * from 'common';
     export { Agent as HttpAgent } from 'node:http';
     export const keys = Object.keys(all).length > 10;
     export default all;`,
  ),
};

describe('import() in a bundle answers what Node answers', () => {
  it('for every built-in module, with and without node:, static and lazy, named, default and as a namespace', () => {
    // Deprecated ones have warnings on standard error, and `sys` no name with `node:`.
    const modules = builtinModules.filter((name) => !/^_|^node:|^(?:sys|punycode)$/.test(name));
    // What each form of import sees, compared with require in the same process.
    const checks = modules.flatMap((name, index) =>
      [name, `node:${name}`].map(
        (path, form) => `
        import default_${index}_${form}, * as star_${index}_${form} from '${path}';
        seen.push(['${path}', require('${path}'), default_${index}_${form}, star_${index}_${form}, await import('${path}')]);`,
      ),
    );
    using app = new BundledApp({
      'app/main.ts': `
        import { createRequire } from 'node:module';
        import { Agent, request as ask } from 'node:http';
        const require = createRequire(import.meta.url);
        const seen: [string, any, any, any, any][] = [];
        ${checks.join('\n')}
        const wrong = seen.flatMap(([path, real, byDefault, star, lazy]) => {
          const names = Object.keys(real).filter((name) => name !== 'default' && typeof real[name] === 'function');
          const missing = names.filter((name) => star[name] !== real[name] || lazy[name] !== real[name]);
          return byDefault === real && lazy.default === real && missing.length === 0 ? [] : [path + ' ' + missing];
        });
        console.log(JSON.stringify({ modules: seen.length, wrong, named: [typeof Agent, typeof ask] }));
      `,
    });
    expect(app.run('app/main.ts')).toEqual({
      modules: modules.length * 2,
      wrong: [],
      named: ['function', 'function'],
    });
  });

  it('for packages, CommonJS and ES modules, and what these pass on from each other', () => {
    const program = `
      const common = await import('common');
      const commonDefault = await import('common-default');
      const transpiled = await import('transpiled');
      const modern = await import('modern');
      const name = ['./beside', 'ts'].join('.');
      const again = await import('common');
      console.log(JSON.stringify({
        common: [common.named(), common.default.named(), await common.lazily()],
        same: common === again,
        commonDefault: [commonDefault.default.name, commonDefault.extra],
        transpiled: [typeof transpiled.default.default, transpiled.other],
        modern: [typeof modern.Agent, typeof modern.HttpAgent, modern.named(), modern.keys, typeof modern.default.request],
      }));
    `;
    using app = new BundledApp({ ...packages, 'app/main.ts': program, 'app/beside.ts': 'export const x = 1;' });
    const byNode = execFileSync(process.execPath, [app.at('app/main.ts')], { encoding: 'utf8' });
    expect(app.run('app/main.ts')).toEqual(JSON.parse(byNode));
    expect(JSON.parse(byNode)).toMatchObject({ common: ['Not Found', 'Not Found', 'function'], same: true });
  });

  it('for modules of the app: among them those that a pattern names, JSON, and such as wait when they are loaded', () => {
    using app = new BundledApp({
      'app/main.ts': `
        const which = process.argv.length > 100 ? 'two' : 'one';
        const { value } = await import(\`./handlers/\${which}.ts\`);
        const { default: data } = await import('./data.json', { with: { type: 'json' } });
        const waits = await import('./waits.ts');
        const { Counter, default: count } = await import('./class.ts');
        console.log(JSON.stringify({ value, data, waits: waits.ready, count: count(), name: new Counter().next() }));
      `,
      'app/handlers/one.ts': 'export const value: number = 1;',
      'app/handlers/two.ts': 'export const value: number = 2;',
      'app/data.json': '{"a":1}',
      'app/waits.ts':
        'export const ready = await new Promise<string>((resolve) => setImmediate(() => resolve("yes")));',
      'app/class.ts': 'export class Counter { next() { return 7; } }\nexport default function () { return 3; }',
    });
    expect(app.run('app/main.ts')).toEqual({ value: 1, data: { a: 1 }, waits: 'yes', count: 3, name: 7 });
  });
});

describe('traces', () => {
  it('name the files, lines and functions of the source, of the app, of packages and of Drover', () => {
    using app = new BundledApp({
      ...packageFiles(
        'thrower',
        {},
        '// one\n// two\nexports.fail = function failLoudly() {\n  throw new Error("lost");\n};',
      ),
      'app/main.ts': `
        import { parseConfig } from '${join(import.meta.dirname, '../../src/config/parse-config.ts')}';
        import { defineConfig } from '${join(import.meta.dirname, '../../src/config/config-def.ts')}';
        import '${join(import.meta.dirname, '../../functions/source-maps.ts')}';
        import { Reader } from './lib/reader.ts';
        const traceOf = async (work: () => unknown) => { try { await work(); } catch (error) { return (error as Error).stack; } };
        const config = defineConfig({ file: { type: 'STRING', importance: 'HIGH', doc: 'x' } });
        console.log(JSON.stringify([
          await traceOf(() => new Reader().readAll()),
          await traceOf(() => parseConfig(config, {})),
        ]));
      `,
      'app/lib/reader.ts': `
        import { fail } from 'thrower';
        interface Long { readonly name: string }
        export class Reader {
          async readAll(): Promise<Long[]> {
            const inner = (): Long[] => { fail(); return []; };
            return inner();
          }
        }
      `,
    });
    const [ofApp, ofDrover] = app.run('app/main.ts') as [string, string];
    expect(ofApp.split('\n').slice(0, 4)).toEqual([
      'Error: lost',
      expect.stringMatching(/^ {4}at .*failLoudly.* \(node_modules\/thrower\/index\.js:4:9\)$/),
      expect.stringMatching(/^ {4}at .*\(?lib\/reader\.ts:6:43\)?$/),
      expect.stringMatching(/^ {4}at Reader\.readAll \(lib\/reader\.ts:7:20\)$/),
    ]);
    expect(ofDrover).toMatch(/at missingValue \(drover\/src\/config\/validators\.ts:\d+:\d+\)/);
    expect(ofDrover).toMatch(/at parseConfig \(drover\/src\/config\/parse-config\.ts:\d+:\d+\)/);
    expect(ofDrover).toMatch(/main\.ts:10:\d+/);
  });
});
