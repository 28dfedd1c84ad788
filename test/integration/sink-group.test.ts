import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { RetriableError } from '../../src/errors.ts';
import { BrokerConnection } from '../../src/kafka/connection.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import { sendValues } from '../support/kafka-records.ts';
import { createTopic, deleteTopic, makeAgain } from '../support/kafka-tools.ts';
import { kafkaAddress } from '../support/services.ts';
import { createHarness, type Harness, type HarnessOptions, realKafka, uniqueName } from '../support/worker-harness.ts';

/** What sink-group.ts decides, beyond what test/parity/sink-group.test.ts compares with Java. */

const folder = mkdtempSync(join(tmpdir(), 'drover-sink-group-'));
const open: Harness[] = [];
let kafka: KafkaClient;

beforeAll(() => {
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  await kafka.close();
  rmSync(folder, { recursive: true });
});

function newHarness(options: Partial<HarnessOptions> = {}): Harness {
  const harness = createHarness({ kafka: realKafka(kafkaAddress()), ...options });
  open.push(harness);
  return harness;
}

const strings = 'org.apache.kafka.connect.storage.StringConverter';

/** A sink of one topic with ten records, all of them written. */
async function sinkAtTen(harness: Harness, more: Settings = {}) {
  const name = uniqueName('group');
  const [topic, file, group] = [name, join(folder, `${name}.txt`), `connect-${name}`];
  const send = async (values: readonly string[]) => {
    const producer = await kafka.producer();
    await sendValues(producer, topic, values);
    await producer.close();
  };
  const config: Settings = {
    'connector.class': 'FileStreamSink',
    topics: topic,
    file,
    'key.converter': strings,
    'value.converter': strings,
    ...more,
  };
  await createTopic(kafka, topic);
  await send(numbered('old', 10));
  await harness.create(name, config);
  expect(await harness.runTask(name)).toMatchObject({ records: 10 });
  const { stores, clock } = harness;
  return {
    name,
    topic,
    group,
    config,
    send,
    lines: () => readFileSync(file, 'utf8').split('\n').slice(0, -1),
    committed: async () => (await kafka.admin.groupCommits(group)).get(topic)?.get(0) ?? null,
    setGroup: (offset: bigint) => kafka.admin.commitGroupOffsets(group, [{ topic, partition: 0, offset }]),
    turn: async (to: 'STOPPED' | 'PAUSED' | 'STARTED') => {
      await stores.config.putTargetState(name, to, clock.now());
      await harness.runConnector(name);
    },
    position: async () => (await stores.config.getTask(name, 0))?.positions[topic]?.['0'],
    topicId: async () => (await stores.config.getTask(name, 0))?.topicIds[topic]?.['0'],
    changes: async () => (await stores.config.getTask(name, 0))?.positionChanges ?? [],
    told: () =>
      harness.events.filter(({ event }) => event === 'sink.position-changed').map(({ facts }) => facts.reason),
  };
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, number) => `${prefix}${number}`);

describe('the mark on what Drover commits', () => {
  it("tells Drover's own offset and topic from anybody's, also from one with its metadata carried along", async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    const [described] = await kafka.admin.describeTopics([sink.topic]);
    expect(await sink.committed()).toEqual({ offset: 10n, metadata: `drover 10 ${described!.topicId}` });
    expect(await sink.topicId()).toBe(described!.topicId);
    await sink.turn('STOPPED');
    const { metadata } = (await sink.committed())!;
    await kafka.admin.commitGroupOffsets(sink.group, [{ topic: sink.topic, partition: 0, offset: 7n, metadata }]);
    await sink.turn('STARTED');
    await harness.runTask(sink.name);
    expect(sink.lines()).toHaveLength(13);
  });
});

