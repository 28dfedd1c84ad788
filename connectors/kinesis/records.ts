import {
  Instant,
  SchemaBuilder,
  type SourceOffset,
  type SourcePartition,
  SourceRecord,
  Struct,
} from '../../src/api/index.ts';
import { splitAggregated } from './aggregated.ts';
import type { KinesisSettings } from './settings.ts';
import type { StreamRecord } from './stream-record.ts';

const text = SchemaBuilder.string().optional().build();

const keySchema = SchemaBuilder.struct()
  .name('com.github.jcustenborder.kafka.connect.kinesis.KinesisKey')
  .field('partitionKey', text)
  .build();

const valueSchema = SchemaBuilder.struct()
  .name('com.github.jcustenborder.kafka.connect.kinesis.KinesisValue')
  .field('sequenceNumber', text)
  .field('approximateArrivalTimestamp', SchemaBuilder.timestamp().optional().build())
  .field('data', SchemaBuilder.bytes().optional().build())
  .field('partitionKey', text)
  .field('shardId', text)
  .field('streamName', text)
  .build();

/** Where in its source partition a record stands. */
export interface Place {
  readonly partition: SourcePartition;
  readonly shard: string | null;
  /** Behind the record as a whole. */
  readonly offset: SourceOffset;
  /** Behind the nth of the records that it was put together of, which is not the last; null: there is no such offset. */
  readonly within: (part: number) => SourceOffset;
}

/** What a record of the stream becomes, from the `from`th of those on that it was put together of. */
export function recordsOf(settings: KinesisSettings, record: StreamRecord, place: Place, from = 0): SourceRecord[] {
  const { 'kinesis.deaggregate': split, 'kafka.topic': topic, 'kinesis.stream': stream } = settings;
  const whole = [{ partitionKey: record.partitionKey, data: record.data }];
  const found = split ? splitAggregated(record.data) : null;
  const parts = found ?? whole;
  const { arrivedAt, sequenceNumber } = record;
  // What is given whole now may have been given in part before.
  const first = found === null ? 0 : from;
  return parts.slice(first).map(({ partitionKey, data }, at) => {
    const part = first + at;
    const offset = part === parts.length - 1 ? place.offset : place.within(part);
    const arrived = arrivedAt === null ? null : new Instant(arrivedAt);
    const value = [sequenceNumber, arrived, data, partitionKey, place.shard, stream];
    return new SourceRecord(
      place.partition,
      offset,
      topic,
      null,
      keySchema,
      new Struct(keySchema, [partitionKey]),
      valueSchema,
      new Struct(valueSchema, value),
      arrivedAt,
    );
  });
}
