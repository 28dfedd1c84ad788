import type { TopicPartition } from '../../api/task.ts';
import { consumerConfig } from '../../config/client-config.ts';
import type { Settings } from '../../config/config-def.ts';
import { parseGiven, settingsWithPrefix } from '../../config/parse-config.ts';
import { parseResetPolicy, policyText, type ResetPolicy } from '../../config/reset-policy.ts';
import { ConnectError, isRetriable, RetriableError } from '../../errors.ts';
import { isMissingTopic } from '../../kafka/errors.ts';
import type { KafkaAdmin, TopicDescription } from '../../kafka/types.ts';
import type { PositionChangeReason, TaskItem } from '../../storage/items.ts';
import type { SinkPosition } from '../../storage/offset-backing-store.ts';
import { messageOf } from '../record/failure.ts';
import type { TaskRun } from '../run/task-run.ts';
import { countsIn, type GroupCommit, type GroupCommits, type SinkGroup } from './sink-group.ts';
import { PartitionPosition, SinkPositions } from './sink-positions.ts';

const resetKey = 'auto.offset.reset';

/** A sink begins where its topics do, unless it says otherwise: Connect's own default. */
export function resetPolicy(config: Settings): ResetPolicy {
  const own = parseGiven(consumerConfig, settingsWithPrefix(config, 'consumer.override.'))[resetKey];
  return own === undefined ? 'earliest' : parseResetPolicy(resetKey, own);
}

/** What the table has of one partition. */
interface Stored {
  readonly offset: bigint;
  readonly topicId: string | null;
  readonly state: string | null;
}

/** Where one partition goes on, and who must be told before anything is read from there. */
interface Start extends TopicPartition {
  readonly offset: bigint;
  readonly topicId: string | null;
  readonly state: string | null;
  readonly tellsTable: boolean;
  readonly tellsGroup: boolean;
  readonly change: { readonly reason: PositionChangeReason; readonly from: bigint | null } | null;
}

/**
 * Where each assigned partition goes on, by the table of sink-group.ts: the table's position or the group's, else as
 * auto.offset.reset says. A run that goes on where the one before it ended asks nobody. Whether a known position's topic
 * is still the one that it counts in shows with the first fetch.
 */
export async function startPositions(run: TaskRun, admin: KafkaAdmin, group: SinkGroup): Promise<SinkPositions> {
  const all = run.item.assignment.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition, stored: storedPosition(run.item, topic, partition) })),
  );
  // Where a partition begins that has never been read is not for a closing run to say.
  const assigned = run.closes ? all.filter(({ stored }) => stored !== null && stored.state !== null) : all;
  const isStart = run.item.state !== 'RUNNING';
  if (!isStart && assigned.every(({ stored }) => (stored?.topicId ?? null) !== null)) {
    return new SinkPositions(
      assigned.map(({ topic, partition, stored }) => positionAt({ topic, partition, ...stored! })),
    );
  }
  const commits = await group.read(assigned);
  const unsure = assigned.filter((at) => (at.stored?.topicId ?? null) === null || commits.of(at)?.writer === 'other');
  const topics = await describe(admin, unsure);
  const starts: Start[] = [];
  const fresh: TopicPartition[] = [];
  for (const { topic, partition, stored } of assigned) {
    const described = topics.get(topic);
    const isUnsure = unsure.some((one) => one.topic === topic && one.partition === partition);
    if (isUnsure && partition >= (described?.partitions ?? 0)) {
      // Deleted since it was assigned: the connector's run will see it.
      run.report.topicsChanged = true;
      continue;
    }
    const topicId = described?.topicId ?? null;
    const commit = commits.of({ topic, partition });
    if (stored !== null) starts.push({ topic, partition, ...ofStored(stored, commit, topicId, isStart) });
    else if (commit === null || !countsIn(commit, topicId)) fresh.push({ topic, partition });
    else {
      const tellsGroup = commit.writer === 'other';
      const { offset } = commit;
      starts.push({ topic, partition, offset, topicId, state: null, tellsTable: true, tellsGroup, change: null });
    }
  }
  const begun = (await resetTo(resetPolicy(run.config), admin, fresh)).map((position) =>
    withTopicId(position, topics.get(position.topic)?.topicId ?? null),
  );
  for (const { topic, partition, change, offset } of starts) {
    if (change === null) continue;
    run.noteChange(
      { reason: change.reason, topic, kafkaPartition: partition, from: change.from, to: offset },
      group.name,
    );
  }
  // The group first: a run that dies in between finds there what `latest` was when it was decided.
  await tell(run, group, begun);
  const forTable = [...starts.filter(({ tellsTable }) => tellsTable).map(toSinkPosition), ...begun];
  if (forTable.length > 0) await commitStart(run, forTable);
  // The table first: until it has taken them up, what others have written must not look like Drover's.
  await tell(run, group, starts.filter(({ tellsGroup }) => tellsGroup).map(toSinkPosition));
  return new SinkPositions([
    ...starts.map(positionAt),
    ...begun.map(({ topic, kafkaPartition, offset, topicId }) =>
      positionAt({ topic, partition: kafkaPartition, offset, topicId: topicId ?? null, state: null }),
    ),
  ]);
}

