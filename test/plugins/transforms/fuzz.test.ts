import fc from 'fast-check';
import { expect, test } from 'vitest';
import { builtinPlugins } from '../../../functions/builtin-plugins.ts';
import { SourceRecord } from '../../../src/api/record.ts';
import type { Predicate, Transformation } from '../../../src/api/transformation.ts';
import { validateConfig } from '../../../src/config/validate-config.ts';
import { Decimal, Instant } from '../../../src/data/logical.ts';
import { SchemaBuilder, STRING_SCHEMA } from '../../../src/data/schema-builder.ts';
import { Int32 } from '../../../src/data/schemaless.ts';
import { Struct } from '../../../src/data/struct.ts';
import { ConnectError } from '../../../src/errors.ts';

const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a',
    'a,b',
    'a,a',
    'a,,b',
    'a:b',
    'a:int32',
    'int8',
    'true',
    'move',
    'string',
    'unix',
    'V2',
    'a.b',
    '`a',
    '(',
    '$1',
    '\\',
    'yyyy',
    "'",
    '-1',
    '1e400',
    '__proto__',
  ),
  fc.string(),
);

const schema = SchemaBuilder.struct()
  .field('a', STRING_SCHEMA)
  .field('b', SchemaBuilder.int64().optional().build())
  .build();
const value = fc.oneof(
  fc.constantFrom<unknown>(null, true, 5, 5n, 'x', new Int32(1), new Instant(0), new Decimal(5n, 1), Buffer.from('x'), [
    1,
    'a',
  ]),
  fc.constantFrom<unknown>(
    new Map<unknown, unknown>([
      ['a', 'x'],
      ['b', 5n],
      ['__proto__', null],
    ]),
    new Map<unknown, unknown>([[new Int32(5), 'x']]),
    new Struct(schema).put('a', 'x'),
  ),
);

const stages = builtinPlugins.filter(({ kind }) => kind === 'transformation' || kind === 'predicate');

test('no settings and no record make anything but a coded error', async () => {
  const plugins = await Promise.all(stages.map(async (plugin) => ({ plugin, create: plugin.create })));
  fc.assert(
    fc.property(
      fc.constantFrom(...plugins),
      fc.infiniteStream(fc.option(text, { freq: 4 })),
      value,
      value,
      fc.option(fc.integer()),
      ({ plugin, create }, texts, key, data, timestamp) => {
        const settings: Record<string, string> = {};
        for (const name of plugin.config.keys.keys()) {
          const next = texts.next().value;
          if (typeof next === 'string') settings[name] = next;
        }
        const schemaOf = (item: unknown) => (item instanceof Struct ? schema : null);
        const record = new SourceRecord({}, {}, 'topic', null, schemaOf(key), key, schemaOf(data), data, timestamp);
        validateConfig(plugin.config, settings);
        try {
          const instance = create() as Transformation | Predicate;
          instance.configure(settings);
          if ('apply' in instance) instance.apply(record);
          else instance.test(record);
        } catch (error) {
          expect(error, `${plugin.className} ${JSON.stringify(settings)}`).toBeInstanceOf(ConnectError);
        }
      },
    ),
    { numRuns: 5000 },
  );
});
