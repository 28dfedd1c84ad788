import type { LeaseState, RunDeath } from './items.ts';

/**
 * Runs that end without a word: killed at Lambda's deadline, out of memory, ended by `process.exit` in a plugin, lost
 * with their machine, or unable to reach the table for their release. They cannot tell it themselves, so it is read off
 * what they leave: `acquire` counts a run, its release takes the count back, and what is still counted when the lease
 * has run out is a death. That costs no request and no clean-up, and holds however the process went. No death is:
 *  - an invocation that never came (it has not acquired: the item is due and free),
 *  - a run that failed, or whose plugin had to be cut and whose process is ended for it: it was released first.
 *
 * All deaths are told: in the status, in the report, by an event whose metric has an alarm. What is *done* about them
 * depends on progress. A task that commits in every run and is killed at its end (a run limit beyond the function's
 * timeout) moves its records; to fail it would stop them, so it goes on. One that dies again and again without a commit
 * will do so for ever, and pays for a whole run each time: after `drover.deaths.max` in a row it is FAILED. Until then it
 * is started anew after the pauses of herder/take-over.ts, or when its lease has run out: a death by chance should cost
 * no more than that. What comes after is what comes after any failure: `drover.restart.*` waits longer each
 * time, and the next death is one too many again. What a user asks for (restart, resume, another config) starts anew.
 *
 * A connector's own run is treated alike, but only starting the plugin is given up: pausing, stopping and deleting
 * is tried for as long as it is wanted (I6). The probe holds no lease, so that nobody counts its deaths: like every
 * invocation that Lambda gave up they lie in the queue of failures, which has an alarm.
 */
export interface Deaths {
  /** Since a run last ended in order. */
  readonly inRow: number;
  /** The last of these that had committed nothing. */
  readonly fruitless: number;
}

type Counted = Pick<LeaseState, 'leaseOwner' | 'leaseExpiresAt' | 'openRuns' | 'fruitlessRuns' | 'lastDeath'>;

const isUnderWay = (item: Counted, now: number) => item.leaseOwner !== null && item.leaseExpiresAt > now;

/** Without the run under way, if there is one. */
export function deathsOf(item: Counted, now: number): Deaths {
  const alive = isUnderWay(item, now) ? 1 : 0;
  return { inRow: Math.max(0, item.openRuns - alive), fruitless: Math.max(0, item.fruitlessRuns - alive) };
}

/** The last one, seen as soon as its lease has run out. */
export function lastDeathOf(item: Counted, now: number): RunDeath | null {
  return item.leaseOwner === null || isUnderWay(item, now)
    ? item.lastDeath
    : { at: item.leaseExpiresAt, workerId: item.leaseOwner };
}

export function deathsInWords(inRow: number, last: RunDeath | null): string {
  const times = inRow > 1 ? `, ${inRow} times in a row` : '';
  const where = last === null ? '' : ` by ${new Date(last.at).toISOString()} (its log: ${last.workerId})`;
  return (
    `The last run ended without a word${times}: killed at its deadline, out of memory, ` +
    `or its process was ended${where}. What it had not committed is done again`
  );
}

/** What the status says: the trace that was written, but for deaths since. Of a FAILED one the trace tells them. */
export function traceWithDeaths(item: Counted & { readonly trace: string | null }, now: number): string | null {
  const { inRow } = deathsOf(item, now);
  if (item.leaseOwner === null || inRow === 0) return item.trace;
  const told = deathsInWords(inRow, lastDeathOf(item, now));
  return item.trace === null ? `${told}\n` : `${told}\nBefore that: ${item.trace}`;
}
