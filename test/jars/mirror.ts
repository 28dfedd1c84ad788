import type { KafkaClient } from '../../src/kafka/types.ts';

const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter';

/** Which way is copied; both clusters are one broker each. */
export interface Ways {
  /** Of the cluster that is copied. */
  readonly alias: string;
  readonly source: string;
  readonly target: string;
}

type MirrorConnector = 'MirrorSourceConnector' | 'MirrorCheckpointConnector' | 'MirrorHeartbeatConnector';

export const mirrorClass = (connector: MirrorConnector) => `org.apache.kafka.connect.mirror.${connector}`;

/** MirrorMaker's settings, but for the topics or groups. */
export const mirrorConfig = (connector: MirrorConnector, { alias, source, target }: Ways) => ({
  'connector.class': mirrorClass(connector),
  'tasks.max': '2',
  'key.converter': bytes,
  'value.converter': bytes,
  'header.converter': bytes,
  'source.cluster.alias': alias,
  'target.cluster.alias': 'near',
  'source.cluster.bootstrap.servers': source,
  'target.cluster.bootstrap.servers': target,
  'replication.factor': '1',
  'offset-syncs.topic.replication.factor': '1',
  'checkpoints.topic.replication.factor': '1',
  'heartbeats.topic.replication.factor': '1',
});

/** Of a checkpoint connector, in runs that are long enough to see each of them. */
export const eachSecond = {
  'emit.checkpoints.interval.seconds': '1',
  'sync.group.offsets.enabled': 'true',
  'sync.group.offsets.interval.seconds': '1',
  'refresh.groups.interval.seconds': '1',
  'drover.java.settle.ms': '5000',
} as const;

export const newTopic = (
  kafka: KafkaClient,
  topic: string,
  partitions = 1,
  configs: Readonly<Record<string, string>> = {},
) => kafka.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs }]);

/** `v0`, `v1` and so on, in turn for each partition. */
export async function produceNumbered(
  kafka: KafkaClient,
  topic: string,
  from: number,
  count: number,
  partitions = 1,
): Promise<void> {
  const producer = await kafka.producer();
  const batch = producer.newBatch();
  for (let i = from; i < from + count; i++) {
    batch.append(topic, i % partitions, `k${i}`, `v${i}`, 1_700_000_000_000 + i, [
      { key: 'h', value: Buffer.from(`${i}`) },
    ]);
  }
  await producer.send(batch);
  await producer.close();
}
