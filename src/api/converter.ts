import type { Settings } from '../config/config-def.ts';
import type { ByteSink } from '../data/byte-sink.ts';
import type { Schema, SchemaAndValue } from '../data/schema.ts';
import type { ItemOutcomes } from './item-outcome.ts';

/**
 * What a converter hands to the record batch: bytes as they are, or a string that stands for its UTF-8 bytes, which
 * the batch encoder writes straight into the batch without a buffer in between. Null is a Kafka null.
 */
export type SerializedValue = Uint8Array | string | null;

export interface ConverterRole {
  readonly isKey: boolean;
}

/** A header as it is in Kafka. */
export interface SerializedHeader {
  readonly key: string;
  readonly value: SerializedValue;
}

/** A key or value of Connect on its way to Kafka, with the headers that its record will have there. */
export interface DataToSerialize {
  readonly topic: string;
  readonly headers: readonly SerializedHeader[];
  readonly schema: Schema | null;
  readonly value: unknown;
}

export interface SerializedData {
  readonly bytes: SerializedValue;
  /** All headers of the record, where the converter has changed them; null: as they were. */
  readonly headers: readonly SerializedHeader[] | null;
}

/** A key or value of Kafka with the headers that its record has there. */
export interface DataToRead {
  readonly topic: string;
  readonly headers: readonly SerializedHeader[];
  readonly bytes: Uint8Array | null;
}

export interface HeaderToSerialize {
  readonly topic: string;
  readonly key: string;
  readonly schema: Schema | null;
  readonly value: unknown;
}

export interface HeaderToRead {
  readonly topic: string;
  readonly key: string;
  readonly bytes: Uint8Array | null;
}

/** Java: org.apache.kafka.connect.storage.Converter. */
export interface Converter {
  configure(settings: Settings, role: ConverterRole): void;
  /** May be a promise only for converters that talk to a registry; the answer for a schema seen before is plain. */
  fromConnectData(topic: string, schema: Schema | null, value: unknown): SerializedValue | Promise<SerializedValue>;
  /**
   * Optional fast path of the source: writes the bytes of `fromConnectData` behind what the sink holds. False where that
   * one is to be asked, as for a null; the worker drops what a failed or refused call has written.
   */
  writeConnectData?(topic: string, schema: Schema | null, value: unknown, into: ByteSink): boolean;
  toConnectData(topic: string, bytes: Uint8Array | null): SchemaAndValue | Promise<SchemaAndValue>;
  /**
   * Optional fast path of the sink: reads a non-null value from `buffer[start, end)` without a view of its own.
   * Same answer as `toConnectData`: a promise only while a registry is asked for a schema not seen before. A buffer
   * holds many records and never changes its content, so that a converter may keep what it has made of it.
   */
  readConnectData?(topic: string, buffer: Buffer, start: number, end: number): SchemaAndValue | Promise<SchemaAndValue>;
  /** Optional, for what answers from elsewhere: the worker asks for many at once, and never calls the others. */
  fromConnectDataAll?(items: readonly DataToSerialize[]): ItemOutcomes<SerializedData>;
  toConnectDataAll?(items: readonly DataToRead[]): ItemOutcomes<SchemaAndValue>;
  close?(): void | Promise<void>;
}

/** Java: org.apache.kafka.connect.storage.HeaderConverter. */
export interface HeaderConverter {
  configure(settings: Settings): void;
  fromConnectHeader(topic: string, headerKey: string, schema: Schema | null, value: unknown): SerializedValue;
  toConnectHeader(topic: string, headerKey: string, bytes: Uint8Array | null): SchemaAndValue;
  /** Optional, as those of converters: asked for many headers at once. */
  fromConnectHeaderAll?(items: readonly HeaderToSerialize[]): ItemOutcomes<SerializedValue>;
  toConnectHeaderAll?(items: readonly HeaderToRead[]): ItemOutcomes<SchemaAndValue>;
  close?(): void | Promise<void>;
}
