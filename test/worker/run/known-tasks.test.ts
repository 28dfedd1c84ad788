import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { definePlugin, noConfig, SourceRecord } from '../../../src/api/index.ts';
import { storesOver } from '../../../src/storage/dynamodb/stores-over.ts';
import type { TableClient } from '../../../src/storage/dynamodb/table-client.ts';
import { MemoryTableClient } from '../../../src/storage/memory/memory-table-client.ts';
import type { Stores } from '../../../src/storage/stores.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { createHarness, type Harness } from '../../support/worker-harness.ts';

const flavours = ['x', 'y', 'z'] as const;
const text = 'org.apache.kafka.connect.storage.StringConverter';
const className = 'org.example.CountingSource';
const partition = { list: 'one' };
const partitionKey = '{"list":"one"}';

/** What the task of a run was started with, and where its offset stood by what it read. */
interface Seen {
  readonly flavour: string | undefined;
  readonly offset: unknown;
}

/** A source that goes on counting from its offset, as many as `left` says. */
class Lab {
  readonly kafka = new MemoryKafka();
  readonly seen: Seen[] = [];
  left = 0;
  fails = false;

  readonly plugin = definePlugin({
    kind: 'source',
    className,
    version: '1',
    doc: 'Counts.',
    config: noConfig,
    create: () => {
      const lab = this;
      let flavour: string | undefined;
      return {
        start(config) {
          flavour = config.flavour;
        },
        taskConfigs: () => [{ flavour: flavour ?? '' }],
        stop() {},
        createTask: () => {
          let next = 0;
          return {
            async start(config, context) {
              const offset = await context.offsetStorageReader.offset(partition);
              next = Number(offset?.n ?? 0);
              lab.seen.push({ flavour: config.flavour, offset: offset?.n ?? null });
            },
            poll() {
              if (lab.left === 0) {
                if (lab.fails) throw new Error('no more of this');
                return null;
              }
              lab.left--;
              return [new SourceRecord(partition, { n: ++next }, 'counted', null, null, null, null, String(next))];
            },
            stop() {},
          };
        },
      };
    },
  });

  constructor() {
    for (const flavour of flavours) this.kafka.createTopic(flavour);
  }

  ends(): number[] {
    return flavours.map((flavour) => this.kafka.log.topics.get(flavour)?.partitions[0]?.end ?? 0);
  }

  environment(stores: Stores, clock: { now(): number }): Harness {
    return createHarness({
      kafka: async () => this.kafka.client(),
      plugins: [this.plugin],
      stores,
      clock: {
        now: clock.now,
        sleep: (ms, signal) =>
          new Promise((resolve, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
            if (ms === 0) resolve();
          }),
      },
      settings: { runLingerMs: 0 },
    });
  }
}

const configOf = (flavour: string) => ({
  'connector.class': className,
  'key.converter': text,
  'value.converter': text,
  flavour,
  // The connector's config, not the task's, says where records go.
  transforms: 'route',
  'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
  'transforms.route.regex': 'counted',
  'transforms.route.replacement': flavour,
});

