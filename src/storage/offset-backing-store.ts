import type { PositionChange, TaskCounters } from './items.ts';
import type { Lease, RunOutcome } from './lease-store.ts';

/**
 * Source offsets are kept as the JSON text that Java Connect would write to its offsets topic, so that the mirror is
 * byte for byte and no number loses a digit. `key` is the canonical text (keys sorted) by which they are found;
 * `partition` is the text as the connector first wrote it.
 */
export interface SourceOffsetEntry {
  readonly key: string;
  readonly partition: string;
  /** Null: a tombstone. */
  readonly offset: string | null;
  /** Exactly once: the offset is on the mirror's topic already, in the transaction of its records (I4). */
  readonly inTopic?: boolean;
}

export interface SinkPosition {
  readonly topic: string;
  readonly kafkaPartition: number;
  readonly offset: bigint;
  /** Which topic of that name it counts in (KIP-516). Left out: not known, as earlier versions kept none. */
  readonly topicId?: string;
  /** What the plugin keeps beside it. Left out: nothing. */
  readonly state?: string;
}

/** A sink's position while no task has it. */
export interface RestingPosition {
  readonly topic: string;
  readonly kafkaPartition: number;
  /** Null: removed by hand, which the consumer group does not know of yet. */
  readonly offset: bigint | null;
  readonly topicId: string | null;
  /** Changed by hand, which the consumer group does not know of yet. */
  readonly byHand: boolean;
  /** There is no such topic or partition now: kept in case that it is a mistake, and shown to nobody. */
  readonly gone: boolean;
  /** What the plugin keeps beside it, from when it last ran: it outlives a change by hand. Left out: nothing. */
  readonly state?: string;
}

/** Whether the task was asked to let go since; the commit itself is done (I2, L1). */
export interface CommitResult {
  readonly revoked: boolean;
}

/** What a run has left to commit when it ends: a source's offsets, at least once, or a sink's positions. */
export interface LastCommit {
  readonly offsets?: readonly SourceOffsetEntry[];
  readonly positions?: readonly SinkPosition[];
  /** Replaces what the task remembers of its position changes; left out, it leaves them alone. */
  readonly changes?: readonly PositionChange[];
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface OffsetBackingStore {
  /**
   * One request for one source partition. Throws FencedError, writing nothing, when the token is not the newest.
   * `tail`, exactly once only: from where on the offsets topic may hold more than the table; it replaces the task
   * item's `positions` (empty: the table has it all), and left out it leaves them alone. `progress` holds new totals.
   */
  commitSourceOffsets(
    lease: Lease,
    offsets: readonly SourceOffsetEntry[],
    progress: Partial<TaskCounters>,
    tail?: readonly SinkPosition[],
  ): Promise<CommitResult>;
  /**
   * One request for up to 100 partitions. Throws FencedError, writing nothing, when the token is not the newest.
   * `changes` replaces what the task remembers of its position changes; left out, it leaves them alone.
   */
  commitSinkPositions(
    lease: Lease,
    positions: readonly SinkPosition[],
    progress: Partial<TaskCounters>,
    changes?: readonly PositionChange[],
  ): Promise<CommitResult>;

  /**
   * The last commit of a task's run and its release, as `LeaseStore.release` says it, in one request: both are done or
   * neither. Of more than fits into one (99 source partitions, 100 positions) the first are committed before, each request
   * fenced. Throws FencedError when the token is not the newest.
   */
  commitAndRelease(lease: Lease, commit: LastCommit, outcome: RunOutcome): Promise<void>;

  /** By canonical key; strongly consistent; missing ones are left out. */
  readSourceOffsets(connector: string, keys: readonly string[]): Promise<Map<string, SourceOffsetEntry>>;
  listSourceOffsets(connector: string, after: string | null): Promise<Page<SourceOffsetEntry>>;
  /** Of existing topics, as far as is known. */
  readSinkPositions(connector: string): Promise<SinkPosition[]>;
  /** What tasks of an earlier generation, or a change by hand, have left. */
  readRestingPositions(connector: string): Promise<RestingPosition[]>;

  /**
   * By hand (KIP-875). Each write is conditional on the connector being stopped and without tasks, or not there at all;
   * else ConflictError. What was there is kept in the history. A sink's connector is due then, so that its run tells the
   * consumer group.
   */
  alterSourceOffsets(connector: string, offsets: readonly SourceOffsetEntry[], now: number): Promise<void>;
  alterSinkPositions(
    connector: string,
    positions: readonly { topic: string; kafkaPartition: number; offset: bigint | null }[],
    now: number,
  ): Promise<void>;
  /** All of them. */
  resetOffsets(connector: string, now: number): Promise<void>;
  history(connector: string): Promise<readonly OffsetChange[]>;
}

/** An offset as the history keeps it: ready to be written back by hand. Null: there was none, or it was removed. */
export type HistoricOffset =
  | SourceOffsetEntry
  | { readonly topic: string; readonly kafkaPartition: number; readonly offset: bigint | null };

/** One change made by hand, with what was there before. The newest ten are kept, newest first. */
export interface OffsetChange {
  readonly changedAt: number;
  readonly before: readonly HistoricOffset[];
  /** Only what the change named; empty for a reset. */
  readonly after: readonly HistoricOffset[];
}
