import type { ConnectorConfig } from './connector-config.ts';
import type { SourceRecord } from './record.ts';
import type { Lag, OffsetStorageReader } from './task.ts';

/**
 * What an event source delivers one of: a queue's message, a stream's record, a request. It counts as done when Kafka has
 * acknowledged all its records, or they were filtered, or their dead letters are acknowledged; without records, at once.
 */
export interface FedItem {
  /** What of it could not be read stands among them as `SourceRecord.unreadable`. */
  readonly records: readonly SourceRecord[];
  /** Items of one order key reach Kafka in their order: behind one that is not done, later ones of its key are not begun. */
  readonly orderKey?: string | null;
}

/**
 * - `done`: the event source may forget the item.
 * - `refused`: it cannot be processed as it is, and `errors.tolerance` does not let it pass.
 * - `returned`: not now: Kafka does not answer, the connector is paused, or an item in front was not done.
 */
export type FedOutcome =
  | { readonly state: 'done' }
  | { readonly state: 'refused'; readonly error: Error }
  | { readonly state: 'returned'; readonly error: Error };

export interface FeedContext {
  readonly connector: string;
  /** Aborts when the invocation is about to end. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  readonly deadlineAt: number;
  /** What was committed; only of a feed that keeps offsets. */
  readonly offsetStorageReader: OffsetStorageReader;
  /** Into the connector's log. */
  warn(message: string): void;
}

/**
 * A source that is fed: the invocation is the poll. One event goes through `start`, `items`, `answer`, `stop`; in between
 * the worker transforms, converts, produces and waits for the acknowledgements, as it does for what a task polls.
 */
export interface SourceFeed {
  /**
   * True: the records' offsets are committed as their items are done, and REST shows them. For event sources that deliver
   * a whole batch again when a part of it was not done. Default false.
   */
  readonly keepsOffsets?: boolean;
  /**
   * What a refused item does to the connector. `fail` (default): it becomes FAILED and its event source is held, as a task
   * stops at the record. `refuse`: it goes on, for senders that are told by the answer what is wrong.
   */
  readonly onRefused?: 'fail' | 'refuse';
  /** `config` with secrets resolved. Throws ConfigError for what only now shows. */
  start(config: ConnectorConfig, context: FeedContext): void | Promise<void>;
  /** In the order of the event. An error gives the whole event back. */
  items(event: unknown): readonly FedItem[] | Promise<readonly FedItem[]>;
  /** How far behind the event source is by these outcomes, an outcome an item; null: it does not say. Shown under /drover/. */
  lag?(outcomes: readonly FedOutcome[]): Lag | null;
  /** What the event source is told; an outcome an item, in their order. Throws to give the whole event back. */
  answer(event: unknown, outcomes: readonly FedOutcome[]): unknown;
  stop(): void | Promise<void>;
}
