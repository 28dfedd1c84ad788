import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { afterAll, describe, expect, test } from 'vitest';
import { bundleFunction } from '../../cdk/bundle.ts';
import type { JavaPlugins } from '../../cdk/index.ts';
import { checkJavaSize, lambdaBytes, packJava } from '../../cdk/pack-java.ts';
import { permissions, plain, synthesise } from './synthesise.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-java-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function folderOf(name: string, ...files: string[]): string {
  for (const file of files) {
    mkdirSync(join(folder, name, file, '..'), { recursive: true });
    writeFileSync(join(folder, name, file), 'jar');
  }
  mkdirSync(join(folder, name), { recursive: true });
  return join(folder, name);
}

const plugins = [folderOf('plugins', 'example/example.jar')];
const runtime = folderOf('jre', 'bin/java');
const host = folderOf('host', 'drover-host.jar');

interface FunctionProperties {
  readonly Description: string;
  readonly Handler: string;
  readonly MemorySize: number;
  readonly Timeout: number;
  readonly Layers?: readonly { readonly Ref: string }[];
  readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> };
}

function functionsOf(java?: JavaPlugins, more: object = {}): Map<string, FunctionProperties> {
  const { template } = synthesise(() => ({ ...plain, ...(java === undefined ? {} : { java }), ...more }));
  const functions = Object.values(template.findResources('AWS::Lambda::Function')).map(
    ({ Properties }) => Properties as FunctionProperties,
  );
  return new Map(functions.map((fn) => [/^dist\/(.+)\.handler$/.exec(fn.Handler)?.[1] ?? '', fn]));
}

const names = (fn: FunctionProperties | undefined) => Object.keys(fn?.Environment.Variables ?? {});
const javaNames = (fn: FunctionProperties | undefined) => names(fn).filter((name) => name.startsWith('DROVER_JAVA_'));

describe('with Java plugins', () => {
  const functions = functionsOf({ plugins, runtime, host, memorySize: 2048, options: '-Xmx900m' });

  test('a function of their own runs them, as long as the task function may', () => {
    const [task, java] = [functions.get('task')!, functions.get('java-task')!];
    expect(java).toMatchObject({ MemorySize: 2048, Timeout: task.Timeout });
    expect(java.Layers?.map(({ Ref }) => Ref.replace(/[0-9A-F]{8}$/, ''))).toEqual([
      'DroverJavaManifestLayer',
      'DroverJavaRuntimeLayer',
      'DroverJavaPluginsLayer',
    ]);
    expect(java.Environment.Variables).toMatchObject({
      DROVER_JAVA_HOME: '/opt/drover-java/jre',
      DROVER_JAVA_HOST: '/opt/drover-java/host',
      DROVER_JAVA_PLUGIN_PATH: '/opt/drover-java/plugins',
      DROVER_JAVA_MANIFEST: '/opt/drover-java/java-plugins.json',
      DROVER_JAVA_OPTIONS: '-Xmx900m',
    });
  });

  test('every other function has the manifest and no Java; two know whom to call', () => {
    for (const name of ['rest', 'coordinator', 'task', 'mirror']) {
      const fn = functions.get(name);
      expect(fn?.Layers).toHaveLength(1);
      const calls = name === 'rest' || name === 'coordinator';
      expect(javaNames(fn).sort()).toEqual([...(calls ? ['DROVER_JAVA_FUNCTION'] : []), 'DROVER_JAVA_MANIFEST']);
    }
  });

  test('the coordinator may run it, REST may ask it, nobody else; it may what the task function may', () => {
    const { template } = synthesise(() => ({ ...plain, java: { plugins, runtime, host } }));
    const invoke = (role: string) => permissions(template, role).get('lambda:InvokeFunction')?.join(' ') ?? '';
    expect(invoke('CoordinatorFunctionRole')).toMatch(/JavaFunction/);
    expect(invoke('RestFunctionRole')).toMatch(/JavaFunction/);
    expect(invoke('RestFunctionRole')).not.toMatch(/TaskFunction|CoordinatorFunction/);
    expect(invoke('TaskFunctionRole')).toBe('');
    const without = (role: string) =>
      [...permissions(template, role)].map(([action, resources]) => [
        action,
        resources.map((one) => one.replace(/Task|Java/g, '')),
      ]);
    expect(without('JavaFunctionRole')).toEqual(without('TaskFunctionRole'));
  });

  test('a run that dies is not begun again by Lambda: it is due, and the tick finds it', () => {
    const { template } = synthesise(() => ({ ...plain, java: { plugins, runtime, host } }));
    const configs = Object.values(template.findResources('AWS::Lambda::EventInvokeConfig'));
    const java = configs.find(({ Properties }) => JSON.stringify(Properties.FunctionName).includes('JavaFunction'));
    expect(java?.Properties).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
  });

  test('unpacked, for the emulator, there are no layers and the folders are read where they are', () => {
    const unpacked = functionsOf({ plugins, host, unpacked: { manifest: '/tmp/java-plugins.json' } });
    for (const fn of unpacked.values()) expect(fn.Layers).toBeUndefined();
    expect(unpacked.get('java-task')?.Environment.Variables).toMatchObject({
      DROVER_JAVA_HOST: host,
      DROVER_JAVA_PLUGIN_PATH: plugins[0],
      DROVER_JAVA_MANIFEST: '/tmp/java-plugins.json',
    });
    expect(javaNames(unpacked.get('java-task'))).not.toContain('DROVER_JAVA_HOME');
  });
});

