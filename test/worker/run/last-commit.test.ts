import { beforeEach, describe, expect, it } from 'vitest';
import { definePlugin, noConfig, type SourceOffset, SourceRecord } from '../../../src/api/index.ts';
import { storesOver } from '../../../src/storage/dynamodb/stores-over.ts';
import type { TableClient } from '../../../src/storage/dynamodb/table-client.ts';
import { MemoryTableClient } from '../../../src/storage/memory/memory-table-client.ts';
import type { Stores } from '../../../src/storage/stores.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { isTopicCheckDue } from '../../../src/worker/sink/topic-changes.ts';
import { createHarness, type Harness } from '../../support/worker-harness.ts';

/** A connector whose minute to look for new partitions is none of these two: that would be requests of its own. */
const name = ['a', 'b', 'c'].find((one) => !isTopicCheckDue(one, Date.now(), Date.now() + 60_000))!;

const text = 'org.apache.kafka.connect.storage.StringConverter';
const partition = { list: 'one' };
const partitionKey = '{"list":"one"}';

/** What the tasks of the tests do at their end, and all that happens, in order. */
const plan = {
  left: 0,
  offset: (n: number): SourceOffset => ({ n }),
  stop: (): void | Promise<void> => {},
  hook: false,
};
let happened: string[] = [];

const source = definePlugin({
  kind: 'source',
  className: 'org.example.CountingSource',
  version: '1',
  doc: 'Counts.',
  config: noConfig,
  create: () => ({
    start() {},
    taskConfigs: () => [{}],
    stop() {},
    createTask: () => {
      let next = 0;
      return {
        async start(_, context) {
          next = Number((await context.offsetStorageReader.offset(partition))?.n ?? 0);
        },
        poll() {
          if (plan.left === 0) return null;
          plan.left--;
          return [new SourceRecord(partition, plan.offset(++next), 'counted', null, null, null, null, String(next))];
        },
        ...(plan.hook ? { commit: () => void happened.push('hook') } : {}),
        async stop() {
          await plan.stop();
          happened.push('stopped');
        },
      };
    },
  }),
});

const sink = definePlugin({
  kind: 'sink',
  className: 'org.example.TakingSink',
  version: '1',
  doc: 'Takes all.',
  config: noConfig,
  create: () => ({
    start() {},
    taskConfigs: () => [{}],
    stop() {},
    createTask: () => ({
      start() {},
      put() {},
      ...(plan.hook
        ? {
            committed() {
              happened.push('hook');
              return null;
            },
          }
        : {}),
      async stop() {
        await plan.stop();
        happened.push('stopped');
      },
    }),
  }),
});

