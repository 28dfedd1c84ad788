import avsc from 'avsc';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectSchema } from '../../../src/data/connect-schema.ts';
import { Decimal, Instant } from '../../../src/data/logical.ts';
import type { Schema, SchemaAndValue } from '../../../src/data/schema.ts';
import { Float32, Int32 } from '../../../src/data/schemaless.ts';
import { Struct } from '../../../src/data/struct.ts';
import { AvroConverter } from '../../../src/plugins/converters/avro/avro-converter.ts';
import { schemaKey } from '../../../src/schema-registry/schema-key.ts';
import { plain, structSample } from '../../support/connect-data.ts';
import { FakeSchemaRegistry } from '../../support/schema-registry.ts';

let registry: FakeSchemaRegistry;
let topics = 0;
const freshTopic = () => `avro-${topics++}`;

beforeAll(async () => {
  registry = await FakeSchemaRegistry.start({ compatibility: 'NONE' });
});
afterAll(() => registry.stop());

function converter(settings: Record<string, string> = {}, isKey = false): AvroConverter {
  const made = new AvroConverter();
  made.configure({ 'schema.registry.url': registry.url, 'retries.wait.ms': '0', ...settings }, { isKey });
  return made;
}

function struct(name: string | null, fields: Record<string, Schema>, optional = false): ConnectSchema {
  return new ConnectSchema('struct', {
    name,
    optional,
    fields: Object.entries(fields).map(([field, schema], index) => ({ name: field, index, schema })),
  });
}

const int32 = new ConnectSchema('int32');
const string = new ConnectSchema('string');
const optionalString = new ConnectSchema('string', { optional: true });

async function write(topic: string, schema: Schema | null, value: unknown, settings = {}): Promise<Buffer> {
  return Buffer.from((await converter(settings).fromConnectData(topic, schema, value)) as Uint8Array);
}

async function read(topic: string, bytes: Uint8Array, settings = {}): Promise<SchemaAndValue> {
  return converter(settings).toConnectData(topic, bytes);
}

/** avsc's own long holds 53 bits. */
const long = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/**
 * The payload behind the header, as a second library reads it by the registered text; what that writes must be as long and say
 * the same. Not byte for byte: it keeps a map in an object, which puts a key like `0` first.
 */
function seenByAvsc(topic: string, bytes: Buffer): unknown {
  const text = JSON.parse(registry.schemaOf(`${topic}-value`));
  const type = avsc.Type.forSchema(text, { wrapUnions: true, registry: { long } });
  const value = type.fromBuffer(bytes.subarray(5));
  const again = type.toBuffer(value);
  expect(again).toHaveLength(bytes.length - 5);
  expect(type.fromBuffer(again)).toEqual(value);
  return value;
}