describe('a group that others change', () => {
  it('while the sink is running is put back with the next run, and told of', async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    await sink.setGroup(4n);
    await sink.send(['more']);
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), 'more']);
    expect(await sink.committed()).toMatchObject({ offset: 11n, metadata: expect.stringContaining('drover') });
    expect(sink.told()).toEqual(['group-restored']);
    expect(await sink.changes()).toMatchObject([{ reason: 'group-restored', from: 4, to: 11 }]);
    await harness.runTask(sink.name);
    expect(sink.told()).toHaveLength(1);
  });

  it('while an idle sink is left to the probe wakes it, and so does one that has expired', async () => {
    const harness = newHarness({ settings: { idleCeilingMs: 100, idleFloorMs: 100 } });
    const sink = await sinkAtTen(harness);
    await harness.runTask(sink.name);
    const watched = async () => (await harness.stores.config.getTask(sink.name, 0))!.watched;
    // The probe looks at each sink's topics and group every fifth minute.
    const probedForFiveMinutes = async () => {
      for (let minute = 0; minute < 5; minute++) {
        vi.spyOn(harness.clock, 'now').mockReturnValue(Date.now() + minute * 60_000);
        await harness.probe();
      }
      vi.restoreAllMocks();
    };
    for (const change of [() => sink.setGroup(4n), () => kafka.admin.deleteGroup(sink.group)]) {
      await harness.runTask(sink.name);
      expect(await watched()).toBe(true);
      await probedForFiveMinutes();
      expect(await watched()).toBe(true);
      await change();
      await probedForFiveMinutes();
      expect(await watched()).toBe(false);
      await harness.runTask(sink.name);
      expect(await sink.committed()).toMatchObject({ offset: 10n });
    }
    expect(sink.lines()).toHaveLength(10);
    expect((await sink.changes()).map(({ reason, from, to }) => [reason, from, to])).toEqual([
      ['group-restored', 4, 10],
      ['group-restored', null, 10],
    ]);
  });

  it('while the sink is paused is taken up when it is resumed', async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    await sink.turn('PAUSED');
    await sink.setGroup(6n);
    await sink.turn('STARTED');
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), ...numbered('old', 10).slice(6)]);
    expect(await sink.changes()).toMatchObject([{ reason: 'group-set', from: 10, to: 6 }]);
  });

  it('after its task has failed is taken up when it is restarted', async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness, {
      transforms: 'cast',
      'transforms.cast.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
      'transforms.cast.field': 'x',
    });
    const { stores, clock } = harness;
    await stores.status.putTaskState(sink.name, 0, 'FAILED', 'trace', 'w');
    await sink.setGroup(8n);
    await stores.config.requestRestart(sink.name, { connector: false, tasks: [0] }, clock.now());
    await harness.runTask(sink.name);
    expect(sink.lines()).toHaveLength(12);
  });

  it('deleted before it is stopped counts for nothing, as it may have expired', async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    await sink.turn('PAUSED');
    await kafka.admin.deleteGroup(sink.group);
    await sink.turn('STOPPED');
    expect(await sink.committed()).toMatchObject({ offset: 10n });
    await sink.send(['more']);
    await sink.turn('STARTED');
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), 'more']);
  });

  it('while it is stopped shows in its offsets with the run that keeps them from expiring', async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    const { stores } = harness;
    await sink.turn('STOPPED');
    const { dueAt } = (await stores.config.getConnector(sink.name))!;
    expect(dueAt! - Date.now()).toBeGreaterThan(11 * 3_600_000);
    await sink.setGroup(3n);
    vi.spyOn(harness.clock, 'now').mockReturnValue(dueAt! + 1);
    await harness.runConnector(sink.name);
    expect(await stores.offsets.readSinkPositions(sink.name)).toMatchObject([{ offset: 3n }]);
    expect(await sink.committed()).toMatchObject({ offset: 3n, metadata: expect.stringContaining('drover 3') });
    const again = (await stores.config.getConnector(sink.name))!;
    expect(again.dueAt! - dueAt!).toBeGreaterThan(11 * 3_600_000);
    expect(again.positionChanges).toMatchObject([{ reason: 'group-set', from: 10, to: 3 }]);
  });

  it('keeps no connector from stopping when Kafka does not answer, and none of its offsets is lost then', async () => {
    let isAway = false;
    const client = createKafkaClient({ bootstrapServers: kafkaAddress() });
    const away = () => Promise.reject(new Error('away'));
    const admin = new Proxy(client.admin, {
      get: (target, key) => {
        const value = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return isAway && key === 'groupCommits' ? away : value.bind(target);
      },
    });
    const harness = newHarness({ kafka: async () => ({ ...client, admin }) });
    const sink = await sinkAtTen(harness);
    isAway = true;
    await sink.turn('STOPPED');
    expect((await harness.stores.config.getConnector(sink.name))!.state).toBe('STOPPED');
    expect(harness.events.some(({ event }) => event === 'sink.group-commit-failed')).toBe(true);
    isAway = false;
    // Nobody can tell whether it was there at all since the stop.
    await kafka.admin.deleteGroup(sink.group);
    await sink.turn('STARTED');
    await harness.runTask(sink.name);
    expect(sink.lines()).toHaveLength(10);
  });
});

