import type { TopicPartition } from '../api/task.ts';
import { consumerConfig } from '../config/client-config.ts';
import type { Settings } from '../config/config-def.ts';
import { parseGiven, settingsWithPrefix } from '../config/parse-config.ts';
import { parseResetPolicy, type ResetPolicy } from '../config/reset-policy.ts';
import { ConnectError } from '../errors.ts';
import type { KafkaAdmin } from '../kafka/types.ts';
import type { SinkPosition } from '../storage/offset-backing-store.ts';
import { PartitionPosition, SinkPositions } from './sink-positions.ts';
import type { TaskRun } from './task-run.ts';

const resetKey = 'auto.offset.reset';

/** A sink begins where its topics do, unless it says otherwise: Connect's own default. */
export function resetPolicy(config: Settings): ResetPolicy {
  const own = parseGiven(consumerConfig, settingsWithPrefix(config, 'consumer.override.'))[resetKey];
  return own === undefined ? 'earliest' : parseResetPolicy(resetKey, own);
}

export function consumerGroup(connector: string, config: Settings): string {
  const own = parseGiven(consumerConfig, settingsWithPrefix(config, 'consumer.override.'))['group.id'];
  return own ?? `connect-${connector}`;
}

/**
 * Where each assigned partition goes on: the table's position, else the consumer group's, else as auto.offset.reset
 * says. What did not come from the table is committed before the first fetch, so that `latest` is decided once.
 */
export async function startPositions(run: TaskRun, admin: KafkaAdmin): Promise<SinkPositions> {
  const assigned: TopicPartition[] = run.item.assignment.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
  const known: PartitionPosition[] = [];
  const unknown: TopicPartition[] = [];
  for (const { topic, partition } of assigned) {
    const stored = run.item.positions[topic]?.[partition];
    if (stored === undefined) unknown.push({ topic, partition });
    else known.push(positionAt(topic, partition, safeOffset(stored), safeOffset(stored)));
  }
  if (unknown.length === 0) return new SinkPositions(known);

  const group = await admin.groupOffsets(consumerGroup(run.about.connector, run.config), unknown);
  const fresh: TopicPartition[] = [];
  const found: SinkPosition[] = [];
  for (const { topic, partition } of unknown) {
    const offset = group.get(topic)?.get(partition);
    if (offset === undefined || offset < 0n) fresh.push({ topic, partition });
    else found.push({ topic, kafkaPartition: partition, offset });
  }
  found.push(...(await resetTo(resetPolicy(run.config), admin, fresh)));
  if (found.length > 0) {
    const { revoked } = await run.room.stores.offsets.commitSinkPositions(run.lease, found, {});
    if (revoked) run.end('revoked');
  }
  const added = found.map(({ topic, kafkaPartition, offset }) =>
    positionAt(topic, kafkaPartition, safeOffset(offset), safeOffset(offset)),
  );
  return new SinkPositions([...known, ...added]);
}

/** The offsets that a policy stands for, now. */
export async function resetTo(
  policy: ResetPolicy,
  admin: KafkaAdmin,
  partitions: readonly TopicPartition[],
): Promise<SinkPosition[]> {
  if (partitions.length === 0) return [];
  if (policy === 'none') {
    const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(', ');
    throw new ConnectError(
      'sink.no_offset',
      `There is no valid offset for ${names}, and consumer.override.auto.offset.reset=none forbids to choose one. ` +
        "Set the connector's offsets, or the policy to earliest or latest",
      { javaClass: 'NoOffsetForPartitionException' },
    );
  }
  const offsets = await offsetsFor(policy, admin, partitions);
  return partitions.flatMap(({ topic, partition }) => {
    const offset = offsets.get(topic)?.get(partition);
    return offset === undefined ? [] : [{ topic, kafkaPartition: partition, offset }];
  });
}

function offsetsFor(policy: Exclude<ResetPolicy, 'none'>, admin: KafkaAdmin, partitions: readonly TopicPartition[]) {
  if (policy === 'earliest') return admin.beginningOffsets(partitions);
  return policy === 'latest' ? admin.endOffsets(partitions) : admin.recentOffsets(partitions, policy.lastMs);
}

const positionAt = (topic: string, partition: number, position: number, committed: number) =>
  new PartitionPosition(topic, partition, position, committed);

export function safeOffset(offset: bigint): number {
  const number = Number(offset);
  if (!Number.isSafeInteger(number)) {
    throw new ConnectError(
      'sink.offset_too_large',
      `Offset ${offset} is beyond 2^53, the largest that Drover can read from`,
    );
  }
  return number;
}