describe('registered schemas', () => {
  const cases: [string, Schema | null, string][] = [
    ['a plain type', int32, '"int"'],
    ['int8 keeps its width', new ConnectSchema('int8'), '{"type":"int","connect.type":"int8"}'],
    ['an optional type is a union, null first', optionalString, '["null","string"]'],
    [
      'a default goes first in its union',
      new ConnectSchema('string', { optional: true, defaultValue: 'x' }),
      '[{"type":"string","connect.default":"x"},"null"]',
    ],
    [
      'a decimal as Java writes it',
      new ConnectSchema('bytes', {
        name: 'org.apache.kafka.connect.data.Decimal',
        version: 1,
        parameters: new Map([['scale', '2']]),
      }),
      '{"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}',
    ],
    [
      'a timestamp',
      new ConnectSchema('int64', { name: 'org.apache.kafka.connect.data.Timestamp', version: 1 }),
      '{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}',
    ],
    [
      'unnamed structs are numbered, and one used twice keeps its name',
      struct(null, {
        a: struct(null, { x: int32 }),
        b: struct(null, { x: int32 }),
        c: struct(null, { y: int32 }, true),
      }),
      '{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":[{"name":"a","type":{"type":"record","name":"ConnectDefault2","fields":[{"name":"x","type":"int"}]}},{"name":"b","type":"ConnectDefault2"},{"name":"c","type":["null",{"type":"record","name":"ConnectDefault3","fields":[{"name":"y","type":"int"}]}],"default":null}]}',
    ],
    [
      'a field with a default, a namespace and docs',
      new ConnectSchema('struct', {
        name: 'com.example.User',
        version: 3,
        doc: 'someone',
        fields: [{ name: 'age', index: 0, schema: new ConnectSchema('int32', { defaultValue: 7, doc: 'years' }) }],
      }),
      '{"type":"record","name":"User","namespace":"com.example","fields":[{"name":"age","type":{"type":"int","connect.doc":"years","connect.default":7},"default":7}],"connect.doc":"someone","connect.version":3,"connect.name":"com.example.User"}',
    ],
    [
      'a map without string keys is an array of entries',
      new ConnectSchema('map', { keySchema: int32, valueSchema: optionalString }),
      '{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":"int"},{"name":"value","type":["null","string"],"default":null}]}}',
    ],
  ];
  test.each(cases)('%s', async (_, schema, expected) => {
    const topic = freshTopic();
    const value = { int32: 1, int8: 1, string: 'a', bytes: new Decimal(1n, 2), int64: new Instant(0) }[
      schema!.type as 'int32'
    ];
    const sample =
      schema!.type === 'struct' ? new Struct(schema!, fill(schema!)) : schema!.type === 'map' ? new Map() : value;
    await write(topic, schema, sample);
    expect(registry.schemaOf(`${topic}-value`)).toBe(expected);
  });

  function fill(schema: Schema): unknown[] {
    return schema.fields.map((field) =>
      field.schema.optional ? null : field.schema.type === 'struct' ? new Struct(field.schema, fill(field.schema)) : 1,
    );
  }

  test('connect.meta.data=false leaves Connect out of the schema', async () => {
    const topic = freshTopic();
    const schema = new ConnectSchema('int16', { doc: 'd', version: 2, defaultValue: 5 });
    await write(topic, schema, 1, { 'connect.meta.data': 'false' });
    expect(registry.schemaOf(`${topic}-value`)).toBe('"int"');
  });

  test('scrub.invalid.names replaces what Avro does not admit', async () => {
    const topic = freshTopic();
    const schema = struct('1-bad name', { 'first-name': string, größe: int32 });
    const bytes = await write(topic, schema, new Struct(schema, ['x', 3]), { 'scrub.invalid.names': 'true' });
    expect(JSON.parse(registry.schemaOf(`${topic}-value`)).fields.map((field: { name: string }) => field.name)).toEqual(
      ['first_name', 'gr_C3_B6_C3_9Fe'],
    );
    expect(seenByAvsc(topic, bytes)).toEqual({ first_name: 'x', gr_C3_B6_C3_9Fe: 3 });
  });

  test('two different structs of one name are refused with the name in the message', async () => {
    const schema = struct('r', { a: struct('same', { x: int32 }), b: struct('same', { y: int32 }) });
    const value = new Struct(schema, [
      new Struct(schema.fields[0]!.schema, [1]),
      new Struct(schema.fields[1]!.schema, [1]),
    ]);
    await expect(write(freshTopic(), schema, value)).rejects.toMatchObject({
      javaClass: 'DataException',
      message: expect.stringContaining('same'),
    });
  });
});

