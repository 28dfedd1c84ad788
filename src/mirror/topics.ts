import { ConfigError } from '../errors.ts';
import type { KafkaAdmin } from '../kafka/types.ts';
import type { MirrorTopic } from './project.ts';

/** Name, partitions and replication of each topic; -1 is the broker's default. */
export type MirrorTopics = Readonly<
  Record<MirrorTopic, { readonly name: string; readonly partitions: number; readonly replicationFactor: number }>
>;

/** Apache's names and partitions. */
export const apacheTopics = (replicationFactor: number): MirrorTopics => ({
  configs: { name: 'connect-configs', partitions: 1, replicationFactor },
  offsets: { name: 'connect-offsets', partitions: 25, replicationFactor },
  status: { name: 'connect-status', partitions: 5, replicationFactor },
});

/**
 * Creates what is missing, compacted as Apache does. The configs topic must have one partition, else the order of its
 * records would be lost: ConfigError when somebody has made it otherwise.
 */
export async function createMirrorTopics(admin: KafkaAdmin, topics: MirrorTopics): Promise<void> {
  const wanted = Object.values(topics);
  const there = await admin.describeTopics(wanted.map(({ name }) => name));
  const missing = wanted.filter(({ name }) => !there.some(({ topic }) => topic === name));
  const configs = there.find(({ topic }) => topic === topics.configs.name);
  if (configs !== undefined && configs.partitions !== 1) {
    throw new ConfigError(
      `Topic ${configs.topic} has ${configs.partitions} partitions; config.storage.topic must have exactly one`,
      { key: 'config.storage.topic' },
    );
  }
  if (missing.length === 0) return;
  await admin.createTopics(
    missing.map(({ name, partitions, replicationFactor }) => ({
      topic: name,
      partitions,
      replicationFactor,
      configs: { 'cleanup.policy': 'compact' },
    })),
  );
}
