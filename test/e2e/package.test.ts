import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
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
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { binFolder, pathWithNode, projectFolder } from '../../local/folders.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { readTopic, uniqueName } from '../support/kafka-records.ts';
import { guideFile, MarkdownPage } from '../support/markdown.ts';
import { npmPackages } from '../support/npm-packages.ts';
import { kafkaAddress } from '../support/services.ts';

// Compilers and the CDK's program, one after the other.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const folder = mkdtempSync(join(tmpdir(), 'drover-package-'));
const example = join(projectFolder, 'examples', 'app');
const esm = join(folder, 'esm');
const stock = join(folder, 'stock');
let files: string[] = [];

const environment = (cwd: string) => ({
  ...process.env,
  PATH: `${join(cwd, 'node_modules', '.bin')}:${pathWithNode()}`,
  CDK_DISABLE_VERSION_CHECK: '1',
  CI: '1',
});

/** Fails with everything that the program has said. */
async function run(cwd: string, program: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const options = { cwd, env: environment(cwd), maxBuffer: 1 << 26 };
  return promisify(execFile)(program, args, options).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${program} ${args.join(' ')} failed:\n${error.stdout}\n${error.stderr}`);
  });
}

/** Packages by name, scopes one level down, and their programs. */
function link(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name === '.bin' || (name.startsWith('@') && !existsSync(join(from, name, 'package.json')))) {
      link(join(from, name), join(to, name));
    } else if (!name.startsWith('.') && !existsSync(join(to, name))) symlinkSync(join(from, name), join(to, name));
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The TypeScript that a page shows. */
const blocksOf = (page: string) =>
  new MarkdownPage(projectFolder, page).snippets.filter(({ language }) => language === 'ts').map(({ text }) => text);

/** The plugins of the guide, as its page shows them. */
function writeGuide(app: string, extension: '' | '.ts'): void {
  for (const [index, block] of blocksOf('src/api/README.md').entries()) {
    const text = block.replaceAll(/from '(\.\/[\w-]+)'/g, `from '$1${extension}'`);
    write(join(app, 'lib', 'guide', `${guideFile(block, `more-${index}`)}.ts`), text);
  }
}

/** Packs the project as it would be published, and installs it in two apps beside the packages that they need. */
beforeAll(async () => {
  const { stdout } = await run(projectFolder, 'npm', 'pack', '--json', '--pack-destination', folder);
  const report: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
  const packed = report[0]!;
  files = packed.files.map(({ path }) => path);
  mkdirSync(stock, { recursive: true });
  await run(
    stock,
    join(binFolder, 'cdk'),
    'init',
    'app',
    '--language',
    'typescript',
    '--generate-only',
    '--no-telemetry',
  );
  const { devDependencies } = JSON.parse(readFileSync(join(stock, 'package.json'), 'utf8'));
  const tools = await npmPackages('cdk-init', devDependencies, ['aws-cdk', 'typescript', '@types/node']);
  for (const file of ['package.json', 'cdk.json', 'tsconfig.json', 'bin', 'lib', 'test']) {
    cpSync(join(example, file), join(esm, file), { recursive: true });
  }
  writeGuide(esm, '.ts');
  for (const app of [esm, stock]) {
    const installed = join(app, 'node_modules', 'drover');
    mkdirSync(installed, { recursive: true });
    await run(folder, 'tar', '-xzf', join(folder, packed.filename), '-C', installed, '--strip-components=1');
    // One copy of each: the project's, and the template's tools that the project has no use for.
    link(join(projectFolder, 'node_modules'), join(app, 'node_modules'));
    if (app === stock) link(tools, join(app, 'node_modules'));
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the package holds what an app needs, and no more', () => {
  for (const entry of ['cdk/index', 'src/api/index', 'src/testing/index']) {
    for (const file of [`dist/${entry}.js`, `dist/${entry}.d.ts`, `dist/cjs/${entry}.js`, `dist/cjs/${entry}.d.ts`]) {
      expect(files).toContain(file);
    }
  }
  const beside = new Set(files.map((file) => file.split('/')[0]).filter((name) => name !== 'dist' && name !== 'docs'));
  expect([...beside].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json', 'src']);
  expect(files).toEqual(
    expect.arrayContaining(['docs/operations.md', 'docs/differences.md', 'docs/decisions/README.md']),
  );
  expect(files.filter((file) => file.startsWith('src/'))).toEqual(['src/api/README.md']);
  expect(files.filter((file) => /\.test\.|\.tsbuildinfo$|(?<!\.d)\.ts$/.test(file))).toEqual([]);
});

test('every file that package.json points to is packed', () => {
  const manifest = JSON.parse(readFileSync(join(esm, 'node_modules', 'drover', 'package.json'), 'utf8'));
  const targets = JSON.stringify([manifest.exports, manifest.imports]).match(/"\.\/[^"]+"/g) ?? [];
  const paths = targets.map((target) => (JSON.parse(target) as string).slice(2));
  expect(paths.length).toBeGreaterThan(8);
  expect(paths.filter((path) => /\.\w+$/.test(path) && !files.includes(path))).toEqual([]);
});

/** Which functions of a synthesised app hold the plugin of the README. */
function holdersOfPlugin(out: string): Set<string> {
  const bundles = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.mjs'));
  const functionOf = (asset: string) =>
    ['rest', 'coordinator', 'task', 'mirror', 'connectors'].find((name) =>
      bundles.includes(join(asset, 'dist', `${name}.mjs`)),
    );
  const holding = bundles.filter((file) => readFileSync(join(out, file), 'utf8').includes('com.example.Countdown'));
  return new Set(holding.map((file) => functionOf(file.split('/')[0]!) ?? file));
}

/** The coordinator runs no plugin and knows none. */
const holders = new Set(['rest', 'task', 'mirror', 'connectors']);

describe('the example app, of ES modules, with types checked down to the libraries', () => {
  test('type-checks', async () => {
    await run(esm, 'npm', 'run', 'check');
    // What the package's types need they name themselves.
    const alone = { extends: './tsconfig.json', compilerOptions: { types: [], skipLibCheck: false }, include: ['lib'] };
    write(join(esm, 'tsconfig.alone.json'), JSON.stringify(alone));
    await run(esm, 'tsc', '-p', 'tsconfig.alone.json');
  });

  test('passes its own tests', async () => {
    const { stdout } = await run(esm, 'npm', 'test');
    expect(stdout).toMatch(/pass 2\n/);
  });

  test('synthesises, with the plugins in the functions that know them', async () => {
    await run(esm, 'npm', 'run', 'synth', '--', '--no-telemetry');
    const template = JSON.parse(readFileSync(join(esm, 'cdk.out', 'Connect.template.json'), 'utf8'));
    const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(5);
    expect(holdersOfPlugin(join(esm, 'cdk.out'))).toEqual(holders);
  });

  test('is tested and synthesised by the oldest Node that the package allows', async () => {
    const { engines } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'));
    const oldest = /\d+\.\d+\.\d+/.exec(engines.node)![0];
    const name = `node-${process.platform}-${process.arch}`;
    const node = join(await npmPackages('node-oldest', { [name]: oldest }, []), name, 'bin', 'node');
    expect((await run(esm, node, '--version')).stdout.trim()).toBe(`v${oldest}`);
    const { stdout } = await run(esm, node, '--test', '--test-reporter=tap', 'test/connect-stack.test.ts');
    expect(stdout).toMatch(/# pass 2\n/);
    // The construct bundles by the Node that runs the app.
    const cdk = join(esm, 'node_modules', 'aws-cdk', 'bin', 'cdk');
    await run(
      esm,
      node,
      cdk,
      'synth',
      '--quiet',
      '--no-telemetry',
      '--output',
      'oldest.out',
      '--app',
      `${node} bin/app.ts`,
    );
    expect(holdersOfPlugin(join(esm, 'oldest.out'))).toEqual(holders);
  });
});

describe("an app as `cdk init` makes it, with the example's stack and plugins, and those of the guide", () => {
  test('type-checks', async () => {
    cpSync(join(example, 'lib'), join(stock, 'lib'), { recursive: true });
    writeGuide(stock, '');
    const bin = join(stock, 'bin', 'stock.ts');
    write(
      bin,
      `${readFileSync(bin, 'utf8')}
import { ConnectStack } from '../lib/connect-stack';
new ConnectStack(app, 'Connect');
`,
    );
    write(join(stock, 'test', 'connect.test.ts'), jestTest);
    await run(stock, 'tsc', '-p', '.');
  });

  test('is listed without bundling', async () => {
    const listed = await run(stock, 'cdk', 'ls', '--no-telemetry');
    expect(listed.stdout.split('\n')).toContain('Connect');
    expect(listed.stderr).not.toContain('Bundling');
  });

  test('is tested with Jest', async () => {
    const jest = await run(stock, 'jest', '--ci', 'test/connect.test.ts');
    expect(jest.stderr).toMatch(/Tests: +2 passed, 2 total/);
  });

  test('synthesises, with the plugins in the functions that know them', async () => {
    await run(stock, 'cdk', 'synth', 'Connect', '--quiet', '--no-telemetry');
    expect(holdersOfPlugin(join(stock, 'cdk.out'))).toEqual(holders);
  });
});

const jestTest = `
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ConnectStack } from '../lib/connect-stack';
import plugins from '../lib/plugins';
import guide from '../lib/guide/plugins';

