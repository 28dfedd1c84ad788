import { isUtf8 } from 'node:buffer';
import { type CsvError, type Info, type Options, Parser } from 'csv-parse';
import { DataError, type Schema, SchemaBuilder, Struct } from '../../../src/api/index.ts';
import { type CellType, cellTypes, readCell } from './csv-cells.ts';
import { type ByteSource, Chunks, item, type ObjectReader, type ReadItem, unreadable } from './read.ts';

export interface CsvOptions {
  readonly separator: string;
  readonly quote: string;
  readonly escape: string;
  /** The first row names the columns. */
  readonly header: boolean;
  /** Names of the columns where no row has them; empty: `column1`, `column2`, … */
  readonly columns: readonly string[];
  /** `name:type`; columns that are not in it are text. */
  readonly types: readonly string[];
  /** A cell that holds this, or nothing, is null. */
  readonly nullText: string;
  readonly maxRecordBytes: number;
}

/** Rows as structs whose fields are optional and named by the header. */
export async function openCsv(source: ByteSource, from: number, options: CsvOptions): Promise<ObjectReader> {
  const rows = options.header && from > 0 ? await columnsOf(source, options) : null;
  return new CsvReader(source, from, options, rows);
}

/** A row, or what is wrong with it, and the bytes in front of its end. */
interface Row {
  readonly cells: readonly string[] | null;
  readonly error: CsvError | null;
  readonly raw: string | null;
  readonly bytes: number;
  /** False: it may hold bytes that are not UTF-8; what stands in their place is no text. */
  readonly isText: boolean;
}

/** Parsed at a time: rows take many times the bytes that they are made of, as short ones do most. */
const sliceBytes = 64 << 10;

/** Brings pieces into rows, in order. */
class Rows {
  readonly #chunks: Chunks;
  readonly #parser: Parser;
  #rows: Row[] = [];
  #next = 0;
  /** Of the last piece, what is not parsed yet. */
  #pending: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #broken: Error | null = null;
  #ended = false;
  /** Bytes that the parser was given … */
  #given = 0;
  /** … and up to the end of the last slice of them that holds what is not UTF-8. */
  #doubtfulTo = 0;

