import type { RunRequest } from '../../invocation/run-request.ts';

/** How a process that goes on holds its leases: for a short while each time, and anew before that is over. */
export interface Renewal {
  readonly everyMs: number;
  readonly leaseMs: number;
}

/** What the caller allows a run: for Lambda, its own deadline. */
export interface RunBudget {
  /** Epoch milliseconds at which the process is killed. */
  readonly deadlineAt: number;
  /** Shown as `worker_id` in status answers and kept as the lease's owner; unique per invocation. */
  readonly workerId: string;
  /** By which whoever asked for the run knows it again when it has died; left out: its lease ends by time alone. */
  readonly invocation?: string;
  /** Ends the run early, as if the deadline had come. */
  readonly signal?: AbortSignal;
  /** The runner's: with each renewal of the lease the deadline moves on. Left out: it stands. */
  readonly renewal?: Renewal;
  /** The caller goes on with the report's `next` in the same invocation: that task is left to it for a moment. */
  readonly goesOn?: boolean;
  /** This is such a task. */
  readonly isLeftToIt?: boolean;
}

export interface RunReport {
  /** False: somebody else runs it, or there is nothing to run. */
  readonly ran: boolean;
  readonly reason: string;
  readonly records: number;
  readonly nextDueAt: number | null;
  /** What this run has made due and its invocation may go on with; somebody else does where it does not. */
  readonly next: RunRequest | null;
  /**
   * Plugin code may still be running after it was cut: the environment must not be used again. A Lambda handler exits
   * the process after it has answered.
   */
  readonly tainted: boolean;
}

export interface Worker {
  /** Never rejects for what a plugin, Kafka or a config did: that is in the task's status. Rejects when the table fails. */
  run(request: RunRequest, budget: RunBudget): Promise<RunReport>;
  close(): Promise<void>;
}
