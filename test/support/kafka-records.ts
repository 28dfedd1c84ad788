import { isRetriable } from '../../src/errors.ts';
import type { KafkaClient, Producer } from '../../src/kafka/types.ts';
import { until } from './until.ts';

export interface SeenRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { key: string; value: string | null }[];
}

let counter = 0;

/** A topic name nobody else uses. */
export function uniqueName(prefix: string): string {
  counter++;
  return `${prefix}-${process.pid}-${Date.now()}-${counter}`;
}

/** All that lies in a topic now, partition by partition, from the beginning to the end that read_committed may see. */
export async function readTopic(
  client: KafkaClient,
  topic: string,
  isolationLevel: 'read_uncommitted' | 'read_committed' = 'read_committed',
): Promise<SeenRecord[]> {
  const [description] = await client.admin.describeTopics([topic]);
  if (!description) return [];
  const all = Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }));
  const begins = (await client.admin.beginningOffsets(all)).get(topic)!;
  const ends = (await client.admin.endOffsets(all, isolationLevel)).get(topic)!;
  const fetcher = await client.fetcher();
  const seen: SeenRecord[] = [];
  const positions = new Map(all.map(({ partition }) => [partition, Number(begins.get(partition)!)]));
  for (;;) {
    const behind = all.filter(({ partition }) => positions.get(partition)! < Number(ends.get(partition)!));
    if (behind.length === 0) break;
    const fetched = await fetcher.fetch(
      behind.map((one) => ({ ...one, offset: positions.get(one.partition)! })),
      { maxWaitMs: 500, minBytes: 1, maxBytes: 16 << 20, maxPartitionBytes: 4 << 20, isolationLevel },
    );
    for (const { partition, error, cursor } of fetched) {
      // A leader that has just come back is asked again, as a run would.
      if (isRetriable(error)) continue;
      if (error || !cursor) throw error ?? new Error('no cursor');
      while (cursor.next()) {
        const text = (start: number, end: number) => (start < 0 ? null : cursor.buffer.toString('utf8', start, end));
        seen.push({
          partition,
          offset: cursor.offset,
          timestamp: cursor.timestamp,
          key: text(cursor.keyStart, cursor.keyEnd),
          value: text(cursor.valueStart, cursor.valueEnd),
          headers: cursor
            .headers()
            .map(({ key, value }) => ({ key, value: value && Buffer.from(value).toString('utf8') })),
        });
      }
      positions.set(partition, cursor.nextOffset);
    }
  }
  await fetcher.close();
  return seen.sort((one, other) => one.partition - other.partition || one.offset - other.offset);
}

/**
 * The same, once no transaction is open in the topic. A coordinator answers a commit as soon as it is decided, and writes
 * the markers behind the records a moment later: until then `read_committed` ends in front of records that are committed.
 */
export async function readDecidedTopic(client: KafkaClient, topic: string): Promise<SeenRecord[]> {
  const [description] = await client.admin.describeTopics([topic]);
  if (!description) return [];
  const all = Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }));
  const endsOf = async (level: 'read_uncommitted' | 'read_committed') =>
    (await client.admin.endOffsets(all, level)).get(topic)!;
  await until(`the transactions in ${topic} are decided`, async () => {
    const end = await endsOf('read_uncommitted');
    const decided = await endsOf('read_committed');
    return [...end].every(([partition, offset]) => decided.get(partition)! >= offset);
  });
  return readTopic(client, topic);
}

/** Sends values to partition 0 and returns the outcome. */
export function sendValues(
  producer: Producer,
  topic: string,
  values: readonly (string | null)[],
  signal?: AbortSignal,
) {
  const batch = producer.newBatch();
  for (const value of values) batch.append(topic, 0, null, value, null, null);
  return producer.send(batch, signal);
}
