import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { ConnectorBench } from '../../src/testing/bench.ts';
import { startTestJava, type TestJava } from '../support/java-plugins.ts';
import { readTopic } from '../support/kafka-records.ts';
import { kafkaAddress } from '../support/services.ts';
import { until } from '../support/until.ts';
import { debeziumPostgres } from './archives.ts';
import { type Database, startPostgres } from './databases.ts';
import { dyingRun, killJvm, plainJson, seeded, sourcePlaces, transactionPlaces, wantedKills } from './lab.ts';

// Debezium's connector for PostgreSQL, as its archive comes, against a real PostgreSQL and a real Kafka.
let database: Database;
let java: TestJava;
let kafka: KafkaClient;
const benches: ConnectorBench[] = [];

beforeAll(async () => {
  [database, java] = await Promise.all([startPostgres(), debeziumPostgres().then((one) => startTestJava([one], 256))]);
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
}, 400_000);

afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

afterAll(async () => {
  await kafka?.close();
  await java?.close();
  await database?.[Symbol.asyncDispose]();
});

function newBench(name: string): ConnectorBench {
  const className = 'io.debezium.connector.postgresql.PostgresConnector';
  const bench = new ConnectorBench(java.plugin('source', className), {
    bootstrapServers: kafkaAddress(),
    name: `${name}-${process.pid}`,
  });
  benches.push(bench);
  return bench;
}

const configOf = (name: string) => ({
  ...plainJson,
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  'tasks.max': '1',
  'database.hostname': database.host,
  'database.port': String(database.port),
  'database.user': database.user,
  'database.password': database.password,
  'database.dbname': database.name,
  'plugin.name': 'pgoutput',
  'slot.name': name,
  'publication.name': name,
  'publication.autocreate.mode': 'filtered',
  'topic.prefix': `${name}-${process.pid}`,
  'table.include.list': `public.${name}`,
  'poll.interval.ms': '20',
});

