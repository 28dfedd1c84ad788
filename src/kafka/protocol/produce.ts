import type { ApiCall } from './request.ts';
import { WireWriter } from './wire-writer.ts';

export interface ProduceRequest {
  readonly transactionalId: string | null;
  /** -1: all in-sync replicas. */
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly records: Buffer }[];
  }[];
}

export interface ProducedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly recordErrors: readonly { readonly index: number; readonly message: string | null }[];
  readonly errorMessage: string | null;
}

/**
 * The pieces of a produce request, in order: the record batches are handed on as they are, so that megabytes are not
 * copied into one more buffer on the way.
 */
export function produceRequestPieces(request: ProduceRequest): Buffer[] {
  const pieces: Buffer[] = [];
  let writer = new WireWriter(128);
  writer.string(request.transactionalId).int16(request.acks).int32(request.timeoutMs);
  writer.unsignedVarint(request.topics.length + 1);
  for (const { topic, partitions } of request.topics) {
    writer.string(topic).unsignedVarint(partitions.length + 1);
    for (const { partition, records } of partitions) {
      writer.int32(partition).unsignedVarint(records.length + 1);
      pieces.push(writer.finish(), records);
      writer = new WireWriter(64);
      writer.noTags();
    }
    writer.noTags();
  }
  writer.noTags();
  pieces.push(writer.finish());
  return pieces;
}

export const produceCall: ApiCall<never, { topic: string; partitions: ProducedPartition[] }[]> = {
  name: 'Produce',
  key: 0,
  version: 9,
  write() {
    throw new TypeError('A produce request is sent in pieces: produceRequestPieces');
  },
  read(reader) {
    return reader.structures(() => ({
      topic: reader.string() ?? '',
      partitions: reader.structures(() => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        const baseOffset = reader.int64();
        reader.int64();
        reader.int64();
        const recordErrors = reader.structures(() => ({ index: reader.int32(), message: reader.string() }));
        return { partition, errorCode, baseOffset, recordErrors, errorMessage: reader.string() };
      }),
    }));
  },
};
