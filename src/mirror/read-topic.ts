import { NotFoundError } from '../errors.ts';
import type { KafkaClient } from '../kafka/types.ts';

export interface TopicRecord {
  readonly kafkaPartition: number;
  readonly kafkaOffset: number;
  /** Null keys are left out by the caller's choice, not here. */
  readonly key: string | null;
  readonly value: string | null;
}

const fetchOptions = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 16 * 1024 * 1024,
  maxPartitionBytes: 4 * 1024 * 1024,
  isolationLevel: 'read_committed' as const,
};

/** Everything committed on a topic up to now, each partition in its order. NotFoundError when there is no such topic. */
export async function readTopic(
  kafka: KafkaClient,
  topic: string,
  each: (record: TopicRecord) => void,
  signal?: AbortSignal,
): Promise<void> {
  const [description] = await kafka.admin.describeTopics([topic]);
  if (description === undefined) throw new NotFoundError('mirror.topic_not_found', `Topic ${topic} does not exist`);
  const partitions = Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }));
  const begins = (await kafka.admin.beginningOffsets(partitions)).get(topic);
  const ends = (await kafka.admin.endOffsets(partitions, 'read_committed')).get(topic);
  let left = partitions
    .map(({ partition }) => ({ topic, partition, offset: Number(begins?.get(partition) ?? 0n) }))
    .filter(({ partition, offset }) => offset < Number(ends?.get(partition) ?? 0n));
  if (left.length === 0) return;
  const fetcher = await kafka.fetcher();
  try {
    while (left.length > 0) {
      signal?.throwIfAborted();
      const next = new Map(left.map(({ partition, offset }) => [partition, offset]));
      for (const { partition, error, cursor } of await fetcher.fetch(left, fetchOptions, signal)) {
        if (error !== null) throw error;
        if (cursor === null) continue;
        while (cursor.next()) {
          const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor;
          each({
            kafkaPartition: partition,
            kafkaOffset: cursor.offset,
            key: keyStart === -1 ? null : buffer.toString('utf8', keyStart, keyEnd),
            value: valueStart === -1 ? null : buffer.toString('utf8', valueStart, valueEnd),
          });
        }
        next.set(partition, Math.max(next.get(partition) ?? 0, cursor.nextOffset));
      }
      left = left
        .map(({ partition }) => ({ topic, partition, offset: next.get(partition) ?? 0 }))
        .filter(({ partition, offset }) => offset < Number(ends?.get(partition) ?? 0n));
    }
  } finally {
    await fetcher.close();
  }
}
