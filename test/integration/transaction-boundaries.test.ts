import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type OffsetValue, SourceRecord } from '../../src/api/record.ts';
import type { SourceTask, SourceTaskContext } from '../../src/api/task.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { readTopic } from '../support/kafka-records.ts';
import { kafkaAddress } from '../support/services.ts';
import { createHarness, type Harness, type HarnessOptions, realKafka, uniqueName } from '../support/worker-harness.ts';
import { sourceOf } from '../support/worker-plugins.ts';

let kafka: KafkaClient;
let harness: Harness;
beforeAll(() => {
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterEach(() => harness?.close());
afterAll(() => kafka.close());

const recordsPerPoll = 10;

/** Counts up to its end, ten records a poll, from the committed count on. */
class CountingTask implements SourceTask {
  readonly #partition = { source: 'count' };
  readonly #topic: string;
  readonly #end: number;
  protected next = 0;
  protected context!: SourceTaskContext;

  constructor(topic: string, end: number) {
    this.#topic = topic;
    this.#end = end;
  }

  async start(_: Settings, context: SourceTaskContext): Promise<void> {
    this.context = context;
    const offset: Readonly<Record<string, OffsetValue>> | null = await context.offsetStorageReader.offset(
      this.#partition,
    );
    this.next = Number(offset?.count ?? 0);
  }

  poll(): SourceRecord[] | null | Promise<SourceRecord[] | null> {
    const left = Math.min(recordsPerPoll, this.#end - this.next);
    if (left <= 0) return null;
    return Array.from({ length: left }, () => {
      const value = String(this.next++);
      const offset = { count: this.next };
      return new SourceRecord(this.#partition, offset, this.#topic, null, null, null, STRING_SCHEMA, value);
    });
  }

  stop(): void {}
}

interface Scene {
  readonly name: string;
  readonly topic: string;
  /** Counts of the offset records: one a transaction. */
  transactions(): Promise<number[]>;
  values(): Promise<number[]>;
}

async function scene(
  taskOf: (topic: string) => SourceTask,
  boundary: Settings,
  options: Partial<HarnessOptions> = {},
): Promise<Scene> {
  const [name, topic, offsets] = [uniqueName('boundary'), uniqueName('boundary'), uniqueName('boundary-offsets')];
  harness = createHarness({
    kafka: realKafka(kafkaAddress()),
    plugins: [sourceOf('Counting', () => taskOf(topic))],
    ...options,
  });
  await harness.create(name, {
    'connector.class': 'Counting',
    'tasks.max': '1',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'exactly.once.support': 'required',
    'offsets.storage.topic': offsets,
    ...boundary,
  });
  return {
    name,
    topic,
    transactions: async () =>
      (await readTopic(kafka, offsets)).map(({ value }) => (JSON.parse(value!) as { count: number }).count),
    values: async () => (await readTopic(kafka, topic)).map(({ value }) => Number(value)),
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A clock that runs ahead by what its owner says. */
function hastyClock(): Clock & { ahead: number } {
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead, sleep: systemClock.sleep };
  return clock;
}

describe('transaction.boundary=interval', () => {
  const interval = (ms: number): Settings => ({
    'transaction.boundary': 'interval',
    'transaction.boundary.interval.ms': String(ms),
  });

  it('I4: longer than a run: each run ends its transaction, and each record is there once', async () => {
    const { name, transactions, values } = await scene((topic) => new CountingTask(topic, 250), {
      ...interval(600_000),
      'drover.run.max.records': '60',
    });
    const reports: string[] = [];
    while (reports.at(-1) !== 'drained') reports.push((await harness.runTask(name)).reason);
    expect(reports).toEqual(['backlog', 'backlog', 'backlog', 'backlog', 'drained']);
    await expect.poll(values).toEqual(upTo(250));
    await expect.poll(transactions).toEqual([60, 120, 180, 240, 250]);
  });

  it.each([
    ['the interval', interval(100_000)],
    [
      "half the broker's patience, where that is less",
      { ...interval(6_000_000), 'producer.override.transaction.timeout.ms': '200000' },
    ],
  ])('I4: shorter than a run: a transaction is ended after %s, inside the run', async (_, boundary) => {
    const clock = hastyClock();
    const onStep = (step: string) => {
      // Each batch takes 20 s of the run's time.
      if (step === 'produced') clock.ahead += 20_000;
    };
    const scened = await scene((topic) => new CountingTask(topic, 400), boundary, { clock, onStep });
    expect(await harness.runTask(scened.name)).toMatchObject({ reason: 'drained', records: 400 });
    await expect.poll(scened.values).toEqual(upTo(400));
    await expect.poll(async () => (await scened.transactions()).at(-1)).toBe(400);
    expect(await scened.transactions()).toHaveLength(Math.ceil(clock.ahead / 100_000));
  });

  it('is kept when the source falls silent while the run goes on', async () => {
    const clock = hastyClock();
    const steps: string[] = [];
    const onStep = (step: string) => {
      steps.push(step);
      if (step === 'produced') clock.ahead += 100_000;
      if (step === 'transaction-committed') clock.ahead += 1_000_000;
    };
    const { name, transactions } = await scene(
      (topic) => new CountingTask(topic, 10),
      { ...interval(100_000), 'drover.run.linger.ms': '900000' },
      { clock, onStep },
    );
    expect(await harness.runTask(name)).toMatchObject({ reason: 'drained', records: 10 });
    await expect.poll(transactions).toEqual([10]);
  });

  it('L1: a task that is revoked with its transaction open hears of it within its commit interval', async () => {
    const polled = Promise.withResolvers<void>();
    const { name, values } = await scene(
      (topic) => {
        class Slow extends CountingTask {
          override async poll() {
            await new Promise((resolve) => setTimeout(resolve, 5));
            return super.poll();
          }
        }
        return new Slow(topic, Number.POSITIVE_INFINITY);
      },
      { ...interval(600_000), 'drover.commit.interval.ms': '50' },
      { onStep: (step) => step === 'produced' && polled.resolve() },
    );
    const running = harness.runTask(name);
    await polled.promise;
    await harness.stores.config.putTargetState(name, 'PAUSED', harness.clock.now());
    const paused = harness.runConnector(name);
    expect(await running).toMatchObject({ reason: 'revoked' });
    expect(await paused).toMatchObject({ reason: 'applied' });
    const { items } = await harness.stores.offsets.listSourceOffsets(name, null);
    const { count } = JSON.parse(items[0]!.offset!) as { count: number };
    // The coordinator answers the commit before the partition has its marker.
    await expect.poll(values).toEqual(upTo(count));
  });
});

describe('transaction.boundary=connector', () => {
  const boundary: Settings = { 'transaction.boundary': 'connector' };

  /** One transaction for every so many records. */
  class Transacting extends CountingTask {
    readonly #length: number;
    constructor(topic: string, end: number, length: number) {
      super(topic, end);
      this.#length = length;
    }
    override poll() {
      const polled = super.poll();
      if (polled !== null && this.next % this.#length === 0) this.context.transactionContext!.commitTransaction();
      return polled;
    }
  }

  it("I4: is not cut in two by the run's own limits", async () => {
    const { name, transactions, values } = await scene((topic) => new Transacting(topic, 200, 100), {
      ...boundary,
      'drover.run.max.records': '30',
    });
    expect(await harness.runTask(name)).toMatchObject({ reason: 'backlog', records: 100 });
    expect(await harness.runTask(name)).toMatchObject({ reason: 'backlog', records: 100 });
    await expect.poll(values).toEqual(upTo(200));
    await expect.poll(transactions).toEqual([100, 200]);
  });

  it('that does not fit into a run is aborted, and the status says why the task makes no progress', async () => {
    const { name, values, transactions } = await scene(
      (topic) => {
        class Endless extends Transacting {
          override async poll() {
            await new Promise((resolve) => setTimeout(resolve, 5));
            return super.poll();
          }
        }
        return new Endless(topic, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
      },
      { ...boundary, 'drover.run.max.ms': '200' },
      { budgetMs: 2000, settings: { runMarginMs: 1000 } },
    );
    expect(await harness.runTask(name)).toMatchObject({ reason: 'failed-for-now', records: 0 });
    const item = (await harness.stores.config.getTask(name, 0))!;
    expect(item).toMatchObject({ state: 'RUNNING', counters: { consecutiveFailures: 1 } });
    expect(item.trace).toContain('transaction.boundary=connector');
    expect([await values(), await transactions()]).toEqual([[], []]);
  });

  it('asked for ahead of a poll that finds nothing is ended with the run', async () => {
    class Ahead extends CountingTask {
      override poll() {
        const polled = super.poll();
        if (polled === null) this.context.transactionContext!.commitTransaction();
        return polled;
      }
    }
    const { name, values } = await scene((topic) => new Ahead(topic, 30), boundary);
    expect(await harness.runTask(name)).toMatchObject({ reason: 'drained', records: 30 });
    await expect.poll(values).toEqual(upTo(30));
  });

  it('fails the task that asks for both a commit and an abort', async () => {
    class Undecided extends CountingTask {
      override poll() {
        this.context.transactionContext!.commitTransaction();
        this.context.transactionContext!.abortTransaction();
        return super.poll();
      }
    }
    const { name } = await scene((topic) => new Undecided(topic, 30), boundary);
    expect(await harness.runTask(name)).toMatchObject({ reason: 'failed' });
    expect((await harness.stores.config.getTask(name, 0))!.trace).toContain('both commit and abort');
  });
});
