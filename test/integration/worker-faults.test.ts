import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import type { RunReport } from '../../src/worker/run/run-report.ts';
import { randomFrom } from '../crash/crash-lab.ts';
import { startFaultyDynamoDb } from '../support/faulty-dynamodb.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { dynamoDbEndpoint, kafkaAddress, startPrivateBroker } from '../support/services.ts';
import { createHarness, type Harness, realKafka, uniqueName } from '../support/worker-harness.ts';
import { dynamoDbClient, newTable, tableRequests } from './storage/dynamodb-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-faults-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const linesUpTo = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}`);
const distinct = (values: readonly (string | null)[]) => [...new Set(values)];

function fileOf(count: number): string {
  const path = join(folder, `${uniqueName('in')}.txt`);
  writeFileSync(path, `${linesUpTo(count).join('\n')}\n`);
  return path;
}

const fileSource = (file: string, topic: string, more: Settings = {}): Settings => ({
  'connector.class': 'FileStreamSource',
  'tasks.max': '1',
  file,
  topic,
  'batch.size': '10',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'drover.commit.interval.ms': '0',
  ...more,
});

/** Runs the task, again and again where it failed for now, until it has nothing left to do. */
async function untilDrained(harness: Harness, name: string): Promise<RunReport> {
  for (let run = 0; run < 30; run++) {
    const report = await harness.runTask(name).catch((error: Error) => ({ reason: error.message }) as RunReport);
    if (report.reason === 'drained') return report;
  }
  throw new Error(`${name} does not come to rest`);
}

describe('a broker that goes away', () => {
  const shortLived = (bootstrapServers: string) => async () =>
    createKafkaClient({ bootstrapServers, requestTimeoutMs: 1000, connectTimeoutMs: 1000, apiTimeoutMs: 2000 });

  it('stopped before a run: the status names the broker, and the task resumes when it is back', async () => {
    await using broker = await startPrivateBroker();
    const harness = createHarness({ kafka: shortLived(broker.bootstrapServers), budgetMs: 12_000 });
    const [name, topic] = [uniqueName('stopped'), uniqueName('stopped')];
    const delivery = {
      'producer.override.delivery.timeout.ms': '3000',
      'producer.override.request.timeout.ms': '1000',
    };
    await harness.create(name, fileSource(fileOf(100), topic, { 'drover.run.max.records': '50', ...delivery }));
    await harness.runTask(name);
    await broker.stop();
    expect(await harness.runTask(name)).toMatchObject({ reason: 'failed-for-now' });
    const item = (await harness.stores.config.getTask(name, 0))!;
    expect(item).toMatchObject({ state: 'RUNNING', leaseOwner: null });
    expect(item.trace).toMatch(/127\.0\.0\.1|broker|connect/i);
    await broker.start();
    await untilDrained(harness, name);
    const kafka = createKafkaClient({ bootstrapServers: broker.bootstrapServers });
    expect(distinct((await readTopic(kafka, topic)).map(({ value }) => value))).toEqual(linesUpTo(100));
    await kafka.close();
    await harness.close();
  });

  it('killed and frozen in the middle of runs: nothing is missing, and exactly once stays exactly once', async () => {
    await using broker = await startPrivateBroker({
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    });
    let disturb: (() => Promise<void>) | null = null;
    let disturbing: Promise<void> | null = null;
    const harness = createHarness({
      kafka: shortLived(broker.bootstrapServers),
      budgetMs: 25_000,
      onStep: (step) => {
        if (step !== 'polled' || disturb === null) return;
        disturbing = disturb();
        disturb = null;
      },
    });
    const plain = { name: uniqueName('plain'), topic: uniqueName('plain') };
    const once = { name: uniqueName('once'), topic: uniqueName('once') };
    const exactlyOnce = {
      'exactly.once.support': 'required',
      'offsets.storage.topic': 'once-offsets',
      'producer.override.transaction.timeout.ms': '10000',
    };
    const bounded = { 'producer.override.delivery.timeout.ms': '8000', 'producer.override.request.timeout.ms': '1000' };
    await harness.create(plain.name, fileSource(fileOf(300), plain.topic, bounded));
    await harness.create(once.name, fileSource(fileOf(300), once.topic, { ...bounded, ...exactlyOnce }));

    const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const disturbances = [
      async () => {
        broker.freeze();
        await wait(3000);
        broker.thaw();
      },
      async () => {
        await broker.kill();
        await broker.start();
      },
    ];
    for (const { name } of [plain, once]) {
      for (const disturbance of disturbances) {
        disturb = disturbance;
        await harness.runTask(name);
        await disturbing;
      }
      disturb = null;
      await untilDrained(harness, name);
    }
    const kafka = createKafkaClient({ bootstrapServers: broker.bootstrapServers });
    const valuesOf = async (topic: string) => (await readTopic(kafka, topic)).map(({ value }) => value);
    expect(distinct(await valuesOf(plain.topic))).toEqual(linesUpTo(300));
    await expect.poll(() => valuesOf(once.topic), { timeout: 15_000 }).toEqual(linesUpTo(300));
    await kafka.close();
    await harness.close();
  });
});

