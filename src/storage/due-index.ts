import type { RunId } from '../invocation/run-request.ts';

export interface DueItem {
  readonly run: RunId;
  readonly dueAt: number;
}

/**
 * The due time of an item that is looked at by every scheduled tick: always in the past and never changed, so that an
 * idle minute-polled task costs one plain write to acquire, one to release, and moves no index entry.
 */
export const everyTick = 1;

export interface DuePage {
  readonly items: readonly DueItem[];
  readonly next: string | null;
}

/** The sparse, sharded index of what must run (L2). */
export interface DueIndex {
  /** Each may be looked at by another coordinator. */
  readonly shards: number;
  /** Everything due at or before `until` (and not before `from`), soonest first, at most `limit`. */
  due(until: number, limit: number, from?: number): Promise<DueItem[]>;
  /** The same of one shard, page by page; `after` is the `next` of the page before, null at the ends. */
  duePage(shard: number, until: number, from: number, after: string | null, limit?: number): Promise<DuePage>;
  /** Idle sinks that the probe watches, with what it needs to know. */
  watched(after: string | null, limit?: number): Promise<{ items: WatchedSink[]; next: string | null }>;
}

export interface WatchedSink {
  readonly connector: string;
  readonly task: number;
  readonly positions: Readonly<Record<string, Readonly<Record<string, bigint>>>>;
  readonly topicIds: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
