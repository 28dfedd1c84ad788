import { expect, test } from 'vitest';
import { kafkaAddress } from '../support/services.ts';
import { debeziumMariaDb } from './archives.ts';
import { capturedInMariaDb, historyTopic, mariaDbConnector } from './captured-table.ts';
import { changesIn, statementsIn, told } from './changes.ts';
import { startMariaDb } from './databases.ts';
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

// Debezium's connector for MariaDB, as its archive comes, against a real MariaDB and a real Kafka. It shares what it does with
// the one for MySQL: a log of the database's changes, and a topic of its own for the history of the tables' schemas.
const lab = openLab({ plugins: async () => [await debeziumMariaDb()], beside: startMariaDb });

const newBench = (table: string) => lab.bench('source', mariaDbConnector, table);
const query = (sql: string) => lab.beside.query(sql);
const prefixOf = (table: string) => `${table}-${process.pid}`;
const changes = (table: string) => changesIn(lab.kafka, `${prefixOf(table)}.shop.${table}`);

const configOf = (table: string, serverId: number) => ({
  ...plainJson,
  ...capturedInMariaDb(lab.beside, table, prefixOf(table), { serverId, bootstrapServers: kafkaAddress() }),
});

test('I3: first what is there, then what comes: inserted, updated, deleted, and a new column, run by run', async () => {
  await query("CREATE TABLE goods (id int primary key, v varchar(20)); INSERT INTO goods VALUES (1,'a'),(2,'b')");
  const bench = newBench('goods');
  await bench.configure(configOf('goods', 4711));
  await runUntil(bench, 'the snapshot is there', async () => (await changes('goods')).length === 2);
  expect(told(await changes('goods'))).toEqual(['r 1 a', 'r 2 b']);
  await query("INSERT INTO goods VALUES (3,'c'); UPDATE goods SET v='x' WHERE id=1; DELETE FROM goods WHERE id=2");
  await runUntil(bench, 'the changes are there', async () => (await changes('goods')).length >= 5);
  expect(told(await changes('goods')).slice(2)).toEqual(['c 3 c', 'u 1 x', 'd 2 ']);
  // A JVM that has not seen the table reads how it was from the history, which each start adds to or leaves alone.
  await query('ALTER TABLE goods ADD COLUMN more int');
  await lab.java.host.end();
  await query("INSERT INTO goods VALUES (4,'d',44)");
  await runUntil(bench, 'the row with the new column is there', async () => (await changes('goods')).length >= 6);
  expect((await changes('goods')).at(-1)?.after).toEqual({ id: 4, v: 'd', more: 44 });
  const statements = () => statementsIn(lab.kafka, historyTopic(prefixOf('goods')));
  const told1 = await statements();
  expect(told1.filter((ddl) => /^create table/i.test(ddl))).toHaveLength(1);
  expect(told1.filter((ddl) => /^alter table/i.test(ddl))).toHaveLength(1);
  // The history is read from its start by each run, and none writes it again.
  killJvm(lab.java);
  await query("INSERT INTO goods VALUES (5,'e',55)");
  await runUntil(bench, 'the next row is there', async () => (await changes('goods')).length >= 7);
  expect((await changes('goods')).at(-1)?.after).toEqual({ id: 5, v: 'e', more: 55 });
  expect(await statements()).toEqual(told1);
});

test.each([
  ['I3: at least once: none is missing', 'counted', 4712, {}],
  ['I4: exactly once: none is missing, none is there twice', 'once', 4713, { 'exactly.once.support': 'required' }],
])(
  '%s, with its JVM and its function killed in the middle of batches',
  async (_what, name, serverId, more) => {
    await query(`CREATE TABLE ${name} (id int primary key, v varchar(20)); INSERT INTO ${name} VALUES (0,'v')`);
    const bench = newBench(name);
    const eager = { 'drover.java.settle.ms': '1000', 'max.batch.size': '16', 'drover.commit.interval.ms': '50' };
    await bench.configure({ ...configOf(name, serverId), ...eager, ...more });
    // A first copy that is cut begins anew, in a worker too: it is to be behind us.
    await runUntil(bench, 'the first copy is there', async () => (await changes(name)).length > 0);
    const again = await copyUnderKills(bench, lab.java, {
      what: `Debezium, MariaDB, ${name}`,
      from: 1,
      each: 100,
      places: name === 'once' ? transactionPlaces : sourcePlaces,
      add: async (from, count) => {
        const rows = Array.from({ length: count }, (_, i) => `(${from + i},'v')`);
        await query(`INSERT INTO ${name} VALUES ${rows.join()}`);
      },
      landed: async () => (await changes(name)).map(({ after }) => Number(after?.id)).filter((id) => id > 0),
    });
    if (name === 'once') expect(again).toEqual([]);
  },
  longest,
);