describe('bytes', () => {
  test('a known record has the bytes that the format lays down', async () => {
    const topic = freshTopic();
    const schema = struct('com.example.Golden', {
      id: new ConnectSchema('int64'),
      name: optionalString,
      tags: new ConnectSchema('array', { valueSchema: string }),
      price: new ConnectSchema('bytes', {
        name: 'org.apache.kafka.connect.data.Decimal',
        version: 1,
        parameters: new Map([['scale', '2']]),
      }),
      at: new ConnectSchema('int64', { name: 'org.apache.kafka.connect.data.Timestamp', version: 1 }),
      flag: new ConnectSchema('boolean'),
      ratio: new ConnectSchema('float64'),
    });
    const value = new Struct(schema, [-1n, 'é', ['a', 'b'], new Decimal(-256n, 2), new Instant(1), true, 1.5]);
    const bytes = await write(topic, schema, value);
    expect(bytes.subarray(5).toString('hex')).toBe(
      ['01', '0204c3a9', '0402610262' + '00', '04ff00', '02', '01', '000000000000f83f'].join(''),
    );
    expect(bytes.readUInt8(0)).toBe(0);
    expect(bytes.readUInt32BE(1)).toBeGreaterThan(0);
  });

  test('null in a required field registers nothing', async () => {
    const topic = freshTopic();
    const schema = new ConnectSchema('struct', {
      name: 'Required',
      fields: [{ name: 'id', index: 0, schema: new ConnectSchema('int32') }],
    });
    await expect(write(topic, schema, new Struct(schema, [null]))).rejects.toThrow(
      'Found null value for non-optional schema',
    );
    expect(registry.subjects()).not.toContain(`${topic}-value`);
  });

  test('bytes alone go without a length', async () => {
    const topic = freshTopic();
    const bytes = await write(topic, new ConnectSchema('bytes'), Uint8Array.of(1, 2, 3));
    expect(bytes.subarray(5)).toEqual(Buffer.from([1, 2, 3]));
    expect((await read(topic, bytes)).value).toEqual(Uint8Array.of(1, 2, 3));
    const large = new Uint8Array(200_000).fill(7);
    expect((await read(topic, await write(topic, new ConnectSchema('bytes'), large))).value).toEqual(large);
  });

  test('schemaless data travels in the Anything record', async () => {
    const topic = freshTopic();
    const value = new Map<unknown, unknown>([
      ['n', null],
      ['i', new Int32(5)],
      ['f', new Float32(0.5)],
      ['d', 1.5],
      ['l', 7n],
      ['list', ['x', true]],
      [3n, new Map([['in', 'ner']])],
    ]);
    const bytes = await write(topic, null, value);
    const back = await read(topic, bytes);
    expect(back.schema).toBeNull();
    expect(back.value).toEqual(value);
    expect(JSON.parse(registry.schemaOf(`${topic}-value`)).name).toBe('Anything');
    expect(seenByAvsc(topic, bytes)).toBeDefined();
  });

  test('a record larger than a slab arrives whole', async () => {
    const topic = freshTopic();
    const schema = struct('Big', {
      text: string,
      list: new ConnectSchema('array', { valueSchema: new ConnectSchema('int64') }),
    });
    const value = new Struct(schema, ['ü'.repeat(300_000), Array.from({ length: 50_000 }, (_, i) => BigInt(i))]);
    const back = await read(topic, await write(topic, schema, value));
    expect(plain(back.value)).toEqual(plain(value));
  });
});

describe('round trips', { timeout: 120_000 }, () => {
  const everything = { nested: true, optionalContainers: true, oddFloats: true };
  const runs = { numRuns: 50 };

  test('any struct comes back with its schema and value, and a second Avro library reads the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(structSample(everything), async ({ schema, value }) => {
        const topic = freshTopic();
        const bytes = await write(topic, schema, value);
        expect(seenByAvsc(topic, bytes)).toBeDefined();
        const back = await read(topic, bytes);
        expect(plain(back.value)).toEqual(plain(value));
        expect({ ...back.schema, version: null, fields: 0 }).toEqual({ ...schema, version: null, fields: 0 });
        for (const [i, field] of schema.fields.entries()) {
          expect(schemaKey(back.schema!.fields[i]!.schema)).toBe(schemaKey(field.schema));
        }
      }),
      runs,
    );
  });

  test('what comes back can be written again to the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(structSample({ ...everything, oddFloats: false }), async ({ schema, value }) => {
        const topic = freshTopic();
        const bytes = await write(topic, schema, value);
        const back = await read(topic, bytes);
        const again = await write(freshTopic(), back.schema, back.value);
        expect(again.subarray(5)).toEqual(bytes.subarray(5));
      }),
      { numRuns: 25 },
    );
  });
});

