import { beforeEach, describe, expect, it } from 'vitest';
import type { RunRequest } from '../../../src/invocation/run-request.ts';
import { runOn } from '../../../src/worker/run/run-on.ts';
import type { RunReport, Worker } from '../../../src/worker/run/run-report.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const connector: RunRequest = { kind: 'connector', connector: 'a' };
const task: RunRequest = { kind: 'task', connector: 'a', task: 0 };
const ended: RunReport = { ran: true, reason: 'applied', records: 0, nextDueAt: null, next: null, tainted: false };

describe('runOn', () => {
  let clock: ManualClock;
  let asked: RunRequest[];
  beforeEach(() => {
    clock = new ManualClock();
    asked = [];
  });

  /** Each of its runs takes this long. */
  function run(reports: readonly Partial<RunReport>[], takesMs = 1000): Promise<RunReport> {
    const worker: Worker = {
      run: async (request) => {
        await clock.advance(takesMs);
        asked.push(request);
        return { ...ended, ...reports[asked.length - 1] };
      },
      close: async () => {},
    };
    return runOn(worker, clock, connector, { deadlineAt: clock.now() + 120_000, workerId: 'w' });
  }

  it('goes on with the task that a connector run has made due', async () => {
    expect(await run([{ next: task }, { reason: 'drained', records: 7 }])).toMatchObject({ records: 7 });
    expect(asked).toEqual([connector, task]);
  });

  it('I1: says what the connector run did when somebody else runs the task already', async () => {
    expect(await run([{ next: task }, { ran: false, reason: 'held' }])).toMatchObject({ reason: 'applied' });
  });

  it('ends where nothing became due, and where plugin code was cut', async () => {
    await run([{}]);
    await run([{}, { next: task, tainted: true }]);
    expect(asked).toEqual([connector, connector]);
  });

  it('leaves the task to its own invocation when half of the time is gone', async () => {
    await run([{ next: task }], 61_000);
    expect(asked).toEqual([connector]);
  });
});
