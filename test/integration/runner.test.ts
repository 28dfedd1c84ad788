import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { readDecidedTopic, readTopic } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';
import { uniqueName } from '../support/worker-harness.ts';
import { openRunnerLab, type RunnerProcess, runnerLeaseMs, signal } from './runner-lab.ts';
import { dropTables } from './storage/dynamodb-table.ts';

// The runner as it is bundled, a process beside the table and Kafka: file connectors ask for it.
const timeout = 240_000;
const text = { 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' };
const onRunner = { ...text, 'drover.runner': 'always', 'drover.idle.floor.ms': '100' };
/** How often runners are killed where that is done again and again. */
const kills = 4;

afterAll(dropTables);

/** A file that grows by numbered lines. */
function growing(file: string) {
  let written = 0;
  writeFileSync(file, '');
  return {
    get all() {
      return Array.from({ length: written }, (_, index) => `line ${index}`);
    },
    write(count: number) {
      const from = written;
      written += count;
      const lines = Array.from({ length: count }, (_, index) => `line ${from + index}`);
      appendFileSync(file, lines.map((line) => `${line}\n`).join(''));
      return lines;
    },
  };
}

const values = async (kafka: KafkaClient, topic: string, level: 'read_uncommitted' | 'read_committed') =>
  (await readTopic(kafka, topic, level)).map(({ value }) => value);

/** Kills whichever of them runs something, and has another come up in its place. */
function killWhoRuns(runners: RunnerProcess[], startRunner: () => RunnerProcess): void {
  const at = runners.findIndex((runner) => runner.runs().length > 0);
  expect(at).toBeGreaterThanOrEqual(0);
  runners[at]!.kill();
  runners[at] = startRunner();
}

test('I1, L1: a task runs on the runner for as long as it is wanted, is paused and changed there, and taken over from runners and runs that are killed', {
  timeout,
}, async () => {
  await using lab = await openRunnerLab();
  const { kafka, herder, startRunner } = lab;
  const name = uniqueName('kept');
  const [topic, other] = [uniqueName('lines'), uniqueName('lines')];
  const file = join(lab.folder, 'lines.txt');
  const { write } = growing(file);
  const arrive = (lines: readonly string[], where = topic) =>
    until(`${lines.at(-1)} is in ${where}`, async () => {
      const seen = new Set(await values(kafka, where, 'read_committed'));
      return lines.every((line) => seen.has(line));
    });
  const task = () => lab.task(name);
  const config = { ...onRunner, 'connector.class': 'FileStreamSource', file, topic };
  const one = startRunner();
  await herder.createConnector(name, config, 'STARTED');
  await arrive(write(1000));
  const token = (await task()).fencingToken;
  await arrive(write(500));
  // One run for all of it, beyond its first lease: it commits while it goes on.
  const firstLease = (await task()).leaseExpiresAt;
  await until('the lease is renewed', async () => (await task()).leaseExpiresAt > firstLease + runnerLeaseMs);
  expect(await task()).toMatchObject({ fencingToken: token, state: 'RUNNING', counters: { records: 1500 } });
  expect((await task()).workerId).toMatch(/^runner:/);

  await herder.setTargetState(name, 'PAUSED');
  await until('the run has let go', async () => (await task()).leaseOwner === null);
  expect(await task()).toMatchObject({ state: 'PAUSED', openRuns: 0 });
  const meanwhile = write(10);
  await herder.setTargetState(name, 'STARTED');
  await arrive(meanwhile);

  await herder.putConnectorConfig(name, { ...config, topic: other });
  await until('the task has the new config', async () => (await task()).config.topic === other);
  await arrive(write(10), other);

  // With its runs, as a container that is lost: the lease tells.
  one.kill();
  const two = startRunner();
  await arrive(write(10), other);

  // Only the run: its runner tells.
  const [run] = await until('there is a run', () => two.runs().length > 0 && two.runs());
  signal(run!, 'SIGKILL');
  await arrive(write(10), other);
  expect((await task()).lastDeath?.workerId).toMatch(/^runner:/);

  two.stop();
  expect(await two.ended, two.log.join('')).toBe(0);
  expect(await task()).toMatchObject({ leaseOwner: null, openRuns: 0, state: 'RUNNING', trace: null });
  expect((await readTopic(kafka, topic)).length).toBe(1510);
});

test('a runner that is full says so once something waits, and takes it when there is room', { timeout }, async () => {
  await using lab = await openRunnerLab({ settings: { 'drover.runner.tasks.max': '1' } });
  const { kafka, herder, startRunner } = lab;
  const topic = uniqueName('waits');
  const [first, second] = [uniqueName('first'), uniqueName('second')];
  const start = async (name: string) => {
    const file = join(lab.folder, `${name}.txt`);
    writeFileSync(file, `${name}\n`);
    await herder.createConnector(name, { ...onRunner, 'connector.class': 'FileStreamSource', file, topic }, 'STARTED');
  };
  const arrives = (name: string) =>
    until(`the line of ${name} is there`, async () => (await values(kafka, topic, 'read_committed')).includes(name));
  const runner = startRunner();
  const isTold = () => runner.log.join('').includes('runner.full');
  await start(first);
  await arrives(first);
  // What is sent for the task that runs is nothing that waits.
  const { leaseExpiresAt } = await lab.task(first);
  await until('it runs on', async () => (await lab.task(first)).leaseExpiresAt > leaseExpiresAt + runnerLeaseMs);
  expect(isTold()).toBe(false);
  await start(second);
  await until('it tells', isTold);
  expect(runner.runs()).toHaveLength(1);
  await herder.setTargetState(first, 'PAUSED');
  await arrives(second);
});

test('I4: exactly once on two runners, killed again and again in the middle of transactions: none is missing, none is there twice', {
  timeout,
}, async () => {
  await using lab = await openRunnerLab();
  const { kafka, herder, startRunner } = lab;
  const [name, topic] = [uniqueName('once'), uniqueName('once')];
  const file = join(lab.folder, 'lines.txt');
  const lines = growing(file);
  const runners = [startRunner(), startRunner()];
  lines.write(1);
  await herder.createConnector(
    name,
    {
      ...onRunner,
      'connector.class': 'FileStreamSource',
      file,
      topic,
      'exactly.once.support': 'required',
      // Open for long enough to be seen.
      'transaction.boundary': 'interval',
      'transaction.boundary.interval.ms': '1500',
    },
    'STARTED',
  );
  const seen = (level: 'read_uncommitted' | 'read_committed') => values(kafka, topic, level);
  await until('the first is there', async () => (await seen('read_committed')).length > 0);
  for (let kill = 0; kill < kills; kill++) {
    await until('a transaction is open', async () => {
      lines.write(50);
      const committed = (await seen('read_committed')).length;
      return (await seen('read_uncommitted')).length > committed;
    });
    killWhoRuns(runners, startRunner);
    const last = lines.write(20).at(-1);
    await until(`${last} is there`, async () => (await seen('read_committed')).includes(last!));
  }
  await herder.setTargetState(name, 'PAUSED');
  await until('the run has let go', async () => (await lab.task(name)).leaseOwner === null);
  expect((await readDecidedTopic(kafka, topic)).map(({ value }) => value)).toEqual(lines.all);
  expect((await seen('read_uncommitted')).length).toBeGreaterThan(lines.all.length);
});

test('I5: a sink on two runners that are killed again and again: none is missing, and its group stands where it is', {
  timeout,
}, async () => {
  await using lab = await openRunnerLab();
  const { kafka, herder, startRunner } = lab;
  const [name, topic] = [uniqueName('written'), uniqueName('written')];
  const file = join(lab.folder, 'written.txt');
  await kafka.admin.createTopics([{ topic, partitions: 2, replicationFactor: 1, configs: {} }]);
  const producer = await kafka.producer();
  let produced = 0;
  const produce = async (count: number) => {
    const batch = producer.newBatch();
    for (let i = 0; i < count; i++, produced++)
      batch.append(topic, produced % 2, null, `value ${produced}`, null, null);
    await producer.send(batch);
  };
  const written = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []);
  const runners = [startRunner(), startRunner()];
  await produce(100);
  await herder.createConnector(
    name,
    {
      ...onRunner,
      'connector.class': 'FileStreamSink',
      file,
      topics: topic,
      'consumer.override.max.poll.records': '20',
    },
    'STARTED',
  );
  for (let kill = 0; kill < kills; kill++) {
    const before = written().length;
    await until('it writes', async () => {
      await produce(200);
      return written().length > before;
    });
    killWhoRuns(runners, startRunner);
    await produce(200);
    await until('all are written', () => new Set(written()).size === produced);
  }
  await producer.close();
  expect(new Set(written())).toEqual(new Set(Array.from({ length: produced }, (_, index) => `value ${index}`)));
  const ends = (await kafka.admin.endOffsets([0, 1].map((partition) => ({ topic, partition })))).get(topic);
  await until('the group stands at the end', async () => {
    const offsets = (await kafka.admin.groupOffsets(`connect-${name}`)).get(topic);
    return [0, 1].every((partition) => offsets?.get(partition) === ends?.get(partition));
  });
  expect((await lab.task(name)).trace).toBeNull();
});