describe('schemas of others', () => {
  test('unions, enums, fixed types and recursion are read with Confluent’s conventions and written back', async () => {
    const text = {
      type: 'record',
      name: 'Tree',
      namespace: 'org.acme',
      doc: 'a tree',
      fields: [
        { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['LEAF', 'NODE'] }, doc: 'which' },
        { name: 'hash', type: { type: 'fixed', name: 'Md5', size: 4 } },
        {
          name: 'any',
          type: ['null', 'long', 'string', { type: 'record', name: 'Point', fields: [{ name: 'x', type: 'int' }] }],
        },
        { name: 'kids', type: { type: 'array', items: 'Tree' } },
        { name: 'limit', type: 'int', default: 9 },
      ],
    };
    const topic = freshTopic();
    const id = registry.add(`${topic}-value`, JSON.stringify(text));
    const type = avsc.Type.forSchema(text as avsc.Schema, { wrapUnions: true });
    const leaf = { kind: 'LEAF', hash: Buffer.from('aaaa'), any: { string: 's' }, kids: [], limit: 1 };
    const payload = type.toBuffer({
      kind: 'NODE',
      hash: Buffer.from([1, 2, 3, 4]),
      any: { 'org.acme.Point': { x: 5 } },
      kids: [leaf, { ...leaf, any: null }],
      limit: 2,
    });
    const header = Buffer.alloc(5);
    header.writeUInt32BE(id, 1);
    const settings = { 'enhanced.avro.schema.support': 'true' };
    const { schema, value } = await read(topic, Buffer.concat([header, payload]), settings);
    const tree = value as Struct;
    expect(schema!.name).toBe('org.acme.Tree');
    expect(schema!.version).toBe(1);
    expect(schema!.parameters!.get('io.confluent.connect.avro.record.doc')).toBe('a tree');
    expect(schema!.parameters!.get('io.confluent.connect.avro.field.doc.kind')).toBe('which');
    expect(schema!.field('kind')!.schema.parameters!.get('io.confluent.connect.avro.Enum.LEAF')).toBe('LEAF');
    expect(schema!.field('hash')!.schema.parameters!.get('connect.fixed.size')).toBe('4');
    expect(schema!.field('limit')!.schema.defaultValue).toBe(9);
    const any = schema!.field('any')!.schema;
    expect([any.name, any.optional]).toEqual(['io.confluent.connect.avro.Union', true]);
    expect(any.fields.map((field) => field.name)).toEqual(['long', 'string', 'org.acme.Point']);
    expect(plain(tree.get('any'))).toEqual({ long: null, string: null, 'org.acme.Point': { x: 5 } });
    const kids = tree.get('kids') as Struct[];
    expect(plain(kids[0]!.get('any'))).toEqual({ long: null, string: 's', 'org.acme.Point': null });
    expect(kids[1]!.get('any')).toBeNull();

    const target = freshTopic();
    const again = await write(target, schema, value, settings);
    const registered = JSON.parse(registry.schemaOf(`${target}-value`));
    expect(registered.fields[3].type.items).toBe('Tree');
    expect(again.subarray(5)).toEqual(payload);
  });

  test('references to other subjects are followed', async () => {
    const topic = freshTopic();
    registry.add(
      'shared-address',
      '{"type":"record","name":"Address","namespace":"org.acme","fields":[{"name":"city","type":"string"}]}',
    );
    const id = registry.add(
      `${topic}-value`,
      '{"type":"record","name":"Person","namespace":"org.acme","fields":[{"name":"home","type":"org.acme.Address"}]}',
      'AVRO',
      [{ name: 'org.acme.Address', subject: 'shared-address', version: 1 }],
    );
    const bytes = Buffer.from([0, 0, 0, 0, 0, 8, ...Buffer.from('Bern')]);
    bytes.writeUInt32BE(id, 1);
    expect(plain((await read(topic, bytes)).value)).toEqual({ home: { city: 'Bern' } });
  });

  test('the subject may be named after the record', async () => {
    const schema = struct('org.acme.Named', { x: int32 });
    const value = new Struct(schema, [4]);
    const strategy = 'io.confluent.kafka.serializers.subject.RecordNameStrategy';
    const bytes = await write(freshTopic(), schema, value, { 'value.subject.name.strategy': strategy });
    expect(registry.subjects()).toContain('org.acme.Named');
    expect(plain((await read('elsewhere', bytes, { 'value.subject.name.strategy': strategy })).value)).toEqual({
      x: 4,
    });
    const both = 'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy';
    await write('orders', schema, value, { 'value.subject.name.strategy': both });
    expect(registry.subjects()).toContain('orders-org.acme.Named');
    await expect(write(freshTopic(), int32, 1, { 'value.subject.name.strategy': strategy })).rejects.toMatchObject({
      javaClass: 'DataException',
      message: expect.stringContaining('must only be a record schema'),
    });
  });
});

