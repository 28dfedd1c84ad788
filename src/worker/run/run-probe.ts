import type { KafkaAdmin } from '../../kafka/types.ts';
import type { WatchedSink } from '../../storage/due-index.ts';
import { isTopicCheckDue, wakeIfTopicsChanged } from '../sink/topic-changes.ts';
import { deadlinesOf } from './lease.ts';
import type { RunHost } from './run-host.ts';
import type { RunBudget, RunReport } from './run-report.ts';

/**
 * One run for all idle sinks: those whose topics have grown beyond their positions become due, and connectors whose
 * topics have new partitions (or whose pattern matches new topics) too. However many sinks there are, each page of them
 * costs one question about partitions and one about end offsets (L3). It holds no lease: marking twice is harmless.
 */
export async function runProbe(host: RunHost, budget: RunBudget): Promise<RunReport> {
  const startedAt = host.clock.now();
  const { endsAt } = deadlinesOf(host, budget);
  const { admin } = await host.kafka();
  const topicsSeen = new Set<string>();
  const checked = new Set<string>();
  let sinks = 0;
  let lagging = 0;
  let after: string | null = null;
  do {
    const page: { items: WatchedSink[]; next: string | null } = await host.stores.due.watched(after);
    sinks += page.items.length;
    lagging += await wakeLagging(host, admin, page.items, topicsSeen);
    for (const { connector, positions } of page.items) {
      if (checked.has(connector) || host.clock.now() >= endsAt) continue;
      checked.add(connector);
      if (Object.keys(positions).length > 0 && !isTopicCheckDue(connector, startedAt, startedAt)) continue;
      await wakeIfTopicsChanged(host, admin, connector);
    }
    after = page.next;
  } while (after !== null && host.clock.now() < endsAt);
  const durationMs = host.clock.now() - startedAt;
  host.telemetry.emit('probe.ended', { sinks, topics: topicsSeen.size, lagging, durationMs });
  return { ran: true, reason: 'probed', records: lagging, nextDueAt: null, next: null, tainted: false };
}

async function wakeLagging(
  host: RunHost,
  admin: KafkaAdmin,
  sinks: readonly WatchedSink[],
  topicsSeen: Set<string>,
): Promise<number> {
  const partitions = new Map<string, { topic: string; partition: number }>();
  for (const { positions } of sinks) {
    for (const [topic, offsets] of Object.entries(positions)) {
      topicsSeen.add(topic);
      for (const partition of Object.keys(offsets)) {
        partitions.set(`${topic}/${partition}`, { topic, partition: Number(partition) });
      }
    }
  }
  if (partitions.size === 0) return 0;
  const existing = new Map(
    (await admin.describeTopics([...new Set([...partitions.values()].map(({ topic }) => topic))])).map((found) => [
      found.topic,
      found,
    ]),
  );
  const asked = [...partitions.values()].filter(
    ({ topic, partition }) => partition < (existing.get(topic)?.partitions ?? 0),
  );
  const ends = asked.length === 0 ? new Map() : await admin.endOffsets(asked);
  let lagging = 0;
  for (const { connector, task, positions, topicIds } of sinks) {
    const lags = Object.entries(positions).some(([topic, offsets]) =>
      Object.entries(offsets).some(([partition, position]) => {
        const end = ends.get(topic)?.get(Number(partition));
        const topicId = topicIds[topic]?.[partition];
        // Made again, or an end before the position: the task must see it.
        const isAnother = topicId !== undefined && topicId !== existing.get(topic)?.topicId;
        return end !== undefined && (end !== position || isAnother);
      }),
    );
    if (lags && (await host.stores.config.markTaskDue(connector, task, host.clock.now()))) lagging++;
  }
  return lagging;
}
