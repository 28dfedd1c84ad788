import { DataError, Decimal, Instant, type SinkRecord, Struct } from '../../../src/api/index.ts';
import type { Compression } from './compress.ts';
import { GatheredWriter } from './gathered-writer.ts';
import { JsonTexts, rowKind } from './record-parts.ts';
import type { RecordPart, WriterFactory, WriterOptions, WriterSpec } from './record-writer.ts';

/**
 * Aiven's: the parts of a record, parted by commas, keys and (unless told otherwise) values in base64, no header. Or, for
 * a value alone, its fields below a header with their names, quoted where needed; values of other fields are in other files.
 */
export const csvFiles = (compression: Compression): WriterFactory => ({
  open: (options) => new CsvWriter(options, compression),
  kindOf: (record, { shape }) => (shape.kind === 'parts' ? '' : columnsKind(record, shape)),
});

function columnsKind(record: SinkRecord, shape: WriterSpec['shape']): string {
  const { value } = record;
  return value instanceof Map ? `map ${[...value.keys()].join()}` : rowKind(record, shape);
}

class CsvWriter extends GatheredWriter {
  readonly #spec: WriterSpec;
  readonly #texts: JsonTexts;
  #records: number;

  constructor(options: WriterOptions, compression: Compression) {
    super(options, compression);
    const { spec, resumed } = options;
    this.#spec = spec;
    this.#texts = new JsonTexts(true);
    this.#records = resumed?.records ?? 0;
  }

  add(record: SinkRecord): void {
    const { shape } = this.#spec;
    if (shape.kind === 'parts') {
      const line = shape.parts.map((part) => this.#partText(record, part, shape.rawCsvValues)).join(',');
      this.out.write(this.#records === 0 ? line : `\n${line}`);
    } else {
      const [names, cells] = this.#fields(record);
      if (this.#records === 0) this.out.write(`${names.map(quoted).join(',')}\n`);
      this.out.write(`${cells.map((cell) => this.#cell(cell)).join(',')}\n`);
    }
    this.#records++;
  }

  #fields(record: SinkRecord): [readonly string[], readonly unknown[]] {
    const { value } = record;
    if (value instanceof Struct) return [value.schema.fields.map(({ name }) => name), value.values];
    if (value instanceof Map) return [[...value.keys()].map(String), [...value.values()]];
    throw new DataError('The value has no fields to make columns of: CSV needs a struct, or an object');
  }

  #cell(value: unknown): string {
    if (value === null || value === undefined) return '';
    // What is empty is null: a text without a character stands in quotes.
    if (typeof value === 'string') return value === '' ? '""' : quoted(value);
    if (value instanceof Decimal) return value.toPlainString();
    if (value instanceof Instant) return value.safe ? isoTime(value.epochMs) : String(value.exactMs);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    if (value instanceof Struct) return quoted(this.#texts.of(value.schema, value));
    if (Array.isArray(value) || value instanceof Map) return quoted(jsonOf(value, this.#texts));
    return String(value);
  }

  #partText(record: SinkRecord, part: RecordPart, rawValues: boolean): string {
    switch (part) {
      case 'key':
        return base64Of(record.key, 'key');
      case 'value': {
        const { value } = record;
        if (value === null || value === undefined || !rawValues) return base64Of(value, 'value');
        return typeof value === 'string' ? value : asBuffer(value, 'value').toString();
      }
      case 'offset':
        return String(record.originalKafkaOffset);
      case 'timestamp':
        return record.timestamp === null ? '' : String(record.timestamp);
      case 'headers':
        return record.headers
          .map(({ key, schema, value }) => {
            const bytes =
              value instanceof Uint8Array || typeof value === 'string' ? value : this.#texts.of(schema, value);
            return `${Buffer.from(key).toString('base64')}:${value === null ? '' : Buffer.from(bytes).toString('base64')};`;
          })
          .join('');
    }
  }
}

const quoted = (text: string) =>
  /[",\r\n]/.test(text) || text.trim() !== text ? `"${text.replaceAll('"', '""')}"` : text;

function isoTime(epochMs: number): string {
  return Math.abs(epochMs) <= 8.64e15 ? new Date(epochMs).toISOString() : String(epochMs);
}

/** Structs inside bring their own schemas along; a list or a map of plain values needs none. */
function jsonOf(value: unknown, texts: JsonTexts): string {
  if (value instanceof Struct) return texts.of(value.schema, value);
  if (Array.isArray(value)) return `[${value.map((item) => jsonOf(item, texts)).join(',')}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${JSON.stringify(String(key))}:${jsonOf(item, texts)}`).join(',')}}`;
  }
  if (value instanceof Decimal) return value.toPlainString();
  if (value instanceof Instant) return JSON.stringify(isoTime(value.epochMs));
  return texts.of(null, value);
}

function base64Of(value: unknown, part: 'key' | 'value'): string {
  return value === null || value === undefined ? '' : asBuffer(value, part).toString('base64');
}

function asBuffer(value: unknown, part: 'key' | 'value'): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new DataError(
    `The record's ${part} is neither bytes nor text, as CSV wants it: use ByteArrayConverter or StringConverter`,
  );
}
