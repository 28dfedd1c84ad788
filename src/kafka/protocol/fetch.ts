import type { ApiCall } from './request.ts';
import type { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly readCommitted: boolean;
  readonly topics: readonly {
    readonly topic: string;
    /** What the records are read of; null asks by name alone. */
    readonly topicId: string | null;
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: number;
      readonly leaderEpoch: number;
      readonly maxBytes: number;
    }[];
  }[];
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface FetchedRecords {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Where the record batches lie in the answer's buffer. */
  readonly records: { readonly start: number; readonly end: number } | null;
}

export interface FetchResponse {
  readonly errorCode: number;
  readonly buffer: Buffer;
  /** By id or by name, as asked. */
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly FetchedRecords[] }[];
}

function writeFetch(writer: WireWriter, request: FetchRequest, writeTopic: (entry: FetchRequest['topics'][0]) => void) {
  writer
    .int32(-1)
    .int32(request.maxWaitMs)
    .int32(request.minBytes)
    .int32(request.maxBytes)
    .int8(request.readCommitted ? 1 : 0)
    .int32(0)
    .int32(-1)
    .structures(request.topics, (entry) => {
      writeTopic(entry);
      writer.structures(entry.partitions, (position) => {
        writer
          .int32(position.partition)
          .int32(position.leaderEpoch)
          .int64(position.offset)
          .int32(-1)
          .int64(-1)
          .int32(position.maxBytes);
      });
    })
    .structures([], () => {})
    .string('')
    .noTags();
}

function readFetch(reader: WireReader, readTopic: () => string): FetchResponse {
  reader.int32();
  const errorCode = reader.int16();
  reader.int32();
  const topics = reader.structures(() => ({
    topic: readTopic(),
    partitions: reader.structures(() => {
      const partition = reader.int32();
      const partitionError = reader.int16();
      const highWatermark = reader.int64();
      const lastStableOffset = reader.int64();
      const logStartOffset = reader.int64();
      const abortedTransactions = reader.structures(() => ({
        producerId: reader.bigint64(),
        firstOffset: reader.int64(),
      }));
      reader.int32();
      const records = reader.extent();
      return {
        partition,
        errorCode: partitionError,
        highWatermark,
        lastStableOffset,
        logStartOffset,
        abortedTransactions,
        records,
      };
    }),
  }));
  return { errorCode, buffer: reader.buffer, topics };
}

/** Without a fetch session: a run is too short for one to pay. */
const fetch = { name: 'Fetch', key: 1 } as const;

/** From Kafka 3.1: the leader itself refuses a topic that is not the one asked for, though it has its name (KIP-516). */
export const fetchByIdCall: ApiCall<FetchRequest, FetchResponse> = {
  ...fetch,
  version: 13,
  write: (writer, request) => writeFetch(writer, request, ({ topicId }) => writer.uuid(topicId)),
  read: (reader) => readFetch(reader, () => reader.uuid() ?? ''),
};

export const fetchByNameCall: ApiCall<FetchRequest, FetchResponse> = {
  ...fetch,
  version: 12,
  write: (writer, request) => writeFetch(writer, request, ({ topic }) => writer.string(topic)),
  read: (reader) => readFetch(reader, () => reader.string() ?? ''),
};
