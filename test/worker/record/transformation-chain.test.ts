import { expect, test } from 'vitest';
import { createRegistry } from '../../../functions/builtin-plugins.ts';
import { definePlugin } from '../../../src/api/plugin.ts';
import type { Transformation } from '../../../src/api/transformation.ts';
import { noConfig } from '../../../src/config/config-def.ts';
import { createTransformationChain } from '../../../src/worker/record/transformation-chain.ts';
import { recordOf } from '../../plugins/example-records.ts';

const registry = createRegistry();
const hoist = 'org.apache.kafka.connect.transforms.HoistField$Value';

test('stages run in order, and a predicate decides with or without negate', async () => {
  const chain = await createTransformationChain(
    {
      transforms: 'route, wrap',
      'transforms.route.type': 'RegexRouter',
      'transforms.route.regex': '(.*)-raw',
      'transforms.route.replacement': '$1',
      'transforms.wrap.type': hoist,
      'transforms.wrap.field': 'line',
      'transforms.wrap.predicate': 'isLog',
      'transforms.wrap.negate': 'true',
      predicates: 'isLog',
      'predicates.isLog.type': 'TopicNameMatches',
      'predicates.isLog.pattern': 'log',
    },
    registry,
  );
  expect(chain.apply(recordOf({ topic: 'log-raw', value: 'a' }))).toMatchObject({ topic: 'log', value: 'a' });
  expect(chain.apply(recordOf({ topic: 'web-raw', value: 'a' }))).toMatchObject({
    topic: 'web',
    value: new Map([['line', 'a']]),
  });
});

test("no stage changes a record that others know: the first, and what a plugin of somebody's own has seen", async () => {
  const seen: { record: unknown; value: unknown }[] = [];
  const keeping = definePlugin({
    kind: 'transformation',
    className: 'com.example.Keep',
    version: '1',
    doc: 'Keeps what passes.',
    config: noConfig,
    create: (): Transformation => ({
      configure() {},
      apply(record) {
        seen.push({ record, value: record.value });
        return record;
      },
    }),
  });
  const stage = (name: string) => ({ [`transforms.${name}.type`]: hoist, [`transforms.${name}.field`]: name });
  const chain = await createTransformationChain(
    {
      transforms: 'a,b,keep,c,d',
      ...stage('a'),
      ...stage('b'),
      'transforms.keep.type': 'Keep',
      ...stage('c'),
      ...stage('d'),
    },
    createRegistry([keeping]),
  );
  const wrapped = (value: unknown, ...names: string[]) =>
    names.reduce((inner, name) => new Map([[name, inner]]) as unknown, value);
  for (const owned of [false, true]) {
    const record = recordOf({ value: 'x' });
    const result = chain.apply(record, owned)!;
    expect(result.value).toEqual(wrapped('x', 'a', 'b', 'c', 'd'));
    if (!owned) expect(record.value).toBe('x');
    const kept = seen.pop()!;
    expect((kept.record as typeof record).value).toBe(kept.value);
    expect(kept.value).toEqual(wrapped('x', 'a', 'b'));
    expect(kept.record === record).toBe(owned);
    expect(result).not.toBe(kept.record);
  }
});

test('a dropped record ends the chain', async () => {
  const chain = await createTransformationChain(
    {
      transforms: 'drop,wrap',
      'transforms.drop.type': 'Filter',
      'transforms.wrap.type': hoist,
      'transforms.wrap.field': 'f',
    },
    registry,
  );
  expect(chain.apply(recordOf({ value: 'a' }))).toBeNull();
});

test('after an error the chain names the class and alias at work', async () => {
  const chain = await createTransformationChain(
    {
      transforms: 'head,key',
      'transforms.head.type': 'InsertHeader',
      'transforms.head.header': 'h',
      'transforms.head.value.literal': '1',
      'transforms.key.type': 'ValueToKey',
      'transforms.key.fields': 'id',
    },
    registry,
  );
  expect(() => chain.apply(recordOf({ value: 'not a map' }))).toThrow('Only Map objects supported');
  expect(chain.classAt(chain.halted().stage)).toBe('org.apache.kafka.connect.transforms.ValueToKey');
});

test('no transformations: nothing to do', async () => {
  const chain = await createTransformationChain({ name: 'c' }, registry);
  expect(chain.isEmpty).toBe(true);
  const record = recordOf({ value: 'a' });
  expect(chain.apply(record)).toBe(record);
});

test.each([
  [{ transforms: 'a' }, 'Invalid value null for configuration transforms.a.type: Not a Transformation'],
  [
    { transforms: 'a', 'transforms.a.type': 'Filter', 'transforms.a.negate': 'true' },
    "Config 'transforms.a.negate' was provided but there is no config 'transforms.a.predicate'",
  ],
  [{ transforms: 'a,a' }, 'Invalid value [a, a] for configuration transforms: Duplicate alias provided.'],
  [
    { transforms: 'a', 'transforms.a.type': 'JsonConverter' },
    'Class class org.apache.kafka.connect.json.JsonConverter does not implement the Transformation interface',
  ],
  [
    { transforms: 'a', 'transforms.a.type': hoist },
    'Missing required configuration "transforms.a.field" which has no default value.',
  ],
  [
    { transforms: 'a', 'transforms.a.type': 'Filter', 'transforms.a.predicate': 'p' },
    'The predicate p is not listed in predicates',
  ],
])('settings that cannot work are refused: %j', async (settings, message) => {
  await expect(createTransformationChain(settings as Record<string, string>, registry)).rejects.toThrow(message);
});

test('of a class that jars bring in several versions the config chooses one', async () => {
  const versions = ['1.0', '2.0'].map((version) =>
    definePlugin({
      kind: 'transformation',
      className: 'com.example.Stamp',
      version,
      runtime: 'java',
      doc: 'Writes its version.',
      config: noConfig,
      create: (): Transformation => ({ configure: () => {}, apply: (record) => record.with({ value: version }) }),
    }),
  );
  const valueWith = async (settings: Record<string, string>) => {
    const stamp = { transforms: 'stamp', 'transforms.stamp.type': 'com.example.Stamp', ...settings };
    return (await createTransformationChain(stamp, createRegistry(versions))).apply(recordOf({ value: null }))?.value;
  };
  expect(await valueWith({})).toBe('2.0');
  expect(await valueWith({ 'transforms.stamp.plugin.version': '1.0' })).toBe('1.0');
  expect(await valueWith({ 'transforms.stamp.plugin.version': '[1,2)' })).toBe('1.0');
});