  constructor(pieces: AsyncGenerator<Buffer, void, undefined>, options: CsvOptions, isStart: boolean) {
    this.#chunks = new Chunks(pieces);
    const parserOptions: Options = {
      bom: isStart,
      delimiter: options.separator,
      quote: options.quote === '' ? null : options.quote,
      escape: options.escape,
      // Not the first that it meets: from another place on that may be another.
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: options.maxRecordBytes,
      raw: false,
      on_record: (cells: unknown, info: Info) => {
        const isText = this.#bytes >= this.#doubtfulTo;
        this.#bytes = info.bytes;
        this.#rows.push({ cells: cells as string[], error: null, raw: null, bytes: info.bytes, isText });
        return null;
      },
      on_skip: (error, raw) => {
        this.#rows.push({ cells: null, error: error ?? null, raw: raw ?? null, bytes: this.#bytes, isText: true });
        return undefined;
      },
    };
    this.#parser = new Parser(parserOptions);
    this.#parser.on('error', (error) => {
      this.#broken ??= error;
    });
    this.#parser.resume();
  }

  get atHand(): number {
    return this.#rows.length - this.#next;
  }

  take(): Row | undefined {
    if (this.atHand === 0) return undefined;
    const row = this.#rows[this.#next++];
    if (this.atHand === 0) {
      this.#rows = [];
      this.#next = 0;
    }
    return row;
  }

  /** False at the end. */
  async more(): Promise<boolean> {
    if (this.#ended) return false;
    const piece = this.#pending.length > 0 ? this.#pending : await this.#chunks.more();
    if (piece === null) {
      this.#ended = true;
      await new Promise<void>((done) => this.#parser.end(() => done()));
    } else {
      const slice = piece.subarray(0, sliceBytes);
      this.#pending = piece.subarray(sliceBytes);
      this.#given += slice.length;
      if (!isUtf8(trimmed(slice))) this.#doubtfulTo = this.#given;
      await new Promise<void>((done) => this.#parser.write(slice, () => done()));
    }
    if (this.#broken !== null) throw this.#broken;
    return true;
  }

  async close(): Promise<void> {
    this.#parser.destroy();
    await this.#chunks.close();
  }
}

/** Without the parts of characters at its two ends. */
function trimmed(piece: Buffer): Buffer {
  let start = 0;
  while (start < 3 && start < piece.length && (piece[start]! & 0xc0) === 0x80) start++;
  let end = piece.length;
  for (let back = 1; back <= 3 && back <= piece.length - start; back++) {
    const byte = piece[piece.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    if (byte >= 0xc0) end = piece.length - back;
    break;
  }
  return piece.subarray(start, end);
}

async function columnsOf(source: ByteSource, options: CsvOptions): Promise<readonly string[] | null> {
  const rows = new Rows(source.chunks(0), options, true);
  try {
    while (rows.atHand === 0 && (await rows.more()));
    return rows.take()?.cells ?? null;
  } finally {
    await rows.close();
  }
}

class CsvReader implements ObjectReader {
  readonly #options: CsvOptions;
  readonly #rows: Rows;
  readonly #base: number;
  #columns: Columns | null = null;

  constructor(source: ByteSource, from: number, options: CsvOptions, names: readonly string[] | null) {
    this.#options = options;
    this.#base = from;
    this.#rows = new Rows(source.chunks(from), options, from === 0);
    if (names !== null) this.#columns = columnsNamed(names, options);
    else if (!options.header && options.columns.length > 0) this.#columns = columnsNamed(options.columns, options);
  }

  async next(max: number): Promise<readonly ReadItem[]> {
    const items: ReadItem[] = [];
    for (;;) {
      while (items.length < max) {
        const row = this.#rows.take();
        if (row === undefined) break;
        const read = this.#read(row);
        if (read !== null) items.push(read);
      }
      if (items.length > 0 || !(await this.#rows.more())) return items;
    }
  }

  #read({ cells, error, raw, bytes, isText }: Row): ReadItem | null {
    const position = this.#base + bytes;
    if (cells === null) {
      const said = new DataError(`The row cannot be read: ${error?.message ?? 'it is malformed'}`, { cause: error });
      return unreadable(said, raw === null ? null : Buffer.from(raw), position);
    }
    if (this.#columns === null) {
      if (this.#options.header) {
        this.#columns = columnsNamed(cells, this.#options);
        return null;
      }
      const names = cells.map((_, index) => `column${index + 1}`);
      this.#columns = columnsNamed(names, this.#options);
    }
    try {
      return item(this.#columns.schema, this.#columns.read(cells, isText), position);
    } catch (cause) {
      return unreadable(cause as Error, Buffer.from(cells.join(this.#options.separator)), position);
    }
  }

  close(): Promise<void> {
    return this.#rows.close();
  }
}

interface Columns {
  readonly schema: Schema;
  read(cells: readonly string[], isText: boolean): Struct;
}

/** Throws DataError for a header that names nothing, or something twice, or nothing of what the types are for. */
function columnsNamed(names: readonly string[], { types, nullText }: CsvOptions): Columns {
  const typeOf = new Map(types.map((entry) => entry.split(':', 2) as [string, string]));
  const builder = SchemaBuilder.struct();
  const readers: CellType[] = [];
  for (const [index, name] of names.entries()) {
    if (name === '')
      throw new DataError(`Column ${index + 1} of the header has no name; name the columns in csv.columns`);
    if (names.indexOf(name) !== index)
      throw new DataError(`The header names ${name} twice; name the columns in csv.columns`);
    const type = cellTypes(typeOf.get(name) ?? 'string');
    readers.push(type);
    builder.field(name, type.schema);
  }
  // One that is missing may be so in some objects; all of them are where the first row is none.
  if (types.length > 0 && !names.some((name) => typeOf.has(name))) {
    throw new DataError(
      `The header (${names.join(', ').slice(0, 200)}) has none of the columns of csv.types (${[...typeOf.keys()].join(', ')}): where the first row is no header, set csv.header=false and name the columns in csv.columns`,
    );
  }
  const schema = builder.build();
  return {
    schema,
    read(cells, isText) {
      if (cells.length !== names.length) {
        throw new DataError(`The row has ${cells.length} cells, and there are ${names.length} columns`);
      }
      const values = new Array<unknown>(names.length);
      for (let i = 0; i < names.length; i++) {
        const cell = cells[i]!;
        if (!isText && cell.includes('\ufffd'))
          throw new DataError(`Column ${names[i]} holds bytes that are not UTF-8`);
        values[i] = cell === '' || cell === nullText ? null : readCell(readers[i]!, names[i]!, cell);
      }
      return new Struct(schema, values);
    },
  };
}
