import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectorConfig } from '../../src/api/connector.ts';
import { type SinkRecord, SourceRecord } from '../../src/api/record.ts';
import type { SourceTask, SourceTaskContext } from '../../src/api/task.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';
import { isRetriable } from '../../src/errors.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient, ProduceOutcome } from '../../src/kafka/types.ts';
import type { RunReport } from '../../src/worker/run/run-report.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';
import { type KafkaCluster, startKafkaCluster } from '../support/kafka-cluster.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';
import { createHarness, type Harness, uniqueName } from '../support/worker-harness.ts';
import { MonitorableSinkTask, sinkOf, sourceOf } from '../support/worker-plugins.ts';

const partitions = 3;
const pollSize = 10;

let cluster: KafkaCluster;
let client: KafkaClient;

beforeAll(async () => {
  cluster = await startKafkaCluster();
  client = createKafkaClient({ bootstrapServers: cluster.bootstrapServers });
});
afterAll(async () => {
  await client?.close();
  await cluster?.[Symbol.asyncDispose]();
});

/** What a source counts up: it goes on until it is told to come to an end. */
class Counter {
  next = 0;
  polled = 0;
  ending = false;
  holding = false;
  /** Over how many partitions the numbers are dealt. */
  spread = partitions;
}

class CountingSourceTask implements SourceTask {
  readonly #counter: Counter;
  readonly #topic: string;
  #next = 0;

  constructor(counter: Counter, topic: string) {
    this.#counter = counter;
    this.#topic = topic;
  }

  async start(_config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.#next = Number((await context.offsetStorageReader.offset({ source: 'counter' }))?.next ?? 0);
  }

