import type { Settings } from '../config/config-def.ts';
import { isSet, parseType, settingsWithPrefix } from '../config/parse-config.ts';
import { ConfigError, ConnectError, isRetriable } from '../errors.ts';
import type { KafkaAdmin, NewTopic } from '../kafka/types.ts';
import { messageOf } from './error-tolerance.ts';
import type { TaskRun } from './task-run.ts';

const prefix = 'topic.creation.';
const groupKeys: ReadonlySet<string> = new Set(['include', 'exclude', 'replication.factor', 'partitions']);

/** How new topics of one group are made (KIP-158). */
export interface TopicGroup {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Settings;
  matches(topic: string): boolean;
}

/**
 * The groups in the order in which they are tried, `default` last; empty when the connector does not use topic
 * creation, so that the broker's own auto-creation decides.
 */
export function topicGroups(config: Settings): TopicGroup[] {
  const own = settingsWithPrefix(config, prefix);
  if (!Object.keys(own).some((key) => key.startsWith('default.') || key === 'groups')) return [];
  const fallback = {
    partitions: number(own, 'default.partitions', null),
    replicationFactor: number(own, 'default.replication.factor', null),
  };
  const names = isSet(own, 'groups') ? (parseType(`${prefix}groups`, own.groups!, 'LIST') as string[]) : [];
  const groups = names
    .filter((name) => name !== 'default' && name !== '')
    .map((name) => group(own, name, fallback, patterns(own, `${name}.include`), patterns(own, `${name}.exclude`)));
  return [...groups, group(own, 'default', fallback, [/^/], [])];
}

function group(
  own: Settings,
  name: string,
  fallback: { readonly partitions: number; readonly replicationFactor: number },
  include: readonly RegExp[],
  exclude: readonly RegExp[],
): TopicGroup {
  const settings = settingsWithPrefix(own, `${name}.`);
  return {
    name,
    partitions: number(own, `${name}.partitions`, fallback.partitions),
    replicationFactor: number(own, `${name}.replication.factor`, fallback.replicationFactor),
    configs: Object.fromEntries(Object.entries(settings).filter(([key]) => !groupKeys.has(key))),
    matches: (topic) =>
      include.some((pattern) => pattern.test(topic)) && !exclude.some((pattern) => pattern.test(topic)),
  };
}

function number(own: Settings, key: string, fallback: number | null): number {
  if (isSet(own, key)) return parseType(prefix + key, own[key]!, 'INT') as number;
  if (fallback !== null) return fallback;
  throw new ConfigError(`Missing required configuration "${prefix}${key}" which has no default value.`, {
    key: prefix + key,
  });
}

/** Each pattern matches a whole topic name, as in Java. */
function patterns(own: Settings, key: string): RegExp[] {
  if (!isSet(own, key)) return [];
  return (parseType(prefix + key, own[key]!, 'LIST') as string[]).map((text) => {
    try {
      return new RegExp(`^(?:${text})$`);
    } catch (cause) {
      throw new ConfigError(`Invalid value ${text} for configuration ${prefix}${key}: ${messageOf(cause)}`, {
        key: prefix + key,
        cause,
      });
    }
  });
}

/** Sees to it that a topic is there before its first record, once per topic and run. */
export class TopicCreation {
  readonly #run: TaskRun;
  readonly #admin: KafkaAdmin;
  readonly #groups: readonly TopicGroup[];
  readonly #ready = new Set<string>();
  #lastReady: string | null = null;

  constructor(run: TaskRun, admin: KafkaAdmin, groups: readonly TopicGroup[]) {
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

  async #create(topic: string, { partitions, replicationFactor, configs }: TopicGroup): Promise<void> {
    const wanted: NewTopic = { topic, partitions, replicationFactor, configs };
    try {
      const created = await this.#admin.createTopics([wanted]);
      if (created.get(topic)) this.#run.emit('source.topic-created', { topic, partitions, replicationFactor });
    } catch (cause) {
      if (isRetriable(cause)) throw cause;
      throw new ConnectError(
        'topic.not_created',
        `Task failed to create new topic ${topic} (partitions=${partitions}, replicationFactor=${replicationFactor}): ` +
          `${messageOf(cause)}. Ensure that the task is authorized to create topics or that the topic exists and restart the task`,
        { cause },
      );
    }
  }
}
