import type { Settings } from '../../config/config-def.ts';
import { sinkTopicSettings } from '../../config/connector-config.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { isTopicName, legalTopicNames } from '../../config/topic-name.ts';
import { ConnectError } from '../../errors.ts';
import { JavaRegex } from '../../java/regex.ts';
import type { KafkaAdmin } from '../../kafka/types.ts';
import type { TaskItem } from '../../storage/items.ts';

export type Assignment = TaskItem['assignment'];

/** Kafka's own consumer does not begin to wait for a topic that there can never be. */
export function requireTopicNames(config: Settings): void {
  const bad = parseConfig(sinkTopicSettings, config).topics.filter((topic) => !isTopicName(topic));
  if (bad.length === 0) return;
  throw new ConnectError(
    'sink.invalid_topics',
    `Invalid topics: [${bad.join(', ')}]. A topic's name has ${legalTopicNames}: change "topics"`,
    { javaClass: 'InvalidTopicException' },
  );
}

/** Which topics a sink reads, now: those listed, or those whose whole name the pattern matches. */
export async function sinkTopics(config: Settings, admin: KafkaAdmin): Promise<string[]> {
  const { topics, 'topics.regex': pattern } = parseConfig(sinkTopicSettings, config);
  if (topics.length > 0) return [...topics].sort();
  if (pattern === '') return [];
  return new JavaRegex(pattern, 'topics.regex').filter(await admin.listTopics()).sort();
}

/**
 * Deals all partitions out in turn, in order of topic and partition, so that no task has two more than another and the
 * same topics always give the same answer.
 */
export function assignPartitions(
  topics: readonly { readonly topic: string; readonly partitions: number }[],
  tasks: number,
): Assignment[] {
  const dealt = Array.from({ length: tasks }, () => new Map<string, number[]>());
  if (tasks === 0) return [];
  let turn = 0;
  for (const { topic, partitions } of [...topics].sort((a, b) => (a.topic < b.topic ? -1 : 1))) {
    for (let partition = 0; partition < partitions; partition++) {
      const mine = dealt[turn++ % tasks]!;
      const list = mine.get(topic);
      if (list === undefined) mine.set(topic, [partition]);
      else list.push(partition);
    }
  }
  return dealt.map((mine) => [...mine].map(([topic, partitions]) => ({ topic, partitions })));
}
