import { expect, test } from 'vitest';
import { SinkRecord } from '../../src/api/record.ts';
import { ConnectSchema } from '../../src/data/connect-schema.ts';
import { checkHeader, withStructSchemas } from '../../src/data/headers.ts';
import { Decimal, Instant } from '../../src/data/logical.ts';
import { SchemaBuilder } from '../../src/data/schema-builder.ts';
import { Struct } from '../../src/data/struct.ts';
import { simpleHeaderConverter } from '../../src/plugins/converters/simple-header.ts';
import { readHeaders } from '../../src/worker/record/converters.ts';

const trace = new SchemaBuilder('struct').field('id', new ConnectSchema('string')).build();
const struct = new Struct(trace, ['7']);

test('a struct without a schema beside it brings its own, in a record and through a header converter', async () => {
  const bare = { key: 'trace', schema: null, value: struct };
  const record = new SinkRecord('t', 0, null, null, null, null, 0, null, 'NoTimestampType', [bare]);
  expect(record.headers).toEqual([{ ...bare, schema: trace }]);
  expect(record.with({ topic: 'u' }).headers[0]!.schema).toBe(trace);
  const converter = await simpleHeaderConverter.create();
  const giving = Object.assign(Object.create(converter) as typeof converter, {
    toConnectHeader: () => ({ schema: null, value: struct }),
  });
  expect(readHeaders(giving, 't', [{ key: 'trace', value: null }])[0]!.schema).toBe(trace);
  const plain = [{ key: 'a', schema: null, value: 1n }];
  expect(withStructSchemas(plain)).toBe(plain);
});

const named = (type: 'int32' | 'int64' | 'bytes' | 'float32' | 'string', name: string) =>
  new ConnectSchema(type, { name: `org.apache.kafka.connect.data.${name}`, version: 1 });

test.each([
  [named('int32', 'Date'), new Instant(0)],
  [named('int64', 'Timestamp'), new Instant(0)],
  [named('bytes', 'Decimal'), new Decimal(1n, 0)],
  [named('int32', 'Date'), 5],
  [new ConnectSchema('string', { optional: true }), null],
  [trace, struct],
])('a header of schema $type takes %s', (schema, value) => {
  expect(() => checkHeader(schema, value)).not.toThrow();
});

test.each([
  [named('float32', 'Decimal'), new Decimal(1n, 0)],
  [named('string', 'Date'), new Instant(0)],
  [named('int64', 'Date'), new Instant(0)],
  [new ConnectSchema('string'), 5],
])('a header of schema $type refuses %s, as Java does', (schema, value) => {
  expect(() => checkHeader(schema, value)).toThrow(/is not compatible with the schema/);
});

test('a header of a required schema is not null', () => {
  expect(() => checkHeader(new ConnectSchema('string'), null)).toThrow(
    'A null value requires an optional schema but was Schema{STRING}',
  );
});
