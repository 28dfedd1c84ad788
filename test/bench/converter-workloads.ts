import type { Converter, HeaderConverter, SerializedValue } from '../../src/api/converter.ts';
import { Instant } from '../../src/data/logical.ts';
import type { Schema } from '../../src/data/schema.ts';
import {
  BOOLEAN_SCHEMA,
  FLOAT64_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
  TIMESTAMP_SCHEMA,
} from '../../src/data/schema-builder.ts';
import { Int32 } from '../../src/data/schemaless.ts';
import { Struct } from '../../src/data/struct.ts';
import { byteArrayConverter } from '../../src/plugins/converters/byte-array.ts';
import { jsonConverter } from '../../src/plugins/converters/json.ts';
import { longConverter } from '../../src/plugins/converters/numbers.ts';
import { simpleHeaderConverter } from '../../src/plugins/converters/simple-header.ts';
import { stringConverter } from '../../src/plugins/converters/string.ts';

/** How many different records each workload goes through, over and over. */
export const distinct = 1000;

export const orderSchema = SchemaBuilder.struct()
  .name('bench.Order')
  .field('id', INT64_SCHEMA)
  .field('customer', STRING_SCHEMA)
  .field('email', OPTIONAL_STRING_SCHEMA)
  .field('quantity', INT32_SCHEMA)
  .field('amount', FLOAT64_SCHEMA)
  .field('paid', BOOLEAN_SCHEMA)
  .field('created', TIMESTAMP_SCHEMA)
  .field('tags', SchemaBuilder.array(STRING_SCHEMA).build())
  .build();

export function order(i: number): Struct {
  return new Struct(orderSchema)
    .put('id', 10_000_000_000n + BigInt(i))
    .put('customer', `Customer number ${i}`)
    .put('email', i % 3 === 0 ? null : `customer${i}@example.com`)
    .put('quantity', i % 97)
    .put('amount', (i * 37) / 100)
    .put('paid', i % 2 === 0)
    .put('created', new Instant(1_700_000_000_000 + i * 1000))
    .put('tags', i % 2 === 0 ? ['new', 'web'] : ['returning']);
}

function orderMap(i: number): Map<string, unknown> {
  return new Map<string, unknown>([
    ['id', 10_000_000_000n + BigInt(i)],
    ['customer', `Customer number ${i}`],
    ['email', i % 3 === 0 ? null : `customer${i}@example.com`],
    ['quantity', new Int32(i % 97)],
    ['amount', (i * 37) / 100],
    ['paid', i % 2 === 0],
    ['created', BigInt(1_700_000_000_000 + i * 1000)],
    ['tags', i % 2 === 0 ? ['new', 'web'] : ['returning']],
  ]);
}

export interface Workload {
  readonly name: string;
  /** One step converts record `i` and gives the bytes written or read, so that nothing can be skipped. */
  readonly step: (i: number) => number;
}

/** What a batch encoder does with a converted value: its bytes go into the batch. */
const batch = Buffer.allocUnsafe(1 << 16);

function written(value: SerializedValue): number {
  if (value === null) return 0;
  return typeof value === 'string' ? batch.write(value, 0, 'utf8') : copied(value);
}

function copied(value: Uint8Array): number {
  batch.set(value, 0);
  return value.length;
}

function bytesOf(value: SerializedValue): Buffer {
  return value === null ? Buffer.alloc(0) : typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
}

function both(
  name: string,
  converter: Converter,
  schema: Schema | null,
  make: (i: number) => unknown,
): [Workload, Workload] {
  const values = Array.from({ length: distinct }, (_, i) => make(i));
  const bytes = values.map((value) => bytesOf(converter.fromConnectData('t', schema, value) as SerializedValue));
  return [
    {
      name: `${name} write`,
      step: (i) => written(converter.fromConnectData('t', schema, values[i]) as SerializedValue),
    },
    {
      name: `${name} read`,
      step: (i) => {
        const message = bytes[i] as Buffer;
        const result =
          converter.readConnectData?.('t', message, 0, message.length) ?? converter.toConnectData('t', message);
        return 'value' in result && result.value !== null ? message.length : 0;
      },
    },
  ];
}

function configured(settings: Record<string, string> = {}): Converter {
  const converter = jsonConverter.create() as Converter;
  converter.configure(settings, { isKey: false });
  return converter;
}

function headers(): [Workload, Workload] {
  const converter = simpleHeaderConverter.create() as HeaderConverter;
  const texts = Array.from({ length: distinct }, (_, i) =>
    i % 4 === 0 ? `trace-${i}-abcdef` : i % 4 === 1 ? String(i * 1000) : i % 4 === 2 ? 'true' : '2024-05-06',
  );
  const bytes = texts.map((text) => Buffer.from(text));
  return [
    {
      name: 'SimpleHeaderConverter write',
      step: (i) => written(converter.fromConnectHeader('t', 'h', STRING_SCHEMA, texts[i])),
    },
    {
      name: 'SimpleHeaderConverter read',
      step: (i) => (converter.toConnectHeader('t', 'h', bytes[i] as Buffer).value === null ? 0 : 1),
    },
  ];
}

export function workloads(): Workload[] {
  const text = stringConverter.create() as Converter;
  text.configure({}, { isKey: false });
  const raw = byteArrayConverter.create() as Converter;
  const long = longConverter.create() as Converter;
  long.configure({}, { isKey: false });
  return [
    ...both('JsonConverter with schemas', configured(), orderSchema, order),
    ...both('JsonConverter schemaless', configured({ 'schemas.enable': 'false' }), null, orderMap),
    ...both('StringConverter', text, STRING_SCHEMA, (i) => `line number ${i} of a file that somebody follows`),
    ...both('ByteArrayConverter', raw, null, (i) => Buffer.from(`line number ${i}`)),
    ...both('LongConverter', long, INT64_SCHEMA, (i) => BigInt(i) * 1_000_003n),
    ...headers(),
  ];
}
