/**
 * What waiting costs against what another run costs: the inputs of the decision whether a run stays (linger.ts). Each is
 * worked out in `test/bench/cost` from list prices and from what was measured there; a test holds them together.
 */
export interface RunCost {
  /** Dollars for a millisecond of the task function with a GB of memory. */
  readonly gbMs: number;
  /** Dollars for one more run that moves something: invocations, requests to the table, and its own time. */
  readonly run: number;
  /** The same for one that finds nothing. */
  readonly emptyRun: number;
  /** Dollars for a commit in the middle of a run. */
  readonly commit: number;
}

export const runCost: RunCost = { gbMs: 1.333e-8, run: 5.6e-6, emptyRun: 3.1e-6, commit: 2.5e-6 };

/** The same in milliseconds of waiting, in a function of so much memory. */
export interface WaitingCost {
  readonly runMs: number;
  readonly emptyRunMs: number;
  readonly commitMs: number;
}

export function inWaiting(cost: RunCost, memoryMb: number): WaitingCost {
  const perMs = (cost.gbMs * memoryMb) / 1024;
  return { runMs: cost.run / perMs, emptyRunMs: cost.emptyRun / perMs, commitMs: cost.commit / perMs };
}

/** What a run is told to have done, in the events of its end. */
export interface RunFigures {
  readonly durationMs: number;
  readonly records: number;
  readonly commits: number;
  /** Runs in a row before it that found nothing, and are told by it alone. */
  readonly emptyRuns: number;
}

/** Dollars for a run and for the empty ones before it, in a function of so much memory; the installation's own not counted. */
export function costOfRun({ durationMs, records, commits, emptyRuns }: RunFigures, memoryMb: number, cost = runCost) {
  const time = (cost.gbMs * memoryMb * durationMs) / 1024;
  // The last commit is part of the price of the run.
  const own = (records === 0 ? cost.emptyRun : cost.run) + Math.max(0, commits - 1) * cost.commit + time;
  return own + emptyRuns * cost.emptyRun;
}
