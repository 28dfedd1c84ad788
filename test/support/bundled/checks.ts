import { readFileSync } from 'node:fs';
import { builtinPlugins } from '../../../functions/builtin-plugins.ts';
import type { Converter, HeaderConverter } from '../../../src/api/converter.ts';
import type { AnyPlugin, PluginExample } from '../../../src/api/plugin.ts';
import type { Predicate, Transformation } from '../../../src/api/transformation.ts';
import type { Schema } from '../../../src/data/schema.ts';
import {
  BOOLEAN_SCHEMA,
  BYTES_SCHEMA,
  FLOAT32_SCHEMA,
  FLOAT64_SCHEMA,
  INT16_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  STRING_SCHEMA,
} from '../../../src/data/schema-builder.ts';
import { recordOf, shown } from '../../plugins/example-records.ts';

/** What runs inside a deployed function to see whether everything in its bundle works. */
export interface Check {
  readonly name: string;
  /** Rejects when what it is about does not work. */
  run(): Promise<void>;
}

/** A value that each plain converter can hold. Those that need a registry are the test's own business. */
const samples: Readonly<Record<string, readonly [Schema, unknown]>> = {
  BooleanConverter: [BOOLEAN_SCHEMA, true],
  ByteArrayConverter: [BYTES_SCHEMA, Buffer.from([0, 255])],
  DoubleConverter: [FLOAT64_SCHEMA, 1.5],
  FloatConverter: [FLOAT32_SCHEMA, 2.5],
  IntegerConverter: [INT32_SCHEMA, 3],
  LongConverter: [INT64_SCHEMA, 4n],
  ShortConverter: [INT16_SCHEMA, 5],
  JsonConverter: [STRING_SCHEMA, 'six'],
  StringConverter: [STRING_SCHEMA, 'seven'],
  SimpleHeaderConverter: [STRING_SCHEMA, 'eight'],
};

export const nameOf = ({ kind, className }: AnyPlugin): string => `${kind} ${className}`;
export const needsRegistry = ({ config }: AnyPlugin): boolean => config.keys.has('schema.registry.url');

/** One for each plugin that comes with Drover and can show what it does by itself, and for what an app's own may do. */
export function checks(): Check[] {
  return [...builtinPlugins.flatMap(pluginCheck), ...lazyChecks];
}

function pluginCheck(plugin: AnyPlugin): Check[] {
  const name = nameOf(plugin);
  switch (plugin.kind) {
    case 'transformation':
    case 'predicate':
      return [{ name, run: () => runExamples(plugin) }];
    case 'converter':
    case 'header_converter':
      return needsRegistry(plugin) ? [] : [{ name, run: () => roundTrip(plugin) }];
    default:
      return [];
  }
}

async function runExamples(plugin: AnyPlugin): Promise<void> {
  // A `$Key` form has no example of its own: that it can be made and set up shows that it is there.
  const twin = builtinPlugins.find(({ className }) => className === plugin.className.replace(/\$Key$/, '$Value'));
  const own = plugin.className === twin?.className;
  for (const example of twin?.examples ?? []) {
    const instance = (await plugin.create()) as Transformation | Predicate;
    instance.configure(example.settings);
    if (own) same(resultOf(instance, example), example.after);
  }
}

function resultOf(instance: Transformation | Predicate, example: PluginExample): unknown {
  const before = recordOf(example.before);
  if ('test' in instance) return instance.test(before);
  const after = instance.apply(before);
  return after === null || example.after === null || typeof example.after === 'boolean'
    ? after
    : shown(after, example.after);
}

async function roundTrip(plugin: AnyPlugin): Promise<void> {
  const simple = plugin.className.slice(plugin.className.lastIndexOf('.') + 1);
  const sample = samples[simple];
  if (sample === undefined) throw new Error(`There is no sample for ${plugin.className}`);
  const [schema, value] = sample;
  if (plugin.kind === 'header_converter') {
    const converter: HeaderConverter = await plugin.create();
    converter.configure({});
    const bytes = converter.fromConnectHeader('topic', 'header', schema, value);
    same(converter.toConnectHeader('topic', 'header', bytesOf(bytes)).value, value);
    return;
  }
  const converter = (await plugin.create()) as Converter;
  converter.configure({}, { isKey: false });
  const bytes = await converter.fromConnectData('topic', schema, value);
  same((await converter.toConnectData('topic', bytesOf(bytes))).value, value);
}

const bytesOf = (data: Uint8Array | string | null) => (typeof data === 'string' ? Buffer.from(data) : data);

const lazyChecks: readonly Check[] = [
  {
    name: 'import() of built-in modules',
    async run() {
      const [http, https, zlib] = await Promise.all([import('node:http'), import('node:https'), import('node:zlib')]);
      same(new http.Agent({ keepAlive: true }) instanceof http.default.Agent, true);
      same(new https.Agent() instanceof http.Agent, true);
      same(zlib.gunzipSync(zlib.gzipSync('packed')).toString(), 'packed');
    },
  },
  {
    name: 'import() of packages',
    async run() {
      const { parse, default: avsc } = await import('avsc');
      same(avsc.Type.forSchema('int').fromBuffer(avsc.Type.forSchema('int').toBuffer(7)), 7);
      same(typeof parse, 'function');
      const { Ajv } = await import('ajv');
      same(new Ajv().validate({ type: 'number' }, 1), true);
      const fc = await import('fast-check');
      same(typeof fc.integer, 'function');
    },
  },
  {
    name: 'a file beside the module',
    async run() {
      same(readFileSync(new URL('./q.sql', import.meta.url), 'utf8').trim(), 'select 1');
    },
  },
];

function same(one: unknown, other: unknown): void {
  const [found, expected] = [textOf(one), textOf(other)];
  if (found !== expected) throw new Error(`It gives ${found} instead of ${expected}`);
}

function textOf(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value)
  );
}
