import { describe, expect, it } from 'vitest';
import { RunBounds } from '../../../src/worker/run/run-bounds.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Ends after a second by its own limit, at 10 s by its deadline; is cut at 12 s and abandoned at 14 s. */
function bounds(maxMs = 1000) {
  const clock = new ManualClock();
  const now = clock.now();
  const cuts: string[] = [];
  const deadlines = { endsAt: now + 10_000, cutAt: now + 12_000, abandonAt: now + 14_000, expiresAt: now + 20_000 };
  const run = new RunBounds(clock, { connector: 'c', task: 0 }, deadlines, maxMs, (step) => cuts.push(step));
  run.abandoned.catch(() => {});
  return { run, clock, cuts };
}

const never = new Promise<never>(() => {});

describe('RunBounds', () => {
  it('ends at its own limit, but not while something would be cut in two', async () => {
    const { run, clock } = bounds();
    let whole = false;
    run.endsWhole(() => whole);
    run.start();
    await clock.advance(1000);
    expect([run.ended, run.overdue]).toEqual([false, true]);
    whole = true;
    run.endSoon();
    expect([run.ended, run.endReason, run.outOfTime]).toEqual([true, 'backlog', false]);
  });

  it('ends at its deadline whatever is under way, and says that it is out of time', async () => {
    const { run, clock } = bounds(60_000);
    run.endsWhole(() => false);
    run.start();
    await clock.advance(10_000);
    expect([run.ended, run.outOfTime, run.cut.aborted]).toEqual([true, true, false]);
    run.end('revoked');
    expect([run.endReason, run.outOfTime]).toEqual(['revoked', false]);
  });

  it('cuts plugin code that has not come back, and must not be used again then', async () => {
    const { run, clock, cuts } = bounds();
    run.start();
    const put = Promise.resolve(run.guard('put', never));
    put.catch(() => {});
    await clock.advance(12_000);
    await expect(put).rejects.toMatchObject({ code: 'task.blocked', retriable: true });
    expect([cuts, run.tainted]).toEqual([['put'], true]);
    expect(() => run.guard('flush', Promise.resolve(1))).toThrow('did not return from flush');
  });

  it('waits for stop after the cut, until the run itself is abandoned', async () => {
    const { run, clock } = bounds();
    run.start();
    await clock.advance(12_000);
    expect(await run.guard('stop', Promise.resolve('stopped'))).toBe('stopped');
    const blocked = Promise.resolve(run.guard('stop', never));
    blocked.catch(() => {});
    await clock.advance(2000);
    await expect(blocked).rejects.toMatchObject({ code: 'task.unfinished' });
    expect(run.tainted).toBe(true);
  });

  it('fails the call under way, and each one after it but stop, with what came from outside', async () => {
    const { run } = bounds();
    const polling = Promise.resolve(run.guard('poll', never));
    const error = new Error('from a timer');
    run.break(error);
    await expect(polling).rejects.toBe(error);
    expect(() => run.guard('commit', 1)).toThrow(error);
    expect(() => run.throwIfBroken()).toThrow(error);
    expect(run.guard('stop', 1)).toBe(1);
    expect([run.ended, run.tainted]).toEqual([true, false]);
  });

  it('lets what does not wait pass at no cost', () => {
    expect(bounds().run.guard('put', 5)).toBe(5);
  });

  it('waits a little for calls that an error left under way, then gives the environment up', async () => {
    const { run, clock } = bounds();
    Promise.resolve(run.guard('put', never)).catch(() => {});
    await clock.run(run.settle());
    expect(run.tainted).toBe(true);
    const other = bounds();
    await other.run.guard('put', Promise.resolve());
    await other.run.settle();
    expect(other.run.tainted).toBe(false);
  });

  it('ends early when its caller says so, and wakes who pauses', async () => {
    const { run } = bounds();
    const caller = new AbortController();
    run.start(caller.signal);
    const paused = run.pause(5000);
    caller.abort();
    expect(await paused).toBe(false);
    expect([run.ended, run.endReason]).toEqual([true, 'backlog']);
  });
});
