import { expect, test } from 'vitest';
import { debeziumPostgres } from './archives.ts';
import { capturedTable, postgresConnector } from './captured-table.ts';
import { changesIn, told } from './changes.ts';
import { startPostgres } from './databases.ts';
import {
  copyUnderKills,
  killJvm,
  longest,
  openLab,
  plainJson,
  runUntil,
  sourcePlaces,
  transactionPlaces,
} from './lab.ts';

// Debezium's connector for PostgreSQL, as its archive comes, against a real PostgreSQL and a real Kafka.
const lab = openLab({ plugins: async () => [await debeziumPostgres()], beside: startPostgres });

const newBench = (name: string) => lab.bench('source', postgresConnector, name);
const query = (sql: string) => lab.beside.query(sql);
const changes = (name: string) => changesIn(lab.kafka, `${name}-${process.pid}.public.${name}`);

const configOf = (name: string) => ({
  ...plainJson,
  ...capturedTable(lab.beside, name, `${name}-${process.pid}`),
});

/** How far the slot holds PostgreSQL's log back. */
const flushed = async (name: string) =>
  (
    await query(`SELECT confirmed_flush_lsn - '0/0'::pg_lsn AS at FROM pg_replication_slots WHERE slot_name='${name}'`)
  ).map(({ at }) => Number(at))[0] ?? 0;

test('I3: first what is there, then what comes: inserted, updated, deleted, run by run', async () => {
  await query('CREATE TABLE people (id int primary key, v text); ALTER TABLE people REPLICA IDENTITY FULL');
  await query("INSERT INTO people SELECT i, 'v' || i FROM generate_series(1, 5) i");
  const bench = newBench('people');
  await bench.configure(configOf('people'));
  await bench.run();
  await bench.throwIfFailed();
  expect(told(await changes('people'))).toEqual([1, 2, 3, 4, 5].map((id) => `r ${id} v${id}`));
  await query(
    "INSERT INTO people VALUES (6, 'v6'); UPDATE people SET v = 'w' WHERE id = 1; DELETE FROM people WHERE id = 2",
  );
  await runUntil(bench, 'the changes are there', async () => (await changes('people')).length >= 8);
  expect(told(await changes('people')).slice(5)).toEqual(['c 6 v6', 'u 1 w', 'd 2 ']);
  const [offset] = await bench.offsets();
  expect(offset?.partition).toEqual({ server: `people-${process.pid}` });
  expect(Number(offset?.offset.lsn)).toBeGreaterThan(0);
});

test('an idle tick lets PostgreSQL drop its log: what an earlier run could not tell is told, and heartbeats are written', async () => {
  await query('CREATE TABLE quiet (id int primary key, v text); CREATE TABLE noisy (v text)');
  await query('CREATE TABLE beats (id int primary key, at timestamptz)');
  await query("INSERT INTO quiet VALUES (1, 'v')");
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
  await query("INSERT INTO noisy SELECT repeat('x', 1000) FROM generate_series(1, 2000)");
  await runUntil(
    bench,
    'the slot has moved on though its table stood still',
    async () => (await flushed('quiet')) > before + 2_000_000,
  );
  // Its run dies when the offset is in the table and the task has not heard of it: the next, idle, tells PostgreSQL.
  await query("INSERT INTO quiet VALUES (2, 'v')");
  const at = { name: 'step committed', time: 1 };
  const { killed } = await bench.run({ killAt: at });
  if (killed) killJvm(lab.java);
  const stored = Number((await bench.offsets())[0]?.offset.lsn);
  await runUntil(bench, 'the slot is where the table is', async () => (await flushed('quiet')) >= stored);
  expect(told(await changes('quiet'))).toContain('c 2 v');
});

test.each([
  ['I3: at least once: none is missing', 'counted', {}],
  ['I4: exactly once: none is missing, none is there twice', 'once', { 'exactly.once.support': 'required' }],
])(
  '%s, with its JVM and its function killed in the middle of batches',
  async (_what, name, more) => {
    await query(`CREATE TABLE ${name} (id int primary key, v text)`);
    const bench = newBench(name);
    // Waiting is for the clock of others: here rows are there before each run.
    const eager = { 'drover.java.settle.ms': '1000', 'max.batch.size': '16', 'drover.commit.interval.ms': '50' };
    await bench.configure({ ...configOf(name), ...eager, ...more });
    // A first copy that is cut begins anew, in a worker too: it is to be behind us.
    await query(`INSERT INTO ${name} VALUES (0, 'v')`);
    await runUntil(bench, 'the first copy is there', async () => (await changes(name)).length > 0);
    const again = await copyUnderKills(bench, lab.java, {
      what: `Debezium, PostgreSQL, ${name}`,
      from: 1,
      each: 100,
      places: name === 'once' ? transactionPlaces : sourcePlaces,
      add: async (from, count) => {
        await query(`INSERT INTO ${name} SELECT i, 'v' FROM generate_series(${from}, ${from + count - 1}) i`);
      },
      landed: async () => (await changes(name)).map(({ after }) => Number(after?.id)).filter((id) => id > 0),
    });
    if (name === 'once') expect(again).toEqual([]);
  },
  longest,
);
