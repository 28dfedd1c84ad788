import type { TopicGroup } from '../../config/topic-creation-config.ts';
import { ConnectError, isRetriable } from '../../errors.ts';
import { replicationFix } from '../../kafka/errors.ts';
import type { KafkaAdmin, NewTopic } from '../../kafka/types.ts';
import { messageOf } from '../record/failure.ts';
import type { PluginRun } from '../run/plugin-run.ts';

/** Sees to it that a topic is there before its first record, once per topic and run. */
export class TopicCreation {
  readonly #run: PluginRun;
  readonly #admin: KafkaAdmin;
  readonly #groups: readonly TopicGroup[];
  readonly #ready = new Set<string>();
  #lastReady: string | null = null;

  constructor(run: PluginRun, admin: KafkaAdmin, groups: readonly TopicGroup[]) {
    this.#run = run;
    this.#admin = admin;
    this.#groups = groups;
  }

  /** The topics that records went to in this run. */
  get topics(): ReadonlySet<string> {
    return this.#ready;
  }

  isReady(topic: string): boolean {
    if (topic === this.#lastReady) return true;
    if (!this.#ready.has(topic)) return false;
    this.#lastReady = topic;
    return true;
  }

  async makeReady(topic: string): Promise<void> {
    const group = this.#groups.find((candidate) => candidate.matches(topic));
    if (group !== undefined && (await this.#admin.describeTopics([topic])).length === 0) {
      await this.#create(topic, group);
    }
    this.#ready.add(topic);
    this.#lastReady = topic;
  }

  async #create(topic: string, { name, partitions, replicationFactor, configs }: TopicGroup): Promise<void> {
    const wanted: NewTopic = { topic, partitions, replicationFactor, configs };
    try {
      const created = await this.#admin.createTopics([wanted]);
      if (created.get(topic)) this.#run.report.emit('source.topic-created', { topic, partitions, replicationFactor });
    } catch (cause) {
      if (isRetriable(cause)) throw cause;
      const setting = `topic.creation.${name}.replication.factor`;
      throw new ConnectError(
        'topic.not_created',
        `Task failed to create new topic ${topic} (partitions=${partitions}, replicationFactor=${replicationFactor}): ` +
          messageOf(cause) +
          (replicationFix(cause, setting) ||
            '. Ensure that the task is authorized to create topics or that the topic exists') +
          ', and restart the task',
        { cause },
      );
    }
  }
}
