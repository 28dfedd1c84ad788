import { afterEach, expect, test } from 'vitest';
import { definePlugin, noConfig } from '../../../src/api/index.ts';
import type { SinkCommit } from '../../../src/api/task.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { until } from '../../support/until.ts';
import { createHarness, type Harness } from '../../support/worker-harness.ts';

/* A sink's run on the runner. */

const text = 'org.apache.kafka.connect.storage.StringConverter';
let harness: Harness;
afterEach(() => harness.close());

async function lab(preCommit?: (positions: SinkCommit['positions']) => SinkCommit) {
  const kafka = new MemoryKafka();
  kafka.createTopic('items');
  const taken: unknown[] = [];
  const plugin = definePlugin({
    kind: 'sink',
    className: 'org.example.StayingSink',
    version: '1',
    doc: 'Takes all.',
    config: noConfig,
    create: () => ({
      start() {},
      taskConfigs: () => [{}],
      stop() {},
      createTask: () => ({
        start() {},
        put: (records) => void taken.push(...records.map(({ value }) => value)),
        ...(preCommit === undefined ? {} : { preCommit }),
        stop() {},
      }),
    }),
  });
  harness = createHarness({ kafka: async () => kafka.client(), plugins: [plugin], settings: { hasRunner: true } });
  await harness.create('stays', {
    'connector.class': plugin.className,
    topics: 'items',
    'key.converter': text,
    'value.converter': text,
    'drover.runner': 'always',
    'drover.commit.interval.ms': '10',
  });
  const stopping = new AbortController();
  const run = () =>
    harness.worker.run(
      { kind: 'task', connector: 'stays', task: 0 },
      {
        deadlineAt: Date.now() + 2000,
        workerId: 'runner',
        signal: stopping.signal,
        renewal: { leaseMs: 2000, everyMs: 100 },
      },
    );
  const send = (value: string) => kafka.produce([{ topic: 'items', value }]);
  const task = async () => (await harness.stores.config.getTask('stays', 0))!;
  return { taken, run, send, task, stop: () => stopping.abort() };
}

test('I5: takes what comes while it waits, commits while it goes on, and lets go when it is told to', async () => {
  const { taken, run, send, task, stop } = await lab();
  const running = run();
  const { fencingToken } = await until('it runs', async () => {
    const seen = await task();
    return seen.leaseOwner === 'runner' && seen;
  });
  for (const value of ['a', 'b']) {
    await send(value);
    await until(`${value} is committed`, async () => {
      return taken.includes(value) && (await task()).positions.items?.['0'] === BigInt(taken.length);
    });
  }
  stop();
  expect(await running).toMatchObject({ reason: 'backlog', records: 2 });
  expect(await task()).toMatchObject({ leaseOwner: null, fencingToken, watched: false });
});

test('ends, to be called anew, by the time at which its task wants to be', async () => {
  const wakeAt = Date.now() + 300;
  const { run, send, task, taken } = await lab((positions) => ({ positions, wakeAt }));
  const running = run();
  await send('a');
  expect(await running).toMatchObject({ reason: 'drained', records: 1 });
  expect(Date.now()).toBeGreaterThanOrEqual(wakeAt);
  expect(taken).toEqual(['a']);
  expect((await task()).positions.items).toEqual({ 0: 1n });
});
