import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { binFolder, pathWithNode, projectFolder } from '../../local/folders.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'drover-package-'));
const installed = join(folder, 'node_modules', 'drover');
let files: string[] = [];

/** Packs the project as it would be published, and installs it in an app of its own beside the packages it needs. */
beforeAll(async () => {
  const env = { ...process.env, PATH: pathWithNode() };
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: projectFolder, env });
  const report: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
  const packed = report[0]!;
  files = packed.files.map(({ path }) => path);
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, packed.filename), '-C', installed, '--strip-components=1']);
  for (const name of readdirSync(join(projectFolder, 'node_modules'))) {
    if (name.startsWith('.')) continue;
    const target = join(folder, 'node_modules', name);
    if (!existsSync(target)) symlinkSync(join(projectFolder, 'node_modules', name), target);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the package holds what an app needs, and no more', () => {
  expect(files).toContain('dist/cdk/index.js');
  expect(files).toContain('dist/cdk/index.d.ts');
  expect(files).toContain('dist/src/api/index.d.ts');
  expect(files).toContain('LICENSE');
  const folders = new Set(files.map((file) => file.split('/').slice(0, 2).join('/')));
  expect([...folders].filter((path) => !/^dist\/(cdk|functions|src)$/.test(path)).sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'package.json',
  ]);
  expect(files.filter((file) => /\.test\.|\.tsbuildinfo$|(?<!\.d)\.ts$/.test(file))).toEqual([]);
});

test('an app with a plugin of its own type-checks and synthesises against the package', async () => {
  writeFileSync(join(folder, 'package.json'), '{"name":"app","type":"module","private":true}');
  writeFileSync(join(folder, 'plugins.ts'), pluginsModule);
  writeFileSync(join(folder, 'app.ts'), appModule);
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: ['node'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['app.ts', 'plugins.ts'] }));
  await run(join(binFolder, 'tsc'), ['-p', folder]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
  const out = join(folder, 'cdk.out');
  await run(join(binFolder, 'node'), ['app.ts'], { cwd: folder, env: { ...process.env, CDK_OUTDIR: out } });
  const template = JSON.parse(readFileSync(join(out, 'App.template.json'), 'utf8'));
  const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
  expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(4);
  const bundles = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.mjs'));
  const withPlugin = bundles.filter((file) => readFileSync(join(out, file), 'utf8').includes('com.example.Countdown'));
  const assetOf = (name: string) => dirname(bundles.find((file) => file.endsWith(`/${name}.mjs`)) ?? '');
  const holders = new Set(withPlugin.map((file) => dirname(file)));
  // The coordinator runs no plugin and knows none.
  expect(holders).toEqual(new Set([assetOf('rest'), assetOf('task'), assetOf('mirror')]));
});

const pluginsModule = `
import { definePlugin, SourceRecord, type SourceConnector, type SourceTask } from 'drover';

class CountdownTask implements SourceTask {
  #left = 3;
  start() {}
  poll() {
    if (this.#left === 0) return null;
    this.#left--;
    return [new SourceRecord({ timer: 'a' }, { left: this.#left }, 'countdown', null, null, null, null, String(this.#left))];
  }
  stop() {}
}

class CountdownConnector implements SourceConnector {
  start() {}
  taskConfigs() { return [{}]; }
  createTask() { return new CountdownTask(); }
  stop() {}
}

export default [
  definePlugin({
    kind: 'source',
    className: 'com.example.CountdownConnector',
    version: '1.0.0',
    doc: 'Counts down.',
    config: defineConfig({}),
    create: () => new CountdownConnector(),
  }),
];
`.replace('import { definePlugin', 'import { defineConfig, definePlugin');

const appModule = `
import { App, Stack } from 'aws-cdk-lib';
import { Drover, type DroverProps } from 'drover/cdk';

const app = new App();
const stack = new Stack(app, 'App');
const props: DroverProps = {
  bootstrapServers: ['b-1.example:9098'],
  security: { type: 'iam', clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/orders/0a1b2c3d-1' },
  plugins: import.meta.dirname + '/plugins.ts',
};
new Drover(stack, 'Connect', props);
app.synth();
`;
