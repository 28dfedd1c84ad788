import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { binFolder, projectFolder } from './folders.ts';

/**
 * What the package ships: JavaScript and types of the plugin API, what tests plugins, the construct, and the functions with their rooms,
 * from which the construct bundles. Node reads no TypeScript below node_modules.
 */
const dist = join(projectFolder, 'dist');
rmSync(dist, { recursive: true, force: true });
execFileSync(join(binFolder, 'tsc'), ['-p', join(projectFolder, 'tsconfig.build.json')], { stdio: 'inherit' });
// The console's page, which a browser runs: its modules, and what they lie beside.
const page = join(projectFolder, 'console');
execFileSync(join(binFolder, 'tsc'), ['-p', join(page, 'tsconfig.build.json')], { stdio: 'inherit' });
for (const file of ['index.html', 'style.css', 'icon.svg']) cpSync(join(page, file), join(dist, 'console', file));

/**
 * The entries once more as CommonJS, with the same types, for apps whose tests or tools cannot `require` a module:
 * `cdk init` makes such an app. What belongs beside the construct's own files stays where those are.
 */
const cjs = join(dist, 'cjs');
for (const room of ['src', 'connectors', 'cdk']) {
  cpSync(join(dist, room), join(cjs, room), {
    recursive: true,
    filter: (path) => extname(path) === '' || path.endsWith('.d.ts'),
  });
}
// Sources of the program that runs Java plugins: built where an app has some.
for (const part of ['pom.xml', join('src', 'main')]) {
  cpSync(join(projectFolder, 'hosts', 'java', part), join(dist, 'hosts', 'java', part), { recursive: true });
}
writeFileSync(join(cjs, 'package.json'), '{ "type": "commonjs" }\n');
/**
 * A plugin's errors and records are known by their classes, so `drover/testing` and `drover` share one copy: the code of
 * the first lies in the file of the second, and is run when it is asked for.
 */
const testing = 'src/testing/index';
const withTesting = `export * from './src/api/index.js';\nexport const __testing = () => require('./${testing}.js');\n`;
writeFileSync(join(dist, 'api-and-testing.js'), withTesting);
for (const [entry, from] of [
  ['src/api/index', 'api-and-testing'],
  ['cdk/index', 'cdk/index'],
] as const) {
  const original = `require('node:path').join(__dirname, '${entry.replace(/[^/]+/g, '..')}', '${entry}.js')`;
  buildSync({
    absWorkingDir: dist,
    entryPoints: [`${from}.js`],
    outfile: join(cjs, `${entry}.js`),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    define: { 'import.meta.url': 'importMetaUrl', 'import.meta.dirname': 'importMetaDirname' },
    banner: {
      js: [
        `const importMetaUrl = require('node:url').pathToFileURL(${original}).href;`,
        `const importMetaDirname = require('node:path').dirname(${original});`,
      ].join('\n'),
    },
    logLevel: 'warning',
    logOverride: { 'empty-import-meta': 'error' },
  });
}
rmSync(join(dist, 'api-and-testing.js'));
writeFileSync(join(cjs, `${testing}.js`), "module.exports = require('../api/index.js').__testing();\n");
