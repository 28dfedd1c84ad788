import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SourceConnector } from '../../src/api/connector.ts';
import { definePlugin } from '../../src/api/plugin.ts';
import type { SourceTask } from '../../src/api/task.ts';
import { noConfig, type Settings } from '../../src/config/config-def.ts';
import { deathsOf } from '../../src/storage/deaths.ts';
import { createMemoryRest, type MemoryRest } from '../support/memory-rest.ts';
import { createHarness, type Harness, realKafka } from '../support/worker-harness.ts';

const className = 'com.example.MortalConnector';
const minute = 60_000;

/** Counts what of it is started. */
const started = { connectors: 0, tasks: 0 };

class MortalConnector implements SourceConnector {
  start(): void {
    started.connectors++;
  }
  stop(): void {}
  taskConfigs = () => [{}];
  createTask = (): SourceTask => ({
    start: () => {
      started.tasks++;
    },
    poll: () => null,
    stop: () => {},
  });
}

const plugin = definePlugin({
  kind: 'source',
  className,
  version: '1.0.0',
  doc: 'Whether it lives or dies the test says.',
  config: noConfig,
  create: () => new MortalConnector(),
});

/** Time moves on by what was asked for. */
class SteppedClock {
  #ahead = 0;
  now = () => Date.now() + this.#ahead;
  sleep = (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  step = (ms: number) => {
    this.#ahead += ms;
  };
}

let clock: SteppedClock;
let harness: Harness;
let rest: MemoryRest;

beforeEach(() => {
  started.connectors = 0;
  started.tasks = 0;
  clock = new SteppedClock();
  harness = createHarness({
    kafka: realKafka('127.0.0.1:1'),
    plugins: [plugin],
    clock,
    // Whoever asks it never hears: the status must not depend on it.
    configProviders: new Map([['vault', { get: () => new Promise<never>(() => {}) }]]),
  });
  rest = createMemoryRest({ plugins: [plugin], stores: harness.stores, clock });
});
afterEach(() => harness.close());

const config = (more: Settings = {}): Settings => ({ 'connector.class': className, 'tasks.max': '1', ...more });

/** One invocation of the task that takes its lease and is never heard of again. */
async function die(task: number | null, commits = false): Promise<void> {
  const now = clock.now();
  const { leases, offsets } = harness.stores;
  const acquired =
    task === null
      ? await leases.acquireConnector('a', `killed-${now}`, now, now + minute)
      : await leases.acquireTask('a', task, `killed-${now}`, now, now + minute);
  if (!acquired.granted) throw new Error(acquired.reason);
  if (commits) {
    const offset = { key: '{}', partition: '{}', offset: '{"n":1}' };
    await offsets.commitSourceOffsets(acquired.lease, [offset], { records: 1 });
  }
  clock.step(minute + 1);
}

async function dieTimes(times: number, task: number | null = 0): Promise<void> {
  for (let death = 0; death < times; death++) await die(task);
}

const runTask = () => harness.worker.run({ kind: 'task', connector: 'a', task: 0 }, budget());
const runConnector = () => harness.worker.run({ kind: 'connector', connector: 'a' }, budget());
const budget = () => ({ deadlineAt: clock.now() + minute, workerId: 'survivor' });

interface Status {
  readonly connector: { readonly state: string; readonly trace?: string };
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}
interface Deaths {
  readonly in_row: number;
  readonly without_commit: number;
  readonly last_at: string | null;
  readonly last_worker_id: string | null;
}
const status = async () => (await rest.call('GET', '/connectors/a/status')).body as Status;
const taskStatus = async () => (await status()).tasks[0]!;
const report = async () =>
  (await rest.call('GET', '/drover/connectors/a')).body as { deaths: Deaths; tasks: { deaths: Deaths }[] };
const told = () => harness.events.filter(({ event }) => event === 'run.died').map(({ facts }) => facts);

describe('a task whose runs end without a word', () => {
  it('says so in its status, its report and an event, while it is tried again', async () => {
    await harness.create('a', config());
    expect((await report()).tasks[0]!.deaths).toEqual({
      in_row: 0,
      without_commit: 0,
      last_at: null,
      last_worker_id: null,
    });
    await dieTimes(3);
    const item = (await harness.stores.config.getTask('a', 0))!;
    // Nobody has taken over yet: the lease that ran out is word enough.
    expect(await taskStatus()).toMatchObject({
      state: 'UNASSIGNED',
      trace: expect.stringMatching(
        /^The last run ended without a word, 3 times in a row: killed at its deadline, out of/,
      ),
    });
    expect((await taskStatus()).trace).toContain(item.leaseOwner);
    expect((await report()).tasks[0]!.deaths).toEqual({
      in_row: 3,
      without_commit: 3,
      last_at: new Date(item.leaseExpiresAt).toISOString(),
      last_worker_id: item.leaseOwner,
    });
    expect(await runTask()).toMatchObject({ ran: true, reason: 'drained' });
    expect(told()).toEqual([
      {
        connector: 'a',
        task: 0,
        runs: 3,
        fruitlessRuns: 3,
        workerId: item.leaseOwner,
        leaseExpiredAt: item.leaseExpiresAt,
      },
    ]);
    // It has ended in order: the status is clean, and the report remembers.
    expect(await taskStatus()).toMatchObject({ state: 'RUNNING' });
    expect((await taskStatus()).trace).toBeUndefined();
    expect((await report()).tasks[0]!.deaths).toMatchObject({ in_row: 0, last_worker_id: item.leaseOwner });
  });

  it('is FAILED after five in vain, without another start, and told as such', async () => {
    await harness.create('a', config());
    await dieTimes(5);
    expect(await runTask()).toMatchObject({ ran: true, reason: 'failed', nextDueAt: null });
    expect(started.tasks).toBe(0);
    const failed = await taskStatus();
    expect(failed).toMatchObject({ state: 'FAILED', trace: expect.stringContaining('5 times in a row') });
    expect(failed.trace).toMatch(/Task a-0 is given up after 5 runs without a commit \(drover\.deaths\.max is 5\)/);
    expect((await report()).tasks[0]!.deaths).toMatchObject({ in_row: 5, without_commit: 5 });
    expect(told()).toMatchObject([{ runs: 5, fruitlessRuns: 5 }]);
    expect(harness.events).toContainEqual({
      event: 'run.failed',
      facts: expect.objectContaining({ connector: 'a', task: 0, retriable: false }),
    });
    // It costs nothing any more.
    expect(await harness.stores.due.due(clock.now() + 60 * minute, 10)).toEqual([]);
  });

  it('is not given up while it gets on', async () => {
    await harness.create('a', config({ 'drover.deaths.max': '2' }));
    for (let death = 0; death < 6; death++) await die(0, true);
    expect((await report()).tasks[0]!.deaths).toMatchObject({ in_row: 6, without_commit: 0 });
    expect(await taskStatus()).toMatchObject({ trace: expect.stringContaining('6 times in a row') });
    await die(0);
    expect(await runTask()).toMatchObject({ reason: 'drained' });
    expect(told()).toMatchObject([{ runs: 7, fruitlessRuns: 1 }]);
  });

  it.each([1, 3])('is FAILED after as many as drover.deaths.max says: %i', async (most) => {
    await harness.create('a', config({ 'drover.deaths.max': String(most) }));
    for (let death = 1; death < most; death++) await die(0);
    const item = (await harness.stores.config.getTask('a', 0))!;
    expect(deathsOf(item, clock.now()).inRow).toBe(most - 1);
    await die(0);
    expect(await runTask()).toMatchObject({ reason: 'failed' });
  });

  it('starts anew when somebody restarts it', async () => {
    await harness.create('a', config());
    await dieTimes(5);
    await runTask();
    expect((await rest.call('POST', '/connectors/a/tasks/0/restart')).status).toBe(204);
    expect((await report()).tasks[0]!.deaths).toMatchObject({ in_row: 0, without_commit: 0 });
    await dieTimes(4);
    expect(await runTask()).toMatchObject({ reason: 'drained' });
  });

  it('is restarted by drover.restart.* after longer and longer pauses, and FAILED by each death in between', async () => {
    await harness.create('a', config({ 'drover.restart.enabled': 'true' }));
    await dieTimes(5);
    for (const [attempt, pause] of [2, 6, 12].entries()) {
      const now = clock.now();
      const { nextDueAt } = await runTask();
      expect(nextDueAt! - now).toBeGreaterThanOrEqual(pause * minute);
      expect(nextDueAt! - now).toBeLessThan(pause * minute + 10_000);
      expect((await report()).tasks[0]).toMatchObject({
        state: 'FAILED',
        restart_attempts: attempt + 1,
        deaths: { in_row: 5 + attempt },
      });
      clock.step(nextDueAt! - clock.now());
      await die(0);
    }
    const { nextDueAt } = await runTask();
    clock.step(nextDueAt! - clock.now());
    expect(await runTask()).toMatchObject({ reason: 'drained' });
    expect((await report()).tasks[0]).toMatchObject({ restart_attempts: 0, deaths: { in_row: 0 } });
  });

  it('is given up even when it is a reference of its config that never answers', async () => {
    await harness.create('a', config());
    const { configVersion, config: stored } = (await harness.stores.config.getConnector('a'))!;
    const hanging = { ...stored, secret: '${vault:path:key}', 'drover.restart.enabled': '${vault:path:key}' };
    await harness.stores.config.replaceConnectorConfig('a', configVersion, 'source', hanging, clock.now());
    await dieTimes(5);
    expect(await runTask()).toMatchObject({ reason: 'failed', nextDueAt: null });
  });

  it('is told too when it is another generation that takes over', async () => {
    await harness.create('a', config());
    await dieTimes(2);
    await harness.create('a', config({ other: 'x' }));
    expect(told()).toMatchObject([{ connector: 'a', task: 0, runs: 2 }]);
    expect((await report()).tasks[0]!.deaths).toMatchObject({ in_row: 0 });
  });

  it('whose invocation never came is no death, and neither is one that failed', async () => {
    await harness.create('a', config());
    clock.step(60 * minute);
    expect(await taskStatus()).toMatchObject({ state: 'UNASSIGNED' });
    expect((await taskStatus()).trace).toBeUndefined();
    expect(await runTask()).toMatchObject({ reason: 'drained' });
    expect(told()).toEqual([]);
  });
});

describe('a connector whose own runs end without a word', () => {
  const ask = (more: Settings = {}) =>
    harness.stores.config.putConnectorConfig('a', 'source', { name: 'a', ...config(more) }, clock.now());

  it('says so, and is FAILED after five in vain until it is asked for anew', async () => {
    await ask();
    await dieTimes(4, null);
    expect((await status()).connector).toMatchObject({
      state: 'UNASSIGNED',
      trace: expect.stringContaining('ended without a word, 4 times in a row'),
    });
    await die(null);
    expect(await runConnector()).toMatchObject({ ran: true, reason: 'failed', nextDueAt: null });
    expect(started.connectors).toBe(0);
    expect((await status()).connector).toMatchObject({
      state: 'FAILED',
      trace: expect.stringMatching(/Connector a is given up after 5 runs without a commit/),
    });
    expect(await report()).toMatchObject({ deaths: { in_row: 5, without_commit: 5 } });
    expect(told()).toMatchObject([{ connector: 'a', runs: 5, fruitlessRuns: 5 }]);
    expect(await harness.stores.due.due(clock.now() + 60 * minute, 10)).toEqual([]);

    await rest.call('POST', '/connectors/a/restart');
    expect(await runConnector()).toMatchObject({ reason: 'applied' });
    expect(await report()).toMatchObject({ state: 'RUNNING', deaths: { in_row: 0 } });
  });

  it('I6: is paused, stopped and deleted all the same', async () => {
    for (const targetState of ['PAUSED', 'STOPPED'] as const) {
      await ask();
      await harness.stores.config.putTargetState('a', targetState, clock.now());
      await dieTimes(6, null);
      expect(await runConnector()).toMatchObject({ reason: 'applied' });
      expect((await status()).connector).toMatchObject({ state: targetState });
    }
    await harness.stores.config.deleteConnector('a', clock.now());
    await dieTimes(6, null);
    expect(await runConnector()).toMatchObject({ ran: true });
    expect(await harness.stores.config.getConnector('a', { evenDeleting: true })).toBeUndefined();
  });
});
