import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaEquals, valueEquals } from '../../../src/data/equality.ts';
import type { Schema } from '../../../src/data/schema.ts';
import {
  FLOAT64_SCHEMA,
  INT8_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
} from '../../../src/data/schema-builder.ts';
import { Float32, Int32 } from '../../../src/data/schemaless.ts';
import { Struct } from '../../../src/data/struct.ts';
import { ConnectError } from '../../../src/errors.ts';
import { JsonConverter } from '../../../src/plugins/converters/json.ts';
import { data } from './arbitrary-data.ts';

function converter(settings: Record<string, string> = {}): JsonConverter {
  const json = new JsonConverter();
  json.configure(settings, { isKey: false });
  return json;
}

function read(json: JsonConverter, text: string) {
  return json.toConnectData('t', Buffer.from(text));
}

const row = SchemaBuilder.struct()
  .field('id', INT64_SCHEMA)
  .field('name', OPTIONAL_STRING_SCHEMA)
  .field('ratio', FLOAT64_SCHEMA)
  .build();

describe('JsonConverter', () => {
  it('brings back any value of any schema, with the schema', () => {
    const json = converter();
    fc.assert(
      fc.property(data, ({ schema, value }) => {
        const text = json.fromConnectData('t', schema, value) as string;
        const back = read(json, text);
        expect(schemaEquals(back.schema, schema)).toBe(true);
        expect(valueEquals(back.value, value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('reads the same from a schema that it knows as from one that it meets first', () => {
    fc.assert(
      fc.property(data, ({ schema, value }) => {
        const text = converter().fromConnectData('t', schema, value) as string;
        const warm = converter();
        read(warm, text);
        expect(valueEquals(read(warm, text).value, read(converter(), text).value)).toBe(true);
      }),
    );
  });

  it('reads the same wherever the message lies in its buffer', () => {
    const json = converter();
    const text = json.fromConnectData('t', STRING_SCHEMA, 'héllo') as string;
    const buffer = Buffer.from(`xx${text}yy`);
    expect(json.readConnectData('t', buffer, 2, buffer.length - 2)).toEqual(read(json, text));
  });

  it('knows a schema by its bytes, however they are laid out', () => {
    const json = converter();
    for (const space of ['', ' ', '\n  ']) {
      for (const id of ['1', '9007199254740993', '-5']) {
        const text = `{${space}"schema":${space}{"type":"int64"}${space},"payload":${space}${id}${space}}`;
        expect(read(json, text).value).toBe(BigInt(id));
      }
    }
    expect(read(json, '{"payload":7,"schema":{"type":"int64"}}').value).toBe(7n);
  });

  it('keeps as many schemas as schemas.cache.size says and still reads all', () => {
    const json = converter({ 'schemas.cache.size': '2' });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20; i++) {
        expect(read(json, `{"schema":{"type":"int8","name":"n${i}"},"payload":${i}}`)).toMatchObject({ value: i });
      }
    }
  });

  it('writes the bytes that Java writes', () => {
    const struct = new Struct(row)
      .put('id', 2n ** 53n + 1n)
      .put('name', 'a"\u0001é😀')
      .put('ratio', 1e7);
    expect(converter().fromConnectData('t', row, struct)).toBe(
      '{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},' +
        '{"type":"string","optional":true,"field":"name"},{"type":"double","optional":false,"field":"ratio"}],' +
        '"optional":false},"payload":{"id":9007199254740993,"name":"a\\"\\u0001é\\uD83D\\uDE00","ratio":1.0E7}}',
    );
    expect(converter({ 'schemas.enable': 'false' }).fromConnectData('t', INT8_SCHEMA, 5)).toBe('5');
  });

  it('writes schemaless values by their own type', () => {
    const json = converter({ 'schemas.enable': 'false' });
    const write = (value: unknown) => json.fromConnectData('t', null, value);
    expect(
      write(
        new Map<string, unknown>([
          ['a', 5],
          ['b', new Int32(5)],
          ['c', new Float32(0.1)],
        ]),
      ),
    ).toBe('{"a":5.0,"b":5,"c":0.1}');
    expect(
      write(
        new Map<unknown, unknown>([
          [1n, 'x'],
          ['k', null],
        ]),
      ),
    ).toBe('[[1,"x"],["k",null]]');
    expect(write(null)).toBeNull();
    expect(write(Number.NaN)).toBe('"NaN"');
  });

  it('reads schemaless JSON: integers as longs of 64 bits, the rest as doubles', () => {
    const json = converter({ 'schemas.enable': 'false' });
    expect(read(json, '[1, 1.0, 1e2, 9223372036854775807, -0.0, "a\\u00e9", null, true]').value).toEqual([
      1n,
      1,
      100,
      9223372036854775807n,
      0,
      'aé',
      null,
      true,
    ]);
    expect(read(json, '{"__proto__": {"a": 1}}').value).toEqual(new Map([['__proto__', new Map([['a', 1n]])]]));
    expect(read(json, '').value).toBeNull();
  });

  it('replaces null by the default unless told not to', () => {
    const schema = SchemaBuilder.struct().field('a', SchemaBuilder.int8().optional().defaultValue(7).build()).build();
    const text = converter().fromConnectData('t', schema, new Struct(schema)) as string;
    expect(text).toContain('"payload":{"a":7}');
    const keep = converter({ 'replace.null.with.default': 'false' });
    expect(keep.fromConnectData('t', schema, new Struct(schema))).toContain('"payload":{"a":null}');
    expect((read(keep, text.replace('"payload":{"a":7}', '"payload":{}')).value as Struct).values).toEqual([null]);
  });

  it('takes the schema of all messages from schema.content', () => {
    const json = converter({ 'schema.content': '{"type":"struct","fields":[{"type":"int32","field":"a"}]}' });
    expect((read(json, '{"a": 5}').value as Struct).get('a')).toBe(5);
    expect(() => converter({ 'schema.content': '{bad' })).toThrow('Failed to parse schema in converter config');
  });

  it.each<[string, Schema, unknown]>([
    ['a value of the wrong type', INT32_SCHEMA, 'x'],
    ['null where it is required', STRING_SCHEMA, null],
    ['a fraction for an integer', INT32_SCHEMA, 1.5],
    ['a struct of another schema', row, new Struct(SchemaBuilder.struct().build())],
  ])('refuses %s with a DataException', (_case, schema, value) => {
    const attempt = () => converter().fromConnectData('t', schema, value);
    expect(attempt).toThrow(expect.objectContaining({ javaClass: 'DataException' }) as ConnectError);
  });

  it.each(['yes', '1'])('refuses schemas.enable=%s with a ConfigException', (value) => {
    expect(() => converter({ 'schemas.enable': value })).toThrow('schemas.enable');
  });

  it('raises only coded errors, whatever the bytes and the settings', () => {
    const settings = fc.record(
      {
        'schemas.enable': fc.oneof(fc.constantFrom('true', 'false'), fc.string()),
        'decimal.format': fc.oneof(fc.constantFrom('NUMERIC', 'base64'), fc.string()),
        'schemas.cache.size': fc.oneof(fc.constantFrom('0', '10'), fc.string()),
        'schema.content': fc.oneof(fc.constant('{"type":"int32"}'), fc.json(), fc.string()),
      },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc.json().map((payload) => `{"schema":{"type":"array","items":{"type":"string"}},"payload":${payload}}`),
      fc.json().map((schema) => `{"schema":${schema},"payload":1}`),
    );
    const bytes = fc.oneof(
      fc.uint8Array(),
      text.map((json) => Buffer.from(json)),
    );
    fc.assert(
      fc.property(settings, bytes, (config, message) => {
        try {
          converter(config as Record<string, string>).toConnectData('t', message);
        } catch (error) {
          expect(error).toBeInstanceOf(ConnectError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('raises a coded error for a document nested too deeply', () => {
    const json = converter({ 'schemas.enable': 'false' });
    expect(() => read(json, '['.repeat(100_000))).toThrow(ConnectError);
    expect(() => read(json, `${'['.repeat(1001)}${']'.repeat(1001)}`)).toThrow(ConnectError);
    expect(() => read(json, `${'['.repeat(1000)}${']'.repeat(1000)}`)).not.toThrow();
  });
});
