import { describe, expect, it, test } from 'vitest';
import { DynamoDbSourceConnector } from '../../../connectors/dynamodb/connector.ts';
import { dynamoDbSource } from '../../../connectors/dynamodb/plugin.ts';
import type { OpenTables } from '../../../connectors/dynamodb/tables.ts';
import { ConnectorBench, sourceContract, type TestRecord } from '../../../src/testing/index.ts';
import { largeTable, MemoryTable, streamEvent } from '../../support/memory-tables.ts';

const config = {
  'connector.class': 'DynamoDbStreamsSourceConnector',
  'tasks.max': '1',
  'dynamodb.table.whitelist': 'orders',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
};

/** Each case has a table of its own, which its plugin is to open. */
let current: { readonly open: OpenTables } = new MemoryTable();
const open: OpenTables = (...args) => current.open(...args);
const plugin = { ...dynamoDbSource, create: async () => new DynamoDbSourceConnector(open) };

const sequence = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
/** Each third is a removal, which is two records. */
const eventsOf = (numbers: readonly number[]) =>
  numbers.map((number) => streamEvent(number % 3 === 2 ? 'REMOVE' : 'INSERT', number, `item ${number}`));
const idsOf = (numbers: readonly number[]) =>
  numbers.flatMap((number) =>
    number % 3 === 2 ? [`d item ${number}`, `tombstone item ${number}`] : [`c item ${number}`],
  );

function identify({ keyBytes, valueBytes }: TestRecord): string {
  const { id } = JSON.parse(keyBytes?.toString() ?? '{}');
  return valueBytes === null ? `tombstone ${id}` : `${JSON.parse(valueBytes.toString()).op} ${id}`;
}

