import type { TopicPartition } from '../api/task.ts';
import { ConnectError, RetriableError } from '../errors.ts';
import type { RetryPolicy } from './client-settings.ts';
import type { Cluster } from './cluster.ts';
import type { BrokerConnection } from './connection.ts';
import { isStaleMetadata, kafkaError, kafkaErrors } from './errors.ts';
import { describeGroupsCall, listGroupsCall } from './protocol/groups.ts';
import {
  deleteGroupsCall,
  listOffsetsCall,
  offsetCommitCall,
  offsetDeleteCall,
  offsetFetchCall,
} from './protocol/offsets.ts';
import { createPartitionsCall, createTopicsCall, type TopicAnswer } from './protocol/topics.ts';
import type { GroupMember, GroupOffset, KafkaAdmin, NewTopic, TopicDescription } from './types.ts';

const latest = -1;
const earliest = -2;

function byTopic(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const list = topics.get(topic);
    if (list) list.push(partition);
    else topics.set(topic, [partition]);
  }
  return [...topics].map(([topic, list]) => ({ topic, partitions: list }));
}

function put<T>(map: Map<string, Map<number, T>>, topic: string, partition: number, value: T): void {
  let partitions = map.get(topic);
  if (!partitions) {
    partitions = new Map();
    map.set(topic, partitions);
  }
  partitions.set(partition, value);
}

/** Questions, topics and group offsets, over the connections that other control requests use. */
export class ClusterAdmin implements KafkaAdmin {
  readonly #cluster: Cluster;
  readonly #retry: RetryPolicy;

  constructor(cluster: Cluster, retry: RetryPolicy) {
    this.#cluster = cluster;
    this.#retry = retry;
  }

  clusterId(): Promise<string> {
    return this.#cluster.retrying(this.#retry, () => this.#cluster.clusterId());
  }

