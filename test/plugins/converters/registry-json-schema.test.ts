import { Ajv } from 'ajv';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectSchema } from '../../../src/data/connect-schema.ts';
import { Decimal } from '../../../src/data/logical.ts';
import type { Schema, SchemaAndValue } from '../../../src/data/schema.ts';
import { Struct } from '../../../src/data/struct.ts';
import { JsonSchemaConverter } from '../../../src/plugins/converters/json-schema/json-schema-converter.ts';
import { schemaKey } from '../../../src/schema-registry/schema-key.ts';
import { plain, structSample } from '../../support/connect-data.ts';
import { FakeSchemaRegistry } from '../../support/schema-registry.ts';

let registry: FakeSchemaRegistry;
let topics = 0;
const freshTopic = () => `json-${topics++}`;

beforeAll(async () => {
  registry = await FakeSchemaRegistry.start({ compatibility: 'NONE' });
});
afterAll(() => registry.stop());

function converter(settings: Record<string, string> = {}): JsonSchemaConverter {
  const made = new JsonSchemaConverter();
  made.configure({ 'schema.registry.url': registry.url, ...settings }, { isKey: false });
  return made;
}

async function write(topic: string, schema: Schema | null, value: unknown, settings = {}): Promise<Buffer> {
  return Buffer.from((await converter(settings).fromConnectData(topic, schema, value)) as Uint8Array);
}

async function read(topic: string, bytes: Uint8Array, settings = {}): Promise<SchemaAndValue> {
  return converter(settings).toConnectData(topic, bytes);
}

/** Reads a JSON text under a schema that somebody else registered. */
async function readAs(schema: unknown, json: string, settings = {}): Promise<SchemaAndValue> {
  const topic = freshTopic();
  const id = registry.add(`${topic}-value`, JSON.stringify(schema), 'JSON');
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return read(topic, Buffer.concat([header, Buffer.from(json)]), settings);
}

function struct(name: string | null, fields: Record<string, Schema>, optional = false): ConnectSchema {
  return new ConnectSchema('struct', {
    name,
    optional,
    fields: Object.entries(fields).map(([field, schema], index) => ({ name: field, index, schema })),
  });
}

const decimal = new ConnectSchema('bytes', {
  name: 'org.apache.kafka.connect.data.Decimal',
  version: 1,
  parameters: new Map([['scale', '2']]),
});