describe('a table that throttles, fails, and loses answers', () => {
  it('I2, I3, I5: costs time, but no line', async () => {
    const seed = Date.now() % 1_000_000;
    console.log(`seed of the faults: ${seed}`);
    const plain = dynamoDbClient();
    const tableName = await newTable(plain);
    await using faulty = await startFaultyDynamoDb(dynamoDbEndpoint(), randomFrom(seed));
    const requests = tableRequests({ endpoint: faulty.endpoint, attempts: 2 });
    // A lease that was taken while the answer was lost, or never given back, runs out by the next try: time moves on.
    let aheadMs = 0;
    const harness = createHarness({
      kafka: realKafka(kafkaAddress()),
      stores: createDynamoDbStores({ requests, tableName }),
      budgetMs: 10_000,
      clock: { now: () => Date.now() + aheadMs, sleep: systemClock.sleep },
    });
    const [source, sink, topic] = [uniqueName('db-source'), uniqueName('db-sink'), uniqueName('db')];
    const out = join(folder, 'db-out.txt');
    const insist = async (work: () => Promise<unknown>) => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await work();
        } catch (error) {
          if (attempt > 30) throw error;
        }
      }
    };
    const settled = async (name: string) => {
      for (let attempt = 0; attempt < 60; attempt++) {
        const stored = createDynamoDbStores({ requests: tableRequests(), tableName });
        if ((await stored.config.getConnector(name))?.state === 'RUNNING') return;
        await stored.config.markConnectorDue(name, harness.clock.now());
        aheadMs += 20_000;
        await harness.runConnector(name).catch(() => {});
      }
      throw new Error(`${name} does not start`);
    };
    await insist(() => harness.create(source, fileSource(fileOf(120), topic, { 'drover.run.max.records': '10' })));
    await settled(source);
    const lines = async (kafkaTopic: string) => {
      const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
      const values = (await readTopic(kafka, kafkaTopic)).map(({ value }) => value);
      await kafka.close();
      return values;
    };
    const work = async (name: string, done: () => Promise<boolean>) => {
      for (let run = 0; run < 200 && !(await done()); run++) {
        await harness.runTask(name).catch(() => {});
        aheadMs += 20_000;
      }
    };
    await work(source, async () => distinct(await lines(topic)).length === 120);
    expect(distinct(await lines(topic))).toEqual(linesUpTo(120));
    await insist(() =>
      harness.create(sink, {
        'connector.class': 'FileStreamSink',
        'tasks.max': '1',
        file: out,
        topics: topic,
        'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      }),
    );
    await settled(sink);
    const written = () => {
      try {
        return readFileSync(out, 'utf8').trimEnd().split('\n');
      } catch {
        return [];
      }
    };
    await work(sink, async () => distinct(written()).length === 120);
    expect(distinct(written())).toEqual(linesUpTo(120));
    expect(faulty.counts.throttled).toBeGreaterThan(0);
    expect(faulty.counts.lost).toBeGreaterThan(0);
    await harness.close();
  });
});

describe('clocks that disagree by minutes', () => {
  it('I1, I2, I4: a run that is taken over while it lives is fenced, and exactly once stays exactly once', async () => {
    const db = dynamoDbClient();
    const tableName = await newTable(db);
    const stores = () => createDynamoDbStores({ requests: tableRequests(), tableName });
    const [name, topic] = [uniqueName('skew'), uniqueName('skew')];
    const ahead = createHarness({
      kafka: realKafka(kafkaAddress()),
      stores: stores(),
      clock: { now: () => Date.now() + 240_000, sleep: systemClock.sleep },
    });
    let takenOver: Promise<RunReport> | null = null;
    let polls = 0;
    const behind = createHarness({
      kafka: realKafka(kafkaAddress()),
      stores: stores(),
      onStep: (step) => {
        // From inside a run the other function, whose clock is ahead, finds the lease expired and runs the task too.
        if (step === 'polled' && ++polls === 5) takenOver = ahead.runTask(name);
      },
    });
    await behind.create(
      name,
      fileSource(fileOf(400), topic, {
        'exactly.once.support': 'required',
        'offsets.storage.topic': uniqueName('skew-offsets'),
      }),
    );
    await behind.runTask(name);
    expect(await takenOver).toMatchObject({ ran: true });
    await untilDrained(ahead, name);
    const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
    const values = async () => (await readTopic(kafka, topic)).map(({ value }) => value);
    await expect.poll(values, { timeout: 15_000 }).toEqual(linesUpTo(400));
    await kafka.close();
    await behind.close();
    await ahead.close();
  });

  it('I1: a dispatch that comes late, after the run it was for, does no harm', async () => {
    const harness = createHarness({ kafka: realKafka(kafkaAddress()) });
    const [name, topic, file] = [uniqueName('late'), uniqueName('late'), join(folder, 'late.txt')];
    const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
    await sendValues(await kafka.producer(), topic, ['a', 'b']);
    await harness.create(name, {
      'connector.class': 'FileStreamSink',
      file,
      topics: topic,
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    });
    await harness.runTask(name);
    const budget = () => ({ deadlineAt: Date.now() + 30_000, workerId: uniqueName('late') });
    const late = [1, 2, 3].map(() => harness.worker.run({ kind: 'task', connector: name, task: 0 }, budget()));
    for (const report of await Promise.all(late)) expect(report.ran).toBe(false);
    expect(await harness.runConnector(name)).toMatchObject({ ran: false });
    expect(readFileSync(file, 'utf8')).toBe('a\nb\n');
    await kafka.close();
    await harness.close();
  });
});
