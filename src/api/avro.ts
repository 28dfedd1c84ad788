import type { Schema } from '../data/schema.ts';

/** Avro's binary form beside a schema that is at hand, for files and the like. Connectors are given it, see connectors/index.ts. */
export interface AvroReading {
  /** Throws DataError for what is no schema. */
  open(schemaText: string): AvroSequence;
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

/** Loads it when it is needed. */
export type LoadAvro = () => Promise<AvroReading>;