describe('writing', () => {
  const schema = struct('com.example.User', {
    b: new ConnectSchema('int64', { defaultValue: 9007199254740993n }),
    a: new ConnectSchema('string', { optional: true, doc: 'why' }),
    m: new ConnectSchema('map', { keySchema: new ConnectSchema('string'), valueSchema: new ConnectSchema('int8') }),
    d: decimal,
    o: struct('In', { x: new ConnectSchema('boolean') }, true),
  });
  const value = new Struct(schema, [1n, null, new Map([['k', 2]]), new Decimal(150n, 2), null]);

  test('schema and payload have Confluent’s form', async () => {
    const topic = freshTopic();
    const bytes = await write(topic, schema, value);
    expect(bytes.subarray(5).toString()).toBe('{"b":1,"a":null,"m":{"k":2},"d":"AJY=","o":null}');
    const text = registry.schemaOf(`${topic}-value`);
    expect(text).toContain('"default":9007199254740993');
    expect(JSON.parse(text.replace('9007199254740993', '1'))).toEqual({
      title: 'com.example.User',
      type: 'object',
      properties: {
        b: { type: 'integer', default: 1, 'connect.type': 'int64', 'connect.index': 0 },
        a: { oneOf: [{ type: 'null' }, { type: 'string', description: 'why' }], 'connect.index': 1 },
        m: {
          type: 'object',
          additionalProperties: { type: 'integer', 'connect.type': 'int8' },
          'connect.type': 'map',
          'connect.index': 2,
        },
        d: {
          title: 'org.apache.kafka.connect.data.Decimal',
          type: 'string',
          'connect.type': 'bytes',
          'connect.version': 1,
          'connect.parameters': { scale: '2' },
          'connect.index': 3,
        },
        o: {
          oneOf: [
            { type: 'null' },
            { title: 'In', type: 'object', properties: { x: { type: 'boolean', 'connect.index': 0 } } },
          ],
          'connect.index': 4,
        },
      },
    });
  });

  test('decimal.format=NUMERIC and object.additional.properties=false', async () => {
    const topic = freshTopic();
    const settings = { 'decimal.format': 'NUMERIC', 'object.additional.properties': 'false' };
    const bytes = await write(topic, schema, value, settings);
    expect(bytes.subarray(5).toString()).toContain('"d":1.50');
    const registered = JSON.parse(registry.schemaOf(`${topic}-value`));
    expect([registered.additionalProperties, registered.properties.d.type]).toEqual([false, 'number']);
    expect(plain((await read(topic, bytes, settings)).value)).toEqual(plain(value));
  });

  test('null of an optional schema is the JSON null; data without a schema is refused', async () => {
    const topic = freshTopic();
    const optional = new ConnectSchema('string', { optional: true });
    const bytes = await write(topic, optional, null);
    expect(bytes.subarray(5).toString()).toBe('null');
    expect((await read(topic, bytes)).value).toBeNull();
    expect(await converter().fromConnectData(topic, null, null)).toBeNull();
    await expect(write(topic, null, 'x')).rejects.toMatchObject({ javaClass: 'DataException' });
  });
});

describe('reading schemas of others', () => {
  test('plain types, numbers of any size, required and not', async () => {
    const schema = {
      type: 'object',
      title: 'T',
      required: ['i'],
      properties: {
        i: { type: 'integer' },
        n: { type: 'number' },
        s: { type: ['string', 'null'] },
        b: { type: 'boolean' },
      },
    };
    const { schema: connect, value } = await readAs(schema, '{"i":9223372036854775807,"n":1,"s":null}');
    expect(plain(value)).toEqual({ i: 9223372036854775807n, n: 1, s: null, b: null });
    expect(connect!.fields.map((field) => [field.name, field.schema.type, field.schema.optional])).toEqual([
      ['i', 'int64', false],
      ['n', 'float64', false],
      ['s', 'string', true],
      ['b', 'boolean', false],
    ]);
    const lenient = await readAs(schema, '{"i":1}', { 'use.optional.for.nonrequired': 'true' });
    expect(lenient.schema!.fields.map((field) => field.schema.optional)).toEqual([false, true, true, true]);
    await expect(readAs(schema, '{"i":null}')).rejects.toMatchObject({
      message: expect.stringContaining('required INT64'),
    });
  });

  test('unions choose the member that fits', async () => {
    const schema = {
      oneOf: [
        { type: 'null' },
        { type: 'integer' },
        { type: 'string' },
        { type: 'object', title: 'A', properties: { x: { type: 'integer' }, y: { type: 'integer' } } },
        { type: 'object', title: 'B', properties: { x: { type: 'integer' }, z: { type: 'integer' } } },
      ],
    };
    const name = 'io.confluent.connect.json.OneOf';
    const chosen = async (json: string) => {
      const { schema: connect, value } = await readAs(schema, json);
      expect([connect!.name, connect!.optional]).toEqual([name, true]);
      return value === null ? null : Object.entries(plain(value) as object).filter(([, one]) => one !== null);
    };
    expect(await chosen('5')).toEqual([[`${name}.field.0`, 5n]]);
    expect(await chosen('"s"')).toEqual([[`${name}.field.1`, 's']]);
    expect(await chosen('{"x":1,"z":2}')).toEqual([[`${name}.field.3`, { x: 1n, z: 2n }]]);
    expect(await chosen('null')).toBeNull();
    await expect(readAs(schema, 'true')).rejects.toMatchObject({ message: expect.stringContaining('oneof') });
  });

  test('enums, constants, allOf, definitions and recursion', async () => {
    const schema = {
      $defs: {
        node: {
          type: 'object',
          title: 'Node',
          properties: { v: { enum: ['a', 'b'] }, next: { oneOf: [{ type: 'null' }, { $ref: '#/$defs/node' }] } },
        },
      },
      type: 'object',
      properties: {
        root: { $ref: '#/$defs/node' },
        both: {
          allOf: [
            { type: 'object', properties: { p: { type: 'string' } } },
            { type: 'object', properties: { q: { type: 'string' } } },
          ],
        },
        kind: { const: 'k' },
      },
    };
    const { schema: connect, value } = await readAs(
      schema,
      '{"root":{"v":"a","next":{"v":"b","next":null}},"both":{"p":"1","q":"2"},"kind":"k"}',
    );
    expect(plain(value)).toEqual({
      root: { v: 'a', next: { v: 'b', next: null } },
      both: { p: '1', q: '2' },
      kind: 'k',
    });
    const symbols = connect!.field('root')!.schema.field('v')!.schema.parameters!;
    expect([...symbols]).toEqual([
      ['io.confluent.connect.json.Enum', ''],
      ['io.confluent.connect.json.Enum.a', 'a'],
      ['io.confluent.connect.json.Enum.b', 'b'],
    ]);
  });

  test.each<[string, unknown]>([
    ['an empty schema', {}],
    ['true', true],
    ['an array without items', { type: 'array' }],
    ['a dangling reference', { $ref: '#/nowhere' }],
    ['a reference to itself', { $ref: '#' }],
    ['nothing but null', { type: 'null' }],
    ['an unknown connect.type', { type: 'integer', 'connect.type': 'int128' }],
  ])('%s is a DataException', async (_, schema) => {
    await expect(readAs(schema, '1')).rejects.toMatchObject({ javaClass: 'DataException' });
  });
});

