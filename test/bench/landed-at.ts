import type { Fetcher, KafkaClient } from '../../src/kafka/types.ts';

/** When a consumer that waits at this offset of the first partition has the record there, by `performance.now()`. */
export async function landedAt(fetcher: Fetcher, topic: string, offset: number, giveUpMs: number): Promise<number> {
  const giveUpAt = performance.now() + giveUpMs;
  while (performance.now() < giveUpAt) {
    const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset }], {
      maxWaitMs: 10_000,
      minBytes: 1,
      maxBytes: 1 << 20,
      maxPartitionBytes: 1 << 20,
      isolationLevel: 'read_uncommitted',
    });
    if (fetched?.cursor?.next()) return performance.now();
  }
  throw new Error(`${topic} has no record at ${offset} after ${giveUpMs / 1000} s`);
}

/** Where the next record of the first partition will be. */
export async function endOf({ admin }: KafkaClient, topic: string): Promise<number> {
  const ends = await admin.endOffsets([{ topic, partition: 0 }]);
  return Number(ends.get(topic)!.get(0)!);
}
