/**
 * Connect's type system. A value is held as the plainest JavaScript value its schema allows, so that the hot path
 * pays for no wrapper:
 *
 * | schema type                        | value                                                        |
 * | ---------------------------------- | ------------------------------------------------------------ |
 * | int8 int16 int32 float32 float64   | number                                                       |
 * | int64                              | bigint                                                       |
 * | boolean, string                    | boolean, string                                              |
 * | bytes                              | Uint8Array                                                   |
 * | array, map                         | Array, Map                                                   |
 * | struct                             | Struct                                                       |
 * | Decimal / Date, Time, Timestamp    | Decimal / Instant (see logical.ts)                           |
 *
 * Without a schema a bare number is a float64 and a bigint an int64; the other widths are Int8, Int16, Int32 and
 * Float32 wrappers (see schemaless.ts), which are rare.
 */
export type SchemaType =
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'boolean'
  | 'string'
  | 'bytes'
  | 'array'
  | 'map'
  | 'struct';

export interface Field {
  readonly name: string;
  readonly index: number;
  readonly schema: Schema;
}

export interface Schema {
  readonly type: SchemaType;
  readonly optional: boolean;
  readonly name: string | null;
  readonly version: number | null;
  readonly doc: string | null;
  readonly parameters: ReadonlyMap<string, string> | null;
  /** `undefined` when there is none. */
  readonly defaultValue: unknown;
  readonly keySchema: Schema | null;
  readonly valueSchema: Schema | null;
  /** Empty unless this is a struct. */
  readonly fields: readonly Field[];
  field(name: string): Field | undefined;
}

/** A schema and the value it describes; both null for a tombstone or for schemaless null. */
export interface SchemaAndValue {
  readonly schema: Schema | null;
  readonly value: unknown;
}
