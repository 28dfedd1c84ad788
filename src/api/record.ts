import { withStructSchemas } from '../data/headers.ts';
import type { Schema } from '../data/schema.ts';

export interface Header {
  readonly key: string;
  readonly schema: Schema | null;
  readonly value: unknown;
}

/** Ordered, keys may repeat. Empty lists are shared: never mutate, always replace. */
export type Headers = readonly Header[];
export const noHeaders: Headers = Object.freeze([]);

/** What a connector says about where a record came from: flat, JSON-able, compared by content. */
export type SourcePartition = Readonly<Record<string, OffsetValue>>;
export type SourceOffset = Readonly<Record<string, OffsetValue>>;
export type OffsetValue = string | number | bigint | boolean | null;

/** The parts that transformations may replace; whatever is left out of a change stays as it is. */
export interface RecordChange {
  topic?: string;
  kafkaPartition?: number | null;
  keySchema?: Schema | null;
  key?: unknown;
  valueSchema?: Schema | null;
  value?: unknown;
  /** Epoch milliseconds. */
  timestamp?: number | null;
  headers?: Headers;
}

/** What source and sink records share. Java: ConnectRecord. Records are immutable by convention. */
export abstract class ConnectRecord<R extends ConnectRecord<R> = ConnectRecord<never>> {
  topic: string;
  kafkaPartition: number | null;
  keySchema: Schema | null;
  key: unknown;
  valueSchema: Schema | null;
  value: unknown;
  timestamp: number | null;
  headers: Headers;

  constructor(
    topic: string,
    kafkaPartition: number | null,
    keySchema: Schema | null,
    key: unknown,
    valueSchema: Schema | null,
    value: unknown,
    timestamp: number | null,
    headers: Headers,
  ) {
    this.topic = topic;
    this.kafkaPartition = kafkaPartition;
    this.keySchema = keySchema;
    this.key = key;
    this.valueSchema = valueSchema;
    this.value = value;
    this.timestamp = timestamp;
    this.headers = headers.length === 0 ? headers : withStructSchemas(headers);
  }

  /** A copy with some parts replaced. Java: newRecord. */
  abstract with(change: RecordChange): R;
  /** `with` for the commonest change, at a fraction of its price. */
  abstract withValue(schema: Schema | null, value: unknown): R;
}

/** What stands in the place of a record that the source has but cannot give. */
export interface Unreadable {
  readonly error: Error;
}

export class SourceRecord extends ConnectRecord<SourceRecord> {
  sourcePartition: SourcePartition;
  sourceOffset: SourceOffset;
  /** Set by `mark` and `unreadable`: this is no record to be converted. */
  declare instead: 'mark' | Unreadable | null;

  /** Moves the offset of its source partition on where there is no record to do so: at the end of an empty file, say. */
  static mark(sourcePartition: SourcePartition, sourceOffset: SourceOffset): SourceRecord {
    const mark = new SourceRecord(sourcePartition, sourceOffset, '', null, null, null, null, null);
    mark.instead = 'mark';
    return mark;
  }

  /**
   * A record that cannot be read. The connector's `errors.tolerance` decides: it ends the run in front of it, or it is
   * skipped, logged and sent to the dead letter queue, with the key, value (what there is of it) and headers given here.
   */
  static unreadable(
    error: Error,
    sourcePartition: SourcePartition,
    sourceOffset: SourceOffset,
    topic: string,
    key: unknown,
    value: unknown,
    headers: Headers = noHeaders,
  ): SourceRecord {
    const record = new SourceRecord(sourcePartition, sourceOffset, topic, null, null, key, null, value, null, headers);
    record.instead = { error };
    return record;
  }

  constructor(
    sourcePartition: SourcePartition,
    sourceOffset: SourceOffset,
    topic: string,
    kafkaPartition: number | null,
    keySchema: Schema | null,
    key: unknown,
    valueSchema: Schema | null,
    value: unknown,
    timestamp: number | null = null,
    headers: Headers = noHeaders,
  ) {
    super(topic, kafkaPartition, keySchema, key, valueSchema, value, timestamp, headers);
    this.sourcePartition = sourcePartition;
    this.sourceOffset = sourceOffset;
  }

  override with(change: RecordChange): SourceRecord {
    return new SourceRecord(
      this.sourcePartition,
      this.sourceOffset,
      change.topic ?? this.topic,
      change.kafkaPartition === undefined ? this.kafkaPartition : change.kafkaPartition,
      change.keySchema === undefined ? this.keySchema : change.keySchema,
      change.key === undefined ? this.key : change.key,
      change.valueSchema === undefined ? this.valueSchema : change.valueSchema,
      change.value === undefined ? this.value : change.value,
      change.timestamp === undefined ? this.timestamp : change.timestamp,
      change.headers ?? this.headers,
    );
  }

  override withValue(schema: Schema | null, value: unknown): SourceRecord {
    return new SourceRecord(
      this.sourcePartition,
      this.sourceOffset,
      this.topic,
      this.kafkaPartition,
      this.keySchema,
      this.key,
      schema,
      value,
      this.timestamp,
      this.headers,
    );
  }
}

// Where it is nothing, and that is nearly everywhere, it costs a record no room.
SourceRecord.prototype.instead = null;

export type TimestampType = 'NoTimestampType' | 'CreateTime' | 'LogAppendTime';

export class SinkRecord extends ConnectRecord<SinkRecord> {
  /** A safe integer: Kafka offsets beyond 2^53 are refused where a position is loaded. */
  kafkaOffset: number;
  timestampType: TimestampType;
  /** Where the record was before any transformation (KIP-793). */
  originalTopic: string;
  originalKafkaPartition: number;
  originalKafkaOffset: number;

  constructor(
    topic: string,
    kafkaPartition: number | null,
    keySchema: Schema | null,
    key: unknown,
    valueSchema: Schema | null,
    value: unknown,
    kafkaOffset: number,
    timestamp: number | null = null,
    timestampType: TimestampType = 'NoTimestampType',
    headers: Headers = noHeaders,
    originalTopic: string = topic,
    originalKafkaPartition: number = kafkaPartition ?? 0,
    originalKafkaOffset: number = kafkaOffset,
  ) {
    super(topic, kafkaPartition, keySchema, key, valueSchema, value, timestamp, headers);
    this.kafkaOffset = kafkaOffset;
    this.timestampType = timestampType;
    this.originalTopic = originalTopic;
    this.originalKafkaPartition = originalKafkaPartition;
    this.originalKafkaOffset = originalKafkaOffset;
  }

  override with(change: RecordChange): SinkRecord {
    return new SinkRecord(
      change.topic ?? this.topic,
      change.kafkaPartition === undefined ? this.kafkaPartition : change.kafkaPartition,
      change.keySchema === undefined ? this.keySchema : change.keySchema,
      change.key === undefined ? this.key : change.key,
      change.valueSchema === undefined ? this.valueSchema : change.valueSchema,
      change.value === undefined ? this.value : change.value,
      this.kafkaOffset,
      change.timestamp === undefined ? this.timestamp : change.timestamp,
      this.timestampType,
      change.headers ?? this.headers,
      this.originalTopic,
      this.originalKafkaPartition,
      this.originalKafkaOffset,
    );
  }

  override withValue(schema: Schema | null, value: unknown): SinkRecord {
    return new SinkRecord(
      this.topic,
      this.kafkaPartition,
      this.keySchema,
      this.key,
      schema,
      value,
      this.kafkaOffset,
      this.timestamp,
      this.timestampType,
      this.headers,
      this.originalTopic,
      this.originalKafkaPartition,
      this.originalKafkaOffset,
    );
  }
}