test('json.fail.invalid.schema checks payloads on both ways', async () => {
  const settings = { 'json.fail.invalid.schema': 'true' };
  const schema = { type: 'object', properties: { age: { type: 'integer', minimum: 0 } } };
  await expect(readAs(schema, '{"age":-1}', settings)).rejects.toMatchObject({ code: 'json_schema.invalid' });
  expect(plain((await readAs(schema, '{"age":1}', settings)).value)).toEqual({ age: 1n });
  const topic = freshTopic();
  registry.add(`${topic}-value`, JSON.stringify(schema), 'JSON');
  const latest = { ...settings, 'auto.register.schemas': 'false', 'use.latest.version': 'true' };
  const own = struct(null, { age: new ConnectSchema('int32') });
  await expect(write(topic, own, new Struct(own, [-5]), latest)).rejects.toMatchObject({ code: 'json_schema.invalid' });
  expect((await write(topic, own, new Struct(own, [5]), latest)).subarray(5).toString()).toBe('{"age":5}');
});

test('any struct comes back with its schema and value, and the payload fits the schema in a validator’s eyes', {
  timeout: 120_000,
}, async () => {
  const limits = { nested: true, optionalContainers: true, oddFloats: false };
  await fc.assert(
    fc.asyncProperty(structSample(limits), async ({ schema, value }) => {
      const topic = freshTopic();
      const bytes = await write(topic, schema, value);
      const registered = JSON.parse(registry.schemaOf(`${topic}-value`));
      const ajv = new Ajv({ strict: false });
      expect(ajv.validate(registered, JSON.parse(bytes.subarray(5).toString()))).toBe(true);
      const back = await read(topic, bytes);
      expect(plain(back.value)).toEqual(plain(value));
      for (const [i, field] of schema.fields.entries()) {
        expect(schemaKey(back.schema!.fields[i]!.schema)).toBe(schemaKey(field.schema));
      }
    }),
    { numRuns: 50 },
  );
});
