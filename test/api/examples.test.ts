import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { createTransformationChain } from '../../src/worker/record/transformation-chain.ts';
import { recordOf } from '../plugins/example-records.ts';
import plugins from './examples/plugins.ts';

// The examples of src/api/README.md are the files beside this test: what the page shows is what runs here.
const page = readFileSync(new URL('../../src/api/README.md', import.meta.url), 'utf8');

test.each(['upper-case', 'older-than', 'csv-converter', 'counter-source', 'memory-sink', 'plugins', 'plugin-tests'])(
  'the page shows the file examples/%s.ts as it is',
  (name) => {
    const source = readFileSync(new URL(`./examples/${name}.ts`, import.meta.url), 'utf8');
    const shown = source
      .replaceAll("'../../../src/api/index.ts'", "'drover'")
      .replaceAll("'../../../src/testing/index.ts'", "'drover/testing'")
      // As `cdk init` sets TypeScript up, and as the tests of the package compile it.
      .replaceAll(/'(\.\/[\w-]+)\.ts'/g, "'$1'")
      .trim();
    expect(page, `paste test/api/examples/${name}.ts into src/api/README.md`).toContain(shown);
  },
);

const registry = createRegistry(plugins);

test('an app’s transformation and predicate work in a chain, by alias', async () => {
  const chain = await createTransformationChain(
    {
      transforms: 'shout',
      'transforms.shout.type': 'UpperCase',
      'transforms.shout.field': 'name',
      'transforms.shout.predicate': 'old',
      predicates: 'old',
      'predicates.old.type': 'OlderThan',
      'predicates.old.timestamp': '1000',
    },
    registry,
  );
  const value = { name: 'ada', note: 'n' };
  expect(chain.apply(recordOf({ value, timestamp: 999 }))?.value).toEqual(
    new Map(Object.entries({ ...value, name: 'ADA' })),
  );
  expect(chain.apply(recordOf({ value, timestamp: 1000 }))?.value).toEqual(new Map(Object.entries(value)));
});

test('an app’s converter writes and reads', async () => {
  const converter = await registry.get('converter', 'Csv').create();
  converter.configure({ separator: ';' }, { isKey: false });
  expect(converter.fromConnectData('t', null, ['a', 'b'])).toBe('a;b');
  expect(await converter.toConnectData('t', Buffer.from('a;b'))).toEqual({ schema: null, value: ['a', 'b'] });
  expect(() => converter.fromConnectData('t', null, 5)).toThrow('Only lists of text');
});

test('an app’s source connector starts from its stored offset', async () => {
  const connector = await registry.get('source', 'Counter').create();
  await connector.start(
    { topic: 'n', 'batch.size': '2' },
    { connector: 'c', requestTaskReconfiguration() {}, raiseError() {} },
  );
  const [config] = await connector.taskConfigs(4);
  const task = connector.createTask();
  await task.start(config!, {
    connector: 'c',
    task: 0,
    signal: new AbortController().signal,
    deadlineAt: 0,
    warn() {},
    offsetStorageReader: { offset: async () => ({ next: 7 }), offsets: async () => [{ next: 7 }] },
  });
  const records = await task.poll();
  expect(records?.map((record) => [record.value, record.sourceOffset])).toEqual([
    ['7', { next: 8 }],
    ['8', { next: 9 }],
  ]);
});

test('an app’s sink connector gets its records', async () => {
  const connector = await registry.get('sink', 'MemorySink').create();
  const task = connector.createTask() as ReturnType<typeof connector.createTask> & { readonly seen: unknown[] };
  await task.put([recordOf({ value: 'a' }) as never]);
  expect(task.seen).toEqual(['a']);
});

test('the tests that the page shows run and pass', { timeout: 600_000 }, async () => {
  const file = fileURLToPath(new URL('./examples/plugin-tests.ts', import.meta.url));
  // Not as a part of whichever run this process is.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file], {
    env,
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`The tests of the page fail:\n${error.stdout}\n${error.stderr}`);
  });
  expect(stdout).toMatch(/# fail 0/);
  expect(Number(/# pass (\d+)/.exec(stdout)?.[1])).toBe(18);
});
