import { expect, test } from 'vitest';
import { createRegistry } from '../../../functions/builtin-plugins.ts';
import { type Headers, SinkRecord, SourceRecord } from '../../../src/api/record.ts';
import type { Settings } from '../../../src/config/config-def.ts';
import { Decimal, Instant } from '../../../src/data/logical.ts';
import type { Schema } from '../../../src/data/schema.ts';
import {
  INT32_SCHEMA,
  INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
  TIMESTAMP_SCHEMA,
} from '../../../src/data/schema-builder.ts';
import { Int8, Int32 } from '../../../src/data/schemaless.ts';
import { Struct } from '../../../src/data/struct.ts';

const registry = createRegistry();
const javaPackage = 'org.apache.kafka.connect.transforms.';

async function transform(name: string, settings: Settings) {
  const transformation = await registry.get('transformation', javaPackage + name).create();
  transformation.configure(settings);
  return transformation;
}

const address = SchemaBuilder.struct()
  .field('city', STRING_SCHEMA)
  .field('zip', OPTIONAL_STRING_SCHEMA)
  .optional()
  .build();
const order = SchemaBuilder.struct()
  .name('com.example.Order')
  .version(3)
  .field('id', INT64_SCHEMA)
  .field('note', SchemaBuilder.string().optional().defaultValue('none').build())
  .field('price', SchemaBuilder.decimal(2).optional().build())
  .field('at', TIMESTAMP_SCHEMA)
  .field('address', address)
  .build();

function orderStruct(): Struct {
  return new Struct(order)
    .put('id', 2n ** 53n + 1n)
    .put('price', new Decimal(1999n, 2))
    .put('at', new Instant(1_700_000_000_123))
    .put('address', new Struct(address).put('city', 'Ulm'));
}

function source(schema: Schema | null, value: unknown, headers: Headers = []): SourceRecord {
  return new SourceRecord({}, {}, 'orders', 4, null, null, schema, value, 1_700_000_000_000, headers);
}

function fields(struct: unknown): Record<string, unknown> {
  const { schema, values } = struct as Struct;
  return Object.fromEntries(schema.fields.map((field) => [field.name, values[field.index]]));
}

const kinds = (schema: Schema | null) =>
  Object.fromEntries(schema!.fields.map((field) => [field.name, field.schema.type]));

test('Cast changes the schema of the cast fields alone, and keeps all 64 bits', async () => {
  const cast = await transform('Cast$Value', { spec: 'id:string,at:int64,price:int8' });
  const { valueSchema, value } = cast.apply(source(order, orderStruct()))!;
  expect(kinds(valueSchema)).toMatchObject({ id: 'string', at: 'int64', price: 'int8', note: 'string' });
  expect(valueSchema).toMatchObject({ name: 'com.example.Order', version: 3 });
  expect(fields(value)).toMatchObject({ id: '9007199254740993', at: 1_700_000_000_123n, price: 19, note: 'none' });
});

test('schema work is done once: the same schema in, the same schema out', async () => {
  for (const [name, settings] of [
    ['Cast$Value', { spec: 'id:string' }],
    ['Flatten$Value', {}],
    ['InsertField$Value', { 'topic.field': 't' }],
    ['ReplaceField$Value', { exclude: 'note' }],
    ['HoistField$Value', { field: 'f' }],
    ['SetSchemaMetadata$Value', { 'schema.name': 'n' }],
    ['TimestampConverter$Value', { 'target.type': 'unix', field: 'at' }],
    ['HeaderFrom$Value', { fields: 'note', headers: 'h', operation: 'move' }],
  ] as const) {
    const transformation = await transform(name, settings);
    const first = transformation.apply(source(order, orderStruct()))!.valueSchema;
    expect(transformation.apply(source(order, orderStruct()))!.valueSchema, name).toBe(first);
    expect(first, name).not.toBe(order);
  }
});

test('no input record is changed', async () => {
  for (const [name, settings] of [
    ['MaskField$Value', { fields: 'id,note' }],
    ['Cast$Value', { spec: 'id:string' }],
    ['ReplaceField$Value', { exclude: 'note' }],
  ] as const) {
    const record = source(order, orderStruct());
    (await transform(name, settings)).apply(record);
    expect(fields(record.value), name).toEqual(fields(orderStruct()));
    expect(record.valueSchema).toBe(order);
  }
});

test('Flatten joins names; what lies under an optional struct is optional', async () => {
  const flat = (await transform('Flatten$Value', { delimiter: '_' })).apply(source(order, orderStruct()))!;
  expect(fields(flat.value)).toMatchObject({ address_city: 'Ulm', address_zip: null, note: 'none' });
  expect(flat.valueSchema!.field('address_city')!.schema.optional).toBe(true);
  const bare = orderStruct().put('address', null);
  expect(fields((await transform('Flatten$Value', {})).apply(source(order, bare))!.value)).toMatchObject({
    'address.city': null,
  });
});

test('ExtractField follows a path of syntax V2, and null on the way stays null', async () => {
  const extract = await transform('ExtractField$Value', { field: 'address.city', 'field.syntax.version': 'v2' });
  expect(extract.apply(source(order, orderStruct()))).toMatchObject({ valueSchema: STRING_SCHEMA, value: 'Ulm' });
  expect(extract.apply(source(order, orderStruct().put('address', null)))?.value).toBeNull();
  const unknown = await transform('ExtractField$Value', { field: 'address.street', 'field.syntax.version': 'V2' });
  expect(() => unknown.apply(source(order, orderStruct()))).toThrow('Unknown field: address.street');
});