describe('a run that dies between the table and the group', () => {
  it.each(['RUNNING', 'restarted', 'stopped'])('is not taken for a change by others: %s', async (then) => {
    const stores = createMemoryStores();
    const whole = newHarness({ stores });
    // Commits in the course of a run; the last one goes to the group first.
    const sink = await sinkAtTen(whole, { 'drover.commit.interval.ms': '0' });
    await sink.send(numbered('more', 5));
    const dying = newHarness({
      stores,
      onStep: (step) => {
        if (step !== 'committed') return;
        // What may pass leaves the task RUNNING; else it is FAILED, until somebody starts it again.
        throw then === 'RUNNING' ? new RetriableError('dies here') : new Error('dies here');
      },
    });
    await dying.runTask(sink.name);
    expect(await sink.position()).toBe(15n);
    expect(await sink.committed()).toMatchObject({ offset: 10n });
    if (then === 'stopped') await sink.turn('STOPPED').then(() => sink.turn('STARTED'));
    else if (then === 'restarted') {
      await stores.config.requestRestart(sink.name, { connector: false, tasks: [0] }, Date.now());
    }
    await whole.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), ...numbered('more', 5)]);
    expect(await sink.committed()).toMatchObject({ offset: 15n });
    expect(sink.told()).toEqual([]);
  });

  it.each(['RUNNING', 'restarted', 'stopped'])(
    'at its end does not skip what the group says is done: %s',
    async (then) => {
      const stores = createMemoryStores();
      const harness = newHarness({ stores });
      const sink = await sinkAtTen(harness);
      await sink.send(numbered('more', 5));
      // As a run leaves it that has put them, has told the group, and is no more before it is in the table.
      const metadata = `drover 15 ${await sink.topicId()}`;
      await kafka.admin.commitGroupOffsets(sink.group, [{ topic: sink.topic, partition: 0, offset: 15n, metadata }]);
      if (then === 'stopped') await sink.turn('STOPPED').then(() => sink.turn('STARTED'));
      else if (then === 'restarted') {
        await stores.config.requestRestart(sink.name, { connector: false, tasks: [0] }, Date.now());
      }
      expect(await harness.runTask(sink.name)).toMatchObject({ records: 5 });
      expect(sink.lines()).toEqual([...numbered('old', 10), ...numbered('more', 5)]);
      expect(await sink.position()).toBe(15n);
      expect(await sink.committed()).toMatchObject({ offset: 15n });
      expect(sink.told()).toEqual([]);
    },
  );

  it('decides `latest` once, though it dies before the table knows', async () => {
    const stores = createMemoryStores();
    const dying = newHarness({
      stores,
      onStep: (step) => {
        if (step === 'group-told') throw new Error('dies here');
      },
    });
    const name = uniqueName('latest');
    const file = join(folder, `${name}.txt`);
    await createTopic(kafka, name);
    const producer = await kafka.producer();
    await sendValues(producer, name, ['before']);
    await dying.create(name, {
      'connector.class': 'FileStreamSink',
      topics: name,
      file,
      'key.converter': strings,
      'value.converter': strings,
      'consumer.override.auto.offset.reset': 'latest',
    });
    await dying.runTask(name);
    expect((await stores.config.getTask(name, 0))!.positions).toEqual({});
    await sendValues(producer, name, ['between']);
    const whole = newHarness({ stores });
    await stores.config.requestRestart(name, { connector: false, tasks: [0] }, Date.now());
    await whole.runTask(name);
    expect(readFileSync(file, 'utf8')).toBe('between\n');
  });
});

describe('positions of an earlier version', () => {
  it('know no topic and decide over a group that bears no mark; the next commit brings both', async () => {
    const stores = createMemoryStores();
    const harness = newHarness({ stores });
    const sink = await sinkAtTen(harness);
    // As that version has left it, after a crash between the table and the group.
    await stores.config.markTaskDue(sink.name, 0, Date.now());
    const run = await stores.leases.acquireTask(sink.name, 0, 'old', Date.now(), Date.now() + 1000);
    if (!run.granted) throw new Error(run.reason);
    await stores.offsets.commitSinkPositions(run.lease, [{ topic: sink.topic, kafkaPartition: 0, offset: 10n }], {});
    const outcome = { state: 'RUNNING', trace: null, workerId: 'old', dueAt: Date.now() } as const;
    await stores.leases.release(run.lease, outcome);
    await sink.setGroup(6n);
    expect(await sink.topicId()).toBeUndefined();
    await stores.config.requestRestart(sink.name, { connector: false, tasks: [0] }, Date.now());
    await harness.runTask(sink.name);
    expect(sink.lines()).toHaveLength(10);
    expect(await sink.topicId()).toMatch(/^[\w-]{22}$/);
    expect(await sink.committed()).toMatchObject({ offset: 10n, metadata: expect.stringContaining('drover') });
  });
});

