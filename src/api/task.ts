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

export interface SourceTask {
  start(config: ConnectorConfig, context: SourceTaskContext): void | Promise<void>;
  /**
   * The next records, in the order of their source offsets; null or empty when there are none now. Never waits for
   * long: Drover decides when to ask again.
   */
  poll(): SourceRecord[] | null | Promise<SourceRecord[] | null>;
  /** Offsets up to the last acknowledged record are durable. */
  commit?(): void | Promise<void>;
  /** One acknowledged record (or filtered, with null metadata). Costs a call per record: leave it out if unused. */
  commitRecord?(record: SourceRecord, metadata: RecordMetadata | null): void | Promise<void>;
  stop(): void | Promise<void>;
  /** How far behind the source this task is, if it can tell; shown under /drover/. */
  lag?(): { records?: number; seconds?: number } | null;
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

export interface SinkTask {
  start(config: ConnectorConfig, context: SinkTaskContext): void | Promise<void>;
  open?(partitions: readonly TopicPartition[]): void | Promise<void>;
  put(records: SinkRecord[]): void | Promise<void>;
  flush?(positions: Positions): void | Promise<void>;
  /** What may be committed; by default `flush` is called and everything may. An empty map: nothing yet. */
  preCommit?(positions: Positions): Positions | Promise<Positions>;
  close?(partitions: readonly TopicPartition[]): void | Promise<void>;
  stop(): void | Promise<void>;
}
