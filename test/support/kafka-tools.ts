import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaJars } from '../../local/kafka.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { kafkaAddress } from './services.ts';
import { until } from './until.ts';

/** Apache's kafka-consumer-groups.sh against the shared broker; resolves with what it printed, refusals too. */
export async function consumerGroups(...args: string[]): Promise<string> {
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m'];
  const tool = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
  const classPath = join(await kafkaJars(), '*');
  const { stdout, stderr } = await promisify(execFile)('java', [
    ...quick,
    '-cp',
    classPath,
    tool,
    '--bootstrap-server',
    kafkaAddress(),
    ...args,
  ]).catch((error: { stdout?: string; stderr?: string }) => ({ stdout: error.stdout, stderr: error.stderr }));
  return `${stdout ?? ''}${stderr ?? ''}`;
}

/** Resolves when the broker knows it no more. */
export async function deleteTopic(kafka: KafkaClient, topic: string): Promise<void> {
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  const admin = new Kafka({ brokers: [kafkaAddress()], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics: [topic] });
  } finally {
    await admin.disconnect();
  }
  await until(`topic ${topic} is gone`, async () => (await kafka.admin.describeTopics([topic])).length === 0);
}

/** What the members of a classic group have been dealt. */
export async function assignedTopics(group: string): Promise<string[]> {
  const { AssignerProtocol, Kafka, logLevel } = (await import('kafkajs')).default;
  const admin = new Kafka({ brokers: [kafkaAddress()], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([group]);
    return groups.flatMap(({ members }) =>
      members.flatMap(({ memberAssignment }) =>
        memberAssignment.length === 0
          ? []
          : Object.keys(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}),
      ),
    );
  } finally {
    await admin.disconnect();
  }
}

export async function createTopic(kafka: KafkaClient, topic: string, partitions = 1): Promise<void> {
  await kafka.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs: {} }]);
}

/** Deletes it and makes it again under its name. */
export async function makeAgain(kafka: KafkaClient, topic: string, partitions = 1): Promise<void> {
  await deleteTopic(kafka, topic);
  await createTopic(kafka, topic, partitions);
}
