import type { ApiCall } from './request.ts';

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly readCommitted: boolean;
  readonly topics: readonly {
    readonly topic: string;
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
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly FetchedRecords[] }[];
}

/** Without a fetch session: a run is too short for one to pay. */
export const fetchCall: ApiCall<FetchRequest, FetchResponse> = {
  name: 'Fetch',
  key: 1,
  version: 12,
  write(writer, request) {
    writer
      .int32(-1)
      .int32(request.maxWaitMs)
      .int32(request.minBytes)
      .int32(request.maxBytes)
      .int8(request.readCommitted ? 1 : 0)
      .int32(0)
      .int32(-1)
      .structures(request.topics, (entry) =>
        writer.string(entry.topic).structures(entry.partitions, (position) => {
          writer
            .int32(position.partition)
            .int32(position.leaderEpoch)
            .int64(position.offset)
            .int32(-1)
            .int64(-1)
            .int32(position.maxBytes);
        }),
      )
      .structures([], () => {})
      .string('')
      .noTags();
  },
  read(reader) {
    reader.int32();
    const errorCode = reader.int16();
    reader.int32();
    const topics = reader.structures(() => ({
      topic: reader.string() ?? '',
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
  },
};
