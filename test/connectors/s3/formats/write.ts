import { loadWriter } from '../../../../connectors/s3/formats/load-writer.ts';
import type { FileCompression, FileFormat, WriterSpec } from '../../../../connectors/s3/formats/record-writer.ts';
import {
  BOOLEAN_SCHEMA,
  BYTES_SCHEMA,
  DATE_SCHEMA,
  Decimal,
  decimalSchema,
  FLOAT64_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  Instant,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  SinkRecord,
  STRING_SCHEMA,
  Struct,
  TIMESTAMP_SCHEMA,
} from '../../../../src/api/index.ts';
import { plainAvro } from '../../../../src/plugins/converters/avro/plain-avro.ts';

const inner = SchemaBuilder.struct()
  .name('com.example.Inner')
  .field('a', INT32_SCHEMA)
  .field('b', OPTIONAL_STRING_SCHEMA)
  .build();

const schema = SchemaBuilder.struct()
  .name('com.example.Order')
  .field('id', INT64_SCHEMA)
  .field('name', STRING_SCHEMA)
  .field('note', OPTIONAL_STRING_SCHEMA)
  .field('price', decimalSchema(4))
  .field('ratio', FLOAT64_SCHEMA)
  .field('ok', BOOLEAN_SCHEMA)
  .field('at', TIMESTAMP_SCHEMA)
  .field('day', DATE_SCHEMA)
  .field('raw', BYTES_SCHEMA)
  .field('in', inner)
  .field('tags', SchemaBuilder.array(STRING_SCHEMA).build())
  .field('attrs', SchemaBuilder.map(STRING_SCHEMA, INT64_SCHEMA).optional().build())
  .build();

/** One of many kinds of value, the same for a number; test/connectors/s3/formats/check-files.py knows them too. */
export function order(i: number): SinkRecord {
  const value = new Struct(schema, [
    BigInt(i) * 1_000_000_000_000_003n,
    `näme "${i}", x\ny`,
    i % 3 === 0 ? `note ${i}` : null,
    new Decimal(BigInt(i) * 12_345_678_901n - 500n, 4),
    i / 7,
    i % 2 === 0,
    new Instant(1_700_000_000_000 + i),
    new Instant(86_400_000 * i),
    Buffer.from([i & 255, 0, 255]),
    new Struct(inner, [i, i % 2 === 0 ? 'b' : null]),
    [`t${i}`, 'u'],
    i % 5 === 0 ? null : new Map([['x', BigInt(i)]]),
  ]);
  return new SinkRecord('t', 0, STRING_SCHEMA, `k${i}`, schema, value, i, 1_700_000_000_000 + i);
}

export const specOf = (
  format: FileFormat,
  compression: FileCompression,
  more: Partial<WriterSpec> = {},
): WriterSpec => ({
  format,
  compression,
  level: -1,
  shape: { kind: 'part', part: 'value' },
  numericDecimals: true,
  separator: '\n',
  endsLines: true,
  ...more,
});

/** A file of so many orders, left to another writer after each of `leftAfter`. */
export async function fileOf(spec: WriterSpec, count: number, leftAfter: readonly number[] = []): Promise<Buffer> {
  const factory = await loadWriter(spec.format, async () => plainAvro);
  const options = { spec, mark: Buffer.alloc(16, 7) };
  let writer = factory.open({ ...options, resumed: null });
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    writer.add(order(i));
    pieces.push(...writer.take('ready'));
    if (!leftAfter.includes(i + 1)) continue;
    pieces.push(...writer.take('left'));
    writer = factory.open({ ...options, resumed: { records: i + 1, bytes: writer.save() } });
  }
  pieces.push(...writer.finish());
  return Buffer.concat(pieces);
}
