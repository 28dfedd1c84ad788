import { renameSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BundledApp, packageFiles } from './bundled-app.ts';

describe('files beside a module', () => {
  it('come along, however the app and its packages name them', () => {
    const program = `
      import { readdirSync, readFileSync } from 'node:fs';
      import path, { dirname, join } from 'node:path';
      import { fileURLToPath } from 'node:url';
      import { greeting } from 'reader';
      import { old } from 'old-reader';
      import { deep } from './lib/deep.ts'; // new URL('./not-there.sql', import.meta.url) is only a comment
      const here = dirname(fileURLToPath(import.meta.url));
      const text = (file: string | URL) => readFileSync(file, 'utf8');
      console.log(JSON.stringify({
        url: text(new URL('./q.sql', import.meta.url)),
        nested: text(new URL('sql/all/a.sql', import.meta.url)),
        joined: text(join(import.meta.dirname, 'sql', 'all', 'b.sql')),
        resolved: text(path.resolve(here, 'sql/all/a.sql')),
        template: text(\`\${import.meta.dirname}/c.txt\`),
        folder: readdirSync(join(here, 'migrations')).sort(),
        web: new URL('https://example.com/x', import.meta.url).href,
        deep, greeting, old,
      }));
    `;
    using app = new BundledApp({
      ...packageFiles(
        'reader',
        { type: 'module' },
        "import { readFileSync } from 'node:fs';\nexport const greeting = readFileSync(new URL('data/hello.txt', import.meta.url), 'utf8');",
        { 'data/hello.txt': 'hello' },
      ),
      ...packageFiles('old-reader', { main: 'dist/cjs/index.js' }, '', {
        'dist/cjs/package.json': '{"type":"commonjs"}',
        'dist/cjs/index.js':
          "'use strict';\nconst fs = require('fs'), path = require('path');\nexports.old = [fs.readFileSync(path.join(__dirname, '..', '..', 'share', 'x.dat'), 'utf8'), path.basename(__filename)];",
        'share/x.dat': 'dat',
      }),
      'app/main.ts': program,
      'app/q.sql': 'select 1',
      'app/c.txt': 'c',
      'app/sql/all/a.sql': 'a',
      'app/sql/all/b.sql': 'b',
      'app/migrations/1.sql': '1',
      'app/migrations/2.sql': '2',
      'app/lib/deep.ts':
        "import { readFileSync } from 'node:fs';\nexport const deep = readFileSync(new URL('../q.sql', import.meta.url), 'utf8');",
    });
    const expected = {
      url: 'select 1',
      nested: 'a',
      joined: 'b',
      resolved: 'a',
      template: 'c',
      folder: ['1.sql', '2.sql'],
      web: 'https://example.com/x',
      deep: 'select 1',
      greeting: 'hello',
      old: ['dat', 'index.js'],
    };
    app.bundle('app/main.ts');
    // What is read must be the copy.
    renameSync(app.at('app'), app.at('gone'));
    expect(app.runBundle()).toEqual(expected);
  });

  it.each([
    ['./gone.sql', 'lib/main.ts names ./gone.sql beside it: there is no such file'],
    ['../../outside.sql', 'lib/main.ts names ../../outside.sql beside it: it lies outside of app'],
    ['./worker.ts', 'lib/main.ts names ./worker.ts beside it: it is code'],
  ])('are refused where they cannot: %s', (path, message) => {
    using app = new BundledApp({
      'outside.sql': '',
      'app/lib/worker.ts': '',
      'app/lib/main.ts': `export const file = new URL('${path}', import.meta.url);`,
    });
    expect(() => app.bundle('app/lib/main.ts')).toThrow(message);
  });
});

describe('native packages', () => {
  const addon = packageFiles('addon', { dependencies: { bindings: '1' } }, 'module.exports = 1;');

  it.each([
    ['by its manifest', addon, 'addon'],
    ['by its build file', packageFiles('addon', {}, 'module.exports = 1;', { 'binding.gyp': '{}' }), 'addon'],
    ['by its binary', packageFiles('addon', {}, "module.exports = require('./a.node');", { 'a.node': '' }), 'addon'],
    [
      'by the packages of its platforms',
      packageFiles('addon', { optionalDependencies: { '@addon/linux-x64': '1' } }, 'module.exports = 1;'),
      'addon',
    ],
    [
      'behind another package',
      { ...addon, ...packageFiles('outer', { dependencies: { addon: '1' } }, "module.exports = require('addon');") },
      'outer',
    ],
  ])('are refused by name, with what to do: %s', (_how, files, imported) => {
    using app = new BundledApp({ ...files, 'app/main.ts': `import x from '${imported}'; console.log(x);` });
    const importer = imported === 'addon' ? 'main\\.ts' : 'node_modules/outer/index\\.js';
    expect(() => app.bundle('app/main.ts')).toThrow(
      new RegExp(`addon, which ${importer} imports, is native code: .*WebAssembly.*layer`, 's'),
    );
  });

  it('are refused as a file beside a module too', () => {
    using app = new BundledApp({ 'app/main.ts': "import x from './fast.node'; console.log(x);", 'app/fast.node': '' });
    expect(() => app.bundle('app/main.ts')).toThrow('fast.node, which main.ts imports, is native code');
  });

  it('that a package can do without are not there for it', () => {
    using app = new BundledApp({
      ...addon,
      ...packageFiles(
        'outer',
        { optionalDependencies: { addon: '1' } },
        "let fast = null;\ntry { fast = require('addon'); } catch (error) { fast = error.code; }\nexports.fast = fast;",
      ),
      'app/main.ts': "import { fast } from 'outer'; console.log(JSON.stringify(fast));",
    });
    app.bundle('app/main.ts');
    expect(app.runBundle()).toBe('MODULE_NOT_FOUND');
  });
});
