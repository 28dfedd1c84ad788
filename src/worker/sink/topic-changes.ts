import { ConfigError, ConnectError, isRetriable, traceOf } from '../../errors.ts';
import type { KafkaAdmin } from '../../kafka/types.ts';
import type { TaskItem } from '../../storage/items.ts';
import { messageOf } from '../record/failure.ts';
import type { RunHost } from '../run/run-host.ts';
import { sinkTopics } from './partition-assignment.ts';
import { consumerGroup, SinkGroup } from './sink-group.ts';

/** As often as Kafka's clients look by default (metadata.max.age.ms). */
const topicsCheckMinutes = 5;

/**
 * Whether the connector's minute, one of five, lies between the two times (epoch milliseconds), both included: connectors
 * are spread over the minutes, and a run that lasts from one minute into another is in both.
 */
export function isTopicCheckDue(connector: string, from: number, to: number): boolean {
  let sum = 0;
  for (let i = 0; i < connector.length; i++) sum = (sum * 31 + connector.charCodeAt(i)) % 1_000_003;
  const [first, last] = [from, to].map((time) => Math.floor(time / 60_000) + sum) as [number, number];
  return Math.floor(last / topicsCheckMinutes) > Math.floor((first - 1) / topicsCheckMinutes);
}

/**
 * Compares what a sink's tasks read with what there is to read; new or lost partitions and topics make the connector
 * due. Asked by the probe for idle sinks and by the first task of one that never idles. An idle one's consumer group is
 * looked at too: where it is not as Drover has left it, changed by somebody or expired, a run of the task sees to it.
 */
export async function wakeIfTopicsChanged(host: RunHost, admin: KafkaAdmin, name: string): Promise<void> {
  const found = await host.stores.config.getConnectorAndTasks(name);
  if (found === undefined || found.connector.targetState !== 'STARTED' || found.tasks.length === 0) return;
  try {
    const topics = await sinkTopics(found.connector.config, admin);
    const described = topics.length === 0 ? [] : await admin.describeTopics(topics);
    const there = new Map(described.map(({ topic, partitions }) => [topic, partitions]));
    const assigned = new Map<string, number>();
    for (const { topic, partitions } of found.tasks.flatMap((task) => task.assignment)) {
      assigned.set(topic, (assigned.get(topic) ?? 0) + partitions.length);
    }
    const isSame = there.size === assigned.size && [...there].every(([topic, count]) => assigned.get(topic) === count);
    if (!isSame) await host.stores.config.markConnectorDue(name, host.clock.now());
    else await wakeIfGroupChanged(host, admin, consumerGroup(name, found.connector.config), found.tasks);
  } catch (error) {
    // One connector's topics, unreadable or misnamed, must not keep the others from being looked at.
    if (!(error instanceof ConnectError)) throw error;
    // What is wrong with its settings is told where everybody looks: its own run fails with it.
    if (error instanceof ConfigError && found.connector.state !== 'FAILED') {
      await host.stores.config.markConnectorDue(name, host.clock.now());
    }
    host.telemetry.emit('run.failed', {
      connector: name,
      error: messageOf(error),
      trace: traceOf(error),
      retriable: isRetriable(error),
      nextDueAt: null,
    });
  }
}

async function wakeIfGroupChanged(
  host: RunHost,
  admin: KafkaAdmin,
  group: string,
  tasks: readonly TaskItem[],
): Promise<void> {
  const idle = tasks.filter(({ watched }) => watched);
  if (idle.length === 0) return;
  const commits = await new SinkGroup(admin, group).read();
  for (const { connector, task, positions } of idle) {
    const changed = Object.entries(positions).some(([topic, partitions]) =>
      Object.keys(partitions).some((partition) => {
        return commits.of({ topic, partition: Number(partition) })?.writer !== 'drover';
      }),
    );
    if (changed) await host.stores.config.markTaskDue(connector, task, host.clock.now());
  }
}