  async poll(): Promise<SourceRecord[] | null> {
    // A source has a pace of its own.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const counter = this.#counter;
    if (counter.holding || (counter.ending && this.#next >= counter.polled)) return null;
    const records = Array.from({ length: pollSize }, () => {
      const number = this.#next++;
      const partition = number % counter.spread;
      const offset = { next: this.#next };
      return new SourceRecord(
        { source: 'counter' },
        offset,
        this.#topic,
        partition,
        null,
        null,
        STRING_SCHEMA,
        `${number}`,
      );
    });
    counter.polled = Math.max(counter.polled, this.#next);
    return records;
  }

  stop(): void {}
}

/** Keeps every number that was put, whichever run did it. */
class CollectingSinkTask extends MonitorableSinkTask {
  readonly #seen: Map<number, number>;
  constructor(seen: Map<number, number>) {
    super();
    this.#seen = seen;
  }
  override put(records: SinkRecord[]): void {
    for (const { value } of records) this.#seen.set(Number(value), (this.#seen.get(Number(value)) ?? 0) + 1);
  }
}

interface Flow {
  readonly topic: string;
  readonly source: string;
  readonly sink: string;
  readonly exactlyOnce: boolean;
  readonly counter: Counter;
  /** How often the sink was given each number. */
  readonly seen: Map<number, number>;
}

interface Load {
  readonly harness: Harness;
  readonly plain: Flow;
  readonly once: Flow;
  /** Of runs that ended with an error. */
  readonly failures: string[];
  /** Until both sinks were given this many numbers that they did not have when it was called. */
  progress(records?: number): Promise<void>;
}

const stringConverters = {
  'tasks.max': '1',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'drover.commit.interval.ms': '50',
};

/**
 * Two sources, at least once and exactly once, each with a sink at its topic, all running while `disturb` does its worst.
 * Then they come to an end, and what arrived is counted. `suits`: whether the names are such as the test needs.
 */
async function underLoad(
  disturb: (load: Load) => Promise<void>,
  more: Settings = {},
  suits: (once: Flow) => Promise<boolean> = async () => true,
): Promise<Load> {
  const flow = async (exactlyOnce: boolean): Promise<Flow> => {
    for (;;) {
      const topic = uniqueName(exactlyOnce ? 'once' : 'plain');
      const about = { source: `${topic}-source`, sink: `${topic}-sink`, counter: new Counter(), seen: new Map() };
      const made = { topic, exactlyOnce, ...about };
      if (!exactlyOnce || (await suits(made))) return made;
    }
  };
  const flows = [await flow(false), await flow(true)] as const;
  const harness = createHarness({
    kafka: async () =>
      createKafkaClient({
        bootstrapServers: cluster.bootstrapServers,
        requestTimeoutMs: 3000,
        connectTimeoutMs: 2000,
        apiTimeoutMs: 5000,
      }),
    budgetMs: 30_000,
    settings: { offsetsTopicPartitions: 1 },
    plugins: flows.flatMap(({ topic, counter, seen }) => [
      sourceOf(`test.Source-${topic}`, () => new CountingSourceTask(counter, topic)),
      sinkOf(`test.Sink-${topic}`, () => new CollectingSinkTask(seen)),
    ]),
  });
  const failures: string[] = [];
  const load: Load = {
    harness,
    plain: flows[0],
    once: flows[1],
    failures,
    async progress(records = 200) {
      await Promise.all(
        flows.map(({ seen, sink }) => {
          const wanted = seen.size + records;
          return until(`${sink} goes on; failures: ${failures.join('\n')}`, () => seen.size >= wanted, { everyMs: 20 });
        }),
      );
    },
  };
  const overrides = { 'producer.override.request.timeout.ms': '3000', 'producer.override.max.block.ms': '5000' };
  const bounds = { 'producer.override.delivery.timeout.ms': '15000' };
  for (const { topic, source, sink, exactlyOnce } of flows) {
    await cluster.createTopic(topic, partitions);
    await harness.create(source, {
      ...stringConverters,
      ...overrides,
      ...bounds,
      'connector.class': `test.Source-${topic}`,
      'drover.run.linger.ms': '100',
      ...(exactlyOnce ? { 'exactly.once.support': 'required', 'offsets.storage.topic': `${topic}-offsets` } : {}),
      ...more,
    });
    await harness.create(sink, {
      ...stringConverters,
      'connector.class': `test.Sink-${topic}`,
      topics: topic,
      'drover.run.linger.ms': '1000',
      'consumer.override.request.timeout.ms': '3000',
      'consumer.override.isolation.level': exactlyOnce ? 'read_committed' : 'read_uncommitted',
    });
  }
  let over = false;
  /** As the coordinator does it: run after run, until the last one finds nothing more. */
  const runs = async (name: string, done: () => boolean) => {
    for (;;) {
      const last = over;
      const report = await harness
        .runTask(name)
        .catch((error: Error) => ({ reason: `threw ${error.stack}` }) as RunReport);
      if (!report.ran) await new Promise((resolve) => setTimeout(resolve, 20));
      else if (report.reason === 'failed-for-now') {
        failures.push(`${name}: ${(await harness.stores.config.getTask(name, 0))?.trace?.split('\n')[0]}`);
      } else if (!['drained', 'backlog', 'revoked'].includes(report.reason)) {
        throw new Error(`${name} ${report.reason}: ${(await harness.stores.config.getTask(name, 0))?.trace}`);
      }
      if (last && report.reason === 'drained' && done()) return;
    }
  };
  const sources = flows.map(({ source }) => runs(source, () => true));
  let sourcesOver = false;
  const sinks = flows.map(({ sink }) => runs(sink, () => sourcesOver));
  const everything = Promise.all([...sources, ...sinks]);
  everything.catch(() => {});
  try {
    await Promise.race([load.progress().then(() => disturb(load)), everything]);
  } finally {
    for (const { counter } of flows) counter.ending = true;
    over = true;
    await Promise.allSettled(sources);
    sourcesOver = true;
  }
  await everything;
  await harness.close();
  return load;
}

const partitionsOf = (topic: string, count: number) =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));

/** Every number is in the topic (`from`: since it was made anew), once under exactly once, and was given to the sink. */
async function expectPromisesKept({ plain, once }: Load, from: ReadonlyMap<string, number> = new Map()): Promise<void> {
  for (const { topic, sink, counter, exactlyOnce, seen } of [plain, once]) {
    const all = Array.from({ length: counter.polled }, (_, number) => number);
    const landed = (await readTopic(client, topic)).map(({ value }) => Number(value));
    const distinct = [...new Set(landed)].sort((one, other) => one - other);
    expect(distinct).toEqual(all.slice(from.get(topic) ?? 0));
    if (exactlyOnce) expect(landed).toHaveLength(distinct.length);
    expect([...seen.keys()].sort((one, other) => one - other)).toEqual(all);
    const [described] = await client.admin.describeTopics([topic]);
    const ends = await client.admin.endOffsets(partitionsOf(topic, described!.partitions));
    expect((await client.admin.groupOffsets(`connect-${sink}`)).get(topic)).toEqual(ends.get(topic));
  }
}

/** A sink at a topic without replicas, partition p on node p + 1, that knows its positions already. */
async function loneSink() {
  const topic = uniqueName('alone');
  await cluster.createTopic(topic, partitions, { copies: 1, configs: { 'min.insync.replicas': '1' } });
  const task = new MonitorableSinkTask();
  const harness = createHarness({ kafka: async () => client, plugins: [sinkOf('test.Sink', () => task)] });
  const name = uniqueName('alone');
  await harness.create(name, {
    ...stringConverters,
    'connector.class': 'test.Sink',
    topics: topic,
    // One record at a time.
    'consumer.override.max.partition.fetch.bytes': '1000',
  });
  expect((await harness.runTask(name)).reason).toBe('drained');
  return {
    /** Whatever the living nodes lead is put in one run, the dead one's partition notwithstanding. */
    async expectOthersGoOn(deadNode: number): Promise<void> {
      const producer = await client.producer();
      const alive = [0, 1, 2].filter((partition) => partition + 1 !== deadNode);
      const values = Array.from({ length: 30 }, (_, number) => `${number} ${'x'.repeat(900)}`);
      for (const [number, value] of values.entries()) {
        const batch = producer.newBatch();
        batch.append(topic, alive[number % alive.length]!, null, value, null, null);
        await producer.send(batch);
      }
      expect((await harness.runTask(name)).reason).toBe('failed-for-now');
      expect(task.values.toSorted()).toEqual(values.toSorted());
    },
  };
}

const transactionalId = ({ source }: Flow) => `${defaultWorkerSettings.groupId}-${source}-0`;

describe('a cluster of three brokers', () => {
  it('I3, I4, I5: a node that leads partitions and coordinates transaction and group is killed and comes back', async () => {
    const lone = await loneSink();
    const load = await underLoad(
      async ({ progress, plain, once }) => {
        const node = cluster.node(await cluster.coordinatorOf(transactionalId(once), 'transaction'));
        for (const { topic } of [plain, once]) {
          const leaders = await Promise.all([0, 1, 2].map((partition) => cluster.leaderOf(topic, partition)));
          expect(leaders).toContain(node.id);
        }
        await node.kill();
        await progress();
        await lone.expectOthersGoOn(node.id);
        await node.start();
        await cluster.healed(plain.topic);
        await cluster.healed(once.topic);
        await progress();
      },
      {},
      async (flow) => {
        const transaction = await cluster.coordinatorOf(transactionalId(flow), 'transaction');
        return (await cluster.coordinatorOf(`connect-${flow.sink}`, 'group')) === transaction;
      },
    );
    await expectPromisesKept(load);
  });

  it('I3, I4, I5: leadership moves by reassignment and election', async () => {
    const load = await underLoad(async ({ progress, plain, once }) => {
      for (const shift of [1, 2]) {
        for (const { topic } of [plain, once]) {
          for (let partition = 0; partition < partitions; partition++) {
            await cluster.reassign(
              topic,
              partition,
              [0, 1, 2].map((index) => ((partition + shift + index) % 3) + 1),
            );
          }
        }
        await progress();
      }
    });
    await expectPromisesKept(load);
    expect(load.failures).toEqual([]);
  });

  it('a topic is made anew elsewhere and given more partitions: stale metadata loses nothing', async () => {
    const from = new Map<string, number>();
    const load = await underLoad(async ({ progress, plain, once, harness }) => {
      const flows = [plain, once];
      for (const { counter } of flows) counter.holding = true;
      for (const { sink, counter, seen } of flows) {
        await until(`${sink} has all`, () => seen.size === counter.polled, { everyMs: 20 });
      }
      for (const { topic } of flows) {
        await cluster.deleteTopic(topic);
        await cluster.createTopic(topic, partitions, { shift: 1 });
      }
      const resets = ({ sink }: Flow) =>
        harness.events.filter(({ event, facts }) => event === 'sink.position-reset' && facts.connector === sink);
      for (const flow of flows) await until('the sink starts over', () => resets(flow).length >= partitions);
      for (const { topic, counter } of flows) {
        from.set(topic, counter.polled);
        counter.holding = false;
      }
      await progress();
      for (const { topic, sink, counter } of flows) {
        await client.admin.createPartitions(topic, partitions + 2);
        counter.spread = partitions + 2;
        await until('the sink is given the new partitions', async () => {
          await harness.stores.config.markConnectorDue(sink, harness.clock.now());
          await harness.runConnector(sink);
          const task = await harness.stores.config.getTask(sink, 0);
          return task?.assignment.some((one) => one.partitions.length === partitions + 2);
        });
      }
      await progress();
    });
    await expectPromisesKept(load, from);
  });

  it('a record for a partition that was added since the last look at the topic is not refused', async () => {
    const topic = uniqueName('wider');
    await cluster.createTopic(topic, 1);
    const producer = await client.producer();
    await sendValues(producer, topic, ['narrow']);
    const other = createKafkaClient({ bootstrapServers: cluster.bootstrapServers });
    await other.admin.createPartitions(topic, 2);
    await other.close();
    const batch = producer.newBatch();
    for (const partition of [1, 0, 1, 2]) batch.append(topic, partition, null, `to ${partition}`, null, null);
    const outcome = await producer.send(batch);
    expect([...outcome.failures]).toMatchObject([[3, { code: 'kafka.no_such_partition' }]]);
    const landed = await readTopic(client, topic);
    expect(landed.map(({ partition, value }) => [partition, value])).toEqual([
      [0, 'narrow'],
      [0, 'to 0'],
      [1, 'to 1'],
      [1, 'to 1'],
    ]);
  });

  it('a topic is deleted and made anew under a send: what was not acknowledged before lands, once', async () => {
    const topic = uniqueName('anew');
    await cluster.createTopic(topic, 1);
    const producer = await client.producer({ 'batch.size': '2000' });
    const sends: Promise<ProduceOutcome>[] = [];
    const send = async (count: number) => {
      for (let batch = 0; batch < count; batch++) {
        const first = sends.length * 50;
        sends.push(
          sendValues(
            producer,
            topic,
            Array.from({ length: 50 }, (_, index) => `${first + index}`),
          ),
        );
        await sends.at(-5);
      }
    };
    await send(20);
    const deleted = cluster.deleteTopic(topic).then(() => cluster.createTopic(topic, 1, { shift: 1 }));
    await send(40);
    await deleted;
    await send(20);
    for (const { failures } of await Promise.all(sends)) expect(failures.size).toBe(0);
    const landed = (await readTopic(client, topic)).map(({ value }) => Number(value));
    const total = sends.length * 50;
    expect(landed).toEqual(Array.from({ length: landed.length }, (_, index) => total - landed.length + index));
    expect(landed.length).toBeGreaterThanOrEqual(20 * 50);
  });

  it('I3, I4, I5: fewer brokers than min.insync.replicas: retriable, and all goes on when they are back', async () => {
    const strict = uniqueName('strict');
    await cluster.createTopic(strict, 1, { configs: { 'min.insync.replicas': '3' } });
    const load = await underLoad(
      async ({ progress, failures, plain, once }) => {
        const [survivor, ...others] = cluster.nodes;
        await cluster.reassign(strict, 0, [survivor!.id, ...others.map(({ id }) => id)]);
        await others[0]!.kill();
        const impatient = await client.producer({ 'delivery.timeout.ms': '3000', 'request.timeout.ms': '1500' });
        await until('the broker counts its replicas', async () => {
          const refused: unknown = await sendValues(impatient, strict, ['x']).then(
            () => null,
            (error) => error,
          );
          expect(refused).toSatisfy(isRetriable);
          return /NOT_ENOUGH_REPLICAS/.test((refused as Error).message);
        });
        await others[1]!.kill();
        const failed = ({ source }: Flow) => failures.some((failure) => failure.startsWith(source));
        for (const flow of [plain, once]) await until('the source fails for now', () => failed(flow));
        await Promise.all(others.map((node) => node.start()));
        await cluster.healed(strict);
        expect((await sendValues(await client.producer(), strict, ['y'])).failures.size).toBe(0);
        await progress();
      },
      { 'producer.override.delivery.timeout.ms': '3000', 'producer.override.request.timeout.ms': '1500' },
    );
    await expectPromisesKept(load);
  });
});
