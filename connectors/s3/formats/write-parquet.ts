import { deserialize, serialize } from 'node:v8';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { CompressionCodec, SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { DataError, type Schema, type SinkRecord } from '../../../src/api/index.ts';
import { type ParquetMapping, parquetMapping, type Size } from './parquet-schema.ts';
import { Rows, rowKind } from './record-parts.ts';
import type { FileCompression, RecordWriter, TakeReason, WriterFactory, WriterOptions } from './record-writer.ts';

/** Of rows, in memory, before they become a group. */
const groupBytes = 16 << 20;
const groupRows = 100_000;

const codecs: Readonly<Record<FileCompression, CompressionCodec>> = {
  none: 'UNCOMPRESSED',
  gzip: 'GZIP',
  snappy: 'SNAPPY',
  zstd: 'ZSTD',
};
const compressors = {
  GZIP: (bytes: Uint8Array) => gzipSync(bytes),
  ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes),
};

/** Parquet files; records of one schema each. */
export const parquetFiles: WriterFactory = {
  open: (options) => new ParquetFile(options),
  kindOf: (record, { shape }) => rowKind(record, shape),
};

const mappings = new WeakMap<Schema, ParquetMapping>();

function mappingOf(schema: Schema): ParquetMapping {
  let mapping = mappings.get(schema);
  if (mapping === undefined) {
    mapping = parquetMapping(schema);
    mappings.set(schema, mapping);
  }
  return mapping;
}

/** What the library's writer knows of the groups that are written: it goes into the footer. */
type Written = Pick<ParquetWriter, 'row_groups' | 'num_rows' | 'pendingIndexes'> & { readonly offset: number };

interface Saved {
  readonly schema: SchemaElement[];
  readonly names: readonly string[];
  readonly data: readonly unknown[][];
  readonly held: number;
  readonly written: Written;
}

class ParquetFile implements RecordWriter {
  readonly #codec: CompressionCodec;
  readonly #rows: Rows;
  readonly #out = new ByteWriter();
  #writer: ParquetWriter | null = null;
  #names: readonly string[] = [];
  /** Rows that are in no group yet, by column. */
  #data: unknown[][] = [];
  readonly #size: Size = { bytes: 0 };

  constructor({ spec, resumed }: WriterOptions) {
    this.#codec = codecs[spec.compression];
    this.#rows = new Rows(spec.shape);
    if (resumed !== null) this.#restore(deserialize(resumed.bytes ?? Buffer.alloc(0)) as Saved);
  }

  #restore({ schema, names, data, held, written }: Saved): void {
    const writer = this.#begin(schema, names);
    // The mark at the file's head is there already.
    this.#out.index = 0;
    this.#out.offset = written.offset;
    writer.row_groups = written.row_groups;
    writer.num_rows = written.num_rows;
    writer.pendingIndexes = written.pendingIndexes;
    this.#data = data.map((cells) => [...cells]);
    this.#size.bytes = held;
  }

  #begin(schema: SchemaElement[], names: readonly string[]): ParquetWriter {
    this.#names = names;
    this.#data = names.map(() => []);
    this.#writer = new ParquetWriter({
      writer: this.#out,
      schema,
      codec: this.#codec,
      compressors,
      createdBy: 'drover',
    });
    return this.#writer;
  }

  add(record: SinkRecord): void {
    const { schema, value } = this.#rows.of(record);
    const mapping = mappingOf(schema);
    const { columns } = mapping;
    const fields = (value as { readonly values: readonly unknown[] }).values;
    const before = this.#size.bytes;
    const cells = new Array<unknown>(columns.length);
    try {
      for (let at = 0; at < columns.length; at++) cells[at] = columns[at]!.toParquet(fields[at], this.#size);
    } catch (error) {
      this.#size.bytes = before;
      throw error;
    }
    if (this.#writer === null)
      this.#begin(
        mapping.schema,
        columns.map(({ name }) => name),
      );
    for (let at = 0; at < cells.length; at++) this.#data[at]!.push(cells[at]);
    if (this.#size.bytes >= groupBytes || this.#data[0]!.length >= groupRows) this.#endGroup();
  }

  #endGroup(): void {
    const rows = this.#data[0]?.length ?? 0;
    if (rows === 0 || this.#writer === null) return;
    const columnData = this.#names.map((name, at) => ({ name, data: this.#data[at]! }));
    try {
      this.#writer.write({ columnData, rowGroupSize: rows });
    } catch (error) {
      throw new DataError(`The rows cannot be written to Parquet: ${(error as Error).message}`, { cause: error });
    }
    this.#data = this.#names.map(() => []);
    this.#size.bytes = 0;
  }

  get held(): number {
    return this.#size.bytes + this.#out.index;
  }

  /** Groups that are done: a file that is left keeps its last rows by `save`, so that its groups do not get small. */
  take(reason: TakeReason): Uint8Array[] {
    if (reason === 'short') this.#endGroup();
    if (this.#out.index === 0) return [];
    const bytes = Buffer.from(this.#out.getBytes());
    this.#out.index = 0;
    return [bytes];
  }

  save(): Uint8Array | null {
    if (this.#writer === null) return null;
    const { schema, row_groups, num_rows, pendingIndexes } = this.#writer;
    const written: Written = { row_groups, num_rows, pendingIndexes, offset: this.#out.offset };
    const saved: Saved = { schema, names: this.#names, data: this.#data, held: this.#size.bytes, written };
    return serialize(saved);
  }

  finish(): Uint8Array[] {
    this.#endGroup();
    this.#writer?.finish();
    return this.take('ready');
  }
}
