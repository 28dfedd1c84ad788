import type { SerializedValue } from '../api/converter.ts';
import type { TopicPartition } from '../api/task.ts';
import type { ByteSink } from '../data/byte-sink.ts';

/** A header on the wire. */
export interface KafkaHeader {
  readonly key: string;
  readonly value: SerializedValue;
}

/** One acknowledged (or failed) stretch of a produced batch. */
export interface ProduceOutcome {
  /** Per record of the batch, in order of `append`: where it landed. Null when it did not; offset -1: nobody knows. */
  offsetOf(index: number): { topic: string; partition: number; offset: number } | null;
  /** Records that will never be accepted (too large, topic not authorised, …), by index; empty when all landed. */
  readonly failures: ReadonlyMap<number, Error>;
  /**
   * Of a send that stops at a record that is refused: null when all landed; else what this batch met first, which is null
   * where an earlier batch was stopped.
   */
  readonly stopped: { readonly cause: Error | null } | null;
}

/**
 * What is done with the records behind one that is refused: they are sent all the same; or none is sent any more, in this
 * batch and all later ones, and only what lies in front of it is awaited. What was in flight to other partitions then may
 * have landed.
 */
export type OnRefusal = 'go-on' | 'stop';

/**
 * One poll's worth of records on its way to the broker, as columns rather than objects. Filled by the source run,
 * sent whole.
 */
export interface OutgoingBatch {
  readonly size: number;
  /** Estimated bytes on the wire. */
  readonly bytes: number;
  /** `partition` null: the producer's partitioner decides (murmur2 of the key bytes, sticky without a key). */
  append(
    topic: string,
    partition: number | null,
    key: SerializedValue,
    value: SerializedValue,
    timestamp: number | null,
    headers: readonly KafkaHeader[] | null,
  ): void;
  /**
   * Memory of this batch to write the next record's value into, instead of handing one over; what was written for a
   * record that was then not appended is written over. Null when values had better be handed over.
   */
  openValue(): ByteSink | null;
  /** `append` for a record whose value was written there. */
  appendOpened(
    topic: string,
    partition: number | null,
    key: SerializedValue,
    timestamp: number | null,
    headers: readonly KafkaHeader[] | null,
  ): void;
  /** Forgets the records from the `size`th on; nothing may be appended after that. */
  truncate(size: number): void;
  /** Size of the largest value so far: bytes, or characters of a string. */
  readonly longest: number;
  clear(): void;
  /** It is done with, and must be left alone: its memory serves later batches, of other runs too. */
  release(): void;
}

/**
 * Idempotent, acks=all unless overridden. `send` may be called again before an earlier one resolves (up to
 * max.in.flight.requests.per.connection); order per partition is kept.
 */
export interface Producer {
  newBatch(): OutgoingBatch;
  /**
   * Resolves when every record is acknowledged or refused for good; rejects with RetriableError when it may be sent again,
   * or resolves with that as its `stopped`, where it was to stop. Without `onRefusal` it goes on.
   * Encoding is lazy: leave the batch alone (no `append`, no `clear`) until the promise has settled.
   */
  send(batch: OutgoingBatch, signal?: AbortSignal, onRefusal?: OnRefusal): Promise<ProduceOutcome>;
  close(): Promise<void>;
}

/**
 * KIP-98. `init` fences every older producer of the same transactional id (I4). A `send` always goes on: what was refused
 * is taken back with its transaction.
 */