interface Change {
  readonly op: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

async function changes(name: string): Promise<Change[]> {
  const records = await readTopic(kafka, `${name}-${process.pid}.public.${name}`);
  return records.flatMap(({ value }) => (value === null ? [] : [JSON.parse(value) as Change]));
}

const told = (list: readonly Change[]) =>
  list.map(({ op, after, before }) => `${op} ${(after ?? before)?.id} ${after?.v ?? ''}`);
/** How far the slot holds PostgreSQL's log back. */
const flushed = async (name: string) =>
  (
    await database.query(
      `SELECT confirmed_flush_lsn - '0/0'::pg_lsn AS at FROM pg_replication_slots WHERE slot_name='${name}'`,
    )
  ).map(({ at }) => Number(at))[0] ?? 0;

test('I3: first what is there, then what comes: inserted, updated, deleted, run by run', async () => {
  await database.query('CREATE TABLE people (id int primary key, v text); ALTER TABLE people REPLICA IDENTITY FULL');
  await database.query("INSERT INTO people SELECT i, 'v' || i FROM generate_series(1, 5) i");
  const bench = newBench('people');
  await bench.configure(configOf('people'));
  await bench.run();
  await bench.throwIfFailed();
  expect(told(await changes('people'))).toEqual([1, 2, 3, 4, 5].map((id) => `r ${id} v${id}`));
  await database.query(
    "INSERT INTO people VALUES (6, 'v6'); UPDATE people SET v = 'w' WHERE id = 1; DELETE FROM people WHERE id = 2",
  );
  await until('the changes are there', async () => {
    await bench.run();
    await bench.throwIfFailed();
    return (await changes('people')).length >= 8;
  });
  expect(told(await changes('people')).slice(5)).toEqual(['c 6 v6', 'u 1 w', 'd 2 ']);
  const [offset] = await bench.offsets();
  expect(offset?.partition).toEqual({ server: `people-${process.pid}` });
  expect(Number(offset?.offset.lsn)).toBeGreaterThan(0);
});

test('an idle tick lets PostgreSQL drop its log: what an earlier run could not tell is told, and heartbeats are written', async () => {
  await database.query('CREATE TABLE quiet (id int primary key, v text); CREATE TABLE noisy (v text)');
  await database.query('CREATE TABLE beats (id int primary key, at timestamptz)');
  await database.query("INSERT INTO quiet VALUES (1, 'v')");
  const bench = newBench('quiet');
  await bench.configure({
    ...configOf('quiet'),
    'table.include.list': 'public.quiet,public.beats',
    'heartbeat.interval.ms': '100',
    'heartbeat.action.query': 'INSERT INTO beats VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET at = excluded.at',
  });
  await bench.run();
  await bench.throwIfFailed();
  expect(told(await changes('quiet'))).toEqual(['r 1 v']);
  const before = await flushed('quiet');
  expect(before).toBeGreaterThan(0);
  await database.query("INSERT INTO noisy SELECT repeat('x', 1000) FROM generate_series(1, 2000)");
  await until('the slot has moved on though its table stood still', async () => {
    await bench.run();
    await bench.throwIfFailed();
    return (await flushed('quiet')) > before + 2_000_000;
  });
  // Its run dies when the offset is in the table and the task has not heard of it: the next, idle, tells PostgreSQL.
  await database.query("INSERT INTO quiet VALUES (2, 'v')");
  const at = { name: 'step committed', time: 1 };
  const { killed } = await bench.run({ killAt: at });
  if (killed) killJvm(java);
  const stored = Number((await bench.offsets())[0]?.offset.lsn);
  await until('the slot is where the table is', async () => {
    await bench.run();
    return (await flushed('quiet')) >= stored;
  });
  expect(told(await changes('quiet'))).toContain('c 2 v');
});

const seed = Number(process.env.DROVER_TEST_SEED ?? Date.now() % 100_000);

test.each([
  ['I3: at least once: none is missing', 'counted', {}],
  ['I4: exactly once: none is missing, none is there twice', 'once', { 'exactly.once.support': 'required' }],
])(
  '%s, with its JVM and its function killed in the middle of batches',
  async (_what, name, more) => {
    await database.query(`CREATE TABLE ${name} (id int primary key, v text)`);
    const bench = newBench(name);
    const random = seeded(seed);
    const places = name === 'once' ? transactionPlaces : sourcePlaces;
    // Waiting is for the clock of others: here rows are there before each run.
    const eager = { 'drover.java.settle.ms': '1000', 'max.batch.size': '16', 'drover.commit.interval.ms': '50' };
    await bench.configure({ ...configOf(name), ...eager, ...more });
    // A first copy that is cut begins anew, in a worker too: it is to be behind us.
    await database.query(`INSERT INTO ${name} VALUES (0, 'v')`);
    await until('the first copy is there', async () => {
      await bench.run();
      await bench.throwIfFailed();
      return (await changes(name)).length > 0;
    });
    let next = 1;
    let kills = 0;
    for (let round = 0; kills < wantedKills; round++) {
      await database.query(`INSERT INTO ${name} SELECT i, 'v' FROM generate_series(${next}, ${next + 99}) i`);
      next += 100;
      if (await dyingRun(bench, java, round % 2 === 0 ? 'jvm' : 'function', random, {}, places)) kills++;
      await bench.throwIfFailed();
      if (round > wantedKills * 4) throw new Error(`Only ${kills} kills in ${round} runs, seed ${seed}`);
    }
    const ids = async () => (await changes(name)).map(({ after }) => Number(after?.id));
    await until(`all are there, seed ${seed}`, async () => {
      await bench.run();
      await bench.throwIfFailed();
      return new Set(await ids()).size === next;
    });
    const landed = await ids();
    console.log(`${name}: seed ${seed}, ${kills} kills, ${next} rows, ${landed.length - next} twice`);
    // Each for the first time in the order of the log.
    expect([...new Set(landed)]).toEqual(Array.from({ length: next }, (_, i) => i));
    if (name === 'once') {
      const again = told(await changes(name)).filter((_, i) => landed.indexOf(landed[i]!) < i);
      expect(again).toEqual([]);
    }
  },
  1_800_000,
);
