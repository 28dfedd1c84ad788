import { ConfigError, ConnectError } from '../errors.ts';
import type { ControlPlane, KafkaAdmin } from '../kafka/types.ts';
import type { MirrorTopic } from './project.ts';

/** Name, partitions and replication of each topic; -1 is the broker's default. */
export type MirrorTopics = Readonly<
  Record<MirrorTopic, { readonly name: string; readonly partitions: number; readonly replicationFactor: number }>
>;

/** What would be lost with old records, by Connect's property for the topic. */
const holds: Readonly<Record<MirrorTopic, readonly [property: string, content: string]>> = {
  configs: ['config.storage.topic', 'connector configurations'],
  offsets: ['offset.storage.topic', 'source offsets'],
  status: ['status.storage.topic', 'connector statuses'],
};

/**
 * Creates what is missing, compacted as Apache does, and holds what is there against what a Java worker asks of it:
 * ConfigError when the configs topic has more than one partition, which would lose the order of its records, or when a
 * topic is not compacted only, so that records would be deleted by age. Java: TopicAdmin.verifyTopicCleanupPolicyOnlyCompact.
 */
export async function ensureMirrorTopics(
  admin: KafkaAdmin,
  controlPlane: ControlPlane,
  topics: MirrorTopics,
): Promise<void> {
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
  try {
    const known = new Set(there.map(({ topic }) => topic));
    if (known.size > 0) await requireCompacted(controlPlane, topics, known);
    if (missing.length === 0) return;
    await controlPlane.createTopics(
      missing.map(({ name, partitions, replicationFactor }) => ({
        topic: name,
        partitions,
        replicationFactor,
        configs: { 'cleanup.policy': 'compact' },
      })),
    );
  } finally {
    await controlPlane.close();
  }
}

async function requireCompacted(
  controlPlane: ControlPlane,
  topics: MirrorTopics,
  known: ReadonlySet<string>,
): Promise<void> {
  const described = await configsOf(controlPlane, [...known]);
  for (const [topic, { name }] of Object.entries(topics) as [MirrorTopic, { name: string }][]) {
    const policy = described.get(name)?.get('cleanup.policy') ?? null;
    if (policy === null || policy === 'compact') continue;
    const [property, content] = holds[topic];
    throw new ConfigError(
      `Topic ${name} (${property}) has cleanup.policy=${policy}: Kafka would delete ${content} by age. ` +
        'Set cleanup.policy=compact on it, or name another topic',
      { key: property },
    );
  }
}

/** As in Java a principal that may not ask is let go on without the answer. */
async function configsOf(controlPlane: ControlPlane, names: readonly string[]) {
  try {
    return await controlPlane.describeTopicConfigs(names);
  } catch (error) {
    if (error instanceof ConnectError && error.code === 'kafka.not_authorized') {
      return new Map<string, Map<string, string | null>>();
    }
    throw error;
  }
}