describe('streams that are polled', () => {
  const cases = sourceContract({
    plugin,
    identify,
    mostKills: 12,
    arrange() {
      const table = new MemoryTable();
      current = table;
      table.change('parent', ...eventsOf(sequence(0, 20)));
      table.stream.end('parent');
      table.stream.add('child', [], ['parent']);
      table.change('child', ...eventsOf(sequence(20, 30)));
      const extend = () => {
        table.change('child', ...eventsOf(sequence(30, 36)));
        return idsOf(sequence(30, 36));
      };
      return { config, expected: idsOf(sequence(0, 30)), extend };
    },
    arrangeLarge(bytes) {
      current = { open: largeTable(Math.ceil(bytes / 10_000), 10_000) };
      return { config: { ...config, 'record.shape': 'images' } };
    },
    badConfigs: [
      { change: { 'dynamodb.table.whitelist': null }, key: 'dynamodb.table.whitelist' },
      { change: { 'dynamodb.table.whitelist': 'no/table' }, key: 'dynamodb.table.whitelist' },
      { change: { 'dynamodb.table.whitelist': 'orders,orders' }, key: 'dynamodb.table.whitelist' },
      { change: { 'kafka.topic.map': '{"orders":7}' }, key: 'kafka.topic.map' },
      { change: { snapshot: 'always' }, key: 'snapshot' },
      { change: { 'snapshot.segments': '0' }, key: 'snapshot.segments' },
      { change: { 'aws.access.key.id': 'AKIA' }, key: 'aws.secret.key' },
      { change: { 'record.shape': 'avro' }, key: 'record.shape' },
    ],
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe.each([1, 3])('a snapshot in %s segments', (segments) => {
  const ids = (from: number, to: number) => sequence(from, to).map((number) => `item ${number}`);
  const cases = sourceContract({
    plugin,
    identify,
    mostKills: 8,
    orderedBy: (id) => String(Number(id.split(' ').at(-1)) % segments),
    arrange() {
      const table = new MemoryTable();
      current = table;
      table.addItems(...ids(0, 40));
      table.stream.add('shard');
      const snapshot = { snapshot: 'initial', 'snapshot.segments': String(segments), 'snapshot.page.items': '5' };
      return { config: { ...config, ...snapshot }, expected: ids(0, 40).map((id) => `r ${id}`) };
    },
    arrangeLarge(bytes) {
      current = { open: largeTable(Math.ceil(bytes / 10_000), 10_000) };
      const snapshot = { snapshot: 'initial', 'snapshot.segments': String(segments), 'snapshot.page.items': '100' };
      return { config: { ...config, ...snapshot, 'record.shape': 'images' } };
    },
    badConfigs: [],
  });
  it.each(cases)('$name', ({ run }) => run());
});

const newTable = () => {
  const table = new MemoryTable();
  const bench = new ConnectorBench({ ...plugin, create: async () => new DynamoDbSourceConnector(table.open) });
  return { table, bench };
};

test('no snapshot is taken unasked, none twice, and another after its offset is reset', async () => {
  const { table, bench } = newTable();
  await using _ = bench;
  table.addItems('a', 'b', 'c');
  table.stream.add('shard');
  await bench.configure(config);
  await bench.drain();
  expect(table.scans).toBe(0);

  const asked = { ...config, snapshot: 'initial', 'snapshot.page.items': '3' };
  await bench.configure(asked);
  await bench.drain();
  expect((await bench.records()).map(identify)).toEqual(['r a', 'r b', 'r c']);
  const [finished] = await bench.offsets();
  expect(finished).toMatchObject({
    partition: { table_name: 'orders' },
    offset: { init_sync_state: 'FINISHED', init_sync_count: 3 },
  });
  const scans = table.scans;
  table.addItems('d');
  await bench.run();
  expect(table.scans).toBe(scans);

  await bench.alterOffsets([{ partition: { table_name: 'orders' }, offset: null }]);
  await bench.drain();
  expect((await bench.records()).slice(3).map(identify)).toEqual(['r a', 'r b', 'r c', 'r d']);
});

test('a snapshot of an empty table is over as well', async () => {
  const { table, bench } = newTable();
  await using _ = bench;
  table.stream.add('shard');
  await bench.configure({ ...config, snapshot: 'initial' });
  await bench.drain();
  expect(await bench.offsets()).toMatchObject([{ offset: { init_sync_state: 'FINISHED', init_sync_count: 0 } }]);
  table.addItems('a');
  const scans = table.scans;
  await bench.run();
  expect(table.scans).toBe(scans);
});

test('a snapshot that the Java connector has begun is gone on with', async () => {
  const { table, bench } = newTable();
  await using _ = bench;
  table.addItems('a', 'b', 'c');
  table.stream.add('shard');
  await bench.configure({ ...config, snapshot: 'initial' });
  const offset = { init_sync_state: 'RUNNING', init_sync_start: 5, exclusive_start_key: '{"id":{"s":"a"}}' };
  await bench.alterOffsets([{ partition: { table_name: 'orders' }, offset }]);
  await bench.drain();
  expect((await bench.records()).map(identify)).toEqual(['r b', 'r c']);
});

describe('records that are older than the stream keeps', () => {
  const trimmed = async (more: Record<string, string>) => {
    const { table, bench } = newTable();
    table.change('shard', ...eventsOf([0, 1]));
    await bench.configure({ ...config, ...more });
    await bench.drain();
    table.change('shard', ...eventsOf([3, 4, 6]));
    table.stream.trim('shard', 4);
    return bench;
  };

  test('fail the task, which says what is lost and what to do', async () => {
    await using bench = await trimmed({});
    await bench.run();
    const { tasks } = await bench.status();
    expect(tasks[0]!.state).toBe('FAILED');
    expect(tasks[0]!.trace).toMatch(
      /table orders, shard shard, behind the sequence number 1, are gone.*stream\.trimmed/s,
    );
  });

  test('are told, and passed over where that is wanted', async () => {
    await using bench = await trimmed({ 'stream.trimmed': 'continue' });
    await bench.drain();
    expect((await bench.records()).map(identify)).toEqual(['c item 0', 'c item 1', 'c item 6']);
    expect(JSON.stringify(bench.events)).toMatch(/behind the sequence number 1, are gone/);
  });
});

test('a table without a stream says what it needs', async () => {
  const { table, bench } = newTable();
  await using _ = bench;
  table.hasStream = false;
  await bench.configure(config);
  await bench.run();
  expect((await bench.status()).tasks[0]!.trace).toMatch(/orders has no stream: enable one/);
});
