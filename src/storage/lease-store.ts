import type { RunId } from '../invocation/run-request.ts';
import type { Deaths } from './deaths.ts';
import type { ConnectorItem, RunDeath, State, TaskCounters, TaskItem } from './items.ts';

/**
 * The time-bounded right to run one task (or one connector's own run).
 *
 *   acquire ── token n+1 ──▶ commits (each conditional on the token) ──▶ release: dueAt = what comes next
 *      │                                                                  ▲
 *      └─ killed: nothing more is written; the item is still due, the next tick after its lease's expiry takes over ─┘
 *
 * Lambda tells when an invocation has failed: then `expire` ends its lease before its time.
 *
 * `acquire` leaves `dueAt` alone: an item stays due until somebody has released it, so a dead runner's item needs no
 * other mark (L1), and an acquisition moves no index entry. What is due but leased is dispatched in vain at most once
 * a tick.
 *
 * `acquire` also counts: a run that its release does not take off the count has ended without a word (deaths.ts).
 */
export interface Lease {
  readonly run: RunId;
  readonly owner: string;
  readonly fencingToken: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** The task-config generation this run belongs to. */
  readonly generation: number;
}

export type AcquireResult<Item> =
  | {
      readonly granted: true;
      readonly lease: Lease;
      readonly item: Item;
      /** The lease before this one was never released: its runner died or was cut. */
      readonly takeover: boolean;
      /** That runner; null also where the table's answer was lost, so that nobody can say. */
      readonly died: RunDeath | null;
    }
  /** held: somebody runs it. gone: no such item. revoked: it must not start again in this generation. not-due: nothing to do. */
  | { readonly granted: false; readonly reason: 'held' | 'gone' | 'revoked' | 'not-due'; readonly item: Item | null };

/** How a run ended; written together with giving up the lease. */
export interface RunOutcome {
  readonly state: State;
  readonly trace: string | null;
  readonly workerId: string;
  /** Epoch milliseconds of the next run; null: not until somebody marks it due. */
  readonly dueAt: number | null;
  /** An idle sink is not due: the probe watches its lag (L3). */
  readonly watched?: boolean;
  /** Absolute values: each given one replaces the stored one. */
  readonly counters?: Partial<TaskCounters>;
  /** Of a task: replaces what is kept of its rhythm; left out, that stays. */
  readonly rhythm?: string;
  /**
   * Of a sink's task that has something open: when a closing run is due, should one be owed; null or left out: nothing is
   * left to finish, or it is given up.
   */
  readonly closeAt?: number | null;
  /** What is still to be counted: this run only told of them. Left out: a run has ended in order, which starts anew. */
  readonly deaths?: Deaths;
}

export interface LeaseStore {
  /**
   * An item that comes `revoked` is for its closing run: it stays revoked. `dueBy`: what is due until then is taken, left
   * out what is due at `now`.
   */
  acquireTask(
    connector: string,
    task: number,
    owner: string,
    now: number,
    expiresAt: number,
    invocation?: string,
    dueBy?: number,
  ): Promise<AcquireResult<TaskItem>>;
  /** `invocation`: by which `expire` finds what it holds; without, its lease ends by time alone. */
  acquireConnector(
    connector: string,
    owner: string,
    now: number,
    expiresAt: number,
    invocation?: string,
  ): Promise<AcquireResult<ConnectorItem>>;
  /**
   * The invocation is known to be dead: if it holds the lease of this run, the lease ends at `at` (epoch milliseconds)
   * instead, and what comes after is as if its time had run out. Tells whether it did; a lease that is shorter stays.
   */
  expire(run: RunId, invocation: string, at: number): Promise<boolean>;
  /** Throws FencedError when the token is not the newest. */
  renew(lease: Lease, expiresAt: number): Promise<{ revoked: boolean }>;
  /**
   * Throws FencedError when the token is not the newest. What was asked for meanwhile wins over the outcome: a revoked
   * task goes to the state that its revocation named and is not due but for a closing run, one to be started anew is due
   * at once, and so is a connector that was changed since this run acquired it.
   */
  release(lease: Lease, outcome: RunOutcome): Promise<void>;
}
