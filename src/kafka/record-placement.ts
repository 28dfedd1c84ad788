/**
 * Deals the records of a send out to the partitions of their topics. What cannot be placed, a topic that is not there or
 * a record that is too large, is refused by itself; the others go on.
 */
import type { Clock } from '../clock.ts';
import { ConnectError, isRetriable } from '../errors.ts';
import type { ProducerSettings } from './client-settings.ts';
import type { Cluster, TopicLeaders } from './cluster.ts';
import type { Delivery } from './delivery.ts';
import { isRetriableCode, kafkaError, kafkaErrors, missingTopic } from './errors.ts';
import type { Group, PartitionQueue } from './partition-queue.ts';
import { Partitioner } from './partitioner.ts';
import { recordUpperBound } from './record-batch-encoder.ts';

export interface PlacedGroup {
  readonly queue: PartitionQueue;
  readonly group: Group;
}

/** What a record takes beside key and value, at most, unless it has headers. */
const headerRoom = 200;
/** How long a partition that is not there yet is looked for. */
const partitionPatienceMs = 1000;
const partitionPauseMs = 100;

export class RecordPlacement {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #settings: ProducerSettings;
  readonly #partitioner: Partitioner;
  readonly #queueOf: (topic: string, partition: number) => PartitionQueue;

  constructor(
    cluster: Cluster,
    settings: ProducerSettings,
    queueOf: (topic: string, partition: number) => PartitionQueue,
  ) {
    this.#cluster = cluster;
    this.#clock = cluster.clock;
    this.#settings = settings;
    this.#partitioner = new Partitioner(settings.batchBytes, settings.ignoreKeys);
    this.#queueOf = queueOf;
  }

