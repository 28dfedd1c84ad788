import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConnectSchema } from '../../../src/data/connect-schema.ts';
import { Decimal, Instant } from '../../../src/data/logical.ts';
import type { Schema, SchemaType } from '../../../src/data/schema.ts';
import { Struct } from '../../../src/data/struct.ts';
import { parseAvroSchema, printAvroSchema } from '../../../src/plugins/converters/avro/avro-schema.ts';
import { defaultAvroOptions } from '../../../src/plugins/converters/avro/conventions.ts';
import { compileEncoder } from '../../../src/plugins/converters/avro/encoder.ts';
import { fromConnectSchema } from '../../../src/plugins/converters/avro/from-connect-schema.ts';
import { toConnectSchema } from '../../../src/plugins/converters/avro/to-connect-schema.ts';
import { Sink } from '../../../src/schema-registry/sink.ts';

interface Recording {
  readonly write: readonly { name: string; bytes: string; schema: string }[];
  readonly read: readonly { schema: string; enhanced: boolean; metaData: boolean; connect: string }[];
}

const recording = JSON.parse(readFileSync(new URL('avro-data-java.json', import.meta.url), 'utf8')) as Recording;

type Parts = ConstructorParameters<typeof ConnectSchema>[1];
const of = (type: SchemaType, parts: Parts = {}): Schema => new ConnectSchema(type, parts);
const struct = (name: string | null, fields: Record<string, Schema>, parts: Parts = {}): Schema =>
  of('struct', {
    name,
    ...parts,
    fields: Object.entries(fields).map(([field, schema], index) => ({ name: field, index, schema })),
  });
const parameters = (entries: Record<string, string>) => new Map(Object.entries(entries));
const logical = (type: SchemaType, name: string, parts: Parts = {}) =>
  of(type, { name: `org.apache.kafka.connect.data.${name}`, version: 1, ...parts });

const inner = struct('In', { x: of('int32') }, { optional: true });
const innerOf = (x: number) => new Struct(inner, [x]);
const defaults = struct('D', {
  f: of('float32', { defaultValue: Math.fround(1.1) }),
  d: of('float64', { defaultValue: 2.5 }),
  s: of('string', { optional: true, defaultValue: 'x' }),
  b: of('bytes', { defaultValue: Uint8Array.of(1, 200) }),
  l: of('int64', { defaultValue: 9007199254740993n }),
  t: logical('int64', 'Timestamp', { defaultValue: new Instant(5) }),
  dec: logical('bytes', 'Decimal', { parameters: parameters({ scale: '2' }), defaultValue: new Decimal(150n, 2) }),
  arr: of('array', { valueSchema: of('int32'), defaultValue: [1, 2] }),
  i8: of('int8', { optional: true, defaultValue: 3, doc: 'hey' }),
});
const outer = struct('Out', {
  a: inner,
  b: inner,
  c: of('array', { valueSchema: inner, optional: true }),
  m: of('map', { keySchema: of('string'), valueSchema: inner }),
});
const holder = struct('H', {
  m: of('map', {
    keySchema: of('int64'),
    valueSchema: of('boolean', { optional: true }),
    optional: true,
    name: 'com.x.M',
  }),
});
const unnamed = struct(null, {
  d1: logical('int32', 'Date', { optional: true }),
  t1: logical('int32', 'Time'),
  n: struct(null, { z: of('float32') }),
});
const documented = struct(
  'com.x.Doc',
  { a: of('int16', { doc: 'adoc', optional: true }) },
  { doc: 'sdoc', version: 4, parameters: parameters({ p: 'q' }) },
);
const nested = struct('com.x.DS', {
  o: of('array', { valueSchema: of('array', { valueSchema: of('int64', { optional: true }) }) }),
});
const color = 'io.confluent.connect.avro.Enum';

