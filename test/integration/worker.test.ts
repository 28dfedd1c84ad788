import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { kafkaAddress } from '../support/services.ts';
import { topicConfigs } from '../support/topic-configs.ts';
import { createHarness, type Harness, type HarnessOptions, realKafka, uniqueName } from '../support/worker-harness.ts';
import { MonitorableSourceTask, sourceOf } from '../support/worker-plugins.ts';
import { dynamoDbClient, newTable, tableRequests } from './storage/dynamodb-table.ts';

const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

const folder = mkdtempSync(join(tmpdir(), 'drover-worker-'));
const db = dynamoDbClient();
let tableName = '';
let kafka: KafkaClient;
let harness: Harness;

const newHarness = (options: Partial<HarnessOptions> = {}) => {
  harness = createHarness({
    kafka: realKafka(kafkaAddress()),
    stores: createDynamoDbStores({ requests: tableRequests(), tableName }),
    ...options,
  });
  return harness;
};

beforeAll(async () => {
  tableName = await newTable(db);
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterEach(() => harness?.close());
afterAll(async () => {
  await kafka.close();
  db.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const fileSource = (file: string, topic: string, more: Settings = {}): Settings => ({
  'connector.class': 'FileStreamSource',
  'tasks.max': '1',
  file,
  topic,
  ...strings,
  ...more,
});
const fileSink = (file: string, topics: string, more: Settings = {}): Settings => ({
  'connector.class': 'FileStreamSink',
  'tasks.max': '1',
  file,
  topics,
  ...strings,
  ...more,
});
const valuesOf = async (topic: string) => (await readTopic(kafka, topic)).map(({ value }) => value);
const statusOf = async (name: string, task = 0) => {
  const { state, trace } = (await harness.stores.config.getTask(name, task))!;
  return { state, trace };
};

describe('a source task', () => {
  it('writes each line once, goes on behind its committed offset, and leaves a partial last line alone', async () => {
    const { create, runTask, stores } = newHarness();
    const [name, topic, file] = [uniqueName('source'), uniqueName('lines'), join(folder, 'partial.txt')];
    writeFileSync(file, 'one\ntwo\nthr');
    await create(name, fileSource(file, topic));
    const first = await runTask(name);
    expect(await statusOf(name)).toEqual({ state: 'RUNNING', trace: null });
    expect(first).toMatchObject({ ran: true, records: 2, reason: 'drained' });
    appendFileSync(file, 'ee\r\nfour\n');
    expect(await runTask(name)).toMatchObject({ records: 2 });
    expect(await valuesOf(topic)).toEqual(['one', 'two', 'three', 'four']);
    const { items } = await stores.offsets.listSourceOffsets(name, null);
    expect(items).toMatchObject([{ partition: JSON.stringify({ filename: file }), offset: '{"position":20}' }]);
    expect(await statusOf(name)).toEqual({ state: 'RUNNING', trace: null });
    expect(await stores.status.activeTopics(name)).toEqual([topic]);
  });

  it('waits for a file that is not there, says so, and backs off further with every empty run', async () => {
    const { create, runTask, events, clock } = newHarness();
    const [name, file] = [uniqueName('waits'), join(folder, 'later.txt')];
    await create(name, fileSource(file, uniqueName('waits')));
    const first = (await runTask(name)).nextDueAt! - clock.now();
    const second = (await runTask(name)).nextDueAt! - clock.now();
    expect(second).toBeGreaterThan(first);
    expect(events.filter(({ event }) => event === 'plugin.log')[0]!.facts.message).toContain(file);
    expect((await statusOf(name)).state).toBe('RUNNING');
  });

  it('fails with a trace that names the setting when there is no file', async () => {
    const { create, runTask } = newHarness();
    const name = uniqueName('stdin');
    const { file: _file, ...config } = fileSource('', uniqueName('stdin')) as Record<string, string>;
    await create(name, config);
    expect(await runTask(name)).toMatchObject({ reason: 'failed', nextDueAt: null });
    const status = await statusOf(name);
    expect(status.state).toBe('FAILED');
    expect(status.trace).toContain("'file'");
  });

  it('creates its topic as topic.creation says', async () => {
    const { create, runTask } = newHarness();
    const [name, topic, file] = [uniqueName('creates'), uniqueName('wide'), join(folder, 'creates.txt')];
    writeFileSync(file, 'one\n');
    const creation = {
      'topic.creation.default.partitions': '3',
      'topic.creation.default.replication.factor': '1',
      'topic.creation.groups': 'wide',
      'topic.creation.wide.include': 'wide.*',
      'topic.creation.wide.partitions': '5',
      'topic.creation.wide.retention.ms': '1234567',
    };
    await create(name, fileSource(file, topic, creation));
    await runTask(name);
    expect(await kafka.admin.describeTopics([topic])).toMatchObject([{ topic, partitions: 5 }]);
    expect((await topicConfigs(topic))!.get('retention.ms')).toBe('1234567');
  });

  it('ends at its record limit and is due again at once', async () => {
    const { create, runTask, clock } = newHarness();
    const [name, topic, file] = [uniqueName('limit'), uniqueName('limit'), join(folder, 'limit.txt')];
    writeFileSync(file, Array.from({ length: 100 }, (_, i) => `${i}\n`).join(''));
    await create(name, fileSource(file, topic, { 'batch.size': '10', 'drover.run.max.records': '40' }));
    const report = await runTask(name);
    expect(report).toMatchObject({ reason: 'backlog', records: 40 });
    expect(report.nextDueAt).toBeLessThanOrEqual(clock.now());
    await runTask(name);
    await runTask(name);
    expect(await valuesOf(topic)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  });
});

describe('exactly once', () => {
  it('I4: commits offsets in the transaction of their records, and the table follows', async () => {
    const { create, runTask, stores } = newHarness();
    const [name, topic, file] = [uniqueName('eos'), uniqueName('eos'), join(folder, 'eos.txt')];
    const offsetsTopic = uniqueName('offsets');
    writeFileSync(file, 'one\ntwo\n');
    await create(
      name,
      fileSource(file, topic, { 'exactly.once.support': 'required', 'offsets.storage.topic': offsetsTopic }),
    );
    await runTask(name);
    await expect.poll(() => valuesOf(topic)).toEqual(['one', 'two']);
    const offsets = async () => (await readTopic(kafka, offsetsTopic)).map(({ key, value }) => ({ key, value }));
    await expect.poll(offsets).toEqual([{ key: `["${name}",{"filename":"${file}"}]`, value: '{"position":8}' }]);
    expect((await stores.offsets.listSourceOffsets(name, null)).items[0]!.offset).toBe('{"position":8}');
    expect((await stores.config.getTask(name, 0))!.positions).toEqual({});
  });

  it('I4: a takeover takes up what is in the topic but not yet in the table', async () => {
    const [name, topic, file] = [uniqueName('tail'), uniqueName('tail'), join(folder, 'tail.txt')];
    writeFileSync(file, 'one\ntwo\n');
    // The run dies between the end of the transaction and the commit to the table, as far as the table can tell.
    const dying = newHarness({
      onStep: (step) => {
        if (step === 'transaction-committed') throw new Error('dies here');
      },
    });
    const config = { 'exactly.once.support': 'required', 'offsets.storage.topic': uniqueName('offsets') };
    await dying.create(name, fileSource(file, topic, config));
    await dying.runTask(name);
    expect((await dying.stores.offsets.listSourceOffsets(name, null)).items).toEqual([]);
    await dying.close();
    const { runTask, runConnector, stores } = newHarness();
    await stores.config.requestRestart(name, { connector: false, tasks: [0] }, Date.now());
    await runConnector(name);
    await runTask(name);
    await expect.poll(() => valuesOf(topic)).toEqual(['one', 'two']);
  });

  it('I4, I7: a new generation reads its offsets only after what the old one left in the topic is in the table', async () => {
    const [name, topic, file] = [uniqueName('moved'), uniqueName('moved'), join(folder, 'moved.txt')];
    writeFileSync(file, 'one\ntwo\n');
    const dying = newHarness({
      onStep: (step) => {
        if (step === 'transaction-committed') throw new Error('dies here');
      },
    });
    const config = fileSource(file, topic, {
      'exactly.once.support': 'required',
      'offsets.storage.topic': uniqueName('offsets'),
    });
    await dying.create(name, config);
    await dying.runTask(name);
    const before = (await dying.stores.config.getTask(name, 0))!;
    expect(Object.keys(before.positions)).toHaveLength(1);
    await dying.close();
    const { create, runTask, stores } = newHarness();
    await create(name, { ...config, 'batch.size': '1' });
    expect((await stores.offsets.listSourceOffsets(name, null)).items[0]!.offset).toBe('{"position":8}');
    appendFileSync(file, 'three\n');
    await runTask(name);
    await expect.poll(() => valuesOf(topic)).toEqual(['one', 'two', 'three']);
    expect((await stores.config.getTask(name, 0))!).toMatchObject({ generation: 2, positions: {} });
  });
});

describe('a sink task', () => {
  it('appends every record, and commits to the table and to the group connect-<name>', async () => {
    const { create, runTask, stores } = newHarness();
    const [name, topic, file] = [uniqueName('sink'), uniqueName('sink'), join(folder, 'sink.txt')];
    const producer = await kafka.producer();
    await sendValues(producer, topic, ['one', 'two']);
    await create(name, fileSink(file, topic));
    expect(await runTask(name)).toMatchObject({ records: 2, reason: 'drained' });
    await sendValues(producer, topic, ['three']);
    await runTask(name);
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\nthree\n');
    expect((await stores.config.getTask(name, 0))!.positions).toEqual({ [topic]: { 0: 3n } });
    expect((await kafka.admin.groupOffsets(`connect-${name}`)).get(topic)!.get(0)).toBe(3n);
  });

  it("goes on from the group's offsets where the table has none", async () => {
    const { create, runTask } = newHarness();
    const [name, topic, file] = [uniqueName('group'), uniqueName('group'), join(folder, 'group.txt')];
    await sendValues(await kafka.producer(), topic, ['one', 'two', 'three']);
    await kafka.admin.commitGroupOffsets(`connect-${name}`, [{ topic, partition: 0, offset: 2n }]);
    await create(name, fileSink(file, topic));
    await runTask(name);
    expect(readFileSync(file, 'utf8')).toBe('three\n');
  });

  it('decides auto.offset.reset=latest once', async () => {
    const { create, runTask } = newHarness();
    const [name, topic, file] = [uniqueName('latest'), uniqueName('latest'), join(folder, 'latest.txt')];
    const producer = await kafka.producer();
    await sendValues(producer, topic, ['before']);
    await create(name, fileSink(file, topic, { 'consumer.override.auto.offset.reset': 'latest' }));
    await runTask(name);
    await sendValues(producer, topic, ['after']);
    await runTask(name);
    expect(readFileSync(file, 'utf8')).toBe('after\n');
  });

  it('is left to the probe once it idles, and the probe wakes it when its topic grows', async () => {
    const { create, runTask, probe, stores, events } = newHarness({ settings: { idleCeilingMs: 1000 } });
    const [name, topic, file] = [uniqueName('probe'), uniqueName('probe'), join(folder, 'probe.txt')];
    const producer = await kafka.producer();
    await sendValues(producer, topic, ['one']);
    await create(name, fileSink(file, topic));
    await runTask(name);
    expect(await runTask(name)).toMatchObject({ nextDueAt: null });
    expect((await stores.config.getTask(name, 0))!.watched).toBe(true);
    await probe();
    expect((await stores.config.getTask(name, 0))!.dueAt).toBeNull();
    await sendValues(producer, topic, ['two']);
    await probe();
    expect(events.at(-1)).toMatchObject({ event: 'probe.ended', facts: { lagging: 1 } });
    expect((await stores.config.getTask(name, 0))!.dueAt).not.toBeNull();
    await runTask(name);
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
  });

  it('goes on from the beginning when its position is out of range, and says so', async () => {
    const { create, runTask, events, stores } = newHarness();
    const [name, topic, file] = [uniqueName('range'), uniqueName('range'), join(folder, 'range.txt')];
    await sendValues(await kafka.producer(), topic, ['one']);
    await stores.offsets.alterSinkPositions(name, [{ topic, kafkaPartition: 0, offset: 77n }], Date.now());
    await create(name, fileSink(file, topic));
    await runTask(name);
    expect(readFileSync(file, 'utf8')).toBe('one\n');
    expect(events.find(({ event }) => event === 'sink.position-reset')!.facts).toMatchObject({ from: 77, to: 0 });
  });
});

describe('the lease', () => {
  it('I1: of two invocations at once one runs and one leaves', async () => {
    const { create, runTask } = newHarness();
    const [name, topic, file] = [uniqueName('twice'), uniqueName('twice'), join(folder, 'twice.txt')];
    writeFileSync(file, Array.from({ length: 500 }, (_, i) => `${i}\n`).join(''));
    await create(name, fileSource(file, topic, { 'batch.size': '10' }));
    const reports = await Promise.all([runTask(name), runTask(name), runTask(name)]);
    expect(reports.filter(({ ran }) => ran)).toHaveLength(1);
    expect(reports.filter(({ ran }) => !ran).map(({ reason }) => reason)).toEqual(['held', 'held']);
    expect(await valuesOf(topic)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });

  it('I2: a run whose lease was taken over cannot commit', async () => {
    const [name, topic] = [uniqueName('zombie'), uniqueName('zombie')];
    const other = createDynamoDbStores({ requests: tableRequests(), tableName });
    class Overtaken extends MonitorableSourceTask {
      override async poll() {
        const polled = await super.poll();
        if (polled !== null) {
          const later = Date.now() + 3_600_000;
          expect((await other.leases.acquireTask(name, 0, 'newer', later, later + 1000)).granted).toBe(true);
        }
        return polled;
      }
    }
    const zombie = newHarness({ plugins: [sourceOf('Overtaken', () => new Overtaken(topic, [['one']]))] });
    await zombie.create(name, { 'connector.class': 'Overtaken', 'tasks.max': '1', ...strings });
    await zombie.runTask(name);
    expect((await other.config.getTask(name, 0))!.leaseOwner).toBe('newer');
    expect(zombie.events.some(({ event }) => event === 'run.fenced')).toBe(true);
    expect((await other.offsets.listSourceOffsets(name, null)).items).toEqual([]);
  });
});

describe('a connector run', () => {
  it('I7: gives a changed connector a new generation, and its tasks the positions of the old one', async () => {
    const { create, runTask, stores } = newHarness();
    const [name, topic, file] = [uniqueName('generation'), uniqueName('generation'), join(folder, 'generation.txt')];
    await kafka.admin.createTopics([{ topic, partitions: 4, replicationFactor: 1, configs: {} }]);
    const producer = await kafka.producer();
    const batch = producer.newBatch();
    for (let i = 0; i < 40; i++) batch.append(topic, i % 4, null, String(i), null, null);
    await producer.send(batch);
    await create(name, fileSink(file, topic));
    await runTask(name);
    const before = readFileSync(file, 'utf8').split('\n').length;
    await create(name, fileSink(file, topic, { 'tasks.max': '2' }));
    const tasks = await stores.config.getTasks(name);
    expect(tasks.map(({ task, generation }) => ({ task, generation }))).toEqual([
      { task: 0, generation: 2 },
      { task: 1, generation: 2 },
    ]);
    expect(tasks.map(({ assignment }) => assignment)).toEqual([
      [{ topic, partitions: [0, 2] }],
      [{ topic, partitions: [1, 3] }],
    ]);
    await runTask(name, 0);
    await runTask(name, 1);
    expect(readFileSync(file, 'utf8').split('\n').length).toBe(before);
  });

  it('keeps unchanged tasks running, pauses, resumes, stops and deletes', async () => {
    const { create, runConnector, runTask, stores } = newHarness();
    const [name, topic, file] = [uniqueName('states'), uniqueName('states'), join(folder, 'states.txt')];
    writeFileSync(file, 'one\n');
    await create(name, fileSource(file, topic));
    await runTask(name);
    await stores.config.markConnectorDue(name, Date.now());
    await runConnector(name);
    expect((await stores.config.getTask(name, 0))!.generation).toBe(1);

    await stores.config.putTargetState(name, 'PAUSED', Date.now());
    await runConnector(name);
    expect((await stores.config.getConnector(name))!.state).toBe('PAUSED');
    expect(await statusOf(name)).toEqual({ state: 'PAUSED', trace: null });
    expect(await runTask(name)).toMatchObject({ ran: false, reason: 'revoked' });

    appendFileSync(file, 'two\n');
    await stores.config.putTargetState(name, 'STARTED', Date.now());
    await runConnector(name);
    expect(await runTask(name)).toMatchObject({ ran: true, records: 1 });

    await stores.config.putTargetState(name, 'STOPPED', Date.now());
    await runConnector(name);
    expect(await stores.config.getTasks(name)).toEqual([]);
    expect((await stores.config.getConnector(name))!.state).toBe('STOPPED');

    await stores.config.deleteConnector(name, Date.now());
    await runConnector(name);
    expect(await stores.config.getConnector(name, { evenDeleting: true })).toBeUndefined();
    expect((await stores.offsets.listSourceOffsets(name, null)).items).toHaveLength(1);
  });

  it('is FAILED with a trace when its class is unknown or its settings are wrong', async () => {
    const { create, stores } = newHarness();
    for (const [config, cause] of [
      [{ 'connector.class': 'NoSuchSource' }, 'NoSuchSource'],
      [{ 'connector.class': 'FileStreamSource', file: 'x' }, 'topic'],
    ] as const) {
      const name = uniqueName('wrong');
      expect(await create(name, config)).toMatchObject({ reason: 'failed' });
      const connector = (await stores.config.getConnector(name))!;
      expect(connector.state).toBe('FAILED');
      expect(connector.trace).toContain(cause);
    }
  });
});
