import type { WaitingCost } from '../../telemetry/run-cost.ts';
import { Rhythm } from './rhythm.ts';
import { idleBackOffMs, type RunLimits } from './run-limits.ts';

/** With fewer pauses than this a stream is not known, and it is supposed that some are short and some are long. */
const knownFrom = 4;
const supposed = [25, 60_000];
/** What a wait is longer than the pause that it is meant for: streams are not that regular. */
const slack = 1.25;
/** So many times the chosen wait is stayed, for up to an eighth of a run's price. */
const doubt = 4;
/** Of a source that knows that there is more than it could give just now. */
const behindMs = 500;
/** Beyond this a source is left to its pauses whatever they cost. */
const longestMs = 10_000;

/**
 * How long a run that has moved records and finds no more should stay, which is billed, before it leaves the rest to
 * another run, which is billed too but gathers what comes until then. Each wait is tried against the pauses that the
 * stream has had of late: what it would have cost over the time that it would have covered. The cheapest is taken.
 *
 * A stream whose records come again and again within a run's price, and whose next run would start sooner than that,
 * is waited for. One that trickles is not, and neither is a steady one that a run a second gathers for less. Where no run
 * follows by itself (a schedule), the wait is what a run would cost: it never costs more than twice the best.
 */
function lingerFor(rhythm: Rhythm, cost: WaitingCost, limits: RunLimits, followed: boolean): number {
  if (!followed) return Math.ceil(cost.runMs);
  const gaps = rhythm.gaps.length < knownFrom ? [...rhythm.gaps, ...supposed] : rhythm.gaps;
  const waits = [...new Set(gaps.map((gap) => gap * slack).filter((wait) => wait <= longestMs))];
  let best = { wait: 0, rate: rateOf(0, gaps, rhythm.isWoken, cost, limits) };
  for (const wait of waits.sort((one, other) => one - other)) {
    const rate = rateOf(wait, gaps, rhythm.isWoken, cost, limits);
    if (rate < best.rate) best = { wait, rate };
  }
  // Where staying pays, going a little too early is dear: there are longer pauses than those that were seen.
  return Math.ceil(Math.max(best.wait, Math.min(best.wait * doubt, cost.runMs / 8)));
}

/** What waiting so long after each records costs, in milliseconds of waiting for each millisecond of the stream. */
function rateOf(
  waitMs: number,
  gaps: readonly number[],
  woken: boolean,
  { runMs, emptyRunMs, commitMs }: WaitingCost,
  limits: RunLimits,
): number {
  let costMs = 0;
  let coveredMs = 0;
  for (const gap of gaps) {
    if (gap <= waitMs) {
      costMs += gap + commitMs * Math.min(1, gap / Math.max(1, limits.commitIntervalMs));
      coveredMs += gap;
      continue;
    }
    let away = 0;
    let emptyRuns = -1;
    for (; away < gap - waitMs; emptyRuns++) away += Math.max(1, idleBackOffMs(limits, emptyRuns + 1));
    costMs += waitMs + runMs + emptyRuns * emptyRunMs;
    coveredMs += woken ? gap : waitMs + away;
  }
  return costMs / Math.max(1, coveredMs);
}

/** What the decision needs of the run. */
export interface LingerFacts {
  readonly limits: RunLimits;
  readonly cost: WaitingCost;
  /** What earlier runs kept of the rhythm. */
  readonly rhythm: string | null;
  /** Epoch milliseconds at which the run before this one ended; null: it is the first. */
  readonly lastLookAt: number | null;
  /** Runs in a row before this one that found nothing. */
  readonly emptyRuns: number;
  /** Epoch milliseconds at which this run was asked for. */
  readonly requestedAt: number;
  /** Another run follows by itself. */
  readonly followed: boolean;
}

/** Runs that are due are handed out this much before their pause is over, by clocks apart. */
const punctualMs = 50;

/** The wait of one run: as `drover.run.linger.ms` says, where that is set, else as the rhythm does. */
export class Linger {
  readonly #facts: LingerFacts;
  readonly #rhythm: Rhythm;
  #waitMs: number | null;
  #lastAt: number | null = null;

  constructor(facts: LingerFacts) {
    this.#facts = facts;
    this.#rhythm = new Rhythm(facts.rhythm);
    this.#waitMs = facts.limits.lingerMs;
  }

  /** Records are there, at `now`, after the run has waited so long for nothing else; 0: it had not to wait. */
  arrived(now: number, waitedMs: number): void {
    if (this.#facts.limits.lingerMs === null) {
      if (this.#lastAt === null) this.#learnFromBefore(now);
      else if (waitedMs > 0) this.#rhythm.add(waitedMs);
      this.#waitMs = null;
    }
    this.#lastAt = now;
  }

  #learnFromBefore(now: number): void {
    const { lastLookAt, emptyRuns, limits, requestedAt } = this.#facts;
    const pause = idleBackOffMs(limits, emptyRuns);
    const woken = lastLookAt !== null && requestedAt - lastLookAt < pause - punctualMs;
    this.#rhythm.addBetweenRuns(lastLookAt, now, woken);
  }

  /** Milliseconds to stay after the last records; `behind`: the source knows of more. */
  waitMs(behind = false): number {
    const { limits, cost, followed } = this.#facts;
    this.#waitMs ??= lingerFor(this.#rhythm, cost, limits, followed);
    return behind && limits.lingerMs === null ? Math.max(behindMs, this.#waitMs) : this.#waitMs;
  }

  /** What the next runs should know; null: nothing new. `drained`: the run stayed until there was no more. */
  learnt(drained: boolean): string | null {
    if (this.#facts.limits.lingerMs !== null || this.#lastAt === null) return null;
    return this.#rhythm.toText(drained ? this.#lastAt : null);
  }
}
