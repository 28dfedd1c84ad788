import type { TopicPartition } from '../api/task.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { GroupMember, GroupOffset, KafkaAdmin, KafkaClient, NewTopic } from '../kafka/types.ts';
import { MemoryFetcher } from './memory-fetcher.ts';
import { MemoryLog, type MemoryPartition } from './memory-log.ts';
import { MemoryProducer, MemoryTransactionalProducer, type ProducerOptions } from './memory-producer.ts';

export interface MemoryKafkaOptions {
  readonly clock?: Clock;
  /** Of a topic that is made by the first record that goes there; null: none is made, as with `auto.create.topics.enable=false`. Default: 1. */
  readonly autoCreatePartitions?: number | null;
  /** False: records are acknowledged and forgotten. Default: true. */
  readonly keepRecords?: boolean;
}

/** A record to be put into a topic by hand. Text stands for its UTF-8 bytes, an object for its JSON. */
export interface KafkaRecord {
  readonly topic: string;
  /** Left out: by the key, as Java's default partitioner does. */
  readonly partition?: number;
  readonly key?: string | Uint8Array | object | null;
  readonly value?: string | Uint8Array | object | null;
  /** Epoch milliseconds; left out: now. */
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

type Offsets = Map<string, Map<number, bigint>>;

/**
 * A Kafka cluster of one broker in memory, behind the interface that the worker uses: topics with ids, partitions,
 * acknowledged and transactional sends, fencing, fetches that wait, read_committed, offsets of groups. It outlives its
 * clients, as a cluster does: `close` of one lets go of nothing.
 */
export class MemoryKafka {
  readonly log: MemoryLog;
  readonly #options: ProducerOptions;

  constructor(options: MemoryKafkaOptions = {}) {
    const { clock = systemClock, autoCreatePartitions = 1, keepRecords = true } = options;
    this.log = new MemoryLog(keepRecords);
    this.#options = { clock, autoCreatePartitions };
  }

  createTopic(topic: string, partitions = 1, configs: Readonly<Record<string, string>> = {}): void {
    this.log.createTopic(topic, partitions, configs);
  }

  deleteTopic(topic: string): void {
    this.log.deleteTopic(topic);
  }

  /** As any producer would. Resolves when all are there; rejects with what was refused. */
  async produce(records: readonly KafkaRecord[]): Promise<void> {
    const producer = new MemoryProducer(this.log, this.#options);
    const batch = producer.newBatch();
    for (const { topic, partition = null, key = null, value = null, timestamp = null, headers } of records) {
      const pairs = headers === undefined ? null : Object.entries(headers);
      const written = pairs?.map(([name, text]) => ({ key: name, value: text })) ?? null;
      batch.append(topic, partition, textOf(key), textOf(value), timestamp, written);
    }
    const { failures } = await producer.send(batch);
    for (const failure of failures.values()) throw failure;
  }

  /** A client as the worker has one. */
  client(): KafkaClient {
    const { log } = this;
    const options = this.#options;
    const admin = new MemoryAdmin(log, options.clock);
    return {
      admin,
      prepare: async () => {},
      adminWith: () => admin,
      producer: async () => new MemoryProducer(log, options),
      transactionalProducer: async (id) => new MemoryTransactionalProducer(log, options, id),
      fetcher: async () => new MemoryFetcher(log, options.clock),
      close: async () => {},
    };
  }
}

function textOf(value: string | Uint8Array | object | null): string | Uint8Array | null {
  return value === null || typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
}

function collect(
  log: MemoryLog,
  partitions: readonly TopicPartition[],
  offsetOf: (partition: MemoryPartition) => number,
): Offsets {
  const offsets: Offsets = new Map();
  for (const { topic, partition } of partitions) {
    const found = BigInt(offsetOf(log.partition(topic, partition, 'read from')));
    offsets.set(topic, (offsets.get(topic) ?? new Map()).set(partition, found));
  }
  return offsets;
}

class MemoryAdmin implements KafkaAdmin {
  readonly #log: MemoryLog;
  readonly #clock: Clock;

  constructor(log: MemoryLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  async clusterId() {
    return this.#log.clusterId;
  }

  async describeTopics(topics: readonly string[]) {
    return topics.flatMap((name) => {
      const topic = this.#log.topics.get(name);
      return topic === undefined ? [] : [{ topic: name, topicId: topic.id, partitions: topic.partitions.length }];
    });
  }

  async listTopics() {
    return [...this.#log.topics.keys()];
  }

  async createTopics(topics: readonly NewTopic[]) {
    return new Map(
      topics.map(({ topic, partitions, configs }) => [topic, this.#log.createTopic(topic, partitions, configs)]),
    );
  }

  async endOffsets(partitions: readonly TopicPartition[], isolationLevel?: 'read_uncommitted' | 'read_committed') {
    const committed = isolationLevel === 'read_committed';
    return collect(this.#log, partitions, ({ end, lastStableOffset }) => (committed ? lastStableOffset : end));
  }

  async beginningOffsets(partitions: readonly TopicPartition[]) {
    return collect(this.#log, partitions, ({ start }) => start);
  }

  async recentOffsets(partitions: readonly TopicPartition[], lastMs: number) {
    const since = Math.max(0, this.#clock.now() - lastMs);
    return collect(this.#log, partitions, (partition) => partition.offsetSince(since) ?? partition.end);
  }

  async groupOffsets(group: string, partitions?: readonly TopicPartition[]): Promise<Offsets> {
    const commits = await this.groupCommits(group, partitions);
    const offsetsOf = (own: ReadonlyMap<number, GroupOffset>) =>
      new Map([...own].map(([partition, { offset }]) => [partition, offset]));
    return new Map([...commits].map(([topic, own]) => [topic, offsetsOf(own)]));
  }

  async groupCommits(group: string, partitions?: readonly TopicPartition[]) {
    const found = new Map<string, Map<number, GroupOffset>>();
    for (const [topic, own] of this.#log.groups.get(group) ?? []) {
      const isAsked = (number: number) =>
        partitions === undefined || partitions.some((one) => one.topic === topic && one.partition === number);
      const asked = new Map([...own].filter(([number]) => isAsked(number)));
      if (asked.size > 0) found.set(topic, asked);
    }
    return found;
  }

  async commitGroupOffsets(
    group: string,
    offsets: readonly (TopicPartition & { offset: bigint; metadata?: string })[],
  ): Promise<void> {
    const topics = this.#log.groups.get(group) ?? new Map<string, Map<number, GroupOffset>>();
    this.#log.groups.set(group, topics);
    for (const { topic, partition, offset, metadata = '' } of offsets) {
      this.#log.partition(topic, partition, 'commit offsets of');
      topics.set(topic, (topics.get(topic) ?? new Map()).set(partition, { offset, metadata }));
    }
  }

  async deleteGroupOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    for (const { topic, partition } of partitions) this.#log.groups.get(group)?.get(topic)?.delete(partition);
  }

  async deleteGroup(group: string): Promise<void> {
    this.#log.groups.delete(group);
  }

  /** Nobody joins a group here. */
  async listGroups(): Promise<string[]> {
    return [];
  }

  async groupMembers(): Promise<GroupMember[]> {
    return [];
  }

  async createPartitions(topic: string, count: number): Promise<void> {
    this.#log.addPartitions(topic, count);
  }

  async close(): Promise<void> {}
}