/** `topicId`: of the topic that has the name now; null where nobody asked. */
function ofStored(
  stored: Stored,
  commit: GroupCommit | null,
  topicId: string | null,
  isStart: boolean,
): Omit<Start, 'topic' | 'partition'> {
  // Of an earlier version, whose own commits bear no mark: the table knows better. Very old clusters have no ids at all.
  const firstSight = stored.topicId === null && topicId !== null;
  const kept = {
    offset: stored.offset,
    topicId: stored.topicId ?? topicId,
    state: stored.state,
    tellsTable: firstSight,
    tellsGroup: true,
    change: null,
  };
  const restored = { ...kept, change: { reason: 'group-restored', from: null } } as const;
  if (firstSight) return kept;
  if (commit === null) return restored;
  if (commit.writer === 'drover') {
    return { ...kept, tellsGroup: commit.offset !== stored.offset && commit.topicId === stored.topicId };
  }
  const isAnother = topicId !== null && topicId !== stored.topicId;
  if (commit.offset === stored.offset && !isAnother) return kept;
  if (!isStart) return { ...restored, change: { ...restored.change, from: commit.offset } };
  const change = { reason: 'group-set', from: stored.offset } as const;
  return { offset: commit.offset, topicId, state: stored.state, tellsTable: true, tellsGroup: true, change };
}

/** Positions whose topics were made again, in the new ones: from the group if somebody has set them there, else anew. */
export async function startAnew(
  run: TaskRun,
  admin: KafkaAdmin,
  group: SinkGroup,
  lost: readonly PartitionPosition[],
): Promise<void> {
  const topics = await describe(admin, lost);
  const there = lost.filter(({ topic, partition }) => partition < (topics.get(topic)?.partitions ?? 0));
  const commits: GroupCommits = await group.read(there);
  const idOf = ({ topic }: { readonly topic: string }) => topics.get(topic)?.topicId ?? null;
  const usable = (at: TopicPartition) => {
    const commit = commits.of(at);
    return commit !== null && countsIn(commit, idOf(at)) ? commit : null;
  };
  const policy = resetPolicy(run.config);
  const fresh = there.filter((at) => usable(at) === null);
  const begun = (await resetTo(policy, admin, fresh)).map((position) => withTopicId(position, idOf(position)));
  const set = there.flatMap((at): SinkPosition[] => {
    const commit = usable(at);
    const position = { topic: at.topic, kafkaPartition: at.partition, offset: commit?.offset ?? 0n };
    return commit === null ? [] : [withTopicId(position, idOf(at))];
  });
  for (const position of [...begun, ...set]) {
    const { topic, kafkaPartition, offset } = position;
    const from = lost.find((one) => one.topic === topic && one.partition === kafkaPartition)!.delivered;
    const change = { reason: 'topic-made-again', topic, kafkaPartition, from: BigInt(from), to: offset } as const;
    run.noteChange(change, begun.includes(position) ? null : group.name);
    if (!begun.includes(position)) continue;
    run.report.emit('sink.position-reset', {
      topic,
      kafkaPartition,
      madeAgain: true,
      from,
      to: Number(offset),
      policy: policyText(policy),
    });
  }
  await tell(run, group, begun);
  await commitStart(run, [...begun, ...set]);
  await tell(run, group, set);
}

async function describe(
  admin: KafkaAdmin,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, TopicDescription>> {
  const described = await admin.describeTopics([...new Set(partitions.map(({ topic }) => topic))]);
  return new Map(described.map((topic) => [topic.topic, topic]));
}

async function commitStart(run: TaskRun, positions: readonly SinkPosition[]): Promise<void> {
  if (positions.length === 0) return;
  await run.commitPositions(positions, {});
  run.report.step('positions-taken-up');
}

/** What may pass ends the run, as the group must know before records move on; a refusal is the group's loss. */
async function tell(run: TaskRun, group: SinkGroup, positions: readonly SinkPosition[]): Promise<void> {
  if (positions.length === 0) return;
  try {
    await group.write(positions);
  } catch (error) {
    if (isRetriable(error)) throw error;
    run.report.emit('sink.group-commit-failed', { group: group.name, error: messageOf(error) });
  }
  run.report.step('group-told');
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
  const offsets = await offsetsFor(policy, admin, partitions).catch((cause: unknown) => {
    if (!isMissingTopic(cause)) throw cause;
    throw new RetriableError(`A topic was deleted under the sink's eyes: ${messageOf(cause)}`, { cause });
  });
  return partitions.flatMap(({ topic, partition }) => {
    const offset = offsets.get(topic)?.get(partition);
    return offset === undefined ? [] : [{ topic, kafkaPartition: partition, offset }];
  });
}

function offsetsFor(policy: Exclude<ResetPolicy, 'none'>, admin: KafkaAdmin, partitions: readonly TopicPartition[]) {
  if (policy === 'earliest') return admin.beginningOffsets(partitions);
  return policy === 'latest' ? admin.endOffsets(partitions) : admin.recentOffsets(partitions, policy.lastMs);
}

function storedPosition(item: TaskItem, topic: string, partition: number): Stored | null {
  const offset = item.positions[topic]?.[partition];
  if (offset === undefined) return null;
  return {
    offset,
    topicId: item.topicIds[topic]?.[partition] ?? null,
    state: item.states[topic]?.[partition] ?? null,
  };
}

const toSinkPosition = ({ topic, partition, offset, topicId, state }: Start): SinkPosition =>
  withTopicId({ topic, kafkaPartition: partition, offset, ...(state === null ? {} : { state }) }, topicId);

export const withTopicId = (position: Omit<SinkPosition, 'topicId'>, topicId: string | null): SinkPosition =>
  topicId === null ? position : { ...position, topicId };

function positionAt({ topic, partition, offset, topicId, state }: TopicPartition & Stored): PartitionPosition {
  const at = safeOffset(offset);
  return new PartitionPosition(topic, partition, at, at, topicId, state);
}

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
