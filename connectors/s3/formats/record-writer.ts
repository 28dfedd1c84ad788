import type { SinkRecord } from '../../../src/api/index.ts';

export type FileFormat = 'avro' | 'bytes' | 'csv' | 'json' | 'jsonl' | 'parquet';
export type FileCompression = 'none' | 'gzip' | 'snappy' | 'zstd';
export type RecordPart = 'key' | 'value' | 'offset' | 'timestamp' | 'headers';

/** What of a record a file holds. */
export type RecordShape =
  /** One part as it is. `headers`: as Confluent's files of headers have them. */
  | { readonly kind: 'part'; readonly part: 'key' | 'value' | 'headers' }
  /** Aiven's: an object, or a row, of the parts that are named. */
  | { readonly kind: 'parts'; readonly parts: readonly RecordPart[]; readonly rawCsvValues: boolean };

/** All that a file's writer depends on, as JSON can hold it: a later run makes the same writer of it. */
export interface WriterSpec {
  readonly format: FileFormat;
  /** Of text and bytes around the whole, of Avro and Parquet inside. */
  readonly compression: FileCompression;
  /** -1: the codec's own. */
  readonly level: number;
  readonly shape: RecordShape;
  readonly numericDecimals: boolean;
  /** Behind each value of a file of bytes. */
  readonly separator: string;
  /** Whether lines are ended, as Confluent has it, or parted, as Aiven has it. */
  readonly endsLines: boolean;
}

/**
 * What `take` gives: what is `ready` anyhow; or all that can be cut off without harm to the file, as it is `left` to another
 * run; or all that can be cut off at all, as memory is `short`.
 */
export type TakeReason = 'ready' | 'left' | 'short';

/**
 * Makes a file of records, piece by piece. What `take` and `finish` give is the file, one piece behind the other, and
 * they keep nothing of it. A file can be left at any time: `take('left')`, then `save`; another process goes on from that.
 */
export interface RecordWriter {
  /** Throws a DataError, and has taken nothing, if the record cannot be in this file. */
  add(record: SinkRecord): void;
  /** Bytes of memory that it holds, roughly. */
  readonly held: number;
  take(reason: TakeReason): Uint8Array[];
  /** What `take` has not given. */
  save(): Uint8Array | null;
  /** The rest of the file. */
  finish(): Uint8Array[];
}

export interface WriterOptions {
  readonly spec: WriterSpec;
  /** Sixteen bytes that tell this file from others, the same whenever it is written. */
  readonly mark: Uint8Array;
  /** Null: a new file. `bytes`: what `save` gave. */
  readonly resumed: { readonly records: number; readonly bytes: Uint8Array | null } | null;
}

/** Loaded by format, then synchronous. */
export interface WriterFactory {
  open(options: WriterOptions): RecordWriter;
  /** Records of which this differs cannot be in one file; '': all can. */
  kindOf(record: SinkRecord, spec: WriterSpec): string;
}