test('replace.null.with.default=false keeps null where a default would stand', async () => {
  const keep = await transform('InsertField$Value', { 'partition.field': 'p!', 'replace.null.with.default': 'false' });
  const { valueSchema, value } = keep.apply(source(order, orderStruct()))!;
  expect(fields(value)).toMatchObject({ note: null, p: 4 });
  expect(valueSchema!.field('p')!.schema).toBe(INT32_SCHEMA);
});

test('InsertField takes the Kafka offset of sink records only', async () => {
  const insert = await transform('InsertField$Value', { 'offset.field': 'o', 'timestamp.field': 'ts' });
  const sink = new SinkRecord('orders', 0, null, null, order, orderStruct(), 12, 5);
  expect(fields(insert.apply(sink)!.value)).toMatchObject({ o: 12n, ts: new Instant(5) });
  expect(() => insert.apply(source(order, orderStruct()))).toThrow('Only SinkRecord supported');
});

test('MaskField blanks each type, or writes a replacement that fits it', async () => {
  const blank = await transform('MaskField$Value', { fields: 'id,price,at,address' });
  expect(() => blank.apply(source(order, orderStruct()))).toThrow(
    'Cannot mask value of type: class org.apache.kafka.connect.data.Struct',
  );
  const numbers = await transform('MaskField$Value', { fields: 'id,price,note', replacement: '7' });
  expect(fields(numbers.apply(source(order, orderStruct()))!.value)).toMatchObject({
    id: 7n,
    price: new Decimal(7n, 0),
    note: '7',
  });
  const schemaless = await transform('MaskField$Value', { fields: 'a,b', replacement: '300' });
  const masked = schemaless.apply(
    source(
      null,
      new Map<string, unknown>([
        ['a', new Int8(1)],
        ['b', new Int32(1)],
      ]),
    ),
  )!;
  expect(masked.value).toEqual(
    new Map<string, unknown>([
      ['a', new Int8(44)],
      ['b', new Int32(300)],
    ]),
  );
});

test('HeaderFrom moves a field with its schema behind the headers that are there', async () => {
  const move = await transform('HeaderFrom$Value', { fields: 'id', headers: 'order-id', operation: 'move' });
  const moved = move.apply(source(order, orderStruct(), [{ key: 'a', schema: null, value: 1 }]))!;
  expect(moved.headers.map(({ key, value }) => [key, value])).toEqual([
    ['a', 1],
    ['order-id', 2n ** 53n + 1n],
  ]);
  expect(moved.valueSchema!.field('id')).toBeUndefined();
});

test('ReplaceField renames within the schema', async () => {
  const replace = await transform('ReplaceField$Value', { include: 'id,at', renames: 'id:order_id' });
  const { valueSchema, value } = replace.apply(source(order, orderStruct()))!;
  expect(Object.keys(kinds(valueSchema))).toEqual(['order_id', 'at']);
  expect(fields(value)).toMatchObject({ order_id: 2n ** 53n + 1n });
});

test.each([
  ['string', { format: 'yyyy-MM-dd HH:mm' }, '2023-11-14 22:13'],
  ['unix', {}, 1_700_000_000_123n],
  ['unix', { 'unix.precision': 'seconds' }, 1_700_000_000n],
  ['unix', { 'unix.precision': 'nanoseconds' }, 1_700_000_000_123_000_000n],
  ['Date', {}, new Instant(1_699_920_000_000)],
  ['Time', {}, new Instant(80_000_123)],
  ['Timestamp', {}, new Instant(1_700_000_000_123)],
])('TimestampConverter makes a %s (%j)', async (type, more, expected) => {
  const converter = await transform('TimestampConverter$Value', { 'target.type': type, field: 'at', ...more });
  expect(fields(converter.apply(source(order, orderStruct()))!.value).at).toEqual(expected);
});

test('ValueToKey makes a struct key of the chosen fields', async () => {
  const { key, keySchema } = (await transform('ValueToKey', { fields: 'id' })).apply(source(order, orderStruct()))!;
  expect(fields(key)).toEqual({ id: 2n ** 53n + 1n });
  expect(Object.keys(kinds(keySchema))).toEqual(['id']);
});

test('SetSchemaMetadata names the struct, and refuses what has no fields as Connect 4.3 does', async () => {
  const set = await transform('SetSchemaMetadata$Value', { 'schema.name': 'com.example.New', 'schema.version': '9' });
  const { valueSchema, value } = set.apply(source(order, orderStruct()))!;
  expect(valueSchema).toMatchObject({ name: 'com.example.New', version: 9 });
  expect((value as Struct).schema).toBe(valueSchema);
  expect(() => set.apply(source(STRING_SCHEMA, 'x'))).toThrow('Cannot list fields on non-struct type');
});

test.each(['MaskField$Value', 'HeaderFrom$Value', 'ValueToKey'])(
  '%s fails on a tombstone, as Connect does',
  async (name) => {
    const settings = name.startsWith('Header') ? { fields: 'a', headers: 'h', operation: 'copy' } : { fields: 'a' };
    const transformation = await transform(name, settings);
    expect(() => transformation.apply(source(null, null))).toThrow('Only Map objects supported');
  },
);

test('$Key works on the key and leaves the value alone', async () => {
  const extract = await transform('ExtractField$Key', { field: 'id' });
  const record = new SourceRecord({}, {}, 't', null, order, orderStruct(), null, 'value');
  expect(extract.apply(record)).toMatchObject({ keySchema: INT64_SCHEMA, key: 2n ** 53n + 1n, value: 'value' });
});
