import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SourceRecord } from '../../src/api/record.ts';
import { systemClock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { envConfigProvider } from '../../src/worker/config-providers.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { kafkaAddress } from '../support/services.ts';
import { createHarness, type Harness, realKafka, uniqueName } from '../support/worker-harness.ts';
import { MonitorableSinkTask, MonitorableSourceTask, sinkOf, sourceOf } from '../support/worker-plugins.ts';

const strings: Settings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'tasks.max': '1',
};
const folder = mkdtempSync(join(tmpdir(), 'drover-bounds-'));
let kafka: KafkaClient;
let harness: Harness;
beforeAll(() => {
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterEach(() => harness?.close());
afterAll(async () => {
  await kafka.close();
  rmSync(folder, { recursive: true });
});

/** Never runs dry. */
class EndlessTask extends MonitorableSourceTask {
  next = 0;
  readonly #topic: string;
  constructor(topic: string) {
    super(topic, []);
    this.#topic = topic;
  }
  override async start(config: Settings, context: EndlessTask['context']) {
    await super.start(config, context);
    this.next = Number((await context.offsetStorageReader.offset(this.partition))?.count ?? 0);
  }
  override async poll() {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return Array.from({ length: 5 }, () => {
      const value = String(this.next++);
      return new SourceRecord(
        this.partition,
        { count: this.next },
        this.#topic,
        null,
        null,
        null,
        STRING_SCHEMA,
        value,
      );
    });
  }
}

const counted = async (topic: string) => (await readTopic(kafka, topic)).map(({ value }) => Number(value));

describe('a run that could go on for ever', () => {
  it('ends before its deadline with everything committed, and is due again at once', async () => {
    const topic = uniqueName('endless');
    harness = createHarness({
      kafka: realKafka(kafkaAddress()),
      plugins: [sourceOf('Endless', () => new EndlessTask(topic))],
      budgetMs: 8000,
      settings: { runMarginMs: 6000 },
    });
    const name = uniqueName('endless');
    await harness.create(name, { 'connector.class': 'Endless', ...strings });
    const deadline = Date.now() + 8000;
    const report = await harness.runTask(name);
    expect(Date.now()).toBeLessThan(deadline);
    expect(report).toMatchObject({ reason: 'backlog' });
    expect(report.nextDueAt).toBeLessThanOrEqual(Date.now());
    const values = await counted(topic);
    expect(values).toEqual(values.map((_, i) => i));
    const { items } = await harness.stores.offsets.listSourceOffsets(name, null);
    expect(items[0]!.offset).toBe(`{"count":${values.length}}`);
  });

  it('L1: ends within its commit interval when its task is revoked, and I7: the new generation starts only then', async () => {
    const topic = uniqueName('revoked');
    const order: string[] = [];
    harness = createHarness({
      kafka: realKafka(kafkaAddress()),
      plugins: [sourceOf('Endless', () => new EndlessTask(topic))],
      onStep: (step) => order.push(step),
    });
    const name = uniqueName('revoked');
    const config = { 'connector.class': 'Endless', ...strings, 'drover.commit.interval.ms': '50' };
    await harness.create(name, config);
    const running = harness.runTask(name);
    await expect.poll(() => order.includes('committed')).toBe(true);
    const changed = await harness.create(name, { ...config, 'drover.run.max.ms': '500' });
    expect(await running).toMatchObject({ reason: 'revoked' });
    expect(changed).toMatchObject({ reason: 'applied' });
    expect(order.lastIndexOf('released')).toBeLessThan(order.lastIndexOf('tasks-put'));
    const before = (await counted(topic)).length;
    await harness.runTask(name).catch(() => {});
    const values = await counted(topic);
    expect(values.length).toBeGreaterThan(before);
    expect(values).toEqual(values.map((_, i) => i));
  }, 60_000);
});

describe('the probe', () => {
  it('finds new partitions, and new topics that a pattern matches', async () => {
    const task = new MonitorableSinkTask();
    let now = Date.now();
    harness = createHarness({
      kafka: realKafka(kafkaAddress()),
      plugins: [sinkOf('TestSink', () => task)],
      settings: { idleCeilingMs: 1000 },
      clock: { now: () => now, sleep: systemClock.sleep },
    });
    const [name, prefix] = [uniqueName('grows'), uniqueName('grows')];
    const newTopic = (topic: string) =>
      kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
    await newTopic(`${prefix}-a`);
    await harness.create(name, { 'connector.class': 'TestSink', 'topics.regex': `${prefix}-.*`, ...strings });
    const idle = async () => {
      for (let run = 0; run < 3; run++) await harness.runTask(name);
      expect((await harness.stores.config.getTask(name, 0))!.watched).toBe(true);
    };
    /** Topics are looked at once in five minutes. */
    const probeFor5Minutes = async () => {
      for (let minute = 0; minute < 5; minute++) {
        now += 60_000;
        await harness.probe();
      }
      await harness.runConnector(name);
      return (await harness.stores.config.getTask(name, 0))!.assignment;
    };
    await idle();
    await newTopic(`${prefix}-b`);
    expect(await probeFor5Minutes()).toEqual([
      { topic: `${prefix}-a`, partitions: [0] },
      { topic: `${prefix}-b`, partitions: [0] },
    ]);
    await idle();
    await kafka.admin.createPartitions(`${prefix}-a`, 2);
    expect((await probeFor5Minutes())[0]).toEqual({ topic: `${prefix}-a`, partitions: [0, 1] });
    await sendValues(await kafka.producer(), `${prefix}-b`, ['found']);
    await harness.runTask(name);
    expect(task.values).toEqual(['found']);
  });
});

describe('a sink that never idles', () => {
  it('looks for new partitions itself, once in five minutes', async () => {
    const task = new MonitorableSinkTask();
    // Each run in a minute of its own, one after the other, however long the machine takes.
    let minutes = 0;
    const startOfMinute = Math.floor(systemClock.now() / 60_000) * 60_000;
    let begun = systemClock.now();
    harness = createHarness({
      kafka: realKafka(kafkaAddress()),
      plugins: [sinkOf('TestSink', () => task)],
      clock: {
        now: () => startOfMinute + minutes * 60_000 + Math.min(systemClock.now() - begun, 59_999),
        sleep: systemClock.sleep,
      },
    });
    const name = uniqueName('busy');
    await kafka.admin.createTopics([{ topic: name, partitions: 1, replicationFactor: 1, configs: {} }]);
    await harness.create(name, { 'connector.class': 'TestSink', topics: name, ...strings });
    await kafka.admin.createPartitions(name, 2);
    const producer = await kafka.producer();
    while (minutes < 5) {
      minutes++;
      begun = systemClock.now();
      await sendValues(producer, name, [`minute ${minutes}`]);
      await harness.runTask(name);
      expect((await harness.stores.config.getTask(name, 0))!.watched).toBe(false);
    }
    await harness.runConnector(name);
    expect((await harness.stores.config.getTask(name, 0))!.assignment).toEqual([{ topic: name, partitions: [0, 1] }]);
  });
});

describe('a sink created before its topic', () => {
  it('looks for the topic in its own next runs, before it is left to the probe', async () => {
    const task = new MonitorableSinkTask();
    harness = createHarness({ kafka: realKafka(kafkaAddress()), plugins: [sinkOf('TestSink', () => task)] });
    const name = uniqueName('early');
    await harness.create(name, { 'connector.class': 'TestSink', topics: name, ...strings });
    await harness.runTask(name);
    expect((await harness.stores.config.getTask(name, 0))!).toMatchObject({ assignment: [], watched: false });
    await kafka.admin.createTopics([{ topic: name, partitions: 1, replicationFactor: 1, configs: {} }]);
    await sendValues(await kafka.producer(), name, ['first']);
    await harness.runTask(name);
    await harness.runConnector(name);
    await harness.runTask(name);
    expect(task.values).toEqual(['first']);
  });
});

describe('secrets', () => {
  it('are resolved in the worker only: neither the table nor a trace nor an event shows them', async () => {
    class Telling extends MonitorableSourceTask {
      override async start(config: Settings) {
        throw new Error(`cannot log in with ${config.password}`);
      }
    }
    harness = createHarness({
      kafka: realKafka(kafkaAddress()),
      plugins: [sourceOf('Telling', () => new Telling('unused', []))],
      configProviders: new Map([['env', envConfigProvider({ SECRET: 'hunter2hunter2' })]]),
    });
    const name = uniqueName('secret');
    const password = '${env:SECRET}';
    await harness.create(name, { 'connector.class': 'Telling', ...strings, password });
    await harness.runTask(name);
    const item = (await harness.stores.config.getTask(name, 0))!;
    expect(item.config.password).toBe(password);
    expect(item.state).toBe('FAILED');
    expect(item.trace).toContain('cannot log in with [hidden]');
    expect(JSON.stringify(await harness.stores.config.getConnector(name), (_, v) => String(v) && v)).not.toContain(
      'hunter2',
    );
  });
});

describe('plugin code after an error that nobody caught', () => {
  class Careless extends MonitorableSourceTask {
    protected readonly pollMs: number;
    constructor(pollMs: number) {
      super('unused', []);
      this.pollMs = pollMs;
    }
    override poll() {
      void Promise.reject(new Error('nobody looks at me'));
      return new Promise<null>((resolve) => setTimeout(resolve, this.pollMs, null).unref());
    }
    override stop() {
      return new Promise<void>((resolve) => {
        setTimeout(() => {
          this.stopped = true;
          resolve();
        }, 50);
      });
    }
  }
  const run = async (task: MonitorableSourceTask) => {
    harness = createHarness({ kafka: realKafka(kafkaAddress()), plugins: [sourceOf('Careless', () => task)] });
    const name = uniqueName('careless');
    await harness.create(name, { 'connector.class': 'Careless', ...strings });
    return harness.runTask(name);
  };

  it('is waited for: the environment is clean when it has stopped', async () => {
    const task = new Careless(30);
    expect(await run(task)).toMatchObject({ reason: 'failed', tainted: false });
    expect(task.stopped).toBe(true);
  });

  it('taints the environment when it does not come back', async () => {
    expect(await run(new Careless(3_600_000))).toMatchObject({ reason: 'failed', tainted: true });
  });
});

describe('a connector that does not answer', () => {
  it('is given up before the deadline, and taints the environment', async () => {
    const silent = sourceOf('Silent', () => new EndlessTask('unused'));
    const create = () => ({ ...silent.create(), start: () => new Promise<void>(() => {}) });
    harness = createHarness({
      kafka: realKafka(kafkaAddress()),
      plugins: [{ ...silent, create }],
      budgetMs: 3000,
      settings: { runMarginMs: 2500 },
    });
    const report = await harness.create(uniqueName('silent'), { 'connector.class': 'Silent', ...strings });
    expect(report).toMatchObject({ reason: 'failed-for-now', tainted: true });
  });
});

describe('memory', () => {
  it('of a run stays within its bound, whatever the backlog and the size of its records', async () => {
    const file = join(folder, 'large.txt');
    const line = `${'x'.repeat(99_999)}\n`;
    writeFileSync(file, line.repeat(3000));
    const child = fork(join(import.meta.dirname, '../support/memory-child.ts'), [file, uniqueName('memory')], {
      execArgv: ['--max-old-space-size=160', '--disable-warning=ExperimentalWarning'],
    });
    const ended = once(child, 'exit');
    const [result] = (await once(child, 'message')) as [{ source: number; sink: number; peakRssMb: number }];
    // One that outlived the test would hold the runner's pipes, and so its end.
    child.kill('SIGKILL');
    await ended;
    expect(result).toMatchObject({ source: 3000, sink: 3000 });
    // 300 MB have gone through, twice.
    expect(result.peakRssMb).toBeLessThan(450);
    console.log(`peak of resident memory: ${result.peakRssMb} MB`);
  });
});