  /** Where the delivery's topics are led, or why they cannot be written to. Waits for those that are not there yet. */
  locate({ columns }: Delivery): Promise<(TopicLeaders | ConnectError)[]> {
    return Promise.all(columns.topics.map((topic) => this.#cluster.knownLeaders(topic) ?? this.#locate(topic)));
  }

  async place(delivery: Delivery, leaders: readonly (TopicLeaders | ConnectError)[]): Promise<PlacedGroup[]> {
    const late: number[] = [];
    const placed = this.#divide(delivery, leaders, late);
    return late.length === 0 ? placed : [...placed, ...(await this.#divideLate(delivery, late))];
  }

  /** Waits for a topic that does not exist yet: asking for it makes the broker create it, where it may. */
  async #locate(topic: string): Promise<TopicLeaders | ConnectError> {
    const started = this.#clock.now();
    const deadline = started + this.#settings.maxBlockMs;
    for (let delay = 20; ; delay = Math.min(delay * 2, 500)) {
      let code: number = kafkaErrors.LEADER_NOT_AVAILABLE;
      try {
        const response = await this.#cluster.metadata([topic], true);
        const found = response.topics.find((one) => one.topic === topic);
        code = found?.errorCode ?? kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION;
      } catch (error) {
        if (!isRetriable(error) || this.#clock.now() + delay >= deadline) throw error;
      }
      const leaders = this.#cluster.knownLeaders(topic);
      if (leaders && leaders.partitions > 0) return leaders;
      if (!isRetriableCode(code) && code !== kafkaErrors.NONE) return kafkaError(code, { doing: 'write to', topic });
      const waited = this.#clock.now() - started;
      if (this.#clock.now() + delay >= deadline) {
        if (code === kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION) return missingTopic(topic, waited);
        throw kafkaError(code, { doing: 'write to', topic });
      }
      await this.#clock.sleep(delay);
    }
  }

  /** The only loop over single records besides the encoder's. `late`: those of partitions that are not known. */
  #divide(delivery: Delivery, leaders: readonly (TopicLeaders | ConnectError)[], late: number[]): PlacedGroup[] {
    const { columns } = delivery;
    const max = this.#settings.maxRequestBytes;
    const [only] = leaders;
    if (columns.plain && only !== undefined && !(only instanceof Error) && only.partitions === 1) {
      if (columns.longest * 3 + headerRoom <= max) return wholeTo(this.#queueOf(only.topic, 0), delivery);
    }
    const divided: PlacedGroup[] = [];
    const byTopic: (Group | undefined)[][] = columns.topics.map(() => []);
    for (let index = 0; index < columns.size; index++) {
      const topicId = columns.topicIds[index]!;
      const topicLeaders = leaders[topicId]!;
      if (topicLeaders instanceof Error) {
        delivery.refuse(index, topicLeaders);
        continue;
      }
      const key = columns.keys[index]!;
      const length = (key === null ? 0 : key.length) + columns.valueLength(index);
      if (length * 3 + headerRoom > max || columns.headers[index] !== null) {
        const size = recordUpperBound(columns, index);
        if (size > max) {
          delivery.refuse(index, tooLarge(columns.topics[topicId]!, size, max));
          continue;
        }
      }
      let partition = columns.partitions[index]!;
      if (partition < 0) partition = this.#partitioner.place(topicLeaders, key, length);
      let group = byTopic[topicId]![partition];
      if (!group) {
        if (partition >= topicLeaders.partitions) {
          late.push(index);
          continue;
        }
        group = { delivery, indices: [], next: 0 };
        byTopic[topicId]![partition] = group;
        divided.push({ queue: this.#queueOf(topicLeaders.topic, partition), group });
      }
      group.indices.push(index);
      delivery.partitions[index] = partition;
    }
    for (const topic of columns.topics) this.#partitioner.turn(topic);
    return divided;
  }

  /** Partitions may have been added since the topic was last looked at. */
  async #divideLate(delivery: Delivery, late: readonly number[]): Promise<PlacedGroup[]> {
    const { columns } = delivery;
    const giveUpAt = this.#clock.now() + Math.min(this.#settings.maxBlockMs, partitionPatienceMs);
    const groups = new Map<PartitionQueue, Group>();
    const refusals = new Map<number, ConnectError>();
    for (let left = [...late]; left.length > 0; ) {
      const topics = new Set(left.map((index) => columns.topics[columns.topicIds[index]!]!));
      for (const topic of topics) this.#cluster.forgetLeaders(topic);
      const found = new Map(
        await Promise.all([...topics].map(async (topic) => [topic, await this.#locate(topic)] as const)),
      );
      left = left.filter((index) => {
        const leaders = found.get(columns.topics[columns.topicIds[index]!]!)!;
        const partition = columns.partitions[index]!;
        if (leaders instanceof Error) {
          refusals.set(index, leaders);
          return false;
        }
        if (partition >= leaders.partitions) {
          refusals.set(index, noSuchPartition(leaders, partition));
          return true;
        }
        refusals.delete(index);
        const queue = this.#queueOf(leaders.topic, partition);
        const group = groups.get(queue) ?? { delivery, indices: [], next: 0 };
        group.indices.push(index);
        groups.set(queue, group);
        delivery.partitions[index] = partition;
        return false;
      });
      if (left.length === 0 || this.#clock.now() >= giveUpAt) break;
      await this.#clock.sleep(partitionPauseMs);
    }
    for (const [index, error] of refusals) delivery.refuse(index, error);
    return Array.from(groups, ([queue, group]) => ({ queue, group }));
  }
}

const counted: number[] = [];

/** All records of a delivery, in order, where there is but one place for them. */
function wholeTo(queue: PartitionQueue, delivery: Delivery): PlacedGroup[] {
  const { size } = delivery.columns;
  while (counted.length < size) counted.push(counted.length);
  delivery.partitions.fill(0);
  return size === 0 ? [] : [{ queue, group: { delivery, indices: counted.slice(0, size), next: 0 } }];
}

function tooLarge(topic: string, size: number, max: number): ConnectError {
  return new ConnectError(
    'kafka.record_too_large',
    `A record for topic "${topic}" takes ${size} bytes, more than max.request.size (${max}). ` +
      'Raise producer.override.max.request.size and max.message.bytes of the topic, or send smaller records',
    { javaClass: 'RecordTooLargeException', facts: { topic, size } },
  );
}

function noSuchPartition(leaders: TopicLeaders, partition: number): ConnectError {
  return new ConnectError(
    'kafka.no_such_partition',
    `A record names partition ${partition} of topic "${leaders.topic}", which has ${leaders.partitions}`,
    { javaClass: 'InvalidPartitionsException', facts: { topic: leaders.topic, partition } },
  );
}
