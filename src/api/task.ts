import type { ConnectorConfig } from './connector-config.ts';
import type { SinkRecord, SourceOffset, SourcePartition, SourceRecord } from './record.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What the broker said about a produced record; offsets are absent when acks=0 or the record was filtered. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | null;
  readonly timestamp: number | null;
}

export interface OffsetStorageReader {
  offset(partition: SourcePartition): Promise<SourceOffset | null>;
  /** Same order as asked. Reads are batched; ask for many at once. */
  offsets(partitions: readonly SourcePartition[]): Promise<(SourceOffset | null)[]>;
}

/** KIP-618: for connectors that draw their own transaction boundaries. */
export interface TransactionContext {
  commitTransaction(record?: SourceRecord): void;
  abortTransaction(record?: SourceRecord): void;
}

interface TaskContext {
  readonly connector: string;
  readonly task: number;
  /** Aborts when the run must end: return what you have, soon. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds at which the run ends at the latest. */
  readonly deadlineAt: number;
  /** A line in the log that names this task, for what somebody can act on. */
  warn(message: string): void;
}

export interface SourceTaskContext extends TaskContext {
  readonly offsetStorageReader: OffsetStorageReader;
  /** Only under `transaction.boundary=connector`. */
  readonly transactionContext?: TransactionContext;
}

/** How far a source is behind what it reads. */
export interface Lag {
  readonly records?: number;
  /** Age of what it has read last, or could not deliver. */
  readonly seconds?: number;
  /** Until the source lets go of what is next, and it is lost. */
  readonly secondsLeft?: number;
}

export interface SourceTask {
  start(config: ConnectorConfig, context: SourceTaskContext): void | Promise<void>;
  /**
   * The next records, in the order of their source offsets; null or empty when there are none now. Never waits for
   * long: Drover decides when to ask again.
   */
  poll(): SourceRecord[] | null | Promise<SourceRecord[] | null>;
  /** Offsets up to the last acknowledged record are durable. Each run calls it once more before it ends, whether it has some to commit or not. */
  commit?(): void | Promise<void>;
  /** One acknowledged record (or filtered, with null metadata). Costs a call per record: leave it out if unused. */
  commitRecord?(record: SourceRecord, metadata: RecordMetadata | null): void | Promise<void>;
  stop(): void | Promise<void>;
  /** How far behind the source this task is, if it can tell; shown under /drover/. */
  lag?(): Lag | null;
}

/** KIP-610. */
export interface ErrantRecordReporter {
  /** Resolves when the dead letter queue has acknowledged. */
  report(record: SinkRecord, error: unknown): Promise<void>;
}

export interface SinkTaskContext extends TaskContext {
  readonly assignment: readonly TopicPartition[];
  readonly errantRecordReporter: ErrantRecordReporter | null;
  /** Rewinds; the next fetch starts there. */
  offset(partition: TopicPartition, kafkaOffset: number): void;
  pause(...partitions: TopicPartition[]): void;
  resume(...partitions: TopicPartition[]): void;
  /** Back-off before the next `put` after a RetriableError. */
  timeout(ms: number): void;
  requestCommit(): void;
}

/** Next offset to read, per topic and partition. */
export type Positions = Map<string, Map<number, number>>;

/**
 * Why a sink is asked what may be committed. `interval`: the run goes on. `backlog`: it ends, and the next one follows at
 * once. `drained`: it ends, as there is nothing more to read. `revoked`: the task is to let go of its partitions, for good
 * perhaps.
 */
export type CommitOccasion = 'interval' | 'backlog' | 'drained' | 'revoked';

/** By topic and partition; null: none any more. */
export type PartitionStates = Map<string, Map<number, string | null>>;

/** What `preCommit` may answer if a position alone does not say where a sink is. */
export interface SinkCommit {
  /** What may be committed. */
  readonly positions: Positions;
  /**
   * A text of the task's own beside each position, stored in the same write under the same lease: what a later run of the
   * partition's owner needs to go on where this one is. Partitions left out keep theirs. All of a task together are to
   * stay below 200 KiB: what is larger belongs into the target, and its name here. A state says that something is open: its
   * task is run once more when the connector is stopped, paused or deleted, to be asked with `revoked`.
   */
  readonly states?: PartitionStates;
  /** Epoch milliseconds: the task must run by then, though nothing may have come. Left out or null: no need. */
  readonly wakeAt?: number | null;
}

/** What an earlier run has left beside a position. */
export interface KeptState {
  readonly state: string;
  /** Where this run goes on. It is not where the state was left if somebody has set the offset since. */
  readonly position: number;
}

export type KeptStates = ReadonlyMap<string, ReadonlyMap<number, KeptState>>;

export interface SinkTask {
  start(config: ConnectorConfig, context: SinkTaskContext): void | Promise<void>;
  /** `kept`: of those of the partitions that have a state. */
  open?(partitions: readonly TopicPartition[], kept: KeptStates): void | Promise<void>;
  put(records: SinkRecord[]): void | Promise<void>;
  /**
   * Called while a `put` is under way: what the next one will bring, this very array, unless that one fails or asks
   * something of its context. So a task in another process can be sent it, and go on without waiting to be called.
   */
  prepare?(records: readonly SinkRecord[]): void;
  /** The `put` of what was prepared has begun, since the one before had no wish: it is called for next, before all else. */
  readonly isPutting?: boolean;
  /** `put` is called with no records too, where a fetch has brought none, as every sink of Java is. */
  readonly hearsOfNothing?: boolean;
  flush?(positions: Positions): void | Promise<void>;
  /** What may be committed; by default `flush` is called and everything may. An empty map: nothing yet. */
  preCommit?(
    positions: Positions,
    occasion: CommitOccasion,
  ): Positions | SinkCommit | Promise<Positions> | Promise<SinkCommit>;
  /**
   * What `preCommit` last answered is durable, and no other run can have come in between: the moment to make visible what
   * was only prepared. Answers states that have changed with it (null: none); they are stored by the end of the run at the latest.
   */
  committed?(): PartitionStates | null | Promise<PartitionStates | null>;
  close?(partitions: readonly TopicPartition[]): void | Promise<void>;
  stop(): void | Promise<void>;
}
