import type { TopicDescription } from '../../kafka/types.ts';
import type { RestingPosition, SinkPosition } from '../../storage/offset-backing-store.ts';
import type { SettlingRun } from './settle-group.ts';
import { withTopicId } from './sink-start-positions.ts';

/**
 * Where partitions go on whose tasks are new. What is at rest of topics and partitions that are not there is shown to
 * nobody until they are, as Kafka too forgets a deleted topic's offsets; should it be a mistake, nothing is lost.
 */
export async function positionsAtRest(
  { host, item, lease }: SettlingRun,
  topics: readonly TopicDescription[],
): Promise<readonly SinkPosition[]> {
  const resting = await host.stores.offsets.readRestingPositions(item.name);
  const unread = new Set(
    resting.map(({ topic }) => topic).filter((topic) => !topics.some((one) => one.topic === topic)),
  );
  const { admin } = await host.kafka();
  const described = unread.size === 0 ? topics : [...topics, ...(await admin.describeTopics([...unread]))];
  const counts = new Map(described.map(({ topic, partitions }) => [topic, partitions]));
  const isThere = ({ topic, kafkaPartition }: RestingPosition) => kafkaPartition < (counts.get(topic) ?? 0);
  const changes = resting
    .filter((at) => at.offset !== null && !at.byHand && at.gone === isThere(at))
    .map((before) => ({ before, after: { ...before, gone: !before.gone } }));
  if (changes.length > 0) {
    await host.stores.generations.settlePositions(lease, changes, { positionChanges: [], groupReset: null });
  }
  return resting.flatMap(({ topic, kafkaPartition, offset, topicId, state }) =>
    offset === null
      ? []
      : [withTopicId({ topic, kafkaPartition, offset, ...(state === undefined ? {} : { state }) }, topicId)],
  );
}