const samples: Record<string, [Schema, unknown, { enhancedSchemaSupport?: boolean }?]> = {
  defaults: [defaults, new Struct(defaults)],
  params: [
    of('string', { parameters: parameters({ a: '1', 'avro.java.string': 'String' }), version: 2, name: 'com.x.Str' }),
    'v',
  ],
  enumParam: [
    of('string', { name: 'com.x.Color', parameters: parameters({ [color]: 'com.x.Color', [`${color}.RED`]: 'RED' }) }),
    'RED',
    { enhancedSchemaSupport: true },
  ],
  optStruct: [outer, new Struct(outer, [innerOf(1), null, [innerOf(2), null], new Map([['k', innerOf(3)]])])],
  namedMap: [holder, new Struct(holder, [new Map([[5n, true]])])],
  optKeyMap: [
    of('map', { keySchema: of('string', { optional: true }), valueSchema: of('int32') }),
    new Map([['k', 1]]),
  ],
  fixed: [
    of('bytes', { name: 'com.x.Fx', parameters: parameters({ 'connect.fixed.size': '4' }) }),
    Uint8Array.of(1, 2, 3, 4),
  ],
  precision: [
    logical('bytes', 'Decimal', { parameters: parameters({ scale: '3', 'connect.decimal.precision': '10' }) }),
    new Decimal(-1234n, 3),
  ],
  negScale: [logical('bytes', 'Decimal', { parameters: parameters({ scale: '-2' }) }), new Decimal(5n, -2)],
  unnamed: [
    unnamed,
    new Struct(unnamed, [new Instant(3 * 86_400_000), new Instant(1234), new Struct(unnamed.fields[2]!.schema, [1.5])]),
  ],
  doc: [documented, new Struct(documented, [-5])],
  nestedArr: [nested, new Struct(nested, [[[1n, null, -(2n ** 63n)], []]])],
};

describe('Java writes the same schema and the same bytes', () => {
  test.each(recording.write)('$name', ({ name, bytes, schema: text }) => {
    const [schema, value, options] = samples[name]!;
    const all = { ...defaultAvroOptions, ...options };
    const type = fromConnectSchema(schema, all);
    expect(printAvroSchema(type)).toBe(text);
    const sink = new Sink();
    const encode = compileEncoder(schema, type, sink, all);
    expect(Buffer.from(sink.record((start) => encode(value, start))).toString('hex')).toBe(bytes);
  });
});

describe('Java reads the same Connect schema, or fails with the same words', () => {
  test.each(recording.read)('$schema (enhanced $enhanced, meta data $metaData)', (recorded) => {
    const options = {
      ...defaultAvroOptions,
      enhancedSchemaSupport: recorded.enhanced,
      connectMetaData: recorded.metaData,
    };
    expect(readOrFail(recorded.schema, options)).toBe(recorded.connect);
  });

  function readOrFail(text: string, options: typeof defaultAvroOptions): string {
    try {
      return describeSchema(toConnectSchema(parseAvroSchema(text), null, options)!);
    } catch (error) {
      return `ERR ${(error as Error).message}`;
    }
  }
});

/** A schema in the form in which Java's were recorded. */
function describeSchema(schema: Schema): string {
  const byKey = [...(schema.parameters ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  const pairs = byKey.map(([key, value]) => `${key}=${value}`);
  let text = `${schema.type}${schema.optional ? '?' : ''} n=${schema.name ?? '-'} v=${schema.version} d=${schema.doc ?? '-'}`;
  text += ` def=${describeValue(schema.defaultValue)} p=${pairs.length === 0 ? '-' : `{${pairs.join(', ')}}`}`;
  if (schema.keySchema !== null) text += ` K(${describeSchema(schema.keySchema)})`;
  if (schema.valueSchema !== null) text += ` V(${describeSchema(schema.valueSchema)})`;
  if (schema.type !== 'struct') return text;
  return `${text} {${schema.fields.map((field) => `${field.name}: ${describeSchema(field.schema)}; `).join('')}}`;
}

function describeValue(value: unknown): string {
  if (value === undefined || value === null) return '-';
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`;
  if (value instanceof Instant) return `i${value.exactMs}`;
  if (value instanceof Decimal) return `d${value.unscaled}e${value.scale}`;
  if (Array.isArray(value)) return `[${value.map((item) => `${describeValue(item)},`).join('')}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => `${describeValue(key)}=${describeValue(item)}`).sort();
    return `<{${entries.join(', ')}}>`;
  }
  if (!(value instanceof Struct)) return String(value);
  return `{${value.schema.fields.map((field) => `${field.name}=${describeValue(value.get(field))};`).join('')}}`;
}
