import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SourceConnector } from '../../../src/api/connector.ts';
import { definePlugin } from '../../../src/api/plugin.ts';
import { noConfig, type Settings } from '../../../src/config/config-def.ts';
import { runOn } from '../../../src/worker/run/run-on.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createHarness, type Harness, realKafka } from '../../support/worker-harness.ts';

const className = 'com.example.PairConnector';

class PairConnector implements SourceConnector {
  start(): void {}
  stop(): void {}
  taskConfigs = () => [{}, {}];
  createTask = () => ({ start: () => {}, poll: () => null, stop: () => {} });
}

const plugin = definePlugin({
  kind: 'source',
  className,
  version: '1.0.0',
  doc: 'Has two tasks that bring nothing.',
  config: noConfig,
  create: () => new PairConnector(),
});

const clock = new ManualClock();
let harness: Harness;
beforeEach(async () => {
  harness = createHarness({ kafka: realKafka('127.0.0.1:1'), plugins: [plugin], clock });
});
afterEach(() => harness.close());

const config = (more: Settings = {}) => ({ 'connector.class': className, 'tasks.max': '2', ...more });
const create = () => harness.stores.config.createConnector('a', 'source', config(), 'STARTED', clock.now());
const change = (more: Settings) => harness.stores.config.putConnectorConfig('a', 'source', config(more), clock.now());

async function run(goesOn: boolean) {
  const budget = { deadlineAt: clock.now() + 60_000, workerId: `w${clock.now()}`, goesOn };
  const { next } = await harness.worker.run({ kind: 'connector', connector: 'a' }, budget);
  const tasks = await harness.stores.config.getTasks('a');
  return { next, dueIn: tasks.map(({ dueAt }) => (dueAt === null ? null : dueAt - clock.now())) };
}

it('the task that the invocation goes on with is left to it for a moment, the others are due at once', async () => {
  await create();
  const first = { kind: 'task', connector: 'a', task: 0 };
  expect(await run(true)).toEqual({ next: first, dueIn: [1000, 0] });
  await harness.stores.config.putTargetState('a', 'PAUSED', clock.now());
  expect(await run(true)).toEqual({ next: null, dueIn: [null, null] });
  await harness.stores.config.putTargetState('a', 'STARTED', clock.now());
  expect(await run(true)).toEqual({ next: first, dueIn: [1000, 0] });
});

it('who does not go on, or has its tasks on the runner, leaves all of them to others', async () => {
  await create();
  expect((await run(false)).dueIn).toEqual([0, 0]);
  await change({ 'drover.runner': 'always' });
  expect(await run(true)).toEqual({ next: null, dueIn: [0, 0] });
});

it('I1: it is taken at once by the invocation it was left to, and by nobody else before its time', async () => {
  await create();
  await run(true);
  const budget = { deadlineAt: clock.now() + 60_000, workerId: 'other' };
  const task = { kind: 'task', connector: 'a', task: 0 } as const;
  expect(await harness.worker.run(task, budget)).toMatchObject({ ran: false, reason: 'not-due' });
  await change({ 'drover.idle.floor.ms': '1' });
  await runOn(harness.worker, clock, { kind: 'connector', connector: 'a' }, budget);
  expect(harness.events.filter(({ event }) => event === 'run.started').map(({ facts }) => facts.task)).toEqual([
    undefined,
    undefined,
    0,
  ]);
});
