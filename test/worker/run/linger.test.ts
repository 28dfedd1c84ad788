import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inWaiting, runCost } from '../../../src/telemetry/run-cost.ts';
import { Linger } from '../../../src/worker/run/linger.ts';
import { Rhythm } from '../../../src/worker/run/rhythm.ts';
import { runLimits } from '../../../src/worker/run/run-limits.ts';
import { defaultWorkerSettings } from '../../../src/worker/worker-settings.ts';
import { arrivalsOf, type Stream, waitedFor } from '../../support/stream-cost.ts';

const cost = inWaiting(runCost, defaultWorkerSettings.taskMemoryMb);
const costOf = (stream: Stream, lingerMs: number | null) => waitedFor(stream, lingerMs, cost);

const fixed = [0, 25, 50, 100, 200, 350, 500, 1000, 2000, 5000];

/** What the model costs, for each unit that the cheapest fixed wait does. */
function ratioToBest(stream: Stream): number {
  return costOf(stream, null) / Math.min(...fixed.map((lingerMs) => costOf(stream, lingerMs)));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Evenly from 0 to 1, the same for the same seed. */
const jitter = fc.integer({ min: 1, max: 2 ** 31 - 2 }).map((seed) => {
  let state = seed;
  return Array.from({ length: 997 }, () => {
    state = (state * 48_271) % (2 ** 31 - 1);
    return state / (2 ** 31 - 1);
  });
});
const circumstances = {
  woken: fc.boolean(),
  floorMs: fc.constantFrom(50, 200, 1000, 10_000),
  jitter,
};
const configOf = (floorMs: number) => ({ 'drover.idle.floor.ms': String(floorMs) });

describe('the wait for more records', () => {
  it('costs about what the cheapest fixed wait would, for a steady flow and for a trickle, however runs begin', () => {
    const ratios: number[] = [];
    const gapMs = fc.double({ min: Math.log(5), max: Math.log(120_000), noNaN: true }).map(Math.exp);
    fc.assert(
      fc.property(fc.record({ ...circumstances, gapMs }), ({ woken, floorMs, gapMs, jitter }) => {
        const arrivals = arrivalsOf([gapMs], jitter, Math.max(120_000, gapMs * 60));
        ratios.push(ratioToBest({ woken, config: configOf(floorMs), arrivals }));
        expect(ratios.at(-1)).toBeLessThan(1.5);
      }),
      { numRuns: 60, endOnFailure: true },
    );
    expect(mean(ratios)).toBeLessThan(1.1);
  });

  it('costs about what the cheapest fixed wait would for bursts', () => {
    const ratios: number[] = [];
    const burst = fc.record({
      ...circumstances,
      innerMs: fc.integer({ min: 5, max: 400 }),
      count: fc.integer({ min: 2, max: 100 }),
      pauseMs: fc.integer({ min: 5_000, max: 300_000 }),
    });
    fc.assert(
      fc.property(burst, ({ woken, floorMs, innerMs, count, pauseMs, jitter }) => {
        const gaps = [...Array.from({ length: count - 1 }, () => innerMs), pauseMs];
        const arrivals = arrivalsOf(gaps, jitter, (pauseMs + count * innerMs) * 40);
        ratios.push(ratioToBest({ woken, config: configOf(floorMs), arrivals }));
        expect(ratios.at(-1)).toBeLessThan(1.6);
      }),
      { numRuns: 60, endOnFailure: true },
    );
    expect(mean(ratios)).toBeLessThan(1.15);
  });

  it('follows a stream that changes its rhythm', () => {
    const trickle = arrivalsOf([60_000], [0.5], 3_600_000);
    const quick = arrivalsOf([100], [0.2, 0.8], 600_000).map((at) => at + 3_700_000);
    const again = arrivalsOf([60_000], [0.5], 3_600_000).map((at) => at + 4_400_000);
    for (const woken of [true, false]) {
      expect(ratioToBest({ woken, arrivals: [...trickle, ...quick, ...again] })).toBeLessThan(1.1);
    }
  });

  it.each([
    ['one record a minute', [60_000], false, 0.9],
    ['a hundred records a second', [10], false, 0.45],
    ['a burst of fifty each half minute', [...Array.from({ length: 49 }, () => 20), 30_000], false, 0.9],
    ['a record a second that wakes', [1000], true, 0.7],
  ])('is cheaper than the half second of before: %s', (_, gaps, woken, most) => {
    const stream = { woken, arrivals: arrivalsOf(gaps, [0.3, 0.6, 0.5, 0.9, 0.1], 3_600_000) };
    expect(costOf(stream, null) / costOf(stream, 500)).toBeLessThan(most);
  });
});

const facts = {
  limits: runLimits({}, defaultWorkerSettings),
  cost,
  rhythm: null,
  lastLookAt: null,
  emptyRuns: 0,
  requestedAt: 0,
  followed: true,
};

describe('one run', () => {
  it('waits as drover.run.linger.ms says where that is set, and learns nothing', () => {
    const limits = runLimits({ 'drover.run.linger.ms': '700' }, defaultWorkerSettings);
    const rhythm = JSON.stringify({ at: 1, gaps: [5, 5, 5, 5, 5] });
    for (const followed of [true, false]) {
      const linger = new Linger({ ...facts, limits, rhythm, lastLookAt: 2, followed });
      for (const waited of [0, 3, 650]) {
        linger.arrived(1000 + waited, waited);
        expect([linger.waitMs(), linger.waitMs(true)]).toEqual([700, 700]);
      }
      expect(linger.learnt(true)).toBeNull();
    }
    const installation = runLimits({}, { ...defaultWorkerSettings, runLingerMs: 0 });
    expect(new Linger({ ...facts, limits: installation }).waitMs()).toBe(0);
  });

  it('stays for a source that is behind, and as long as a run costs where no run follows', () => {
    const known = JSON.stringify({ at: null, gaps: [60_000, 60_000, 60_000, 60_000] });
    const linger = new Linger({ ...facts, rhythm: known });
    linger.arrived(0, 0);
    expect([linger.waitMs(), linger.waitMs(true)]).toEqual([0, 500]);
    expect(new Linger({ ...facts, rhythm: known, followed: false }).waitMs()).toBe(Math.ceil(cost.runMs));
  });

  it('keeps nothing of a run that has found nothing, and forgets the time of one that had more to do', () => {
    const linger = new Linger(facts);
    expect(linger.learnt(true)).toBeNull();
    linger.arrived(50, 0);
    linger.arrived(90, 40);
    expect(linger.learnt(true)).toBe('{"at":90,"gaps":[40]}');
    expect(linger.learnt(false)).toBe('{"at":null,"gaps":[40]}');
  });

  it('takes a pause between runs from the last look, or to the moment at which it was woken', () => {
    const rhythm = JSON.stringify({ at: 1000, gaps: [] });
    const due = new Linger({ ...facts, rhythm, lastLookAt: 1100, requestedAt: 2100 });
    due.arrived(2100, 0);
    expect(due.learnt(true)).toBe('{"at":2100,"gaps":[600]}');
    const woken = new Linger({ ...facts, rhythm, lastLookAt: 1100, requestedAt: 1300 });
    woken.arrived(1300, 0);
    expect(woken.learnt(true)).toBe('{"at":1300,"gaps":[300],"woken":true}');
  });

  it('begins anew where what was kept cannot be read', () => {
    for (const text of ['', '[]', '{"at":"x","gaps":[1,"2",-3,null]}', '{"gaps":7}', 'null']) {
      const linger = new Linger({ ...facts, rhythm: text, lastLookAt: 5 });
      linger.arrived(10, 0);
      expect(JSON.parse(linger.learnt(true)!)).toMatchObject({ at: 10, gaps: text.includes('"x"') ? [1] : [] });
    }
  });

  it('remembers the last sixteen pauses', () => {
    const rhythm = new Rhythm();
    for (let gap = 1; gap <= 20; gap++) rhythm.add(gap);
    expect(rhythm.gaps).toEqual(Array.from({ length: 16 }, (_, i) => i + 5));
  });
});
