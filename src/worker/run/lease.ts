import { takenUpWithinMs } from '../../invocation/run-request.ts';
import type { TaskItem } from '../../storage/items.ts';
import type { AcquireResult, Lease, RunOutcome } from '../../storage/lease-store.ts';
import type { LastCommit } from '../../storage/offset-backing-store.ts';
import type { RunHost } from './run-host.ts';
import { longestStayMs } from './run-limits.ts';
import type { RunBudget } from './run-report.ts';

/**
 * When a run must end, and when what it left running is cut. All in epoch milliseconds.
 *
 *   now ── endsAt: nothing new begins ── cutAt: what still waits is given up ── abandonAt: the run itself is, so that its
 *   lease can be released ── deadlineAt: Lambda kills ── expiresAt
 */
export interface Deadlines {
  readonly endsAt: number;
  readonly cutAt: number;
  readonly abandonAt: number;
  /** The lease outlives the process by the margin for clock skew: when it expires the runner is dead (I1). */
  readonly expiresAt: number;
}

export function deadlinesOf(host: RunHost, budget: Pick<RunBudget, 'deadlineAt'>): Deadlines {
  const now = host.clock.now();
  const left = Math.max(0, budget.deadlineAt - now);
  const margin = Math.min(host.settings.runMarginMs, left / 2);
  return {
    endsAt: budget.deadlineAt - margin,
    cutAt: budget.deadlineAt - margin / 2,
    abandonAt: budget.deadlineAt - margin / 4,
    expiresAt: budget.deadlineAt + host.settings.leaseMarginMs,
  };
}

/** What a run is told whose deadlines move on: far away, and within what a timer can wait for. */
export function distantDeadlines(now: number): Deadlines {
  const at = now + 2 * longestStayMs;
  return { endsAt: at, cutAt: at, abandonAt: at, expiresAt: at };
}

export function acquireTaskLease(
  host: RunHost,
  connector: string,
  task: number,
  budget: RunBudget,
  expiresAt: number,
): Promise<AcquireResult<TaskItem>> {
  const { workerId, invocation, isLeftToIt } = budget;
  const now = host.clock.now();
  const dueBy = isLeftToIt ? now + takenUpWithinMs : now;
  return host.stores.leases.acquireTask(connector, task, workerId, now, expiresAt, invocation, dueBy);
}

/** `commit`: what the run has left to commit, in the same write. */
export function releaseLease(host: RunHost, lease: Lease, outcome: RunOutcome, commit?: LastCommit): Promise<void> {
  // Traces reach the status answers: what was resolved from a secret store must not.
  const trace = outcome.trace === null ? null : host.telemetry.secrets.mask(outcome.trace);
  const masked = { ...outcome, trace };
  if (commit === undefined) return host.stores.leases.release(lease, masked);
  return host.stores.offsets.commitAndRelease(lease, commit, masked);
}
