import { ConfigError, ConnectError, isRetriable, traceOf } from '../errors.ts';
import type { KafkaAdmin } from '../kafka/types.ts';
import { messageOf } from './error-tolerance.ts';
import { sinkTopics } from './partition-assignment.ts';
import type { WorkerRoom } from './worker.ts';

/** As often as Kafka's clients look by default (metadata.max.age.ms). */
const topicsCheckMinutes = 5;

/** Spreads the connectors over the minutes. */
export function isTopicCheckDue(connector: string, now: number): boolean {
  let sum = 0;
  for (let i = 0; i < connector.length; i++) sum = (sum * 31 + connector.charCodeAt(i)) % 1_000_003;
  return (Math.floor(now / 60_000) + sum) % topicsCheckMinutes === 0;
}

/**
 * Compares what a sink's tasks read with what there is to read; new or lost partitions and topics make the connector
 * due. Asked by the probe for idle sinks and by the first task of one that never idles.
 */
export async function wakeIfTopicsChanged(room: WorkerRoom, admin: KafkaAdmin, name: string): Promise<void> {
  const found = await room.stores.config.getConnectorAndTasks(name);
  if (found === undefined || found.connector.targetState !== 'STARTED' || found.tasks.length === 0) return;
  try {
    const topics = await sinkTopics(found.connector.config, admin);
    const described = topics.length === 0 ? [] : await admin.describeTopics(topics);
    const there = described.reduce((sum, { partitions }) => sum + partitions, 0);
    const names = new Set(described.map(({ topic }) => topic));
    let assigned = 0;
    let gone = false;
    for (const { topic, partitions } of found.tasks.flatMap((task) => task.assignment)) {
      if (names.has(topic)) assigned += partitions.length;
      else gone = true;
    }
    if (assigned === there && !gone) return;
    await room.stores.config.markConnectorDue(name, room.clock.now());
  } catch (error) {
    // One connector's topics, unreadable or misnamed, must not keep the others from being looked at.
    if (!(error instanceof ConnectError)) throw error;
    // What is wrong with its settings is told where everybody looks: its own run fails with it.
    if (error instanceof ConfigError && found.connector.state !== 'FAILED') {
      await room.stores.config.markConnectorDue(name, room.clock.now());
    }
    room.telemetry.emit('run.failed', {
      connector: name,
      error: messageOf(error),
      trace: traceOf(error),
      retriable: isRetriable(error),
      nextDueAt: null,
    });
  }
}
