import type { TopicPartition } from '../../api/task.ts';
import { RetriableError } from '../../errors.ts';
import type { Fetcher, KafkaAdmin, OutgoingBatch, RecordCursor } from '../../kafka/types.ts';
import type { TaskItem } from '../../storage/items.ts';
import type { SinkPosition, SourceOffsetEntry } from '../../storage/offset-backing-store.ts';
import { canonicalPartition, offsetRecordKey, parseOffset } from '../../storage/source-offset-text.ts';
import type { RunHost } from '../run/run-host.ts';

/** Where a connector's offsets topic is read and made. */
export interface OffsetsCluster {
  readonly admin: KafkaAdmin;
  fetcher(): Promise<Fetcher>;
}

/** Names the task that wrote an offset in a transaction; what the mirror writes has no such header. */
const taskHeader = 'drover.task';
const waitMs = 100;

/** The offset's record as Java writes it, but for a header that Java does not look at. */
export function appendOffsetRecord(
  batch: OutgoingBatch,
  topic: string,
  connector: string,
  task: number,
  entry: SourceOffsetEntry,
): void {
  const headers = [{ key: taskHeader, value: String(task) }];
  batch.append(topic, null, offsetRecordKey(connector, entry), entry.offset, null, headers);
}

/** Where the topic ends now: what a transaction writes from here on may be unknown to the table (I4). */
export async function tailPositions(admin: KafkaAdmin, topic: string): Promise<SinkPosition[]> {
  const [described] = await admin.describeTopics([topic]);
  const partitions = Array.from({ length: described?.partitions ?? 0 }, (_, partition) => ({ topic, partition }));
  const ends = await admin.endOffsets(partitions);
  return partitions.flatMap(({ partition }) => {
    const offset = ends.get(topic)?.get(partition);
    return offset === undefined ? [] : [{ topic, kafkaPartition: partition, offset }];
  });
}

export async function ensureOffsetsTopic(host: RunHost, admin: KafkaAdmin, topic: string): Promise<void> {
  if ((await admin.describeTopics([topic])).length > 0) return;
  const { offsetsTopicPartitions: partitions, offsetsTopicReplicationFactor: replicationFactor } = host.settings;
  await admin.createTopics([{ topic, partitions, replicationFactor, configs: { 'cleanup.policy': 'compact' } }]);
}

/**
 * The offsets that these tasks of a connector committed in transactions from `positions` on, newest last. Their
 * producers must have been fenced before, so that nothing is added behind the end that is read to. Waits for open
 * transactions of others that hide it, until `endsAt`.
 */
export async function readTail(
  host: RunHost,
  kafka: OffsetsCluster,
  connector: string,
  tasks: readonly Pick<TaskItem, 'task' | 'positions'>[],
  endsAt: number,
): Promise<SourceOffsetEntry[]> {
  const starts = earliest(tasks);
  if (starts.length === 0) return [];
  const writers = new Set(tasks.map(({ task }) => String(task)));
  const ends = await kafka.admin.endOffsets(starts);
  const entries = new Map<string, SourceOffsetEntry>();
  const fetcher = await kafka.fetcher();
  try {
    let left = starts.filter((start) => start.offset < endOf(ends, start));
    while (left.length > 0) {
      if (host.clock.now() >= endsAt) {
        throw new RetriableError(`The tail of ${left[0]!.topic} is hidden by an open transaction of another producer`, {
          code: 'source.tail_hidden',
        });
      }
      left = await readOn(fetcher, left, (cursor) => noteOffset(cursor, connector, writers, entries));
      left = left.filter((start) => start.offset < endOf(ends, start));
    }
  } finally {
    await fetcher.close();
  }
  return [...entries.values()];
}

type Start = TopicPartition & { offset: number };

/** Of each partition the first offset that any of the tasks may have written at. */
function earliest(tasks: readonly Pick<TaskItem, 'positions'>[]): Start[] {
  const starts = new Map<string, Start>();
  for (const { positions } of tasks) {
    for (const [topic, offsets] of Object.entries(positions)) {
      for (const [partition, offset] of Object.entries(offsets)) {
        const key = `${topic}/${partition}`;
        const known = starts.get(key);
        const start = { topic, partition: Number(partition), offset: Number(offset) };
        if (known === undefined || start.offset < known.offset) starts.set(key, start);
      }
    }
  }
  return [...starts.values()];
}

function endOf(ends: Map<string, Map<number, bigint>>, { topic, partition }: TopicPartition): number {
  return Number(ends.get(topic)?.get(partition) ?? 0n);
}

async function readOn(fetcher: Fetcher, starts: Start[], onRecord: (cursor: RecordCursor) => void): Promise<Start[]> {
  const fetched = await fetcher.fetch(starts, {
    maxWaitMs: waitMs,
    minBytes: 1,
    maxBytes: 8 << 20,
    maxPartitionBytes: 1 << 20,
    isolationLevel: 'read_committed',
  });
  return starts.map((start) => {
    const answer = fetched.find(({ topic, partition }) => topic === start.topic && partition === start.partition);
    if (answer === undefined) return start;
    if (answer.error !== null) throw answer.error;
    const { cursor } = answer;
    if (cursor === null) return start;
    while (cursor.next()) onRecord(cursor);
    return { ...start, offset: Math.max(start.offset, cursor.nextOffset) };
  });
}

function noteOffset(
  cursor: RecordCursor,
  connector: string,
  writers: ReadonlySet<string>,
  into: Map<string, SourceOffsetEntry>,
): void {
  if (cursor.keyStart < 0 || cursor.headerCount === 0) return;
  const writer = cursor.headers().find(({ key }) => key === taskHeader)?.value;
  if (writer === undefined || writer === null || !writers.has(Buffer.from(writer).toString())) return;
  const key = cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd);
  const prefix = offsetRecordKey(connector, { key: '', partition: '', offset: null }).slice(0, -1);
  if (!key.startsWith(prefix)) return;
  const partition = key.slice(prefix.length, -1);
  const offset = cursor.valueStart < 0 ? null : cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd);
  const canonical = canonicalPartition(parseOffset(partition));
  into.set(canonical, { key: canonical, partition, offset, inTopic: true });
}