export interface TransactionalProducer extends Producer {
  send(batch: OutgoingBatch, signal?: AbortSignal): Promise<ProduceOutcome>;
  init(): Promise<void>;
  begin(): void;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Reads records of one partition from a raw fetch response without building an object each: call `next` and look. */
export interface RecordCursor {
  readonly topic: string;
  readonly partition: number;
  /** False at the end. Skips control records and, under read_committed, aborted transactions. */
  next(): boolean;
  readonly offset: number;
  /** Epoch milliseconds; -1: none. */
  readonly timestamp: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  /** The bytes that key and value lie in; decompressed when they were not plain. Valid until the next fetch. */
  readonly buffer: Buffer;
  /** -1 start: null. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly headerCount: number;
  headers(): readonly { key: string; value: Uint8Array | null }[];
  /** The offset after what was read, and at the end after all of this response, aborted and control records included. */
  readonly nextOffset: number;
  /** What `nextOffset` will be at the end. */
  readonly endOffset: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Of the topic that was read; null: the cluster tells none. */
  readonly topicId: string | null;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /** Set instead of records: offset out of range, topic gone or another than was asked for, not authorised. */
  readonly error: Error | null;
  readonly cursor: RecordCursor | null;
}

export interface FetchOptions {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  readonly isolationLevel: 'read_uncommitted' | 'read_committed';
}

/** Where to read. Without an id it is whichever topic has that name. */
export interface FetchPosition extends TopicPartition {
  readonly offset: number;
  /** KIP-516: a topic that was deleted and made again is another one, and not read from this offset. */
  readonly topicId?: string | null;
}

/** Fetches assigned partitions; there is no group and no join. */
export interface Fetcher {
  fetch(positions: readonly FetchPosition[], options: FetchOptions, signal?: AbortSignal): Promise<FetchedPartition[]>;
  close(): Promise<void>;
}

export interface TopicDescription {
  readonly topic: string;
  /** Another one under the same name has another id; null: the cluster tells none. */
  readonly topicId: string | null;
  readonly partitions: number;
}

export interface NewTopic {
  readonly topic: string;
  /** -1: the broker's default. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** What a consumer group holds of one partition. */
export interface GroupOffset {
  readonly offset: bigint;
  /** Whatever its committer wrote beside it; Kafka's own clients and tools write nothing. */
  readonly metadata: string;
}

/** What a run asks of the cluster, over the connections that it has. */
export interface GroupMember {
  readonly clientId: string;
  /** As the broker prints it: `/10.0.0.1`. */
  readonly host: string;
}

export interface KafkaAdmin {
  clusterId(): Promise<string>;
  /** Those that exist; unknown topics are left out, unauthorised ones throw. */
  describeTopics(topics: readonly string[]): Promise<TopicDescription[]>;
  listTopics(): Promise<string[]>;
  /** True where created, false where it was there already. */
  createTopics(topics: readonly NewTopic[]): Promise<Map<string, boolean>>;
  /** One request per broker however many partitions are asked. */
  endOffsets(
    partitions: readonly TopicPartition[],
    isolationLevel?: 'read_uncommitted' | 'read_committed',
  ): Promise<Map<string, Map<number, bigint>>>;
  beginningOffsets(partitions: readonly TopicPartition[]): Promise<Map<string, Map<number, bigint>>>;
  /** Of the first record of the last `lastMs` milliseconds; the end where there is none. */
  recentOffsets(partitions: readonly TopicPartition[], lastMs: number): Promise<Map<string, Map<number, bigint>>>;
  groupOffsets(group: string, partitions?: readonly TopicPartition[]): Promise<Map<string, Map<number, bigint>>>;
  /** The same with what was committed beside each offset. */
  groupCommits(group: string, partitions?: readonly TopicPartition[]): Promise<Map<string, Map<number, GroupOffset>>>;
  /** Without joining the group. */
  commitGroupOffsets(
    group: string,
    offsets: readonly (TopicPartition & { offset: bigint; metadata?: string })[],
  ): Promise<void>;
  /** Of partitions that the group has no offset of, or a group that is not there, nothing is left to delete. */
  deleteGroupOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void>;
  deleteGroup(group: string): Promise<void>;
  /** Of a kind (`consumer`, `connect`), as many as the caller may see. */
  listGroups(protocolType: string): Promise<string[]>;
  /** Empty where nobody is in it, or there is no such group. */
  groupMembers(group: string): Promise<GroupMember[]>;
  /** `count`: the new total. */
  createPartitions(topic: string, count: number): Promise<void>;
  close(): Promise<void>;
}

/** Looks after topics that no run waits for. */
export interface ControlPlane {
  /** True where created, false where it was there already. */
  createTopics(topics: readonly NewTopic[]): Promise<Map<string, boolean>>;
  /** Per topic the configs by name; unknown topics are left out. */
  describeTopicConfigs(topics: readonly string[]): Promise<Map<string, Map<string, string | null>>>;
  close(): Promise<void>;
}

/** One per environment: connections and metadata outlive a run. */
export interface KafkaClient {
  readonly admin: KafkaAdmin;
  /** Has what a first batch would else wait for: code, a connection, the brokers. Rejects where they are out of reach. */
  prepare(): Promise<void>;
  /** The admin of one connector. `overrides`: admin.override.* without the prefix; it is closed with this client. */
  adminWith(overrides: Readonly<Record<string, string>>): KafkaAdmin;
  /** `overrides`: producer.override.* without the prefix. */
  producer(overrides?: Readonly<Record<string, string>>): Promise<Producer>;
  transactionalProducer(
    transactionalId: string,
    overrides?: Readonly<Record<string, string>>,
  ): Promise<TransactionalProducer>;
  fetcher(overrides?: Readonly<Record<string, string>>): Promise<Fetcher>;
  close(): Promise<void>;
}
