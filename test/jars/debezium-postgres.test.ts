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

const plainJson = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'topic.creation.default.partitions': '1',
  'topic.creation.default.replication.factor': '1',
};

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