  describeTopics(topics: readonly string[]): Promise<TopicDescription[]> {
    if (topics.length === 0) return Promise.resolve([]);
    return this.#cluster.retrying(this.#retry, async () => {
      const response = await this.#cluster.metadata(topics, false);
      const found: TopicDescription[] = [];
      for (const { topic, topicId, errorCode, partitions } of response.topics) {
        if (errorCode === kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION || errorCode === kafkaErrors.INVALID_TOPIC) continue;
        if (errorCode !== kafkaErrors.NONE) throw kafkaError(errorCode, { doing: 'read from', topic });
        found.push({ topic, topicId, partitions: partitions.length });
      }
      return found;
    });
  }

  listTopics(): Promise<string[]> {
    return this.#cluster.retrying(this.#retry, async () => {
      const response = await this.#cluster.metadata(null, false);
      return response.topics.filter(({ errorCode }) => errorCode === kafkaErrors.NONE).map(({ topic }) => topic);
    });
  }

  async createTopics(topics: readonly NewTopic[]): Promise<Map<string, boolean>> {
    const created = new Map<string, boolean>();
    await this.#cluster.retrying(this.#retry, async () => {
      const controller = await this.#controller();
      const left = topics.filter(({ topic }) => !created.has(topic));
      const { requestTimeoutMs: timeoutMs } = this.#cluster.settings;
      const answers = await controller.call(createTopicsCall, { topics: left, timeoutMs });
      // One topic's refusal is not another's.
      for (const { topic, errorCode } of answers) {
        if (errorCode === kafkaErrors.NONE) created.set(topic, true);
        if (errorCode === kafkaErrors.TOPIC_ALREADY_EXISTS) created.set(topic, false);
      }
      throwRefusal(answers, 'create', [kafkaErrors.TOPIC_ALREADY_EXISTS]);
    });
    for (const { topic } of topics) this.#cluster.forgetLeaders(topic);
    await this.#awaitLeaders([...created].filter(([, isNew]) => isNew).map(([topic]) => topic));
    return created;
  }

  /** The broker that changes topics. Where any may, as under KRaft, the cluster names one. */
  async #controller(): Promise<BrokerConnection> {
    const { controllerId } = await this.#cluster.metadata([], false);
    if (controllerId < 0)
      throw new RetriableError('The cluster has no controller now', { code: 'kafka.no_controller' });
    return this.#cluster.connection(controllerId, this.#cluster.controlLane);
  }

  /** A new topic is led, and known to the broker that is asked, some milliseconds after its creation. */
  async #awaitLeaders(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return;
    const isLed = (topic: string) => this.#cluster.knownLeaders(topic)?.leaders.every((node) => node >= 0) ?? false;
    await this.#cluster.retrying({ ...this.#retry, timeoutMs: Math.min(this.#retry.timeoutMs, 5000) }, async () => {
      await this.#cluster.metadata(topics, false);
      if (!topics.every(isLed)) throw new RetriableError('New topics have no leaders yet', { code: 'kafka.no_leader' });
    });
  }

  async createPartitions(topic: string, count: number): Promise<void> {
    await this.#cluster.retrying(this.#retry, async () => {
      const controller = await this.#controller();
      const { requestTimeoutMs: timeoutMs } = this.#cluster.settings;
      throwRefusal(await controller.call(createPartitionsCall, { topic, count, timeoutMs }), 'add partitions to', []);
    });
    this.#cluster.forgetLeaders(topic);
  }

  endOffsets(
    partitions: readonly TopicPartition[],
    isolationLevel: 'read_uncommitted' | 'read_committed' = 'read_uncommitted',
  ): Promise<Map<string, Map<number, bigint>>> {
    return this.#listOffsets(partitions, latest, isolationLevel === 'read_committed');
  }

  beginningOffsets(partitions: readonly TopicPartition[]): Promise<Map<string, Map<number, bigint>>> {
    return this.#listOffsets(partitions, earliest, false);
  }

  async recentOffsets(
    partitions: readonly TopicPartition[],
    lastMs: number,
  ): Promise<Map<string, Map<number, bigint>>> {
    const since = Math.max(0, this.#cluster.clock.now() - lastMs);
    const offsets = await this.#listOffsets(partitions, since, false);
    const without = partitions.filter(({ topic, partition }) => (offsets.get(topic)?.get(partition) ?? -1n) < 0n);
    for (const [topic, ends] of await this.endOffsets(without)) {
      for (const [partition, end] of ends) put(offsets, topic, partition, end);
    }
    return offsets;
  }

  #listOffsets(partitions: readonly TopicPartition[], timestamp: number, readCommitted: boolean) {
    if (partitions.length === 0) return Promise.resolve(new Map<string, Map<number, bigint>>());
    return this.#cluster.retrying(this.#retry, async () => {
      const offsets = new Map<string, Map<number, bigint>>();
      const byNode = await this.#leaders(partitions);
      await Promise.all(
        [...byNode].map(async ([node, list]) => {
          const connection = await this.#cluster.connection(node, this.#cluster.controlLane);
          const answer = await connection.call(listOffsetsCall, { readCommitted, topics: byTopic(list), timestamp });
          for (const { topic, partitions: listed } of answer) {
            for (const { partition, errorCode, offset } of listed) {
              if (errorCode !== kafkaErrors.NONE) {
                if (isStaleMetadata(errorCode)) this.#cluster.forgetLeaders(topic);
                throw kafkaError(errorCode, { doing: 'read from', topic, partition });
              }
              put(offsets, topic, partition, offset);
            }
          }
        }),
      ).catch((error: unknown) => {
        for (const { topic } of partitions) this.#cluster.forgetLeaders(topic);
        throw error;
      });
      return offsets;
    });
  }

  async #leaders(partitions: readonly TopicPartition[]): Promise<Map<number, TopicPartition[]>> {
    const unknown = new Set(partitions.map(({ topic }) => topic).filter((topic) => !this.#cluster.knownLeaders(topic)));
    if (unknown.size > 0) {
      const response = await this.#cluster.metadata([...unknown], false);
      for (const { topic, errorCode } of response.topics) {
        if (errorCode === kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION) throw unknownTopic(topic);
        if (errorCode !== kafkaErrors.NONE) throw kafkaError(errorCode, { doing: 'read from', topic });
      }
    }
    const byNode = new Map<number, TopicPartition[]>();
    for (const position of partitions) {
      const { topic, partition } = position;
      const leaders = this.#cluster.knownLeaders(topic);
      if (leaders && partition >= leaders.partitions) throw unknownTopic(topic, partition);
      const node = leaders?.leaders[partition] ?? -1;
      if (node < 0) {
        this.#cluster.forgetLeaders(topic);
        throw new RetriableError(`Topic "${topic}" partition ${partition} has no leader now`, {
          code: 'kafka.no_leader',
        });
      }
      const list = byNode.get(node);
      if (list) list.push(position);
      else byNode.set(node, [position]);
    }
    return byNode;
  }

  async groupOffsets(group: string, partitions?: readonly TopicPartition[]): Promise<Map<string, Map<number, bigint>>> {
    const offsets = new Map<string, Map<number, bigint>>();
    for (const [topic, commits] of await this.groupCommits(group, partitions)) {
      offsets.set(topic, new Map([...commits].map(([partition, { offset }]) => [partition, offset])));
    }
    return offsets;
  }

  async groupCommits(
    group: string,
    partitions?: readonly TopicPartition[],
  ): Promise<Map<string, Map<number, GroupOffset>>> {
    const answer = await this.#cluster.callCoordinator(
      { key: group, kind: 'group' },
      offsetFetchCall,
      { group, topics: partitions ? byTopic(partitions) : null },
      (response) => response.errorCode,
      this.#retry.timeoutMs,
    );
    const offsets = new Map<string, Map<number, GroupOffset>>();
    if (answer.errorCode === kafkaErrors.GROUP_ID_NOT_FOUND) return offsets;
    if (answer.errorCode !== kafkaErrors.NONE) throw kafkaError(answer.errorCode, { doing: 'read offsets of', group });
    for (const { topic, partitions: list } of answer.topics) {
      for (const { partition, offset, metadata, errorCode } of list) {
        if (errorCode !== kafkaErrors.NONE) throw kafkaError(errorCode, { doing: 'read offsets of', group });
        if (offset >= 0n) put(offsets, topic, partition, { offset, metadata });
      }
    }
    return offsets;
  }

  async commitGroupOffsets(
    group: string,
    offsets: readonly (TopicPartition & { offset: bigint; metadata?: string })[],
  ): Promise<void> {
    if (offsets.length === 0) return;
    const topics = new Map<string, { partition: number; offset: bigint; metadata: string }[]>();
    for (const { topic, partition, offset, metadata = '' } of offsets) {
      const list = topics.get(topic);
      if (list) list.push({ partition, offset, metadata });
      else topics.set(topic, [{ partition, offset, metadata }]);
    }
    const answer = await this.#cluster.callCoordinator(
      { key: group, kind: 'group' },
      offsetCommitCall,
      { group, topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })) },
      (response) => {
        for (const { partitions } of response) {
          for (const { errorCode } of partitions) if (errorCode !== kafkaErrors.NONE) return errorCode;
        }
        return kafkaErrors.NONE;
      },
      this.#retry.timeoutMs,
    );
    for (const { topic, partitions } of answer) {
      for (const { partition, errorCode } of partitions) {
        if (errorCode === kafkaErrors.NONE) continue;
        if (errorCode === kafkaErrors.UNKNOWN_MEMBER_ID || errorCode === kafkaErrors.ILLEGAL_GENERATION) {
          throw new ConnectError(
            'kafka.group_not_empty',
            `Offsets of group "${group}" cannot be set while a consumer is in the group. Stop it first`,
            { javaClass: 'UnknownMemberIdException' },
          );
        }
        if (errorCode === kafkaErrors.TOPIC_AUTHORIZATION_FAILED) {
          throw kafkaError(errorCode, { doing: 'read from', topic, partition });
        }
        throw kafkaError(errorCode, { doing: 'commit offsets of', group });
      }
    }
  }

  async deleteGroupOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    const answer = await this.#cluster.callCoordinator(
      { key: group, kind: 'group' },
      offsetDeleteCall,
      { group, topics: byTopic(partitions) },
      (response) => response.errorCode,
      this.#retry.timeoutMs,
    );
    const codes = [answer.errorCode, ...answer.topics.flatMap((topic) => topic.partitions.map((one) => one.errorCode))];
    const gone: readonly number[] = [
      kafkaErrors.NONE,
      kafkaErrors.GROUP_ID_NOT_FOUND,
      kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION,
    ];
    const refusal = codes.find((code) => !gone.includes(code));
    if (refusal !== undefined) throw kafkaError(refusal, { doing: 'delete offsets of', group });
  }

  async listGroups(protocolType: string): Promise<string[]> {
    return await this.#cluster.retrying(this.#retry, async () => {
      const { brokers } = await this.#cluster.metadata([], false);
      const lists = await Promise.all(
        brokers.map(async ({ nodeId }) => {
          const connection = await this.#cluster.connection(nodeId, this.#cluster.controlLane);
          const { errorCode, groups } = await connection.call(listGroupsCall, null);
          if (errorCode !== kafkaErrors.NONE) throw kafkaError(errorCode, { doing: 'list the groups of' });
          return groups;
        }),
      );
      return lists.flat().flatMap((one) => (one.protocolType === protocolType ? [one.group] : []));
    });
  }

  async groupMembers(group: string): Promise<GroupMember[]> {
    const answer = await this.#cluster.callCoordinator(
      { key: group, kind: 'group' },
      describeGroupsCall,
      [group],
      (response) => response[0]?.errorCode ?? kafkaErrors.NONE,
      this.#retry.timeoutMs,
    );
    const code = answer[0]?.errorCode ?? kafkaErrors.NONE;
    if (code === kafkaErrors.GROUP_ID_NOT_FOUND) return [];
    if (code !== kafkaErrors.NONE) throw kafkaError(code, { doing: 'describe', group });
    return (answer[0]?.members ?? []).map(({ clientId, host }) => ({ clientId, host }));
  }

  async deleteGroup(group: string): Promise<void> {
    const answer = await this.#cluster.callCoordinator(
      { key: group, kind: 'group' },
      deleteGroupsCall,
      [group],
      (response) => response[0]?.errorCode ?? kafkaErrors.NONE,
      this.#retry.timeoutMs,
    );
    const code = answer[0]?.errorCode ?? kafkaErrors.NONE;
    if (code !== kafkaErrors.NONE && code !== kafkaErrors.GROUP_ID_NOT_FOUND) {
      throw kafkaError(code, { doing: 'delete', group });
    }
  }

  /** Its connections are the client's. */
  async close(): Promise<void> {}
}

function throwRefusal(answers: readonly TopicAnswer[], doing: string, expected: readonly number[]): void {
  for (const { topic, errorCode, errorMessage } of answers) {
    if (errorCode === kafkaErrors.NONE || expected.includes(errorCode)) continue;
    throw kafkaError(errorCode, { doing, topic, detail: errorMessage });
  }
}

function unknownTopic(topic: string, partition?: number): ConnectError {
  const which = partition === undefined ? `Topic "${topic}"` : `Topic "${topic}" partition ${partition}`;
  return new ConnectError('kafka.unknown_topic', `${which} does not exist`, {
    javaClass: 'UnknownTopicOrPartitionException',
    facts: { topic },
  });
}