describe('which schema is written with', () => {
  const latest = { 'auto.register.schemas': 'false', 'use.latest.version': 'true' };

  test('use.latest.version writes by the registered fields: reordered, widened, with defaults for new ones', async () => {
    const topic = freshTopic();
    registry.add(
      `${topic}-value`,
      '{"type":"record","name":"R","fields":[{"name":"added","type":"string","default":"new"},{"name":"b","type":["null","string"]},{"name":"a","type":"long"},{"name":"none","type":["null","int"],"default":null}]}',
    );
    const schema = struct('R', { a: int32, b: string, gone: int32 });
    const bytes = await write(topic, schema, new Struct(schema, [1, 'x', 2]), latest);
    expect(seenByAvsc(topic, bytes)).toEqual({ added: 'new', b: { string: 'x' }, a: 1n, none: null });
  });

  test('latest.compatibility.strict refuses what the latest version cannot read', async () => {
    const topic = freshTopic();
    registry.add(`${topic}-value`, '{"type":"record","name":"R","fields":[{"name":"other","type":"int"}]}');
    const schema = struct('R', { a: int32 });
    const value = new Struct(schema, [1]);
    await expect(write(topic, schema, value, latest)).rejects.toMatchObject({
      code: 'registry.incompatible',
      message: expect.stringContaining('latest.compatibility.strict=false'),
    });
  });

  test('auto.register.schemas=false only looks the schema up', async () => {
    const topic = freshTopic();
    const schema = struct('Known', { a: int32 });
    const value = new Struct(schema, [1]);
    const lookup = { 'auto.register.schemas': 'false' };
    await expect(write(topic, schema, value, lookup)).rejects.toMatchObject({ code: 'registry.not_found' });
    const registered = await write(topic, schema, value);
    expect(await write(topic, schema, value, lookup)).toEqual(registered);
  });

  test('use.schema.id writes with that schema', async () => {
    const topic = freshTopic();
    const id = registry.add(`${topic}-value`, '{"type":"record","name":"W","fields":[{"name":"a","type":"long"}]}');
    const schema = struct('W', { a: int32 });
    const bytes = await write(topic, schema, new Struct(schema, [1]), {
      'auto.register.schemas': 'false',
      'use.schema.id': String(id),
    });
    expect(bytes.readUInt32BE(1)).toBe(id);
  });

  test('an incompatible schema is refused by the registry and named so', async () => {
    const strict = await FakeSchemaRegistry.start();
    const settings = { 'schema.registry.url': strict.url };
    const one = struct('R', { a: int32 });
    await write('t', one, new Struct(one, [1]), settings);
    const two = struct('R', { a: string });
    await expect(write('t', two, new Struct(two, ['x']), settings)).rejects.toMatchObject({
      code: 'registry.incompatible',
      javaClass: 'DataException',
    });
    await strict.stop();
  });
});

describe('values that do not fit', () => {
  const optional = struct('O', { a: optionalString }, true);
  test.each<[string, Schema, unknown]>([
    ['a string for an int32', int32, 'x'],
    ['a fraction for an int32', int32, 1.5],
    ['an int32 beyond its range', int32, 2 ** 31],
    ['a number for an int64', new ConnectSchema('int64'), 5],
    ['an int64 beyond its range', new ConnectSchema('int64'), 2n ** 63n],
    ['null for a required value', int32, null],
    ['an object for a map', new ConnectSchema('map', { keySchema: string, valueSchema: int32 }), { a: 1 }],
    ['a number as a map key', new ConnectSchema('map', { keySchema: string, valueSchema: int32 }), new Map([[1, 1]])],
    ['null in an array of required elements', new ConnectSchema('array', { valueSchema: int32 }), [null]],
    ['a struct of another schema', struct('A', { a: int32 }), new Struct(struct('B', { a: int32 }), [1])],
    ['a struct without a required field', struct('A', { a: int32 }), new Struct(struct('A', { a: int32 }))],
    ['a plain object for a struct', optional, { a: 'x' }],
    [
      'a decimal of another scale',
      new ConnectSchema('bytes', {
        name: 'org.apache.kafka.connect.data.Decimal',
        version: 1,
        parameters: new Map([['scale', '2']]),
      }),
      new Decimal(1n, 3),
    ],
  ])('%s is a DataException', async (_, schema, value) => {
    const made = converter();
    const topic = freshTopic();
    const attempt = async () => made.fromConnectData(topic, schema, value);
    await expect(attempt()).rejects.toMatchObject({ javaClass: 'DataException', retriable: false });
  });

  test('null of an optional schema and schemaless null are a Kafka null, and read back as such', async () => {
    const made = converter();
    expect(made.fromConnectData('t', null, null)).toBeNull();
    expect(made.fromConnectData('t', optional, null)).toBeNull();
    expect(await made.toConnectData('t', null)).toEqual({ schema: null, value: null });
  });
});
