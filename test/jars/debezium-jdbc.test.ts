import { expect, test } from 'vitest';
import type { ConnectorBench } from '../../src/testing/bench.ts';
import { createTopic } from '../support/kafka-tools.ts';
import { until } from '../support/until.ts';
import { debeziumJdbc } from './archives.ts';
import { startPostgres } from './databases.ts';
import { killAgainAndAgain, killJvm, longest, openLab, runUntil, seed, seeded, sinkPlaces } from './lab.ts';
import { jdbcSink, type Sent, sendRows, upsertsInto } from './upserts.ts';

// Debezium's JDBC sink, as its archive comes, from a real Kafka into a real PostgreSQL.
const lab = openLab({ plugins: async () => [await debeziumJdbc()], beside: startPostgres });
const topicOf = (table: string) => `${table}-${process.pid}`;

async function sinkInto(table: string): Promise<ConnectorBench> {
  await createTopic(lab.kafka, topicOf(table));
  const bench = lab.bench('sink', jdbcSink, table);
  await bench.configure({
    ...upsertsInto(lab.beside, table, topicOf(table)),
    'drover.commit.interval.ms': '50',
  });
  return bench;
}

const send = (table: string, rows: readonly Sent[]) => sendRows(lab.kafka, topicOf(table), rows);
const rowsOf = (table: string) => lab.beside.query(`SELECT * FROM ${table} ORDER BY id`);
const numbered = (count: number, v: string): Sent[] => Array.from({ length: count }, (_, i) => [i + 1, v]);

test('makes its table, inserts, updates, deletes, and takes up a new column', async () => {
  const bench = await sinkInto('goods');
  await send('goods', [
    [1, 'a'],
    [2, 'b'],
    [1, 'A'],
  ]);
  await runUntil(bench, 'the rows are there', async () => (await rowsOf('goods')).length === 2);
  expect(await rowsOf('goods')).toEqual([
    { id: 1, v: 'A' },
    { id: 2, v: 'b' },
  ]);
  await send('goods', [
    [3, 'c', 2 ** 40],
    [2, null],
  ]);
  await runUntil(
    bench,
    'the changes are there',
    async () => (await rowsOf('goods')).map(({ id }) => id).join() === '1,3',
  );
  expect(await rowsOf('goods')).toEqual([
    { id: 1, v: 'A', more: null },
    { id: 3, v: 'c', more: String(2 ** 40) },
  ]);
});

test('I5: with its JVM killed while the database works on a batch, all of the batch comes with the next run', async () => {
  const bench = await sinkInto('slow');
  await send('slow', [[1, 'first']]);
  await runUntil(bench, 'its table is made', async () => (await rowsOf('slow')).length === 1);
  await lab.beside.query(`
    CREATE FUNCTION takes_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$;
    CREATE TRIGGER takes_long BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION takes_long()`);
  await send('slow', numbered(40, 'second'));
  const run = bench.run();
  await until(
    'the database works on the batch',
    async () =>
      (
        await lab.beside.query(
          `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query ILIKE 'INSERT INTO%slow%' AND pid <> pg_backend_pid()`,
        )
      ).length > 0,
    { everyMs: 10 },
  );
  expect(killJvm(lab.java)).toBe(true);
  await run;
  await bench.throwIfFailed();
  // Of a statement that died nothing stays.
  const left = await rowsOf('slow');
  expect(left.filter(({ v }) => v === 'second').length).toBeLessThan(40);
  await lab.beside.query('DROP TRIGGER takes_long ON slow');
  await runUntil(bench, 'all are there', async () => {
    const rows = await rowsOf('slow');
    return rows.length === 40 && rows.every(({ v }) => v === 'second');
  });
});

test(
  'I5: with its JVM and its function killed between put and commit every row is there, with its last value',
  async () => {
    const bench = await sinkInto('stock');
    const random = seeded(seed);
    const expected = new Map<number, string>();
    let version = 0;
    const kills = await killAgainAndAgain(bench, lab.java, {
      places: sinkPlaces,
      random,
      more: async () => {
        const v = `v${++version}`;
        const changed = Array.from({ length: 200 }, () => 1000 + Math.floor(random() * 300));
        for (const id of changed) expected.set(id, v);
        await send(
          'stock',
          changed.map((id) => [id, v] as const),
        );
      },
    });
    const wanted = [...expected].sort(([one], [other]) => one - other).map(([id, v]) => ({ id, v }));
    await runUntil(bench, `all is there, seed ${seed}`, async () => {
      const rows = await rowsOf('stock');
      return rows.length === wanted.length && rows.every(({ v }, i) => v === wanted[i]?.v);
    });
    expect(await rowsOf('stock')).toEqual(wanted);
    console.log(
      `Debezium's JDBC sink: seed ${seed}, ${kills} kills, ${version * 200} upserts of ${wanted.length} rows`,
    );
  },
  longest,
);