describe('a topic that is made again', () => {
  it.each(['by id', 'by name, as brokers before 3.1'])('and has grown beyond the position, fetched %s', async (how) => {
    if (how !== 'by id') vi.spyOn(BrokerConnection.prototype, 'speaks').mockResolvedValue(false);
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    const before = await sink.topicId();
    await makeAgain(kafka, sink.topic);
    await sink.send(numbered('new', 30));
    await harness.runTask(sink.name);
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), ...numbered('new', 30)]);
    expect(await sink.topicId()).not.toBe(before);
    expect(harness.events.find(({ event }) => event === 'sink.position-reset')!.facts).toMatchObject({
      madeAgain: true,
      from: 10,
      to: 0,
    });
    expect(await sink.changes()).toMatchObject([{ reason: 'topic-made-again', from: 10, to: 0 }]);
  });

  it('in the middle of a run: what was put is flushed, and the task begins anew with the new topic', async () => {
    const sent: string[] = [];
    const harness = newHarness({
      settings: { runLingerMs: 400 },
      onStep: (step) => {
        sent.push(step);
      },
    });
    const sink = await sinkAtTen(harness);
    await sink.send(['more']);
    const run = harness.runTask(sink.name);
    await expect.poll(() => sink.lines().length, { interval: 5 }).toBe(11);
    await makeAgain(kafka, sink.topic);
    await sink.send(numbered('new', 20));
    await run;
    await harness.runTask(sink.name);
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), 'more', ...numbered('new', 20)]);
    expect(await sink.position()).toBe(20n);
  });

  it('with as many records as before is seen by the probe, though nothing seems to have come', async () => {
    const harness = newHarness({ settings: { idleCeilingMs: 100, idleFloorMs: 100 } });
    const sink = await sinkAtTen(harness);
    await harness.runTask(sink.name);
    expect((await harness.stores.config.getTask(sink.name, 0))!.watched).toBe(true);
    await makeAgain(kafka, sink.topic);
    await sink.send(numbered('new', 10));
    await harness.probe();
    await harness.runTask(sink.name);
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), ...numbered('new', 10)]);
  });

  it('and whose offset somebody has set in the group meanwhile goes on from there', async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    await sink.turn('STOPPED');
    await makeAgain(kafka, sink.topic);
    await sink.send(numbered('new', 20));
    await sink.setGroup(15n);
    await sink.turn('STARTED');
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), ...numbered('new', 20).slice(15)]);
  });

  it('is not mistaken for the old one by a commit of it that comes late to the group', async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    const late = { topic: sink.topic, partition: 0, ...(await sink.committed())! };
    await makeAgain(kafka, sink.topic);
    await sink.send(numbered('new', 12));
    await kafka.admin.commitGroupOffsets(sink.group, [late]);
    await harness.runTask(sink.name);
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), ...numbered('new', 12)]);
  });

  it('or is gone leaves the task RUNNING, and its run wakes the connector', async () => {
    const harness = newHarness();
    const sink = await sinkAtTen(harness);
    await deleteTopic(kafka, sink.topic);
    expect(await harness.runTask(sink.name)).toMatchObject({ reason: 'drained' });
    const { stores } = harness;
    expect(await stores.config.getTask(sink.name, 0)).toMatchObject({ state: 'RUNNING', trace: null });
    expect((await stores.config.getConnector(sink.name))!.dueAt).not.toBeNull();
    await harness.runConnector(sink.name);
    expect((await stores.config.getTask(sink.name, 0))!.assignment).toEqual([]);
    expect(await stores.offsets.readSinkPositions(sink.name)).toEqual([]);
    await createTopic(kafka, sink.topic);
    await sink.send(['new']);
    await harness.runTask(sink.name);
    await harness.runConnector(sink.name);
    await harness.runTask(sink.name);
    await harness.runTask(sink.name);
    expect(sink.lines()).toEqual([...numbered('old', 10), 'new']);
  });
});
