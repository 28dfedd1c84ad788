import type { ApiCall } from './request.ts';

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly epoch: number;
}

export interface InitProducerIdRequest {
  /** Null: idempotent only. */
  readonly transactionalId: string | null;
  readonly timeoutMs: number;
}

export const initProducerIdCall: ApiCall<InitProducerIdRequest, ProducerIdentity & { errorCode: number }> = {
  name: 'InitProducerId',
  key: 22,
  version: 4,
  write(writer, request) {
    writer.string(request.transactionalId).int32(request.timeoutMs).int64(-1).int16(-1).noTags();
  },
  read(reader) {
    reader.int32();
    return { errorCode: reader.int16(), producerId: reader.bigint64(), epoch: reader.int16() };
  },
};

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface AddPartitionsToTxnRequest extends ProducerIdentity {
  readonly transactionalId: string;
  readonly topics: readonly TopicPartitions[];
}

export const addPartitionsToTxnCall: ApiCall<
  AddPartitionsToTxnRequest,
  { topic: string; partitions: { partition: number; errorCode: number }[] }[]
> = {
  name: 'AddPartitionsToTxn',
  key: 24,
  version: 3,
  write(writer, request) {
    writer
      .string(request.transactionalId)
      .int64(request.producerId)
      .int16(request.epoch)
      .structures(request.topics, (entry) => writer.string(entry.topic).int32Array(entry.partitions))
      .noTags();
  },
  read(reader) {
    reader.int32();
    return reader.structures(() => ({
      topic: reader.string() ?? '',
      partitions: reader.structures(() => ({ partition: reader.int32(), errorCode: reader.int16() })),
    }));
  },
};

export interface EndTxnRequest extends ProducerIdentity {
  readonly transactionalId: string;
  readonly committed: boolean;
}

export const endTxnCall: ApiCall<EndTxnRequest, { errorCode: number }> = {
  name: 'EndTxn',
  key: 26,
  version: 3,
  write(writer, request) {
    writer
      .string(request.transactionalId)
      .int64(request.producerId)
      .int16(request.epoch)
      .boolean(request.committed)
      .noTags();
  },
  read(reader) {
    reader.int32();
    return { errorCode: reader.int16() };
  },
};
