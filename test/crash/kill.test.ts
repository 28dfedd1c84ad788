import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { dynamoDbClient, newTable, tableRequests } from '../integration/storage/dynamodb-table.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { isAborted, ledgerClass, ledgerLines } from '../support/ledger-source.ts';
import { kafkaAddress } from '../support/services.ts';
import { uniqueName } from '../support/worker-harness.ts';
import { CrashLab, type Death, type Ending, randomFrom } from './crash-lab.ts';

// Some hundred processes are started and killed in each of these.
vi.setConfig({ testTimeout: 600_000 });

const seed = Number(process.env.DROVER_CRASH_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const randomKills = 30;
const pollLines = 5;
const linesPerRun = 20;

const folder = mkdtempSync(join(tmpdir(), 'drover-crash-'));
const db = dynamoDbClient();
let stores: Stores;
let kafka: KafkaClient;
let lab: CrashLab;

beforeAll(async () => {
  console.log(`seed of the random kills: DROVER_CRASH_SEED=${seed}`);
  const tableName = await newTable(db);
  stores = createDynamoDbStores({ requests: tableRequests(), tableName });
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
  lab = new CrashLab(tableName);
});

afterAll(async () => {
  console.log(`${lab.kills} kills`);
  lab.close();
  await kafka.close();
  db.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const strings: Settings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'tasks.max': '1',
  // A commit after every poll and every put: as many steps to die at as there can be.
  'drover.commit.interval.ms': '0',
  // More often than anywhere else, and often before the first commit.
  'drover.deaths.max': '1000',
};

async function create(name: string, type: 'source' | 'sink', config: Settings): Promise<void> {
  await stores.config.putConnectorConfig(name, type, { name, ...strings, ...config }, lab.now());
  expect(await lab.run({ kind: 'connector', connector: name })).toMatchObject({ report: { reason: 'applied' } });
}

async function runTask(name: string, death: Death = {}): Promise<Ending> {
  await stores.config.markTaskDue(name, 0, lab.now());
  return lab.run({ kind: 'task', connector: name, task: 0 }, death);
}

/** Runs the task until a run ends by itself with nothing left to do. */
async function finish(name: string): Promise<readonly string[]> {
  for (;;) {
    const ending = await runTask(name);
    if (ending.killed) throw new Error('nobody should have killed this run');
    expect(ending.report).toMatchObject({ ran: true });
    if (ending.report.reason === 'drained') return ending.steps;
    expect(ending.report.reason).toBe('backlog');
  }
}

interface Kills {
  /** In the second run of a process. */
  readonly warm?: boolean;
  /** At random moments. */
  readonly random?: number;
  readonly leastSteps?: number;
  /** After each. */
  readonly killed?: () => Promise<void>;
}

/** Kills a run behind each of its steps, then runs at random moments; `more` gives every run something to do. */
async function killEverywhere(
  name: string,
  more: (count: number) => Promise<void>,
  { warm = false, random: atRandom = randomKills, leastSteps = 11, killed: onKill = async () => {} }: Kills = {},
): Promise<number> {
  await more(linesPerRun);
  const whole = warm ? await runTask(name, { warm }) : null;
  if (whole?.killed === true) throw new Error('nobody should have killed this run');
  const steps = whole?.steps ?? (await finish(name));
  expect(steps.length, steps.join(' ')).toBeGreaterThanOrEqual(leastSteps);
  for (let dieAt = 1; dieAt < steps.length; dieAt++) {
    // A run that has less to do than the first one may be over before that step.
    let killed = false;
    for (let share = 1; share <= 3 && !killed; share++) {
      await more(share * linesPerRun);
      killed = (await runTask(name, { dieAt, warm })).killed;
    }
    expect(killed, `at step ${dieAt} of ${steps}`).toBe(true);
    await onKill();
  }
  let fellShort = 0;
  for (let kill = 0; kill < atRandom; kill++) {
    await more(linesPerRun);
    const ending = await runTask(name, { dieAfterMs: Math.floor(random() * 250), warm });
    if (ending.killed) await onKill();
    else fellShort++;
  }
  await finish(name);
  return steps.length - 1 + atRandom - fellShort;
}

const lineOf = (i: number) => `line ${String(i).padStart(6, '0')}`;
const linesUpTo = (count: number) => Array.from({ length: count }, (_, i) => lineOf(i));

/** First occurrences in order, and how many more there are. */
function firstOccurrences(values: readonly string[]): { first: string[]; repeated: number } {
  const first = [...new Set(values)];
  return { first, repeated: values.length - first.length };
}

describe('a source task killed behind every step and at random moments', () => {
  const appendingTo = (file: string) => {
    let written = 0;
    writeFileSync(file, '');
    return {
      count: () => written,
      more: async (count: number) => {
        appendFileSync(file, Array.from({ length: count }, () => `${lineOf(written++)}\n`).join(''));
      },
    };
  };

  it('I3: misses no line, keeps their order, and repeats only what was not committed', async () => {
    const [name, topic, file] = [uniqueName('crash-source'), uniqueName('crash-source'), join(folder, 'source.txt')];
    const lines = appendingTo(file);
    await create(name, 'source', {
      'connector.class': 'FileStreamSource',
      file,
      topic,
      'batch.size': String(pollLines),
    });
    const deaths: { committed: number; end: number }[] = [];
    await killEverywhere(name, lines.more, {
      killed: async () => {
        const { items } = await stores.offsets.listSourceOffsets(name, null);
        const { position } = JSON.parse(items[0]?.offset ?? '{"position":0}') as { position: number };
        const ends = await kafka.admin.endOffsets([{ topic, partition: 0 }]);
        deaths.push({ committed: position / `${lineOf(0)}\n`.length, end: Number(ends.get(topic)!.get(0)) });
      },
    });
    const records = await readTopic(kafka, topic);
    expect(firstOccurrences(records.map(({ value }) => value!)).first).toEqual(linesUpTo(lines.count()));
    // Whatever was sent after a death lay behind what was committed at it.
    expect(deaths.length).toBeGreaterThan(10);
    for (const { committed, end } of deaths) {
      const after = records.filter(({ offset, value }) => offset >= end && value! < lineOf(committed));
      expect(after, `repeated after ${committed} lines were committed`).toEqual([]);
    }
  });

  it('I3: nor does one that commits with its release, in a process that knows its task', async () => {
    const [name, topic, file] = [uniqueName('crash-last'), uniqueName('crash-last'), join(folder, 'last.txt')];
    const lines = appendingTo(file);
    await create(name, 'source', {
      'connector.class': 'FileStreamSource',
      file,
      topic,
      'batch.size': String(pollLines),
      'drover.commit.interval.ms': '60000',
      'drover.run.max.records': String(linesPerRun / 2),
    });
    const kills = await killEverywhere(name, lines.more, { warm: true, random: 4, leastSteps: 8 });
    const values = (await readTopic(kafka, topic)).map(({ value }) => value!);
    const { first, repeated } = firstOccurrences(values);
    expect(first).toEqual(linesUpTo(lines.count()));
    expect(repeated).toBeLessThanOrEqual(kills * linesPerRun);
    // Whatever has been released has been committed: a run that is not killed begins where the one before it ended.
    await lines.more(linesPerRun);
    for (let run = 0; run < 2; run++) expect((await runTask(name)).killed).toBe(false);
    expect((await readTopic(kafka, topic)).length).toBe(values.length + linesPerRun);
  });

  it.each(['poll', 'interval'])('I4: writes each line exactly once with transaction.boundary=%s', async (boundary) => {
    const [name, topic] = [uniqueName('crash-eos'), uniqueName('crash-eos')];
    const file = join(folder, `eos-${boundary}.txt`);
    const lines = appendingTo(file);
    await create(name, 'source', {
      'connector.class': 'FileStreamSource',
      file,
      topic,
      'batch.size': String(pollLines),
      'exactly.once.support': 'required',
      'transaction.boundary': boundary,
      'offsets.storage.topic': uniqueName('crash-offsets'),
    });
    await killEverywhere(name, lines.more);
    await expect
      .poll(async () => (await readTopic(kafka, topic)).map(({ value }) => value!), { timeout: 20_000 })
      .toEqual(linesUpTo(lines.count()));
  });

  it('I4: writes each line exactly once, and no aborted one, with transaction.boundary=connector', async () => {
    const [name, topic, file] = [uniqueName('crash-eos'), uniqueName('crash-eos'), join(folder, 'eos-connector.txt')];
    const lines = appendingTo(file);
    await create(name, 'source', {
      'connector.class': ledgerClass,
      file,
      topic,
      'batch.size': String(pollLines),
      'exactly.once.support': 'required',
      'transaction.boundary': 'connector',
      'offsets.storage.topic': uniqueName('crash-offsets'),
    });
    await killEverywhere(name, lines.more);
    // The last transaction is given its missing lines: until then it is aborted with every run.
    await lines.more(ledgerLines - (lines.count() % ledgerLines));
    await finish(name);
    const expected = linesUpTo(lines.count()).filter((_, line) => !isAborted(line));
    await expect
      .poll(async () => (await readTopic(kafka, topic)).map(({ value }) => value!), { timeout: 20_000 })
      .toEqual(expected);
  });
});

describe('a sink task killed behind every step and at random moments', () => {
  it('I5: misses no record, keeps their order, and never commits beyond what is in the file', async () => {
    const [name, topic, file] = [uniqueName('crash-sink'), uniqueName('crash-sink'), join(folder, 'sink.txt')];
    const producer = await kafka.producer();
    let sent = 0;
    const more = async (count: number) => {
      await sendValues(
        producer,
        topic,
        Array.from({ length: count }, () => lineOf(sent++)),
      );
      if (sent === count) return;
      const position = Number((await stores.config.getTask(name, 0))!.positions[topic]?.[0] ?? 0n);
      const present = new Set(readFileSync(file, 'utf8').split('\n'));
      expect(present.has(lineOf(position - 1)) || position === 0, `line ${position - 1} is committed`).toBe(true);
    };
    await sendValues(producer, topic, []);
    await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
    await create(name, 'sink', {
      'connector.class': 'FileStreamSink',
      file,
      topics: topic,
      'consumer.override.max.poll.records': String(pollLines),
    });
    await killEverywhere(name, more);
    const { first } = firstOccurrences(readFileSync(file, 'utf8').trimEnd().split('\n'));
    expect(first).toEqual(linesUpTo(sent));
  });
});

describe('a connector run killed behind every step', () => {
  it('I7: brings the connector in line when it is repeated, whatever was asked', async () => {
    const [name, topic] = [uniqueName('crash-connector'), uniqueName('crash-connector')];
    await kafka.admin.createTopics([{ topic, partitions: 4, replicationFactor: 1, configs: {} }]);
    const sink = (tasks: number): Settings => ({
      name,
      ...strings,
      'connector.class': 'FileStreamSink',
      file: join(folder, 'connector.txt'),
      topics: topic,
      'tasks.max': String(tasks),
    });
    const request = { kind: 'connector', connector: name } as const;
    const wishes: { ask: () => Promise<unknown>; state: string; tasks: number }[] = [
      { ask: () => stores.config.putConnectorConfig(name, 'sink', sink(2), lab.now()), state: 'RUNNING', tasks: 2 },
      { ask: () => stores.config.putConnectorConfig(name, 'sink', sink(3), lab.now()), state: 'RUNNING', tasks: 3 },
      { ask: () => stores.config.putTargetState(name, 'PAUSED', lab.now()), state: 'PAUSED', tasks: 3 },
      { ask: () => stores.config.putTargetState(name, 'STARTED', lab.now()), state: 'RUNNING', tasks: 3 },
      { ask: () => stores.config.putConnectorConfig(name, 'sink', sink(1), lab.now()), state: 'RUNNING', tasks: 1 },
      { ask: () => stores.config.putTargetState(name, 'STOPPED', lab.now()), state: 'STOPPED', tasks: 0 },
      { ask: () => stores.config.putTargetState(name, 'STARTED', lab.now()), state: 'RUNNING', tasks: 1 },
    ];
    for (const { ask, state, tasks } of wishes) {
      await ask();
      for (let dieAt = 1; ; dieAt++) {
        const ending = await lab.run(request, { dieAt });
        if (!ending.killed) break;
        await stores.config.markConnectorDue(name, lab.now());
        // Asked for again, so that the next try has all its steps to make.
        if (dieAt % 2 === 0) await ask();
      }
      expect((await stores.config.getConnector(name))!.state).toBe(state);
      const items = await stores.config.getTasks(name);
      expect(items).toHaveLength(tasks);
      const partitions = items.flatMap(({ assignment }) => assignment.flatMap((one) => one.partitions));
      expect(partitions.sort()).toEqual(tasks === 0 ? [] : [0, 1, 2, 3]);
      for (const item of items) expect(item.revoked).toBe(state === 'PAUSED');
    }
    await stores.config.deleteConnector(name, lab.now());
    for (let dieAt = 1; (await lab.run(request, { dieAt })).killed; dieAt++);
    expect(await stores.config.getConnector(name, { evenDeleting: true })).toBeUndefined();
    expect(await stores.config.getTasks(name)).toEqual([]);
  });
});

describe('a stopped sink and its group, the connector run killed behind every step', () => {
  it('I5, I6: agree in the end on what was changed last, by hand, by others, or with the topic', async () => {
    const [name, topic, file] = [uniqueName('crash-group'), uniqueName('crash-group'), join(folder, 'group.txt')];
    const group = `connect-${name}`;
    const makeTopic = () => kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
    await makeTopic();
    const producer = await kafka.producer();
    await sendValues(producer, topic, linesUpTo(10));
    await create(name, 'sink', { 'connector.class': 'FileStreamSink', file, topics: topic });
    await finish(name);
    const request = { kind: 'connector', connector: name } as const;
    const at = (offset: bigint) => [{ topic, kafkaPartition: 0, offset }];
    const turn = async (to: 'STOPPED' | 'STARTED') => {
      await stores.config.putTargetState(name, to, lab.now());
      expect((await lab.run(request)).killed).toBe(false);
    };
    const changes: { change: () => Promise<unknown>; position: bigint | null; wakes: boolean }[] = [
      { change: () => stores.offsets.alterSinkPositions(name, at(3n), lab.now()), position: 3n, wakes: true },
      { change: () => stores.offsets.resetOffsets(name, lab.now()), position: null, wakes: true },
      {
        change: () => kafka.admin.commitGroupOffsets(group, [{ topic, partition: 0, offset: 4n }]),
        position: 4n,
        wakes: false,
      },
      { change: () => kafka.admin.deleteGroup(group), position: null, wakes: false },
    ];
    for (const { change, position, wakes } of changes) {
      for (let dieAt = 1, killed = true; killed; dieAt++) {
        await turn('STARTED');
        await finish(name);
        expect((await kafka.admin.groupOffsets(group)).get(topic)?.get(0)).toBe(10n);
        await turn('STOPPED');
        await change();
        if (!wakes) await stores.config.putTargetState(name, 'STOPPED', lab.now());
        killed = (await lab.run(request, { dieAt })).killed;
        // What was killed is still due.
        if (killed) expect((await lab.run(request)).killed).toBe(false);
        const expected = position === null ? [] : [{ topic, kafkaPartition: 0, offset: position }];
        expect(await stores.offsets.readSinkPositions(name)).toMatchObject(expected);
        expect((await kafka.admin.groupOffsets(group)).get(topic)?.get(0) ?? null).toBe(position);
      }
    }
  });
});
