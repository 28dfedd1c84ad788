import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SourceConnector } from '../../src/api/connector.ts';
import { noConfig } from '../../src/config/config-def.ts';
import { ConfigError } from '../../src/errors.ts';
import { describedPlugins } from '../../src/java-host/described-plugins.ts';
import { parseJavaManifest } from '../../src/java-host/manifest.ts';
import {
  answerIn,
  answerQuestion,
  parsePluginQuestion,
  readOffsets,
  writeOffsets,
} from '../../src/java-host/plugin-question.ts';
import { registryOf } from '../../src/plugins/registry.ts';

const className = 'com.example.Source';

/** A connector as it is described where there is no JVM, and the same one as it runs where there is, over the wire. */
function asked(behaviour: Partial<SourceConnector>): SourceConnector {
  const running = registryOf([
    {
      kind: 'source',
      className,
      version: '1',
      runtime: 'java',
      doc: '',
      config: noConfig,
      create: () =>
        ({
          start() {},
          stop() {},
          taskConfigs: () => [],
          createTask: () => ({}),
          ...behaviour,
        }) as unknown as SourceConnector,
    },
  ]);
  const manifest = parseJavaManifest(
    JSON.stringify({ version: 1, plugins: [{ class: className, type: 'source', version: '1', location: 'a' }] }),
  );
  const [plugin] = describedPlugins(manifest, async (question) => {
    const event = parsePluginQuestion(JSON.parse(JSON.stringify(question)));
    return answerIn(JSON.parse(JSON.stringify(await answerQuestion(running, event!))), className);
  });
  return plugin!.create() as SourceConnector;
}

test('what the class says of a config comes back', async () => {
  const connector = asked({
    validate: ({ file }) => (file === 'a' ? [] : [{ key: 'file', message: `there is no ${file}` }]),
    exactlyOnceSupport: () => 'SUPPORTED',
    canDefineTransactionBoundaries: () => 'UNSUPPORTED',
  });
  expect(await connector.validate?.({ file: 'a' })).toEqual([]);
  expect(await connector.validate?.({ file: 'b' })).toEqual([{ key: 'file', message: 'there is no b' }]);
  expect(await connector.exactlyOnceSupport?.({})).toBe('SUPPORTED');
  expect(await connector.canDefineTransactionBoundaries?.({})).toBe('UNSUPPORTED');
});

test('a class that does not say whether it can is unknown', async () => {
  expect(await asked({}).exactlyOnceSupport?.({})).toBeUndefined();
});

test('offsets come through with 64 bits, and their refusal in its own words', async () => {
  const seen: unknown[] = [];
  const connector = asked({
    alterOffsets: (_config, offsets) => {
      seen.push(...offsets);
      if (offsets.some(({ offset }) => offset?.lsn === -1n)) throw new Error('An lsn is not negative');
      return true;
    },
  });
  const change = { partition: { server: 'a', n: 3 }, offset: { lsn: 9_007_199_254_740_993n, pos: 1.5 } };
  expect(await connector.alterOffsets?.({}, [change, { partition: { server: 'b' }, offset: null }])).toBe(true);
  expect(seen).toEqual([change, { partition: { server: 'b' }, offset: null }]);
  await expect(connector.alterOffsets?.({}, [{ partition: {}, offset: { lsn: -1n } }])).rejects.toThrow(
    /^An lsn is not negative$/,
  );
});

test('an error of a setting keeps its name', async () => {
  const connector = asked({
    validate: () => {
      throw new ConfigError('file is needed', { key: 'file' });
    },
  });
  await expect(connector.validate?.({})).rejects.toMatchObject({ code: 'config.invalid', facts: { key: 'file' } });
});

test('it starts nowhere but where a JVM is, and says so for now only', () => {
  expect(() => asked({}).start({}, {} as never)).toThrow(
    expect.objectContaining({ code: 'plugin.elsewhere', retriable: true }),
  );
});

test('any offsets are read as they were written', () => {
  const value = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
  );
  const fields = fc.dictionary(
    fc.string().filter((name) => name !== '__proto__'),
    value,
  );
  fc.assert(
    fc.property(fc.array(fc.record({ partition: fields, offset: fc.option(fields) })), (offsets) => {
      const plain = offsets.map(({ partition, offset }) => ({
        partition: { ...partition },
        offset: offset && { ...offset },
      }));
      expect(readOffsets(writeOffsets(plain as never))).toEqual(plain);
    }),
  );
});

test.each([
  [{ ask: 'start' }, 'ask'],
  [{ type: 'converter' }, 'type'],
  [{ class: 1 }, 'class'],
  [{ version: null }, 'version'],
  [{ config: { a: 1 } }, 'config'],
  [{ ask: 'alterOffsets' }, 'offsets'],
  [{ offsets: '[]' }, 'offsets'],
])('a question with %o is refused, by its field', (change, field) => {
  const question = { kind: 'plugin', ask: 'validate', type: 'source', class: className, version: '1', config: {} };
  expect(() => parsePluginQuestion({ ...question, ...change })).toThrow(`${field} is wrong`);
});

test('another invocation is no question', () => {
  expect(parsePluginQuestion({ kind: 'task', connector: 'a', task: 0 })).toBeNull();
  expect(parsePluginQuestion(null)).toBeNull();
});
