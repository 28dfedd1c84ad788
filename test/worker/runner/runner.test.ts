import { expect, test } from 'vitest';
import type { InvokedRun } from '../../../src/invocation/run-request.ts';
import type { TaskItem } from '../../../src/storage/items.ts';
import { Runner } from '../../../src/worker/runner/runner.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

function lab({ mostTasks = 2, heldUntil = {} as Record<string, number> } = {}) {
  const clock = new ManualClock(1000);
  const asked: InvokedRun[] = [];
  const wanted: number[] = [];
  const started = new Map<string, (inOrder: boolean) => void>();
  const told: string[] = [];
  const takenOver: InvokedRun[] = [];
  let wake = () => {};
  let fails = 0;
  const awake = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  const runner = new Runner({
    queue: {
      async receive(most, signal) {
        wanted.push(most);
        if (fails-- > 0) throw new Error('The queue does not answer');
        while (asked.length === 0 && !signal.aborted) await awake(signal);
        return asked.splice(0, most);
      },
      async sift(wanted, signal) {
        while (asked.length === 0 && !signal.aborted) await awake(signal);
        for (const run of [...asked]) if (!(await wanted(run))) asked.splice(asked.indexOf(run), 1);
        return asked.length;
      },
    },
    configs: {
      getTask: async (connector) => {
        const expiresAt = heldUntil[connector];
        if (connector === 'gone') return undefined;
        const lease = { leaseOwner: expiresAt === undefined ? null : 'other', leaseExpiresAt: expiresAt ?? 0 };
        return lease as unknown as TaskItem;
      },
    },
    start: ({ request }) => {
      const name = 'connector' in request ? request.connector : '';
      const { promise, resolve } = Promise.withResolvers<boolean>();
      started.set(name, resolve);
      return { ended: promise, stop: () => resolve(true) };
    },
    takeOver: async (run) => void takenOver.push(run),
    mostTasks,
    clock,
    telemetry: { emit: (event: string) => told.push(event), setLevels() {}, secrets: {} } as never,
  });
  const stopping = new AbortController();
  const ended = runner.run(stopping.signal);
  return {
    clock,
    started,
    told,
    takenOver,
    wanted,
    left: asked,
    ask(...connectors: string[]) {
      for (const connector of connectors) {
        asked.push({ request: { kind: 'task', connector, task: 0 }, invocation: `of ${connector}` });
      }
      wake();
    },
    failOnce() {
      fails = 1;
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

test('I1: what is gone, held, or running here already is not started; a lease that is over holds nothing', async () => {
  const { ask, started, stop } = lab({ mostTasks: 9, heldUntil: { held: 1001, over: 1000 } });
  ask('gone', 'held', 'over', 'free', 'free');
  await until('both are started', () => started.size === 2);
  expect([...started.keys()]).toEqual(['over', 'free']);
  await stop();
});

test('asks for no more than it has room for, and waits while it is full', async () => {
  const { ask, started, told, wanted, stop } = lab();
  ask('a', 'b', 'c');
  await until('it is full', () => told.includes('runner.full'));
  expect([...started.keys()]).toEqual(['a', 'b']);
  expect(wanted).toEqual([2]);
  started.get('a')!(true);
  await until('there was room for c', () => started.has('c'));
  await stop();
});

test('full, it takes away what is sent for tasks that run, leaves what waits, and tells of that alone', async () => {
  const { ask, started, told, left, stop } = lab({ heldUntil: { held: 9999 } });
  ask('a', 'b');
  await until('both are started', () => started.size === 2);
  ask('a', 'held', 'b');
  await until('they are taken away', () => left.length === 0);
  expect(told).not.toContain('runner.full');
  ask('b', 'c');
  await until('it tells that c waits', () => told.includes('runner.full'));
  expect(left.map(({ invocation }) => invocation)).toEqual(['of c']);
  started.get('b')!(true);
  await until('there was room for c', () => started.has('c'));
  await stop();
});

test('L1: a run whose process has died is taken over by the name that it was asked for with; one that ended in order is not', async () => {
  const { ask, started, takenOver, stop } = lab();
  ask('a', 'b');
  await until('both are started', () => started.size === 2);
  started.get('a')!(true);
  started.get('b')!(false);
  await until('it was taken over', () => takenOver.length > 0);
  await stop();
  expect(takenOver.map(({ invocation }) => invocation)).toEqual(['of b']);
});

test('goes on after a queue that did not answer, and ends its runs before itself', async () => {
  const { ask, started, told, clock, failOnce, stop } = lab();
  failOnce();
  ask('a');
  await until('a is started', () => started.has('a'));
  ask('b');
  await until('it has told the failure or started b', async () => {
    await clock.advance(2000);
    return started.has('b');
  });
  expect(told).toContain('runner.failed');
  await stop();
  expect(told.at(-1)).toBe('runner.stopped');
});
