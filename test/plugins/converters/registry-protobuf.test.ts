import fc from 'fast-check';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectSchema } from '../../../src/data/connect-schema.ts';
import { Decimal, Instant } from '../../../src/data/logical.ts';
import type { Schema, SchemaAndValue } from '../../../src/data/schema.ts';
import { Struct } from '../../../src/data/struct.ts';
import { knownFiles } from '../../../src/plugins/converters/protobuf/known-types.ts';
import { ProtobufConverter } from '../../../src/plugins/converters/protobuf/protobuf-converter.ts';
import { plain, structSample } from '../../support/connect-data.ts';
import { FakeSchemaRegistry } from '../../support/schema-registry.ts';

let registry: FakeSchemaRegistry;
let topics = 0;
const freshTopic = () => `proto-${topics++}`;

beforeAll(async () => {
  registry = await FakeSchemaRegistry.start({ compatibility: 'NONE' });
});
afterAll(() => registry.stop());

function converter(settings: Record<string, string> = {}): ProtobufConverter {
  const made = new ProtobufConverter();
  made.configure({ 'schema.registry.url': registry.url, ...settings }, { isKey: false });
  return made;
}

async function write(topic: string, schema: Schema | null, value: unknown, settings = {}): Promise<Buffer> {
  return Buffer.from((await converter(settings).fromConnectData(topic, schema, value)) as Uint8Array);
}

async function read(topic: string, bytes: Uint8Array, settings = {}): Promise<SchemaAndValue> {
  return converter(settings).toConnectData(topic, bytes);
}

function struct(name: string | null, fields: Record<string, Schema>, optional = false): ConnectSchema {
  return new ConnectSchema('struct', {
    name,
    optional,
    fields: Object.entries(fields).map(([field, schema], index) => ({ name: field, index, schema })),
  });
}

function typeIn(text: string, name: string): protobuf.Type {
  const root = new protobuf.Root();
  for (const known of knownFiles.values()) protobuf.parse(known, root, { keepCase: true });
  protobuf.parse(text, root, { keepCase: true });
  root.resolveAll();
  return root.lookupType(name);
}

function framed(id: number, payload: Uint8Array, indexes = [0]): Buffer {
  const bytes = Buffer.from([0, 0, 0, 0, 0, ...indexes, ...payload]);
  bytes.writeUInt32BE(id, 1);
  return bytes;
}

const int32 = new ConnectSchema('int32');
const string = new ConnectSchema('string');