describe('the last commit of a run', () => {
  let kafka: MemoryKafka;
  let stores: Stores;
  let harness: Harness;
  /** The next write that would end a run meets this instead. */
  let atRelease: (() => Promise<void>) | null;

  beforeEach(async () => {
    Object.assign(plan, { left: 0, offset: (n: number) => ({ n }), stop: () => {}, hook: false });
    kafka = new MemoryKafka();
    kafka.createTopic('counted');
    atRelease = null;
    const table = new Proxy<TableClient>(new MemoryTableClient(), {
      get: (target, name: keyof TableClient) => {
        const request = target[name];
        if (typeof request !== 'function') return request;
        return async (...args: unknown[]) => {
          happened.push(name);
          const ends = JSON.stringify(args).includes('"leaseNonce"') && !JSON.stringify(args).includes(':none');
          if (ends && atRelease !== null) await atRelease();
          return (request as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    let nonces = 0;
    stores = storesOver(table, () => `nonce-${++nonces}`);
    harness = createHarness({
      kafka: async () => {
        const client = kafka.client();
        const tell = client.admin.commitGroupOffsets.bind(client.admin);
        Object.assign(client.admin, {
          commitGroupOffsets: (...args: Parameters<typeof tell>) => {
            happened.push('group');
            return tell(...args);
          },
        });
        return client;
      },
      plugins: [source, sink],
      stores,
      settings: { runLingerMs: 0 },
    });
    return () => harness.close();
  });

  async function createSource(): Promise<void> {
    const converters = { 'key.converter': text, 'value.converter': text };
    await harness.create(name, { 'connector.class': source.className, ...converters });
    plan.left = 1;
    await harness.runTask(name);
  }

  async function createSink(): Promise<void> {
    const converters = { 'key.converter': text, 'value.converter': text };
    await harness.create(name, { 'connector.class': sink.className, topics: 'counted', ...converters });
    await harness.runTask(name);
  }

  /** A run of what is due, and what has happened in it. */
  async function run() {
    await stores.config.markTaskDue(name, 0, Date.now());
    happened = [];
    const report = await harness.worker.run(
      { kind: 'task', connector: name, task: 0 },
      { deadlineAt: Date.now() + 30_000, workerId: 'w' },
    );
    return { report, happened: [...happened] };
  }

  const stored = async () =>
    (await stores.offsets.readSourceOffsets(name, [partitionKey])).get(partitionKey)?.offset ?? null;

  it('of a source that lets go at once is written with its release', async () => {
    await createSource();
    plan.left = 2;
    expect(await run()).toEqual({
      report: expect.objectContaining({ ran: true, records: 2, reason: 'drained' }),
      happened: ['update', 'stopped', 'transact'],
    });
    expect(await stored()).toBe('{"n":3}');
    expect(await stores.config.getTask(name, 0)).toMatchObject({ leaseOwner: null, counters: { records: 3 } });
    expect(harness.events.filter(({ event }) => event === 'source.committed').at(-1)?.facts).toMatchObject({
      records: 2,
      sourcePartitions: 1,
    });
  });

  it('is written before it where the task asks to be told, and before its hook is called', async () => {
    plan.hook = true;
    await createSource();
    plan.left = 1;
    expect((await run()).happened).toEqual(['update', 'transact', 'hook', 'stopped', 'update']);
    expect(await stored()).toBe('{"n":2}');
  });

  it('does not wait for a task that is slow to stop', async () => {
    await createSource();
    plan.left = 1;
    const seen = Promise.withResolvers<void>();
    // It stops when it sees that its offset is there: one that had to wait for the release would wait for ever.
    plan.stop = async () => {
      while ((await stored()) !== '{"n":2}') await new Promise((resolve) => setTimeout(resolve, 5));
      seen.resolve();
    };
    const { report, happened } = await run();
    await seen.promise;
    expect(report).toMatchObject({ ran: true, records: 1, reason: 'drained' });
    expect(happened.filter((what) => what !== 'getMany')).toEqual(['update', 'transact', 'stopped', 'update']);
  });

  it('is not lost where the task fails to stop', async () => {
    await createSource();
    plan.left = 1;
    plan.stop = () => {
      throw new Error('stuck');
    };
    expect((await run()).report).toMatchObject({ reason: 'failed' });
    expect(await stored()).toBe('{"n":2}');
    expect(await stores.config.getTask(name, 0)).toMatchObject({ state: 'FAILED', leaseOwner: null });
  });

  it('that does not fit into the table fails the task, which has let go', async () => {
    await createSource();
    plan.left = 1;
    plan.offset = () => ({ n: 'x'.repeat(500_000) });
    expect((await run()).report).toMatchObject({ reason: 'failed' });
    const item = await stores.config.getTask(name, 0);
    expect(item).toMatchObject({ state: 'FAILED', leaseOwner: null, openRuns: 0 });
    expect(item?.trace).toContain('Too large to be stored: the offset of source partition {"list":"one"}');
    expect(await stored()).toBe('{"n":1}');
  });

  it('I2: is refused with the release where a newer run has the task', async () => {
    await createSource();
    plan.left = 1;
    const later = Date.now() + 10 * 60_000;
    atRelease = async () => {
      atRelease = null;
      const newer = await stores.leases.acquireTask(name, 0, 'newer', later, later + 60_000);
      expect(newer).toMatchObject({ granted: true, takeover: true });
    };
    await run();
    expect(await stored()).toBe('{"n":1}');
    expect(harness.events.map(({ event }) => event)).toContain('run.fenced');
    expect(await stores.config.getTask(name, 0)).toMatchObject({ leaseOwner: 'newer', counters: { records: 1 } });
  });

  it('L1: goes with a release that is asked for something else meanwhile', async () => {
    await createSource();
    plan.left = 1;
    atRelease = async () => {
      atRelease = null;
      await stores.config.requestRestart(name, { connector: false, tasks: [0] }, Date.now());
    };
    expect((await run()).happened.filter((what) => what === 'transact')).toHaveLength(2);
    expect(await stored()).toBe('{"n":2}');
    expect(await stores.config.getTask(name, 0)).toMatchObject({ leaseOwner: null, state: 'RESTARTING' });
  });

  it('of a sink is one write too, and the group is told before it', async () => {
    await createSink();
    await kafka.produce([{ topic: 'counted', value: '1' }]);
    await run();
    await kafka.produce([{ topic: 'counted', value: '2' }]);
    expect((await run()).happened).toEqual(['update', 'group', 'stopped', 'update']);
    expect(await stores.offsets.readSinkPositions(name)).toMatchObject([{ topic: 'counted', offset: 2n }]);
    expect(await stores.config.getTask(name, 0)).toMatchObject({ leaseOwner: null, counters: { records: 2 } });
    expect(harness.events.filter(({ event }) => event === 'sink.committed')).toHaveLength(2);
  });

  it('of a sink that asks to be told is written before its release', async () => {
    plan.hook = true;
    await createSink();
    await kafka.produce([{ topic: 'counted', value: '1' }]);
    await run();
    await kafka.produce([{ topic: 'counted', value: '2' }]);
    expect((await run()).happened).toEqual(['update', 'update', 'hook', 'group', 'stopped', 'update']);
  });
});
