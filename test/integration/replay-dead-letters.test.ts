import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { storesOver } from '../../src/storage/dynamodb/stores-over.ts';
import { MemoryTableClient } from '../../src/storage/memory/memory-table-client.ts';
import { startInProcessDrover } from '../support/in-process-drover.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { makeAgain } from '../support/kafka-tools.ts';
import { MortalTable } from '../support/mortal-table.ts';
import { kafkaAddress } from '../support/services.ts';
import { createHarness, realKafka, uniqueName } from '../support/worker-harness.ts';

let kafka: KafkaClient;
let folder: string;
beforeAll(async () => {
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterAll(async () => {
  await kafka.close();
  await rm(folder, { recursive: true });
});

const stringConverter = 'org.apache.kafka.connect.storage.StringConverter';
const sinkOf = (topic: string, letters: string): Settings => ({
  'connector.class': 'FileStreamSink',
  topics: topic,
  file: join(folder, topic),
  'key.converter': stringConverter,
  'value.converter': stringConverter,
  'errors.tolerance': 'all',
  'errors.deadletterqueue.topic.name': letters,
  'errors.deadletterqueue.topic.replication.factor': '1',
  'errors.deadletterqueue.context.headers.enable': 'true',
});

describe('a replay of dead letters over REST', () => {
  it('brings what was poison out of the sink once its config is mended, and never twice', async () => {
    const drover = await startInProcessDrover({ bootstrapServers: kafkaAddress(), settings: { idleCeilingMs: 1000 } });
    try {
      const [topic, letters] = [uniqueName('replay-rest'), uniqueName('replay-rest-dlq')];
      const call = async (method: string, path: string, body?: unknown) => {
        const response = await fetch(`${drover.url}${path}`, {
          method,
          headers: { 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      };
      const lines = () => readFile(join(folder, topic), 'utf8').catch(() => '');
      const eventually = { timeout: 30_000, interval: 100 };
      const replayed = async () => {
        const asked = await call('POST', `/drover/connectors/${topic}/dead-letters/replay`);
        expect(asked).toMatchObject({ status: 202, body: { message: expect.stringContaining(topic) } });
        const report = async () => (await call('GET', `/drover/connectors/${topic}`)).body.replay;
        await expect.poll(report, eventually).toMatchObject({ done_at: expect.any(String) });
        return report();
      };

      await sendValues(await kafka.producer(), topic, ['"a"', 'not json', '"b"']);
      const json = 'org.apache.kafka.connect.json.JsonConverter';
      const poisoned = {
        ...sinkOf(topic, letters),
        'value.converter': json,
        'value.converter.schemas.enable': 'false',
      };
      expect((await call('POST', '/connectors', { name: topic, config: poisoned })).status).toBe(201);
      await expect.poll(lines, eventually).toBe('a\nb\n');
      await expect.poll(() => valuesOf(letters), eventually).toEqual(['not json']);
      expect((await call('GET', `/drover/connectors/${topic}`)).body.replay).toBeNull();

      expect((await call('PUT', `/connectors/${topic}/config`, sinkOf(topic, letters))).status).toBe(200);
      expect(await replayed()).toMatchObject({ topic: letters, replayed: 1, left: 0, others: 0, error: null });
      await expect.poll(lines, eventually).toBe('a\nb\nnot json\n');
      expect(await replayed()).toMatchObject({ topic: letters, replayed: 0, left: 0, error: null });
      expect(await readTopic(kafka, topic)).toHaveLength(4);
    } finally {
      await drover.close();
    }
  });
});

interface Letter {
  readonly value: string;
  readonly key?: string;
  /** Of the connector that it says it is of; left out: it says nothing. */
  readonly connector?: string;
  readonly topic?: string;
  readonly partition?: string;
}

async function sendLetters(queue: string, letters: readonly Letter[]): Promise<void> {
  const producer = await kafka.producer();
  for (const { value, key = null, connector, topic = '', partition = '0' } of letters) {
    const batch = producer.newBatch();
    const said = (name: string, text: string) => ({ key: `__connect.errors.${name}`, value: text });
    const context =
      connector === undefined
        ? []
        : [said('topic', topic), said('partition', partition), said('connector.name', connector)];
    batch.append(queue, 0, key, value, 1_700_000_000_000, [{ key: 'own', value: 'kept' }, ...context]);
    await producer.send(batch);
  }
  await producer.close();
}

interface Setting {
  readonly name: string;
  readonly topic: string;
  readonly queue: string;
  readonly table: MemoryTableClient;
}

/** A running sink, its topic of two partitions, and its queue. */
async function newSink(): Promise<Setting> {
  const setting = { name: uniqueName('replay'), topic: uniqueName('replay'), queue: uniqueName('replay-dlq') };
  const topics = [setting.topic, setting.queue];
  await kafka.admin.createTopics(
    topics.map((topic) => ({ topic, partitions: topic === setting.topic ? 2 : 1, replicationFactor: 1, configs: {} })),
  );
  const table = new MemoryTableClient();
  const harness = newHarness(table);
  await harness.create(setting.name, sinkOf(setting.topic, setting.queue));
  await harness.close();
  return { ...setting, table };
}

let nonces = 0;
const over = (table: ConstructorParameters<typeof MortalTable>[0]) => storesOver(table, () => `nonce-${++nonces}`);

function newHarness(table: ConstructorParameters<typeof MortalTable>[0], onStep: (step: string) => void = () => {}) {
  const time = { ahead: 0 };
  const clock = { ...systemClock, now: () => Date.now() + time.ahead };
  const harness = createHarness({ kafka: realKafka(kafkaAddress()), stores: over(table), clock, onStep });
  return Object.assign(harness, { time });
}

const valuesOf = async (topic: string) => (await readTopic(kafka, topic)).map(({ value }) => value);

describe('a replay of dead letters', () => {
  it('puts back key, value, partition and own headers, and leaves what is not its own or does not say whose', async () => {
    const { name, topic, queue, table } = await newSink();
    const { stores, runConnector, close } = newHarness(table);
    const replay = async (target: string | null) => {
      await stores.config.requestReplay(name, target, Date.now());
      expect((await runConnector(name)).nextDueAt).toBeNull();
      return (await stores.config.getConnector(name))!.replay;
    };
    await sendLetters(queue, [
      { value: 'mine', key: 'k', connector: name, topic, partition: '1' },
      { value: 'of another', connector: 'another', topic },
      { value: 'of nobody' },
    ]);
    expect(await replay(null)).toMatchObject({ replayed: 1, left: 1, others: 1, error: null });
    const [letter, ...more] = await readTopic(kafka, topic);
    expect(more).toEqual([]);
    expect(letter).toMatchObject({
      partition: 1,
      key: 'k',
      value: 'mine',
      timestamp: 1_700_000_000_000,
      headers: [{ key: 'own', value: 'kept' }],
    });
    expect(await replay(null)).toMatchObject({ replayed: 0, left: 0, others: 0 });

    const target = uniqueName('replay-target');
    await kafka.admin.createTopics([{ topic: target, partitions: 1, replicationFactor: 1, configs: {} }]);
    expect(await replay(target)).toMatchObject({ replayed: 1, left: 0, error: null });
    expect(await valuesOf(target)).toEqual(['of nobody']);
    expect(await replay(target)).toMatchObject({ replayed: 0 });
    expect(await valuesOf(topic)).toEqual(['mine']);
    await close();
  });

  it('begins with the first letter of a queue that was deleted and made again, however many it holds', async () => {
    const { name, topic, queue, table } = await newSink();
    const { stores, runConnector, close } = newHarness(table);
    const replay = async () => {
      await stores.config.requestReplay(name, null, Date.now());
      await runConnector(name);
      return (await stores.config.getConnector(name))!.replay;
    };
    const letters = (...values: string[]) => values.map((value) => ({ value, connector: name, topic }));
    await sendLetters(queue, letters('one', 'two'));
    expect(await replay()).toMatchObject({ replayed: 2, error: null });
    await makeAgain(kafka, queue);
    await sendLetters(queue, letters('three', 'four', 'five'));
    expect(await replay()).toMatchObject({ replayed: 3, error: null });
    expect(await valuesOf(topic)).toEqual(['one', 'two', 'three', 'four', 'five']);
    await close();
  });

  it('I3: killed between produce and position, it repeats and loses nothing', async () => {
    const { name, topic, queue, table } = await newSink();
    await sendLetters(queue, [
      { value: 'one', connector: name, topic },
      { value: 'two', connector: name, topic },
    ]);
    const mortal = new MortalTable(table, null);
    const doomed = newHarness(mortal, (step) => {
      if (step === 'letters-produced') mortal.kill();
    });
    await over(table).config.requestReplay(name, null, Date.now());
    await Promise.race([doomed.runConnector(name), mortal.death]);
    expect(mortal.isDead).toBe(true);
    expect(await valuesOf(topic)).toEqual(['one', 'two']);

    const next = newHarness(table);
    expect(await next.runConnector(name)).toMatchObject({ ran: false, reason: 'held' });
    next.time.ahead = 60_000;
    await next.runConnector(name);
    expect(await valuesOf(topic)).toEqual(['one', 'two', 'one', 'two']);
    expect((await next.stores.config.getConnector(name))!.replay).toMatchObject({ replayed: 2, error: null });
    expect((await next.stores.config.getConnector(name))!.replay!.doneAt).not.toBeNull();
    await Promise.all([doomed.close(), next.close()]);
  });

  it('stays due when its run ends first, goes on from there, and leaves what came since it began', async () => {
    const { name, topic, queue, table } = await newSink();
    // One fetch holds one of these.
    const large = ['1', '2', '3'].map((digit) => digit.repeat(600_000));
    await sendLetters(
      queue,
      large.map((value) => ({ value, connector: name, topic })),
    );
    const harness = newHarness(table, (step) => {
      if (step === 'replay-kept') harness.time.ahead += 60_000;
    });
    const connector = async () => (await harness.stores.config.getConnector(name))!;
    await harness.stores.config.requestReplay(name, null, Date.now());
    const runs: (number | null)[] = [];
    for (let run = 0; run < 4; run++) {
      runs.push((await harness.runConnector(name)).nextDueAt);
      if (run === 0) await sendLetters(queue, [{ value: 'late', connector: name, topic }]);
      if (runs.at(-1) === null) break;
      const { dueAt, replay, state } = await connector();
      expect([dueAt, replay?.doneAt, state]).toEqual([runs.at(-1), null, 'RUNNING']);
    }
    expect(runs.at(-1)).toBeNull();
    expect(runs.length).toBeGreaterThan(1);
    expect(await valuesOf(topic)).toEqual(large);
    expect((await connector()).replay).toMatchObject({ replayed: 3, error: null });
    await harness.close();
  });

  it('ends in front of a letter whose topic has gone, says so, and leaves the connector alone', async () => {
    const { name, topic, queue, table } = await newSink();
    const { stores, runConnector, close } = newHarness(table);
    const gone = uniqueName('replay-gone');
    await sendLetters(queue, [{ value: 'lost', connector: name, topic: gone }]);
    const replay = async () => {
      await stores.config.requestReplay(name, null, Date.now());
      await runConnector(name);
      return (await stores.config.getConnector(name))!;
    };
    const failed = await replay();
    expect(failed).toMatchObject({ state: 'RUNNING', trace: null, dueAt: null });
    expect(failed.replay).toMatchObject({ replayed: 0, error: expect.stringContaining(gone) });
    expect(failed.replay!.doneAt).not.toBeNull();

    await kafka.admin.createTopics([{ topic: gone, partitions: 1, replicationFactor: 1, configs: {} }]);
    expect((await replay()).replay).toMatchObject({ replayed: 1, error: null });
    expect(await valuesOf(gone)).toEqual(['lost']);
    expect(await valuesOf(topic)).toEqual([]);
    await close();
  });

  it('gives way to what is asked for meanwhile', async () => {
    const { name, topic, queue, table } = await newSink();
    const harness = newHarness(table, (step) => {
      if (step === 'letters-produced') asked ??= harness.stores.config.putTargetState(name, 'PAUSED', Date.now());
    });
    let asked: Promise<void> | undefined;
    await sendLetters(queue, [
      { value: 'a'.repeat(600_000), connector: name, topic },
      { value: 'b'.repeat(600_000), connector: name, topic },
    ]);
    await harness.stores.config.requestReplay(name, null, Date.now());
    await harness.runConnector(name);
    await asked;
    const waiting = (await harness.stores.config.getConnector(name))!;
    expect(waiting).toMatchObject({ state: 'RUNNING', replay: { replayed: 1, doneAt: null } });
    expect(waiting.dueAt).not.toBeNull();
    await harness.runConnector(name);
    const paused = (await harness.stores.config.getConnector(name))!;
    expect(paused).toMatchObject({ state: 'PAUSED', dueAt: null, replay: { replayed: 2, error: null } });
    await harness.close();
  });
});
