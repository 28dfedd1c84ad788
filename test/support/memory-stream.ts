import type { StreamRecord } from '../../connectors/kinesis/stream-record.ts';
import type { OpenStream } from '../../connectors/kinesis/streams.ts';
import { MemoryShards } from './memory-shards.ts';

const arrival = 1_764_368_000_000;

/** As Lambda brings it. */
export function kinesisEvent(sequenceNumber: number | string, key: string, data: Uint8Array | string, more = {}) {
  return {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: key,
      sequenceNumber: String(sequenceNumber),
      data: Buffer.from(data).toString('base64'),
      approximateArrivalTimestamp: arrival / 1000,
      ...more,
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `shardId-000000000006:${sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: 'arn:aws:iam::000000000000:role/x',
    awsRegion: 'us-east-1',
    eventSourceARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/clicks',
  };
}

/** A stream that can be split, merged and read as Kinesis is. */
export class MemoryStream {
  readonly shards = new MemoryShards<StreamRecord>({
    sequenceNumberOf: ({ sequenceNumber }: StreamRecord) => sequenceNumber,
    createdAt: ({ arrivedAt }: StreamRecord) => arrivedAt ?? 0,
    tellsBehind: true,
  });
  hours = 24;

  put(shard: string, sequenceNumber: number, key: string, data: Uint8Array | string, arrivedAt = arrival): void {
    const record = { sequenceNumber: String(sequenceNumber), partitionKey: key, data: Buffer.from(data), arrivedAt };
    this.shards.add(shard, [{ ...record, shard: null }]);
  }

  readonly open: OpenStream = async () =>
    Object.assign(Object.create(this.shards), {
      shards: () => this.shards.shards(),
      iterator: (shard: string, start: never) => this.shards.iterator(shard, start),
      read: (iterator: string) => this.shards.read(iterator),
      retentionHours: async () => this.hours,
      close: () => {},
    });
}

/** Endless records of so many bytes, made as they are read. */
export function endlessStream(recordBytes: number): OpenStream {
  const pageRecords = 50;
  return async () => ({
    shards: async () => [{ id: 'shard', parents: [] }],
    iterator: async (_shard, start) => ('sequenceNumber' in start ? String(Number(start.sequenceNumber) + 1) : '0'),
    read: async (iterator) => {
      const from = Number(iterator);
      const records = Array.from({ length: pageRecords }, (_, at) => ({
        sequenceNumber: String(from + at),
        partitionKey: 'a',
        data: Buffer.alloc(recordBytes, 'x'),
        arrivedAt: arrival,
        shard: null,
      }));
      return { records, next: String(from + pageRecords), behindMs: 1000 };
    },
    sequenceNumberOf: ({ sequenceNumber }) => sequenceNumber,
    sizeOf: () => recordBytes,
    retentionHours: async () => 24,
    close: () => {},
  });
}
