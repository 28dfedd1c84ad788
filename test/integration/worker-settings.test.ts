import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { kafkaAddress } from '../support/services.ts';
import { createHarness, type Harness, type HarnessOptions, realKafka, uniqueName } from '../support/worker-harness.ts';

/** Settings that a run acts on, as validation and Java Connect read them. */

const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};
const folder = mkdtempSync(join(tmpdir(), 'drover-settings-'));
let kafka: KafkaClient;
let harness: Harness;

const newHarness = (options: Partial<HarnessOptions> = {}) => {
  harness = createHarness({ kafka: realKafka(kafkaAddress()), settings: { idleCeilingMs: 1000 }, ...options });
  return harness;
};

beforeAll(() => {
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterEach(() => harness.close());
afterAll(async () => {
  await kafka.close();
  rmSync(folder, { recursive: true, force: true });
});

const newTopic = (topic: string) =>
  kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);

function lines(name: string, ...content: string[]): string {
  const file = join(folder, `${name}.txt`);
  writeFileSync(file, content.map((line) => `${line}\n`).join(''));
  return file;
}

const source = (file: string, topic: string, more: Settings): Settings => ({
  'connector.class': 'FileStreamSource',
  file,
  topic,
  ...strings,
  ...more,
});
const sink = (file: string, more: Settings): Settings => ({
  'connector.class': 'FileStreamSink',
  file,
  ...strings,
  ...more,
});

const taskOf = async (name: string) => (await harness.stores.config.getTask(name, 0))!;
const connectorOf = async (name: string) => (await harness.stores.config.getConnector(name))!;

describe('a pattern that runs away', () => {
  const runaway = '(b+)+!';
  const longName = () => `${'b'.repeat(60)}-${uniqueName('t')}`;

  it('in RegexRouter fails the task with the words that name it', async () => {
    const { create, runTask } = newHarness();
    const name = uniqueName('router');
    await create(
      name,
      source(lines(name, 'one'), longName(), {
        transforms: 'r',
        'transforms.r.type': 'RegexRouter',
        'transforms.r.regex': runaway,
        'transforms.r.replacement': 'x',
      }),
    );
    await runTask(name);
    expect(await taskOf(name)).toMatchObject({
      state: 'FAILED',
      trace: expect.stringContaining(`${runaway} of regex`),
    });
  });

  it("in topics.regex fails its own connector, and holds up nobody else's (L6)", async () => {
    let now = Date.now();
    const { create, runTask, runConnector, probe, stores } = newHarness({
      clock: { now: () => now, sleep: systemClock.sleep },
    });
    const [bad, good, topic] = [uniqueName('bad'), uniqueName('good'), uniqueName('good')];
    const file = join(folder, `${good}.txt`);
    await newTopic(topic);
    await newTopic(bad);
    await create(bad, sink(file, { 'topics.regex': `${runaway}|${bad}` }));
    await create(good, sink(file, { topics: topic }));
    for (let run = 0; run < 3; run++) for (const name of [bad, good]) await runTask(name);
    expect([(await taskOf(bad)).watched, (await taskOf(good)).watched]).toEqual([true, true]);

    await newTopic(longName());
    await sendValues(await kafka.producer(), topic, ['one']);
    // Topics are looked at once in five minutes.
    for (let minute = 0; minute < 5; minute++) {
      now += 60_000;
      await probe();
    }
    expect((await taskOf(good)).dueAt).not.toBeNull();
    const { dueAt } = await connectorOf(bad);
    expect(dueAt).not.toBeNull();
    await runConnector(bad);
    expect(await connectorOf(bad)).toMatchObject({
      state: 'FAILED',
      trace: expect.stringContaining(`${runaway}|${bad} of topics.regex was stopped`),
    });
    // It has told so: nobody asks again until somebody changes it.
    for (let minute = 0; minute < 5; minute++) {
      now += 60_000;
      await probe();
    }
    expect(await stores.config.getConnector(bad)).toMatchObject({ state: 'FAILED', dueAt: null });
  });
});

describe("patterns are Java's", () => {
  it('in topics.regex', async () => {
    const { create } = newHarness();
    const topic = uniqueName('Orders');
    await newTopic(topic);
    for (const pattern of [
      `(?i)${topic.toUpperCase()}`,
      `\\Q${topic}\\E`,
      `${topic}[^-]*+`,
      `\\p{Lu}${topic.slice(1)}`,
    ]) {
      const name = uniqueName('java');
      await create(name, sink(join(folder, `${name}.txt`), { 'topics.regex': pattern }));
      expect((await taskOf(name)).assignment).toEqual([{ topic, partitions: [0] }]);
    }
  });

  it('in topic.creation, and what is wrong there fails the connector', async () => {
    const { create, runTask } = newHarness();
    const [name, topic] = [uniqueName('created'), uniqueName('Created')];
    const byDefault = { 'topic.creation.default.partitions': '1', 'topic.creation.default.replication.factor': '1' };
    const groups = {
      ...byDefault,
      'topic.creation.groups': 'g',
      'topic.creation.g.include': `(?i)${topic.toUpperCase()}`,
      'topic.creation.g.partitions': '3',
    };
    const file = lines(name, 'one');
    await create(name, source(file, topic, groups));
    await runTask(name);
    expect(await kafka.admin.describeTopics([topic])).toMatchObject([{ topic, partitions: 3 }]);
    for (const [key, value] of [
      ['topic.creation.g.include', '('],
      ['topic.creation.g.partitions', '0'],
      ['topic.creation.default.replication.factor', '-2'],
    ] as const) {
      await create(name, source(file, topic, { ...groups, [key]: value }));
      expect(await connectorOf(name)).toMatchObject({ state: 'FAILED', trace: expect.stringContaining(key) });
    }
  });
});

describe("the clients' settings", () => {
  it('auto.offset.reset=by_duration begins with the first record that is young enough (KIP-1106)', async () => {
    const { create, runTask } = newHarness();
    const [name, topic] = [uniqueName('young'), uniqueName('young')];
    await newTopic(topic);
    const producer = await kafka.producer();
    const batch = producer.newBatch();
    for (const [value, minutesAgo] of [
      ['old', 180],
      ['young', 30],
      ['new', 0],
    ] as const) {
      batch.append(topic, 0, null, Buffer.from(value), Date.now() - minutesAgo * 60_000, null);
    }
    expect((await producer.send(batch)).failures.size).toBe(0);
    const read = async (connector: string, policy: string) => {
      const file = join(folder, `${connector}.txt`);
      await create(connector, sink(file, { topics: topic, 'consumer.override.auto.offset.reset': policy }));
      await runTask(connector);
      return readFileSync(file, 'utf8');
    };
    expect(await read(name, 'by_duration:PT1H')).toBe('young\nnew\n');
    expect(await read(`${name}-all`, 'by_duration:P1D')).toBe('old\nyoung\nnew\n');
    expect(await read(`${name}-none`, 'by_duration:PT0S')).toBe('');
    expect(await taskOf(`${name}-none`)).toMatchObject({ state: 'RUNNING', positions: { [topic]: { 0: 3n } } });
  });

  it.each([
    ['consumer.override.isolation.level', 'bogus'],
    ['consumer.override.auto.offset.reset', 'EARLIEST'],
    ['consumer.override.interceptor.classes', 'no.Such'],
  ])('%s=%s fails a sink when its client is made', async (key, value) => {
    const { create, runTask } = newHarness();
    const [name, topic] = [uniqueName('refused'), uniqueName('refused')];
    await newTopic(topic);
    await create(name, sink(join(folder, `${name}.txt`), { topics: topic, [key]: value }));
    await runTask(name);
    const setting = key.slice('consumer.override.'.length);
    expect(await taskOf(name)).toMatchObject({
      state: 'FAILED',
      trace: expect.stringContaining(`for configuration ${setting}`),
    });
  });

  it.each([
    ['producer.override.acks', 'ALL'],
    ['producer.override.partitioner.class', 'no.such.Class'],
    ['admin.override.retries', '-1'],
  ])('%s=%s fails a source, before it has sent anything', async (key, value) => {
    const { create, runTask } = newHarness();
    const [name, topic] = [uniqueName('refused'), uniqueName('refused')];
    await newTopic(topic);
    await create(name, source(lines(name, 'one'), topic, { [key]: value }));
    await runTask(name);
    expect(await taskOf(name)).toMatchObject({
      state: 'FAILED',
      trace: expect.stringContaining(`Invalid value ${value} for configuration`),
    });
    expect(await readTopic(kafka, topic)).toEqual([]);
  });
});

it('a version that a deployment has taken away fails the connector, and tells which there are', async () => {
  const { create } = newHarness();
  const name = uniqueName('version');
  await create(name, source(lines(name, 'one'), name, { 'connector.plugin.version': '[5.0,)' }));
  expect(await connectorOf(name)).toMatchObject({
    state: 'FAILED',
    trace: expect.stringContaining('not found that matches the version range [5.0,), available versions: [4.3.0]'),
  });
});
