import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient } from '../../../src/kafka/types.ts';

/** When something was first seen to have landed, and when all had: in milliseconds since the start. */
export interface Landing {
  readonly firstMs: number;
  /** Records landed when the first were seen. */
  readonly firstCount: number;
  readonly lastMs: number;
}

const everyMs = 10;
const giveUpMs = 180_000;

async function watch(total: number, count: () => Promise<number>): Promise<Landing> {
  const started = performance.now();
  let firstMs = -1;
  let firstCount = 0;
  for (;;) {
    const landed = await count();
    const now = performance.now() - started;
    if (firstMs < 0 && landed > 0) {
      firstMs = now;
      firstCount = landed;
    }
    if (landed >= total) return { firstMs, firstCount, lastMs: now };
    if (now > giveUpMs) throw new Error(`${landed} of ${total} records landed in ${giveUpMs / 1000} s`);
    await sleep(everyMs);
  }
}

/** Records in topics without transactions. */
export function watchTopics(client: KafkaClient, topics: readonly string[], total: number): Promise<Landing> {
  const partitions = topics.map((topic) => ({ topic, partition: 0 }));
  return watch(total, async () => {
    const ends = await client.admin.endOffsets(partitions);
    let sum = 0;
    for (const ofTopic of ends.values()) for (const end of ofTopic.values()) sum += Number(end);
    return sum;
  });
}

/** Records of committed transactions, whose markers take offsets too: they are read. */
export async function watchCommitted(client: KafkaClient, topic: string, total: number): Promise<Landing> {
  const fetcher = await client.fetcher({ 'check.crcs': 'false' });
  let offset = 0;
  let seen = 0;
  const landing = await watch(total, async () => {
    for (;;) {
      const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset }], {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 8 << 20,
        maxPartitionBytes: 8 << 20,
        isolationLevel: 'read_committed',
      });
      const cursor = fetched?.cursor;
      if (!cursor) return seen;
      while (cursor.next()) seen++;
      if (cursor.nextOffset === offset) return seen;
      offset = cursor.nextOffset;
    }
  });
  await fetcher.close();
  return landing;
}

/** Bytes of a file that stand for records of one length each. */
export function watchFile(file: string, total: number, bytesEach: number): Promise<Landing> {
  return watch(total, async () => {
    try {
      return Math.floor(statSync(file).size / bytesEach);
    } catch {
      return 0;
    }
  });
}

export function digestOf(lines: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line).update('\n');
  return hash.digest('hex');
}

export function digestOfFile(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Number and digest of the values in partition 0, in order, each without its first `skip` bytes. */
export async function digestOfTopic(
  client: KafkaClient,
  topic: string,
  skip = 0,
): Promise<{ count: number; digest: string }> {
  const end = Number((await client.admin.endOffsets([{ topic, partition: 0 }], 'read_committed')).get(topic)!.get(0)!);
  const fetcher = await client.fetcher();
  const hash = createHash('sha256');
  const newline = Buffer.from('\n');
  let count = 0;
  for (let offset = 0; offset < end; ) {
    const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset }], {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 16 << 20,
      maxPartitionBytes: 16 << 20,
      isolationLevel: 'read_committed',
    });
    if (!fetched?.cursor) throw fetched?.error ?? new Error('nothing fetched');
    const { cursor } = fetched;
    while (cursor.next()) {
      hash.update(cursor.buffer.subarray(cursor.valueStart + skip, cursor.valueEnd));
      hash.update(newline);
      count++;
    }
    offset = cursor.nextOffset;
  }
  await fetcher.close();
  return { count, digest: hash.digest('hex') };
}
