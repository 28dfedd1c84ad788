import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type AsyncBuffer, type Compressors, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { DataError, type Schema } from '../../../src/api/index.ts';
import { parquetRows, type RowReading } from './parquet-rows.ts';
import {
  type ByteSource,
  item,
  type ObjectReader,
  type ReadItem,
  type ReadLimits,
  tooLong,
  unreadable,
} from './read.ts';

/** Rows of a group are read in steps of about so many cells, or bytes, where the file says where its pages are. */
const stepCells = 500_000;
const stepBytes = 8 << 20;
/** Fewer would have too many pages unpacked twice. */
const fewestRows = 1000;

const unpackers: Compressors = {
  GZIP: (input) => gunzipSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
};
const known = new Set(['UNCOMPRESSED', 'SNAPPY', ...Object.keys(unpackers)]);

/**
 * Rows of a Parquet file, a row group after the other: `position` is the number of the group, and `skip` the row in it.
 * What the library makes of values is not taken, since its decimals and times are not exact: it gives them as they are
 * stored.
 */
export async function openParquet(
  source: ByteSource,
  from: number,
  { maxBlockBytes }: ReadLimits,
): Promise<ObjectReader> {
  const file = bufferOf(source);
  const metadata = await parquetMetadataAsync(file).catch((error: Error) => {
    throw damagedUnlessLost(error, 'The object is no Parquet file, or damaged');
  });
  for (const { columns } of metadata.row_groups) {
    const codec = columns.find(({ meta_data: facts }) => !known.has(facts?.codec ?? 'UNCOMPRESSED'))?.meta_data?.codec;
    if (codec !== undefined) {
      throw new DataError(`The Parquet file is packed by ${codec}; it can be read packed by ${[...known].join(', ')}`);
    }
  }
  const reading = parquetRows(metadata.schema);
  return new ParquetReader(file, { ...metadata, schema: [...reading.stored] }, reading, from, maxBlockBytes);
}

/** What the store has to say passes through the library as it is. */
function damagedUnlessLost(error: Error, what: string): Error {
  return 'code' in error && typeof error.code === 'string'
    ? error
    : new DataError(`${what}: ${error.message}`, { cause: error });
}

function bufferOf(source: ByteSource): AsyncBuffer {
  const byteLength = source.size ?? 0;
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const from = start < 0 ? Math.max(0, byteLength + start) : start;
      const bytes = await source.slice(from, Math.min(end, byteLength));
      const whole = bytes.byteLength === bytes.buffer.byteLength;
      return (
        whole ? bytes.buffer : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
      ) as ArrayBuffer;
    },
  };
}

class ParquetReader implements ObjectReader {
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #reading: RowReading;
  readonly #maxBlockBytes: number;
  #group: number;
  /** First row of the group in the file. */
  #groupStart: number;
  #row = 0;
  #rows: readonly Readonly<Record<string, unknown>>[] = [];
  #at = 0;

  constructor(file: AsyncBuffer, metadata: FileMetaData, reading: RowReading, group: number, maxBlockBytes: number) {
    this.#file = file;
    this.#metadata = metadata;
    this.#reading = reading;
    this.#maxBlockBytes = maxBlockBytes;
    this.#group = group;
    this.#groupStart = metadata.row_groups.slice(0, group).reduce((sum, { num_rows: rows }) => sum + Number(rows), 0);
  }

  async next(max: number): Promise<readonly ReadItem[]> {
    while (this.#at === this.#rows.length) {
      const group = this.#metadata.row_groups[this.#group];
      if (group === undefined) return [];
      const rows = Number(group.num_rows);
      if (this.#row >= rows) {
        this.#nextGroup(rows);
        continue;
      }
      const bytes = Number(group.total_byte_size);
      if (bytes > this.#maxBlockBytes) {
        const number = this.#group;
        this.#nextGroup(rows);
        const what = `Row group ${number} (of ${rows} rows and ${bytes} bytes)`;
        return [unreadable(tooLong(what, this.#maxBlockBytes, 'max.block.bytes'), null, this.#group)];
      }
      const hasPages = group.columns.every(({ offset_index_offset: at }) => at !== undefined);
      const most = Math.min(stepCells / Math.max(1, group.columns.length), (rows * stepBytes) / Math.max(1, bytes));
      const step = hasPages ? Math.max(fewestRows, Math.floor(most)) : rows;
      try {
        await this.#load(Math.min(rows, this.#row + step));
      } catch (error) {
        const number = this.#group;
        const damage = damagedUnlessLost(error as Error, `Row group ${number} cannot be read`);
        if (!(damage instanceof DataError)) throw damage;
        this.#nextGroup(rows);
        return [unreadable(damage, null, this.#group)];
      }
    }
    return this.#take(max);
  }

  #nextGroup(rows: number): void {
    this.#group++;
    this.#groupStart += rows;
    this.#row = 0;
  }

  async #load(end: number): Promise<void> {
    let loaded: Record<string, unknown>[] = [];
    await parquetRead({
      file: this.#file,
      metadata: this.#metadata,
      rowStart: this.#groupStart + this.#row,
      rowEnd: this.#groupStart + end,
      rowFormat: 'object',
      utf8: false,
      geoparquet: false,
      useOffsetIndex: true,
      compressors: unpackers,
      parsers: { timestampFromNanoseconds: (nanos: bigint) => nanos },
      onComplete: (rows) => {
        loaded = rows as Record<string, unknown>[];
      },
    });
    if (loaded.length !== end - this.#row)
      throw new Error(`it has ${loaded.length} rows in place of ${end - this.#row}`);
    this.#rows = loaded;
    this.#at = 0;
    this.#row = end;
  }

  #take(max: number): ReadItem[] {
    const { schema, read } = this.#reading;
    const rows = Number(this.#metadata.row_groups[this.#group]!.num_rows);
    const first = this.#row - this.#rows.length;
    const items: ReadItem[] = [];
    while (items.length < max && this.#at < this.#rows.length) {
      const raw = this.#rows[this.#at++]!;
      const row = first + this.#at;
      const [position, skip] = row === rows ? [this.#group + 1, 0] : [this.#group, row];
      items.push(readRow(schema, read, raw, position, skip));
    }
    if (this.#at === this.#rows.length) {
      this.#rows = [];
      this.#at = 0;
    }
    return items;
  }

  async close(): Promise<void> {
    this.#rows = [];
    this.#at = 0;
  }
}

function readRow(
  schema: Schema,
  read: (row: Readonly<Record<string, unknown>>) => unknown,
  raw: Readonly<Record<string, unknown>>,
  position: number,
  skip: number,
): ReadItem {
  try {
    return item(schema, read(raw), position, skip);
  } catch (error) {
    return unreadable(error as Error, null, position, skip);
  }
}
