import type { Schema } from '../data/schema.ts';

/** Avro's binary form beside a schema that is at hand, for files and the like. Connectors are given it, see connectors/index.ts. */
export interface Avro {
  /** To read. Throws DataError for what is no schema. */
  open(schemaText: string): AvroSequence;
  /** To write values of a schema of Connect. Throws DataError for one that Avro cannot hold. */
  encoder(schema: Schema): AvroEncoder;
}

/** Values of one schema that lie behind each other. */
export interface AvroSequence {
  /** Null: the values have no schema of Connect. */
  readonly schema: Schema | null;
  /**
   * The value at `start`, as AvroConverter gives it; where it ends is in `end` then. Throws ConnectError for bytes that
   * are none, or go beyond `limit`.
   */
  read(bytes: Buffer, start: number, limit: number): unknown;
  /** Behind the last value that was read. */
  readonly end: number;
}

export interface AvroEncoder {
  /** JSON of the Avro schema, as AvroConverter would register it. */
  readonly schemaText: string;
  /** Bytes that nobody else writes to. Throws DataError for a value that does not fit. */
  encode(value: unknown): Uint8Array;
}

/** Loads it when it is needed. */
export type LoadAvro = () => Promise<Avro>;
