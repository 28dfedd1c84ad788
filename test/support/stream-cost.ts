import type { WaitingCost } from '../../src/telemetry/run-cost.ts';
import { Linger } from '../../src/worker/run/linger.ts';
import { idleBackOffMs, runLimits } from '../../src/worker/run/run-limits.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';

export interface Stream {
  readonly config?: Readonly<Record<string, string>>;
  /** A run is there for each record that nobody waits for. */
  readonly woken?: boolean;
  /** Times at which records come, ascending. */
  readonly arrivals: readonly number[];
}

/**
 * What the runs of a task cost over a stream, in milliseconds of waiting, as they are billed: looks by the back-off or by
 * being woken, the waits, and the commits in the middle. `lingerMs`: a fixed wait; null: the one that the worker chooses.
 */
export function waitedFor(
  { config = {}, woken = false, arrivals }: Stream,
  lingerMs: number | null,
  cost: WaitingCost,
): number {
  const given = lingerMs === null ? config : { ...config, 'drover.run.linger.ms': String(lingerMs) };
  const limits = runLimits(given, { ...defaultWorkerSettings, runMaxMs: 60_000 });
  let [spent, now, next, emptyRuns] = [0, 0, 0, 0];
  let rhythm: string | null = null;
  let lastLookAt: number | null = null;
  while (next < arrivals.length) {
    const startedAt = now;
    let moved = false;
    let drained = true;
    const linger = new Linger({ limits, cost, rhythm, lastLookAt, emptyRuns, requestedAt: now, followed: true });
    let waited = 0;
    let committedAt = now;
    for (;;) {
      if (next < arrivals.length && arrivals[next]! <= now) {
        while (next < arrivals.length && arrivals[next]! <= now) next++;
        linger.arrived(now, waited);
        waited = 0;
        moved = true;
        if (now - committedAt >= limits.commitIntervalMs) {
          spent += cost.commitMs;
          committedAt = now;
        }
      }
      if (!moved) break;
      const left = linger.waitMs() - waited;
      if (now - startedAt >= limits.maxMs) {
        drained = false;
        break;
      }
      const comesIn = next < arrivals.length ? arrivals[next]! - now : Number.POSITIVE_INFINITY;
      const waits = Math.min(left, comesIn);
      if (waits > 0) {
        spent += waits;
        now += waits;
        waited += waits;
      }
      if (comesIn > left) break;
    }
    spent += moved ? cost.runMs : cost.emptyRunMs;
    rhythm = linger.learnt(drained) ?? rhythm;
    emptyRuns = moved ? 0 : emptyRuns + 1;
    lastLookAt = now;
    const due = drained ? now + idleBackOffMs(limits, emptyRuns) : now;
    now = woken && next < arrivals.length ? Math.min(due, Math.max(now, arrivals[next]!)) : due;
  }
  return spent;
}

/** Gaps in turn, each from half to one and a half of what is given. */
export function arrivalsOf(gaps: readonly number[], jitter: readonly number[], untilMs: number): number[] {
  const arrivals: number[] = [];
  for (let at = 0, i = 0; at < untilMs; i++) {
    at += Math.max(1, Math.round(gaps[i % gaps.length]! * (0.5 + jitter[i % jitter.length]!)));
    arrivals.push(at);
  }
  return arrivals;
}
