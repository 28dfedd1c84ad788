import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SourceConnector } from '../../../src/api/connector.ts';
import { definePlugin } from '../../../src/api/plugin.ts';
import type { SourceTask } from '../../../src/api/task.ts';
import { defineConfig } from '../../../src/config/config-def.ts';
import { until } from '../../support/until.ts';
import { createHarness, type Harness, realKafka } from '../../support/worker-harness.ts';

const className = 'com.example.EmptyConnector';

class EmptyConnector implements SourceConnector {
  start(): void {}
  stop(): void {}
  taskConfigs = () => [{}];
  createTask = (): SourceTask => ({ start: () => {}, poll: () => null, stop: () => {} });
}

const plugin = definePlugin({
  kind: 'source',
  className,
  version: '1.0.0',
  doc: 'Finds nothing.',
  config: defineConfig({}),
  create: () => new EmptyConnector(),
});

describe('a run of a source task', () => {
  let harness: Harness;
  beforeEach(() => {
    // Nobody listens there: an idle source has nothing to ask Kafka.
    harness = createHarness({ kafka: realKafka('127.0.0.1:1'), plugins: [plugin] });
  });
  afterEach(() => harness.close());

  it('that finds nothing needs no broker, and reads the connector once', async () => {
    await harness.create('a', { 'connector.class': className });
    const read = vi.spyOn(harness.stores.config, 'getConnector');
    expect(await harness.runTask('a')).toMatchObject({ ran: true, reason: 'drained', records: 0 });
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('I7: does not begin with a config that was read before its generation was put in force', async () => {
    await harness.create('a', { 'connector.class': className });
    const old = await harness.stores.config.getConnector('a');
    await harness.create('a', { 'connector.class': className, 'drover.schedule': 'once' });
    vi.spyOn(harness.stores.config, 'getConnector').mockResolvedValueOnce(old);
    expect(await harness.runTask('a')).toMatchObject({ reason: 'drained', nextDueAt: null });
  });

  it('says how long each of its steps took to be reached', async () => {
    await harness.create('a', { 'connector.class': className });
    await harness.runTask('a');
    const ended = harness.events.find(({ event }) => event === 'run.ended');
    expect(Object.keys(ended?.facts.steps as object)).toEqual(['acquired', 'started']);
  });
});

describe('a connector that asks for the runner', () => {
  const lives: Harness[] = [];
  const config = { 'connector.class': className, 'drover.runner': 'always', 'drover.idle.floor.ms': '10' };
  const harnessOf = (hasRunner: boolean) => {
    const harness = createHarness({ kafka: realKafka('127.0.0.1:1'), plugins: [plugin], settings: { hasRunner } });
    lives.push(harness);
    return harness;
  };
  const onRunner = (harness: Harness, signal?: AbortSignal) =>
    harness.worker.run(
      { kind: 'task', connector: 'a', task: 0 },
      {
        deadlineAt: Date.now() + 400,
        workerId: 'runner',
        renewal: { leaseMs: 400, everyMs: 20 },
        ...(signal === undefined ? {} : { signal }),
      },
    );
  afterEach(async () => {
    for (const harness of lives.splice(0)) await harness.close();
  });

  it('has FAILED tasks where there is none, with what is missing; its own run goes on with none of them', async () => {
    const harness = harnessOf(false);
    expect(await harness.create('a', config)).toMatchObject({ reason: 'applied', next: null });
    expect(await harness.runTask('a')).toMatchObject({ reason: 'failed' });
    expect(await harness.stores.config.getTask('a', 0)).toMatchObject({
      state: 'FAILED',
      trace: expect.stringContaining('deploy it with `runner: {}`'),
    });
  });

  it('is handed to it by a function that got one of its tasks by a config of before', async () => {
    const harness = harnessOf(true);
    await harness.create('a', config);
    expect(await harness.runTask('a')).toMatchObject({ reason: 'failed-for-now' });
    expect(await harness.stores.config.getTask('a', 0)).toMatchObject({ state: 'RUNNING', leaseOwner: null });
  });

  it('I1, L1: stays there though nothing comes, beyond its first lease, and hears by a renewal that it is paused', async () => {
    const harness = harnessOf(true);
    await harness.create('a', config);
    const run = onRunner(harness);
    const task = async () => (await harness.stores.config.getTask('a', 0))!;
    const first = await until('it runs', async () => (await task()).leaseOwner !== null && (await task()));
    await until(
      'its lease is renewed for as long again',
      async () => (await task()).leaseExpiresAt > first.leaseExpiresAt + 500,
    );
    await harness.stores.config.putTargetState('a', 'PAUSED', Date.now());
    await harness.runConnector('a');
    expect(await run).toMatchObject({ reason: 'revoked', tainted: false });
    expect(await task()).toMatchObject({
      state: 'PAUSED',
      leaseOwner: null,
      openRuns: 0,
      fencingToken: first.fencingToken,
    });
  });

  it('lets go of its task when the runner is told to end, due at once for another', async () => {
    const harness = harnessOf(true);
    await harness.create('a', config);
    const stopping = new AbortController();
    const run = onRunner(harness, stopping.signal);
    await until('it runs', async () => (await harness.stores.config.getTask('a', 0))?.leaseOwner != null);
    stopping.abort();
    const report = await run;
    expect(report).toMatchObject({ reason: 'backlog' });
    expect(report.nextDueAt).toBeLessThanOrEqual(Date.now());
  });

  it('I2: writes nothing more once another run has taken its task over', async () => {
    const harness = harnessOf(true);
    await harness.create('a', config);
    const run = onRunner(harness);
    const { leases, config: configs } = harness.stores;
    await until('it runs', async () => (await configs.getTask('a', 0))?.leaseOwner != null);
    // As after a pause of the whole process that was longer than its lease.
    const other = await leases.acquireTask('a', 0, 'other', Date.now() + 60_000, Date.now() + 120_000);
    expect(other).toMatchObject({ granted: true, takeover: true });
    await run;
    expect(harness.events.map(({ event }) => event)).toContain('run.fenced');
    expect(await configs.getTask('a', 0)).toMatchObject({ leaseOwner: 'other' });
  });

  it('is run as ever once its config does not ask for it any more', async () => {
    const harness = harnessOf(true);
    await harness.create('a', { 'connector.class': className });
    expect(await onRunner(harness)).toMatchObject({ reason: 'drained' });
  });
});
