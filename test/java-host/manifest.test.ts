import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeConfig } from '../../src/config/describe-config.ts';
import { ConfigError } from '../../src/errors.ts';
import { leftOut, parseJavaManifest } from '../../src/java-host/manifest.ts';

const key = {
  name: 'batch.size',
  type: 'INT',
  required: false,
  default: '2000',
  importance: 'LOW',
  documentation: 'How many.',
  group: 'Reading',
  orderInGroup: 3,
  width: 'SHORT',
  displayName: 'Batch size',
  dependents: ['file'],
  internal: false,
};
const plugin = {
  class: 'com.example.Source',
  type: 'source',
  version: '1.2.0',
  location: 'example',
  configDef: [key],
};
const manifestOf = (...plugins: unknown[]) => JSON.stringify({ version: 1, plugins, unloadable: [] });

test('a plugin is described as REST describes those of this process', () => {
  const { plugins } = parseJavaManifest(manifestOf(plugin));
  expect(plugins).toHaveLength(1);
  expect(plugins[0]).toMatchObject({
    kind: 'source',
    className: 'com.example.Source',
    version: '1.2.0',
    location: 'example',
  });
  expect(describeConfig(plugins[0]!.config)).toEqual([
    {
      name: 'batch.size',
      type: 'INT',
      required: false,
      default_value: '2000',
      importance: 'LOW',
      documentation: 'How many.',
      group: 'Reading',
      order_in_group: 3,
      width: 'SHORT',
      display_name: 'Batch size',
      dependents: ['file'],
    },
  ]);
});

test('a default beyond 2^53 keeps its digits; a required setting has none', () => {
  const long = { ...key, name: 'max', type: 'LONG', default: '9223372036854775807' };
  const needed = { ...key, name: 'file', type: 'STRING', required: true, default: undefined };
  const [described] = parseJavaManifest(manifestOf({ ...plugin, configDef: [long, needed] })).plugins;
  expect(describeConfig(described!.config).map(({ name, default_value }) => [name, default_value])).toEqual([
    ['max', '9223372036854775807'],
    ['file', null],
  ]);
});

test('names of settings that JavaScript knows otherwise are names', () => {
  const odd = ['__proto__', 'constructor', 'toString'].map((name) => ({ ...key, name }));
  const [described] = parseJavaManifest(manifestOf({ ...plugin, configDef: odd })).plugins;
  expect([...described!.config.keys.keys()]).toEqual(['__proto__', 'constructor', 'toString']);
});

test('a class in two versions is two plugins, in one version twice it is one: the first', () => {
  const { plugins } = parseJavaManifest(
    manifestOf(plugin, { ...plugin, version: '2.0.0', location: 'newer' }, { ...plugin, location: 'again' }),
  );
  expect(plugins.map(({ version, location }) => [version, location])).toEqual([
    ['1.2.0', 'example'],
    ['2.0.0', 'newer'],
  ]);
});

test('what does not load is told with its place and class', () => {
  const unloadable = [{ location: 'broken', class: 'com.example.Broken', error: 'the class x.Y is missing' }];
  expect(leftOut(parseJavaManifest(JSON.stringify({ version: 1, plugins: [plugin], unloadable })))).toEqual([
    'Java plugin broken (com.example.Broken) is left out: the class x.Y is missing',
  ]);
  expect(parseJavaManifest(JSON.stringify({ version: 1, plugins: [], unloadable })).unloadable).toEqual([
    { location: 'broken', className: 'com.example.Broken', error: 'the class x.Y is missing' },
  ]);
});

describe('a manifest is refused, by the place that is wrong:', () => {
  test.each([
    ['no JSON', '{', /no JSON/],
    ['no object', '[]', /it is no object/],
    ['another version', '{"version":2,"plugins":[]}', /version is 2, this Drover reads version 1/],
    ['no list', '{"version":1,"plugins":{}}', /plugins is no list/],
    ['no class', manifestOf({ ...plugin, class: undefined }), /plugins\[0\]\.class is no text/],
    ['an empty class', manifestOf({ ...plugin, class: ' ' }), /plugins\[0\]\.class is " ", which is no name/],
    ['an unknown type', manifestOf({ ...plugin, type: 'toString' }), /\(com\.example\.Source\)\.type is "toString"/],
    ['no version', manifestOf({ ...plugin, version: null }), /\.version is no text/],
    ['a place above', manifestOf({ ...plugin, location: '../../etc' }), /leads out of the plugin path/],
    ['an absolute place', manifestOf({ ...plugin, location: '/etc' }), /leads out of the plugin path/],
    [
      'a type of setting',
      manifestOf({ ...plugin, configDef: [{ ...key, type: 'MAP' }] }),
      /\(batch\.size\)\.type is "MAP"/,
    ],
    [
      'a default',
      manifestOf({ ...plugin, configDef: [{ ...key, default: 'many' }] }),
      /\(batch\.size\)\.default is no INT/,
    ],
    ['dependents', manifestOf({ ...plugin, configDef: [{ ...key, dependents: [1] }] }), /dependents is no text/],
    [
      'an order',
      manifestOf({ ...plugin, configDef: [{ ...key, orderInGroup: 1.5 }] }),
      /orderInGroup is no whole number/,
    ],
    ['an error', '{"version":1,"plugins":[],"unloadable":[{"location":"a"}]}', /unloadable\[0\]\.error is no text/],
  ])('%s', (_what, text, problem) => {
    expect(() => parseJavaManifest(text)).toThrow(problem);
    expect(() => parseJavaManifest(text)).toThrow(ConfigError);
  });

  test('anything at all, and never by another error', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const text = JSON.stringify({
          version: 1,
          plugins: [{ ...plugin, configDef: [{ ...key, ...Object(one) }] }, other],
        });
        try {
          parseJavaManifest(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });
});