test('without the prop there is no function, no layer, no variable and no right of it', () => {
  const functions = functionsOf();
  expect(functions.has('java-task')).toBe(false);
  for (const fn of functions.values()) {
    expect(fn.Layers).toBeUndefined();
    expect(javaNames(fn)).toEqual([]);
  }
  const { template } = synthesise(() => plain);
  expect(JSON.stringify(template.toJSON())).not.toContain('Java');
});

test('without the prop no bundle has any of it', () => {
  const sources = (java: boolean) => {
    const outdir = join(folder, `bundle-${java}`);
    bundleFunction({ name: 'coordinator', outdir, java });
    const maps = readdirSync(join(outdir, 'dist')).filter((file) => file.endsWith('.map'));
    return maps.flatMap((file) => JSON.parse(readFileSync(join(outdir, 'dist', file), 'utf8')).sources as string[]);
  };
  const ofJava = (source: string) => /java-host|java-described|connectors\//.test(source);
  expect(sources(false).filter(ofJava)).toEqual([]);
  expect(sources(true).filter(ofJava).join()).toMatch(/src\/java-host\/manifest\.ts/);
});

describe('is refused when the app is synthesised:', () => {
  test.each<[string, JavaPlugins, RegExp]>([
    ['no folder', { plugins: [] }, /java\.plugins is empty/],
    [
      'a folder that is not there',
      { plugins: ['nowhere'] },
      /java\.plugins names .*nowhere, and there is no such folder/,
    ],
    [
      'a folder without plugins',
      { plugins: [folderOf('empty', 'readme.txt')] },
      /holds no plugin: as on a worker's plugin\.path/,
    ],
    ['a runtime without java', { plugins, runtime: host }, /java\.runtime is ".*": there is no bin\/java in it/],
    ['a host that is none', { plugins, host: runtime }, /java\.host is ".*": there is no drover-host\.jar in it/],
    ['too little memory', { plugins, memorySize: 64 }, /java\.memorySize is 64/],
  ])('%s', (_what, java, problem) => {
    expect(() => functionsOf(java)).toThrow(problem);
  });

  test('two plugins of one name', () => {
    const parts = {
      plugins: [...plugins, folderOf('more', 'example/other.jar')],
      host,
      runtime,
      architecture: 'arm64',
    };
    expect(() => packJava(parts as Parameters<typeof packJava>[0])).toThrow(/two folders hold a plugin example/);
  });

  test('what is larger than Lambda allows, with the size of each part', () => {
    const most = lambdaBytes - 8 * 1024 * 1024;
    expect(() => checkJavaSize([['the plugin a', most]])).not.toThrow();
    expect(() =>
      checkJavaSize([
        ['the Java runtime', 60 << 20],
        ['the plugin a', most],
      ]),
    ).toThrow(/302 MB|310 MB|the Java runtime 60 MB, the plugin a 242 MB.*Take plugins out of java\.plugins/s);
  });

  test('a runtime for another architecture than this machine, with what to give', () => {
    const architecture = process.arch === 'arm64' ? 'x64' : 'arm64';
    expect(() => packJava({ plugins, host, architecture })).toThrow(
      /this machine is .* and can make no Java runtime for it: name the folder of one in java\.runtime/,
    );
  });
});

test('the architecture of the function is that of its layers', () => {
  const java = { plugins, runtime, host };
  const { template } = synthesise(() => ({ ...plain, java, architecture: Architecture.X86_64 }));
  for (const { Properties } of Object.values(template.findResources('AWS::Lambda::LayerVersion'))) {
    expect(Properties.CompatibleArchitectures).toEqual(['x86_64']);
  }
});
