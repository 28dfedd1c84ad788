import type { Settings } from '../config/config-def.ts';
import type { Deaths } from './deaths.ts';
import type { PositionChange, ReplayProgress, State, TaskItem } from './items.ts';
import type { Lease } from './lease-store.ts';
import type { RestingPosition, SinkPosition, SourceOffsetEntry } from './offset-backing-store.ts';

/** A task of the generation that a connector run is about to put in force. */
export interface NewTask {
  readonly task: number;
  readonly config: Settings;
  readonly assignment: TaskItem['assignment'];
  /** Sinks: where each assigned partition goes on, as far as it is known; the task finds the rest. */
  readonly positions: readonly SinkPosition[];
}

/** When a task is due; epoch milliseconds. */
export type DueAt = (task: number) => number;

export interface AppliedGeneration {
  readonly generation: number;
  readonly taskCount: number;
  /** The configVersion that was acted on; the connector stays due when it has moved on since. */
  readonly appliedVersion: number;
  /** Of the connector config that the tasks were made from; left out, the one before stays. */
  readonly configHash?: string;
  readonly state: State;
  readonly trace: string | null;
  readonly workerId: string;
  /** See ConnectorItem; left out, what was there stays. */
  readonly groupSettled?: boolean;
  readonly positionChanges?: readonly PositionChange[];
  /** As in a RunOutcome. */
  readonly deaths?: Deaths;
}

/**
 * Of a stop, a pause or a deletion: what a sink's tasks keep beside their positions is to be finished first, as nobody may
 * come for it later. A task that keeps something gets one more run for that, its closing run, though it is revoked; one
 * that is running gets it too if it has not finished all when it lets go.
 */
export interface Closing {
  /** The connector's configVersion that asks: what is asked for again because a run has died is not done again. */
  readonly version: number;
  /** Those of the revoked tasks that it is about. */
  readonly tasks: readonly number[];
}

/** One position at rest, as it was read and as it shall be. Null: none. */
export interface RestingChange {
  readonly before: RestingPosition | null;
  readonly after: RestingPosition | null;
}

/**
 * What a connector run writes under the connector's own lease. Each call presents the fencing token, throws
 * FencedError when it is not the newest, and is safe to repeat.
 *
 * A generation goes: revokeTasks → all of them released or expired, closing runs over → foldPositions → putTasks (+ deleteTasks) →
 * applyGeneration. A crash after any step leaves the connector due (appliedVersion is behind), and the next run
 * repeats from what it finds (I7).
 */
export interface GenerationStore {
  /**
   * Sets `revoked` and takes the tasks off the due and the watched index; leases are left alone. With `state` that is
   * what a task shows from then on, whatever its run still reports (PAUSED, say); FAILED ones stay FAILED. Those that get
   * a closing run are due for it at `now`, and have `closingFor` until it is over.
   */
  revokeTasks(
    lease: Lease,
    tasks: readonly number[],
    state?: State,
    closing?: Closing & { now: number },
  ): Promise<void>;
  /**
   * Takes a revocation back (resume): due at `dueAt` (left out: now), and where a run still holds the lease, as soon as it
   * has let go.
   */
  startTasks(lease: Lease, tasks: readonly number[], now: number, dueAt?: DueAt): Promise<void>;
  /**
   * Sinks: copies the item's positions to the positions at rest, but over none that was changed by hand since. The task
   * must be revoked and free of a lease.
   */
  foldPositions(lease: Lease, task: TaskItem): Promise<void>;
  /**
   * What the consumer group and the positions at rest have been agreed upon. RetriableError `offsets.changed` when one
   * of them is not as it was read any more. `groupReset`: the reset as of that time has been carried out.
   */
  settlePositions(
    lease: Lease,
    changes: readonly RestingChange[],
    told: { readonly positionChanges: readonly PositionChange[]; readonly groupReset: number | null },
  ): Promise<void>;
  /**
   * Writes the items of the new generation: not revoked, not watched, UNASSIGNED, no trace, zeroed back-off counters and deaths,
   * due at `dueAt` (left out: now). The fencing token of an item that was there goes on growing. RetriableError `task.lease_held`
   * when the lease of one of them is held at `now`.
   */
  putTasks(lease: Lease, generation: number, tasks: readonly NewTask[], now: number, dueAt?: DueAt): Promise<void>;
  /** Task items beyond the new count, or all of them. RetriableError `task.lease_held` when one is held at `now`. */
  deleteTasks(lease: Lease, tasks: readonly number[], now: number): Promise<void>;
  /** Exactly once: offsets found in the tail of the offsets topic after an unclean end (I4). */
  putSourceOffsets(lease: Lease, offsets: readonly SourceOffsetEntry[]): Promise<void>;
  /** `changed`: the connector was asked for something else since this run acquired it, which should not wait. */
  putReplay(lease: Lease, replay: ReplayProgress): Promise<{ changed: boolean }>;
  /** Turns the connector to the generation and gives up its lease. It stays due when configVersion > appliedVersion. */
  applyGeneration(lease: Lease, applied: AppliedGeneration, dueAt: number | null): Promise<void>;
  /**
   * A connector that is being deleted: everything of it goes but its source offsets, the item of the connector itself
   * last (what is left, unseen, is its fencing token, so that a namesake's run cannot share one with a zombie). False
   * when it was created anew meanwhile: its item stays and it is due.
   */
  removeConnector(lease: Lease, now: number): Promise<boolean>;
}