/** A table in memory that notes what it is asked for. */
function countedStores(): { stores: Stores; requests: string[] } {
  const table = new MemoryTableClient();
  const requests: string[] = [];
  const counted = new Proxy<TableClient>(table, {
    get(target, name: keyof TableClient) {
      const method = target[name];
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        requests.push(name);
        return (method as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  let nonces = 0;
  return { stores: storesOver(counted, () => `nonce-${++nonces}`), requests };
}

describe('the requests of a run', () => {
  it('are two, whether it finds nothing or commits with its release; the first in an environment reads two more', async () => {
    const lab = new Lab();
    const { stores, requests } = countedStores();
    const [one, other] = [lab.environment(stores, Date), lab.environment(stores, Date)];
    await one.create('a', configOf('x'));
    const asked = async (harness: Harness, records: number) => {
      await stores.config.markTaskDue('a', 0, Date.now());
      lab.left = records;
      requests.length = 0;
      const budget = { deadlineAt: Date.now() + 30_000, workerId: 'w' };
      const report = await harness.worker.run({ kind: 'task', connector: 'a', task: 0 }, budget);
      expect(report).toMatchObject({ ran: true, reason: 'drained', records });
      return [...requests];
    };
    // The first sees a new task, which it says is RUNNING, and a topic for the first time.
    expect(await asked(one, 1)).toEqual(['get', 'update', 'getMany', 'update', 'update', 'transact']);
    expect(await asked(one, 0)).toEqual(['update', 'update']);
    expect(await asked(one, 1)).toEqual(['update', 'transact']);
    expect(await asked(one, 3)).toEqual(['update', 'transact']);
    expect(await asked(other, 0)).toEqual(['get', 'update', 'getMany', 'update']);
    expect(await asked(one, 0)).toEqual(['update', 'get', 'getMany', 'update']);
    expect(await asked(one, 0)).toEqual(['update', 'update']);
    await one.close();
    await other.close();
  });
});

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('run' as const), on: fc.nat(1), records: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fail' as const), on: fc.nat(1), records: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('killed' as const), records: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('config' as const), flavour: fc.constantFrom(...flavours) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('apply' as const), on: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('alter' as const), on: fc.nat(1), to: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recreate' as const), on: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reset-topics' as const }) },
);

/** A config that is seen by a run, and is taken back before the connector acts on it. */
const takenBack = [
  { kind: 'config' as const, flavour: 'z' as const },
  { kind: 'run' as const, on: 1, records: 1 },
  { kind: 'config' as const, flavour: 'x' as const },
  { kind: 'apply' as const, on: 0 },
  { kind: 'run' as const, on: 1, records: 1 },
];

it('I1, I2, I7: two environments, kills and changes of config in any order: no run begins from what another has changed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const lab = new Lab();
      const { stores } = countedStores();
      let ahead = 0;
      const clock = { now: () => Date.now() + ahead };
      const environments = [lab.environment(stores, clock), lab.environment(stores, clock)];
      await environments[0]!.create('a', configOf('x'));
      const apply = (on: number) => environments[on]!.runConnector('a');
      const stored = async () => {
        const found = (await stores.offsets.readSourceOffsets('a', [partitionKey])).get(partitionKey)?.offset;
        return found == null ? null : (JSON.parse(found) as { n: number }).n;
      };
      /** As the task in force has it: a run never begins with the config of another generation. */
      const run = async (on: number, records: number, fails: boolean) => {
        lab.left = records;
        lab.fails = fails;
        lab.seen.length = 0;
        const [offset, task] = [await stored(), await stores.config.getTask('a', 0)];
        const [ends, connector] = [lab.ends(), await stores.config.getConnector('a')];
        const report = await environments[on]!.runTask('a');
        if (!report.ran) return;
        expect(lab.seen).toEqual([{ flavour: task?.config.flavour, offset }]);
        const grown = flavours.filter((_, place) => lab.ends()[place]! > ends[place]!);
        expect(grown).toHaveLength(records === 0 ? 0 : 1);
        // One that is wanted and not in force yet may show, or not: as in a run that was under way.
        for (const flavour of grown) expect([task?.config.flavour, connector?.config.flavour]).toContain(flavour);
        expect(await stored()).toBe(records === 0 ? offset : (offset ?? 0) + records);
        if (records > 0) expect(await stores.status.activeTopics('a')).toEqual(expect.arrayContaining(grown));
      };
      for (const event of steps) {
        switch (event.kind) {
          case 'run':
          case 'fail':
            await run(event.on, event.records, event.kind === 'fail');
            break;
          case 'killed': {
            // A third process commits, and is no more before it can say so.
            await stores.config.markTaskDue('a', 0, clock.now());
            const lease = await stores.leases.acquireTask('a', 0, 'lost', clock.now(), clock.now() + 1000);
            if (!lease.granted) break;
            const n = ((await stored()) ?? 0) + event.records;
            const entry = { key: partitionKey, partition: partitionKey, offset: JSON.stringify({ n }) };
            await stores.offsets.commitSourceOffsets(lease.lease, [entry], {});
            ahead += 2000;
            break;
          }
          case 'config':
            await stores.config.putConnectorConfig(
              'a',
              'source',
              { name: 'a', ...configOf(event.flavour) },
              clock.now(),
            );
            break;
          case 'apply':
            await apply(event.on);
            break;
          case 'alter': {
            await stores.config.putTargetState('a', 'STOPPED', clock.now());
            await apply(event.on);
            const offset = JSON.stringify({ n: event.to });
            await stores.offsets.alterSourceOffsets(
              'a',
              [{ key: partitionKey, partition: partitionKey, offset }],
              clock.now(),
            );
            await stores.config.putTargetState('a', 'STARTED', clock.now());
            await apply(1 - event.on);
            break;
          }
          case 'recreate':
            await stores.config.deleteConnector('a', clock.now());
            await apply(event.on);
            await environments[event.on]!.create('a', configOf('z'));
            break;
          case 'reset-topics':
            await stores.status.resetActiveTopics('a');
            break;
          case 'restart':
            await stores.config.requestRestart('a', { connector: false, tasks: [0] }, clock.now());
            break;
        }
      }
      for (const environment of environments) await environment.close();
    }),
    { numRuns: 100, endOnFailure: true, examples: [[takenBack]] },
  );
}, 60_000);