describe('writing', () => {
  test('a struct becomes a message with Confluent’s names, and known bytes', async () => {
    const topic = freshTopic();
    const schema = struct('com.example.User', {
      id: new ConnectSchema('int64'),
      name: string,
      small: new ConnectSchema('int16'),
      tags: new ConnectSchema('map', { keySchema: string, valueSchema: int32 }),
      at: new ConnectSchema('int64', { name: 'org.apache.kafka.connect.data.Timestamp', version: 1 }),
      price: new ConnectSchema('bytes', {
        name: 'org.apache.kafka.connect.data.Decimal',
        version: 1,
        parameters: new Map([['scale', '2']]),
      }),
      inner: struct(null, { x: new ConnectSchema('array', { valueSchema: int32 }) }),
    });
    const value = new Struct(schema, [
      -1n,
      '',
      3,
      new Map([['a', 0]]),
      new Instant(1500),
      new Decimal(150n, 2),
      new Struct(schema.fields[6]!.schema, [[1, 2]]),
    ]);
    const bytes = await write(topic, schema, value);
    expect(registry.schemaOf(`${topic}-value`)).toBe(`syntax = "proto3";
package com.example;

import "confluent/meta.proto";
import "google/protobuf/timestamp.proto";
import "confluent/type/decimal.proto";

message User {
  int64 id = 1;
  string name = 2;
  int32 small = 3 [(confluent.field_meta) = { params: [{ key: "connect.type", value: "int16" }] }];
  repeated ConnectDefault1Entry tags = 4;
  google.protobuf.Timestamp at = 5;
  confluent.type.Decimal price = 6 [(confluent.field_meta) = { params: [{ key: "scale", value: "2" }] }];
  ConnectDefault2 inner = 7;

  message ConnectDefault1Entry {
    string key = 1;
    int32 value = 2;
  }

  message ConnectDefault2 {
    repeated int32 x = 1;
  }
}
`);
    expect(bytes.subarray(5).toString('hex')).toBe(
      [
        '00',
        '08ffffffffffffffffff01',
        '1803',
        '22030a0161',
        '2a0808011080cab5ee01',
        '32080a02009610031802',
        '3a040a020102',
      ].join(''),
    );
  });

  test('a primitive alone is a wrapper message', async () => {
    const topic = freshTopic();
    const bytes = await write(topic, string, 'hi');
    // StringValue is the eighth message of its file.
    expect(bytes.subarray(5).toString('hex')).toBe('020e0a026869');
    const back = await read(topic, bytes);
    expect([back.schema!.type, back.value]).toEqual(['string', 'hi']);
    expect((await read(topic, await write(topic, string, ''))).value).toBe('');
  });

  test('Connect’s defaults are written into records, not into the schema: proto3 has none', async () => {
    const topic = freshTopic();
    const schema = struct('Defaults', {
      a: new ConnectSchema('int32', { defaultValue: 5 }),
      b: new ConnectSchema('string', { defaultValue: 'x"y', optional: true }),
      c: new ConnectSchema('float64', { defaultValue: 1.5 }),
      d: new ConnectSchema('boolean', { defaultValue: true }),
      e: new ConnectSchema('int8', { defaultValue: 3 }),
    });
    const bytes = await write(topic, schema, new Struct(schema, [null, null, 0, null, null]));
    const text = registry.schemaOf(`${topic}-value`);
    expect(text).not.toContain('default');
    expect(typeIn(text, 'Defaults').decode(bytes.subarray(6)).toJSON()).toEqual({ a: 5, b: 'x"y', d: true, e: 3 });
  });

  test('maps of maps and of lists are nested entries; read back, they are lists of entries', async () => {
    const topic = freshTopic();
    const list = new ConnectSchema('array', { valueSchema: int32, optional: true });
    const map = (valueSchema: Schema) => new ConnectSchema('map', { keySchema: string, valueSchema, optional: true });
    const schema = struct('Nested', { maps: map(map(int32)), lists: map(list), none: map(list), deep: map(map(list)) });
    const value = new Struct(schema, [
      new Map([['o', new Map([['i', 7]])]]),
      new Map([['l', [1, 2]]]),
      null,
      new Map([['x', new Map([['y', [3]]])]]),
    ]);
    const bytes = await write(topic, schema, value);
    const message = typeIn(registry.schemaOf(`${topic}-value`), 'Nested').decode(bytes.subarray(6));
    expect(message.toJSON()).toEqual({
      maps: [{ key: 'o', value: [{ key: 'i', value: 7 }] }],
      lists: [{ key: 'l', value: [1, 2] }],
      deep: [{ key: 'x', value: [{ key: 'y', value: [3] }] }],
    });
    expect(plain((await read(topic, bytes)).value)).toEqual({
      maps: [{ key: 'o', value: { entries: [['i', 7]] } }],
      lists: [{ key: 'l', value: [1, 2] }],
      none: [],
      deep: [{ key: 'x', value: [{ key: 'y', value: [3] }] }],
    });
  });

  test('a list of maps is written while it is null or empty', async () => {
    const topic = freshTopic();
    const map = new ConnectSchema('map', { keySchema: string, valueSchema: int32 });
    const schema = struct('Lists', { maps: new ConnectSchema('array', { valueSchema: map, optional: true }) });
    expect((await write(topic, schema, new Struct(schema, [null]))).length).toBe(6);
    expect((await write(topic, schema, new Struct(schema, [[]]))).length).toBe(6);
    await expect(write(topic, schema, new Struct(schema, [[new Map([['a', 1]])]]))).rejects.toMatchObject({
      javaClass: 'DataException',
      message: expect.stringContaining('maps is an array of maps'),
    });
  });

  test('two different structs of one name lose nothing: the second’s own field has no place', async () => {
    const topic = freshTopic();
    const [one, two] = [struct('S', { x: int32 }), struct('S', { x: int32, y: string }, true)];
    const schema = struct('Both', { one, two });
    await write(topic, schema, new Struct(schema, [new Struct(one, [1]), null]));
    const value = new Struct(schema, [new Struct(one, [1]), new Struct(two, [2, 'lost?'])]);
    await expect(write(topic, schema, value)).rejects.toThrow('Cannot find field with name y in Both.S');
  });

  test('names that Protobuf does not admit are replaced when asked', async () => {
    const topic = freshTopic();
    const schema = struct('1-bad', { _a: int32, 'b c': int32 });
    await write(topic, schema, new Struct(schema, [1, 2]), { 'scrub.invalid.names': 'true' });
    expect(registry.schemaOf(`${topic}-value`)).toMatch(/message x1_bad \{\s+int32 x_a = 1;\s+int32 b_c = 2;/);
  });

  test.each<[string, Schema | null, unknown]>([
    ['an array alone', new ConnectSchema('array', { valueSchema: int32 }), [1]],
    ['data without a schema', null, 'x'],
    [
      'an array of arrays',
      struct('S', {
        a: new ConnectSchema('array', { valueSchema: new ConnectSchema('array', { valueSchema: int32 }) }),
      }),
      null,
    ],
    ['a string for an int32', struct('S', { a: int32 }), ['x']],
    ['null in an array', struct('S', { a: new ConnectSchema('array', { valueSchema: int32 }) }), [[null]]],
    ['a struct of another schema', struct('S', { a: int32 }), new Struct(struct('T', { b: int32 }), [1])],
    ['a name that is no identifier', struct('not a name', { a: int32 }), [1]],
  ])('%s is a DataException', async (_, schema, value) => {
    const given =
      schema?.type === 'struct' && !(value instanceof Struct)
        ? new Struct(schema, (value ?? [[[1]]]) as unknown[])
        : value;
    await expect(write(freshTopic(), schema, given)).rejects.toMatchObject({ javaClass: 'DataException' });
  });

  test('use.latest.version finds fields by name', async () => {
    const topic = freshTopic();
    registry.add(
      `${topic}-value`,
      'syntax = "proto3"; message Other {} message R { string b = 7; int64 a = 3; string extra = 1; }',
      'PROTOBUF',
    );
    const schema = struct('R', { a: int32, b: string });
    const settings = {
      'auto.register.schemas': 'false',
      'use.latest.version': 'true',
      'latest.compatibility.strict': 'false',
    };
    const bytes = await write(topic, schema, new Struct(schema, [5, 'x']), settings);
    expect(bytes.subarray(5).toString('hex')).toBe(['0202', '1805', '3a0178'].join(''));
  });
});

describe('reading schemas of others', () => {
  const text = `syntax = "proto3";
package shop;
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
message Order {
  enum State { NEW = 0; PAID = 2; }
  State state = 1;
  uint32 count = 2;
  sint64 delta = 3;
  fixed64 big = 4;
  optional string note = 5;
  map<string, Item> items = 6;
  oneof pay { string card = 7; Item voucher = 8; }
  google.protobuf.StringValue alias = 9;
  google.type.Date due = 10;
  Order parent = 11;
  repeated float ratios = 12;
  message Item { int32 n = 1; }
}
message Second { bool yes = 1; }`;
  const full = {
    state: 2,
    count: 4294967295,
    delta: -5,
    big: 7,
    note: '',
    items: { a: { n: 1 } },
    voucher: { n: 9 },
    alias: { value: 'al' },
    due: { year: 2024, month: 2, day: 29 },
    parent: { state: 0 },
    ratios: [0.5, 2],
  };

  test('enums, wide integers, oneofs, wrappers, dates, maps, recursion', async () => {
    const topic = freshTopic();
    const id = registry.add(`${topic}-value`, text, 'PROTOBUF');
    const type = typeIn(text, 'shop.Order');
    const payload = type.encode(type.fromObject(full)).finish();
    const { schema, value } = await read(topic, framed(id, payload), { 'wrapper.for.nullables': 'true' });
    expect(schema!.fields.map((field) => field.name)).toEqual([
      'pay_0',
      'state',
      'count',
      'delta',
      'big',
      'note',
      'items',
      'alias',
      'due',
      'parent',
      'ratios',
    ]);
    expect([schema!.name, schema!.version]).toEqual(['Order', 1]);
    expect(schema!.field('pay_0')!.schema.name).toBe('io.confluent.connect.protobuf.Union.pay');
    expect(schema!.field('count')!.schema.parameters!.get('io.confluent.connect.protobuf.Type')).toBe('uint32');
    expect(schema!.field('state')!.schema.parameters!.get('io.confluent.connect.protobuf.Enum.PAID')).toBe('2');
    const { parent, ...rest } = plain(value) as Record<string, unknown>;
    expect(rest).toEqual({
      pay_0: { card: null, voucher: { n: 9 } },
      state: 'PAID',
      count: 4294967295n,
      delta: -5n,
      big: 7n,
      note: '',
      items: { entries: [['a', { n: 1 }]] },
      alias: 'al',
      due: `instant ${Date.UTC(2024, 1, 29)}`,
      ratios: [0.5, 2],
    });
    expect(parent).toMatchObject({
      state: 'NEW',
      count: 0n,
      note: null,
      pay_0: null,
      due: null,
      parent: null,
      ratios: [],
    });
  });

  test('flatten.unions, int.for.enums and enhanced names', async () => {
    const topic = freshTopic();
    const id = registry.add(`${topic}-value`, text, 'PROTOBUF');
    const type = typeIn(text, 'shop.Order');
    const payload = type.encode(type.fromObject(full)).finish();
    const settings = { 'flatten.unions': 'true', 'int.for.enums': 'true', 'enhanced.protobuf.schema.support': 'true' };
    const { schema, value } = await read(topic, framed(id, payload), settings);
    expect(schema!.name).toBe('shop.Order');
    expect(plain(value)).toMatchObject({ card: null, voucher: { n: 9 }, state: 2, alias: { value: 'al' } });
  });

  test('enhanced.protobuf.schema.support names a map after the message around it', async () => {
    const topic = freshTopic();
    const id = registry.add(
      `${topic}-value`,
      'syntax = "proto3"; package Shop.v1; message Order { map<string, int32> itemCounts = 1; map<string, int32> by_id = 2; }',
      'PROTOBUF',
    );
    const names = async (settings: Record<string, string>) =>
      (await read(topic, framed(id, Uint8Array.of()), settings)).schema!.fields.map((field) => field.schema.name);
    expect(await names({ 'enhanced.protobuf.schema.support': 'true' })).toEqual([
      'Shop.v1.Order.item_counts',
      'Shop.v1.Order.by_id',
    ]);
    expect(await names({})).toEqual(['item_counts', 'by_id']);
  });

  test('a string that is not UTF-8 is an error in proto3 and replaced in proto2, as in Java', async () => {
    const fields = 'string s = 1; map<string, string> m = 2;';
    const ids = new Map(
      (['proto3', 'proto2'] as const).map((syntax) => {
        const own = syntax === 'proto2' ? fields.replace('string s', 'optional string s') : fields;
        return [syntax, registry.add(freshTopic(), `syntax = "${syntax}"; message U { ${own} }`, 'PROTOBUF')];
      }),
    );
    const topic = freshTopic();
    const bad = [Uint8Array.of(0x0a, 2, 0xc3, 0x28), Uint8Array.of(0x12, 3, 0x12, 1, 0xff)];
    for (const payload of bad) {
      await expect(read(topic, framed(ids.get('proto3')!, payload))).rejects.toMatchObject({
        javaClass: 'DataException',
        message: expect.stringContaining('not valid UTF-8'),
      });
      expect(JSON.stringify(plain((await read(topic, framed(ids.get('proto2')!, payload))).value))).toContain('\ufffd');
    }
    const replacement = Uint8Array.of(0x0a, 3, 0xef, 0xbf, 0xbd);
    expect(plain((await read(topic, framed(ids.get('proto3')!, replacement))).value)).toMatchObject({ s: '\ufffd' });
  });

  test('a message that is not the first of its file is found by its indexes', async () => {
    const topic = freshTopic();
    const id = registry.add(`${topic}-value`, text, 'PROTOBUF');
    const second = await read(topic, framed(id, Uint8Array.of(8, 1), [2, 2]));
    expect(plain(second.value)).toEqual({ yes: true });
    const item = await read(topic, framed(id, Uint8Array.of(8, 3), [4, 0, 0]));
    expect([item.schema!.name, plain(item.value)]).toEqual(['Item', { n: 3 }]);
    await expect(read(topic, framed(id, Uint8Array.of(), [2, 20]))).rejects.toMatchObject({
      javaClass: 'DataException',
    });
  });

  test('imports come from the registry’s references; a missing one is named', async () => {
    const topic = freshTopic();
    registry.add('common', 'syntax = "proto3"; package c; message Tag { string t = 1; }', 'PROTOBUF');
    const importing = 'syntax = "proto3"; import "common.proto"; message M { c.Tag tag = 1; }';
    const id = registry.add(`${topic}-value`, importing, 'PROTOBUF', [
      { name: 'common.proto', subject: 'common', version: 1 },
    ]);
    expect(plain((await read(topic, framed(id, Buffer.from('0a030a0161', 'hex')))).value)).toEqual({ tag: { t: 'a' } });
    const lonely = registry.add(`${topic}-value`, importing.replace('common', 'other'), 'PROTOBUF');
    await expect(read(topic, framed(lonely, Uint8Array.of()))).rejects.toMatchObject({
      javaClass: 'DataException',
      message: expect.stringContaining('other.proto'),
    });
  });

  test('what was read can be written: oneofs keep their numbers', async () => {
    const source = freshTopic();
    const plainText = text.replace('  Order parent = 11;\n', '');
    const id = registry.add(`${source}-value`, plainText, 'PROTOBUF');
    const type = typeIn(plainText, 'shop.Order');
    const { parent: _, ...order } = full;
    const payload = type.encode(type.fromObject(order)).finish();
    const settings = { 'wrapper.for.nullables': 'true', 'generate.index.for.unions': 'false' };
    const { schema, value } = await read(source, framed(id, payload), settings);
    const target = freshTopic();
    const again = await write(target, schema, value, settings);
    const written = typeIn(registry.schemaOf(`${target}-value`), 'Order');
    expect(written.fields.voucher!.id).toBe(8);
    expect(written.decode(again.subarray(6)).toJSON()).toMatchObject({
      voucher: { n: 9 },
      state: 'PAID',
      alias: { value: 'al' },
    });
  });
});

test('any struct comes back, and a second Protobuf library reads and writes the same bytes', {
  timeout: 120_000,
}, async () => {
  const limits = { nested: false, optionalContainers: false, oddFloats: true };
  const settings = { 'optional.for.nullables': 'true' };
  await fc.assert(
    fc.asyncProperty(structSample(limits), async ({ schema, value }) => {
      const topic = freshTopic();
      const bytes = await write(topic, schema, value, settings);
      const type = typeIn(registry.schemaOf(`${topic}-value`), schema.name!);
      expect(Buffer.from(type.encode(type.decode(bytes.subarray(6))).finish())).toEqual(bytes.subarray(6));
      const back = await read(topic, bytes, settings);
      expect(plain(back.value)).toEqual(plain(value));
    }),
    { numRuns: 50 },
  );
});