test('the stack has the five functions', () => {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  Template.fromStack(new ConnectStack(app, 'Test')).resourceCountIs('AWS::Lambda::Function', 5);
});

test('plugins can be tested too', async () => {
  expect(plugins.map(({ className }) => className)).toEqual(['com.example.CountdownConnector']);
  expect(guide).toHaveLength(5);
});
`;

/** A source of the numbers 0 to 2, each with a word behind it. */
const pluginSaying = (word: string) => `
import {
  type ConnectorConfig,
  definePlugin,
  noConfig,
  type SourceConnector,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'drover';

class WordTask implements SourceTask {
  #next = 0;
  async start(_config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    const offset = await context.offsetStorageReader.offset({ words: 1 });
    this.#next = offset === null ? 0 : Number(offset.at) + 1;
  }
  poll(): SourceRecord[] | null {
    if (this.#next > 2) return null;
    const at = this.#next++;
    return [new SourceRecord({ words: 1 }, { at }, process.env.WORDS_TOPIC ?? '', null, null, null, null, \`${word} \${at}\`)];
  }
  stop(): void {}
}

const connector: SourceConnector = { start() {}, taskConfigs: () => [{}], createTask: () => new WordTask(), stop() {} };

export default [
  definePlugin({ kind: 'source', className: 'com.example.Words', version: '1', doc: 'Says words.', config: noConfig, create: () => connector }),
];
`;

test('npx drover dev, in a folder with nothing but the package, runs a plugin against a real Kafka and anew with each save', async () => {
  const app = join(folder, 'dev');
  link(join(esm, 'node_modules'), join(app, 'node_modules'));
  // As npm links the program that package.json names.
  const { bin } = JSON.parse(readFileSync(join(esm, 'node_modules', 'drover', 'package.json'), 'utf8'));
  const program = join(app, 'node_modules', 'drover', bin.drover);
  chmodSync(program, 0o755);
  mkdirSync(join(app, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(program, join(app, 'node_modules', '.bin', 'drover'));
  write(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  write(join(app, 'lib', 'plugins.ts'), pluginSaying('first'));
  const config = { 'connector.class': 'Words', 'value.converter': 'StringConverter' };
  write(join(app, 'connector.json'), JSON.stringify(config));

  const topic = uniqueName('dev');
  const args = ['drover', 'dev', 'lib/plugins.ts', '--config', 'connector.json', '--bootstrap-servers', kafkaAddress()];
  const child = spawn('npx', args, { cwd: app, env: { ...environment(app), WORDS_TOPIC: topic }, detached: true });
  const exited = once(child, 'exit');
  let output = '';
  let onMore = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
      onMore();
    });
  }
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      onMore = () => output.includes(text) && resolve();
      child.once('exit', () => reject(new Error(`It ended before it printed ${text}:\n${output}`)));
      onMore();
    });
  const client = createKafkaClient({ bootstrapServers: kafkaAddress() });
  try {
    await printed(`${topic}-0@2 first 2`);
    await printed('offset {"words":1} {"at":2}');
    write(join(app, 'lib', 'plugins.ts'), pluginSaying('second'));
    await printed(`${topic}-0@5 second 2`);
    // What lay there before is not told again.
    expect(output.split('first 0').length).toBe(2);
    write(join(app, 'lib', 'plugins.ts'), 'export default [;');
    await printed('waiting for the next save');
    write(join(app, 'lib', 'plugins.ts'), pluginSaying('third'));
    await printed(`${topic}-0@8 third 2`);
    const values = (await readTopic(client, topic)).map(({ value }) => value);
    expect(values).toEqual(['first', 'second', 'third'].flatMap((word) => [0, 1, 2].map((at) => `${word} ${at}`)));
  } finally {
    await client.close();
    process.kill(-child.pid!, 'SIGINT'); // As Ctrl-C does, to all of them.
    await exited;
  }
  expect(output).not.toMatch(/Error|drover: failed(?!.*waiting)/);
});
