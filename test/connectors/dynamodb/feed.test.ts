import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DynamoDbSourceConnector } from '../../../connectors/dynamodb/connector.ts';
import type { TableFacts } from '../../../connectors/dynamodb/tables.ts';
import type { ConnectorContext } from '../../../src/api/connector.ts';
import type { FedItem, FedOutcome, FeedContext, SourceFeed } from '../../../src/api/feed.ts';
import type { SourceOffset, SourcePartition } from '../../../src/api/record.ts';
import type { Struct } from '../../../src/data/struct.ts';
import { DataError } from '../../../src/errors.ts';
import { canonicalPartition } from '../../../src/storage/source-offset-text.ts';
import { MemoryTable, streamEvent } from '../../support/memory-tables.ts';

const settings = { 'dynamodb.table.whitelist': 'orders' };
const eventOf = (...records: readonly unknown[]) => ({ Records: records });
const done: FedOutcome = { state: 'done' };
const returned: FedOutcome = { state: 'returned', error: new Error('Kafka does not answer') };

interface Bench {
  readonly feed: SourceFeed;
  readonly warnings: string[];
  readonly offsets: Map<string, SourceOffset>;
  /** Offsets of the items' last records. */
  commit(items: readonly FedItem[]): void;
}

async function newFeed(config: Record<string, string> = settings, facts?: TableFacts): Promise<Bench> {
  const offsets = new Map<string, SourceOffset>();
  const warnings: string[] = [];
  const { open } = new MemoryTable();
  const connector = new DynamoDbSourceConnector(
    facts === undefined ? open : async (...args) => ({ ...(await open(...args)), describe: async () => facts }),
  );
  const feed = connector.createFeed();
  const read = (partitions: readonly SourcePartition[]) =>
    Promise.resolve(partitions.map((partition) => offsets.get(canonicalPartition(partition)) ?? null));
  const context: FeedContext = {
    connector: `feed-${Math.random()}`,
    signal: new AbortController().signal,
    deadlineAt: Date.now() + 60_000,
    offsetStorageReader: { offsets: read, offset: async (partition) => (await read([partition]))[0]! },
    warn: (message) => void warnings.push(message),
  };
  await feed.start(config, context);
  const commit = (items: readonly FedItem[]) => {
    for (const { records } of items) {
      for (const { sourcePartition, sourceOffset } of records) {
        offsets.set(canonicalPartition(sourcePartition), sourceOffset);
      }
    }
  };
  return { feed, warnings, offsets, commit };
}

const numbersOf = (items: readonly FedItem[]) =>
  items.map(({ records }) => Number(JSON.parse((records[0]!.value as Struct).get('document') as string).n.n));
const unreadable = ({ records: [record] }: FedItem) =>
  record?.instead === null || record?.instead === 'mark' ? null : record?.instead.error;
const inserts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => streamEvent('INSERT', from + at, `item ${(from + at) % 3}`));

describe('the feed of a table', () => {
  test('inserted, modified and removed items, and a tombstone behind the removal', async () => {
    const { feed } = await newFeed();
    const items = await feed.items(
      eventOf(
        streamEvent('INSERT', 1, 'a'),
        streamEvent('MODIFY', 2, 'a', { OldImage: { id: { S: 'a' }, n: { N: '1' } } }),
        streamEvent('REMOVE', 3, 'a'),
      ),
    );
    expect(items.map(({ records }) => records.length)).toEqual([1, 1, 2]);
    const records = items.flatMap((item) => item.records);
    expect(new Set(records.map(({ topic }) => topic))).toEqual(new Set(['dynamodb-orders']));
    expect(records.map(({ key }) => (key as Struct).get('id'))).toEqual(['a', 'a', 'a', 'a']);
    const [created, updated, deleted, tombstone] = records.map(({ value }) => value as Struct | null);
    expect(created!.schema.name).toBe('com.trustpilot.connector.dynamodb.envelope');
    expect(created!.schema.fields.map(({ name, schema }) => [name, schema.type, schema.optional])).toEqual([
      ['version', 'string', false],
      ['document', 'string', false],
      ['source', 'struct', false],
      ['op', 'string', false],
      ['ts_ms', 'int64', false],
    ]);
    expect([created, updated, deleted].map((value) => value!.get('op'))).toEqual(['c', 'u', 'd']);
    expect(created!.get('document')).toBe('{"id":{"s":"a"},"n":{"n":"1"}}');
    expect(deleted!.get('document')).toBe('{"id":{"s":"a"}}');
    expect(created!.get('ts_ms')).toBe(1_764_368_000_000n);
    const source = created!.get('source') as Struct;
    expect(source.schema.fields.map(({ name }) => [name, source.get(name)])).toEqual([
      ['version', '1.0'],
      ['table_name', 'orders'],
      ['init_sync', false],
      ['init_sync_state', 'UNDEFINED'],
      ['init_sync_start', 0n],
      ['init_sync_end', null],
      ['init_sync_count', null],
    ]);
    expect(tombstone).toBeNull();
    for (const { value } of records) if (value !== null) (value as Struct).validate();
    expect(records[3]!.valueSchema).toBeNull();
  });

  test('names of attributes keep letters, digits and underscores, as in the Java connector', async () => {
    const { feed } = await newFeed();
    const image = { 'test-1234': { S: 'a' }, '1-starts': { S: 'b' }, _x: { N: '1' }, 日本: { S: 'c' } };
    const [item] = await feed.items(
      eventOf(streamEvent('INSERT', 1, 'a', { Keys: { 'test-1234': { S: 'a' } }, NewImage: image })),
    );
    const { key, value } = item!.records[0]!;
    expect((key as Struct).get('test1234')).toBe('a');
    expect((value as Struct).get('document')).toBe(
      '{"test1234":{"s":"a"},"starts":{"s":"b"},"_x":{"n":"1"},"日本":{"s":"c"}}',
    );
  });

  test('both images as plain values, and no tombstones, where that is asked for', async () => {
    const { feed } = await newFeed({ ...settings, 'record.shape': 'images', 'tombstones.on.delete': 'false' });
    const [item] = await feed.items(
      eventOf({
        ...streamEvent('REMOVE', 3, 'a'),
        userIdentity: { principalId: 'dynamodb.amazonaws.com', type: 'Service' },
      }),
    );
    expect(item!.records).toHaveLength(1);
    const { value, valueSchema, timestamp } = item!.records[0]!;
    expect(valueSchema).toBeNull();
    expect(timestamp).toBe(1_764_368_000_000);
    expect(value).toEqual(
      new Map<string, unknown>([
        ['op', 'd'],
        ['table', 'orders'],
        ['sequence_number', '3'],
        ['ts_ms', 1_764_368_000_000n],
        ['expired', true],
        ['keys', new Map([['id', 'a']])],
        [
          'before',
          new Map<string, unknown>([
            ['id', 'a'],
            ['n', 3n],
          ]),
        ],
        ['after', null],
      ]),
    );
  });

  test('a key of two attributes has the order of the table, however the event has it', async () => {
    const { feed } = await newFeed(
      { ...settings, 'kafka.topic.prefix': 'two-' },
      { keyNames: ['pk', 'sk'], streamArn: null },
    );
    const [item] = await feed.items(
      eventOf(streamEvent('INSERT', 1, 'a', { Keys: { sk: { N: '7' }, pk: { B: 'AAE=' } } })),
    );
    const { key, topic } = item!.records[0]!;
    expect((key as Struct).schema.name).toBe(`${topic}.Key`);
    expect((key as Struct).schema.fields.map(({ name }) => [name, (key as Struct).get(name)])).toEqual([
      ['pk', 'AAE='],
      ['sk', '7'],
    ]);
  });

  test('I3: a batch that comes again goes on behind the last record that was committed', async () => {
    const { feed, commit } = await newFeed();
    const batch = inserts(1, 9);
    const first = await feed.items(eventOf(...batch));
    expect(numbersOf(first)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    commit(first.slice(0, 3));
    expect(() => feed.answer(eventOf(...batch), [done, done, done, ...Array(5).fill(returned)])).toThrow(
      /5 of 8 records are not done: Kafka does not answer/,
    );
    // More may have come behind it meanwhile.
    const again = await feed.items(eventOf(...batch, ...inserts(9, 11)));
    expect(numbersOf(again)).toEqual([4, 5, 6, 7, 8, 9, 10]);
    commit(again);
    expect(
      feed.answer(
        eventOf(),
        again.map(() => done),
      ),
    ).toEqual({ batchItemFailures: [] });
    expect(await feed.items(eventOf(...batch, ...inserts(9, 11)))).toEqual([]);
  });

  test('I3: between a removal and its tombstone, the removal comes again', async () => {
    const { feed, offsets } = await newFeed();
    const batch = [streamEvent('INSERT', 1, 'a'), streamEvent('REMOVE', 2, 'a'), streamEvent('INSERT', 3, 'b')];
    const items = await feed.items(eventOf(...batch));
    const [removal] = items[1]!.records;
    offsets.set(canonicalPartition(removal!.sourcePartition), removal!.sourceOffset);
    const again = await feed.items(eventOf(...batch));
    expect(again).toHaveLength(2);
    expect(again[0]!.records.map(({ value }) => value === null)).toEqual([false, true]);
  });

  test('an offset of another batch never makes one be passed over', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 12 }),
        fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 12 }),
        fc.nat(12),
        async (one, other, committed) => {
          const { feed, commit } = await newFeed();
          const batch = (numbers: readonly number[]) => eventOf(...numbers.map((n) => streamEvent('INSERT', n, 'a')));
          commit((await feed.items(batch(one))).slice(0, committed));
          const rest = numbersOf(await feed.items(batch(other)));
          const passed = other.length - rest.length;
          // What is passed over was committed, as the same beginning of a batch.
          expect(other.slice(passed)).toEqual(rest);
          if (passed > 0) expect(other.slice(0, passed)).toEqual(one.slice(0, committed));
        },
      ),
    );
  });

  test('what cannot be read is an item of its own, with all that came, and the others are not held up', async () => {
    const { feed } = await newFeed();
    const bad = [
      null,
      7,
      { eventName: 'INSERT' },
      streamEvent('TRUNCATE', 2, 'a'),
      streamEvent('INSERT', 3, 'a', { Keys: {} }),
      streamEvent('INSERT', 4, 'a', { Keys: undefined }),
      streamEvent('INSERT', 5, 'a', { NewImage: { id: { S: 7 } } }),
      streamEvent('MODIFY', 6, 'a', { NewImage: undefined }),
    ];
    for (const one of bad) {
      const items = await feed.items(eventOf(streamEvent('INSERT', 1, 'a'), one, streamEvent('INSERT', 9, 'b')));
      expect(items.map((item) => unreadable(item) instanceof DataError)).toEqual([false, true, false]);
      expect(items[1]!.records.map(({ value }) => value)).toEqual([JSON.stringify(one)]);
      expect(items[1]!.records[0]!.topic).toBe('dynamodb-orders');
    }
    const [keysOnly] = await feed.items(eventOf(streamEvent('MODIFY', 6, 'a', { NewImage: undefined })));
    expect(unreadable(keysOnly!)!.message).toMatch(/view must be NEW_IMAGE/);
  });

  test.each([null, 7, {}, { Records: {} }])('%j is no event of a stream, and is given back', async (event) => {
    const { feed } = await newFeed();
    await expect(feed.items(event)).rejects.toThrow(/Not an event of a DynamoDB stream/);
  });

  test('says how much of the 24 hours is left once half is gone, and not each time', async () => {
    const { feed, warnings } = await newFeed();
    const at = (hoursAgo: number) => ({ ApproximateCreationDateTime: Date.now() / 1000 - hoursAgo * 3600 });
    await feed.items(eventOf(streamEvent('INSERT', 1, 'a', at(11))));
    expect(warnings).toEqual([]);
    await feed.items(eventOf(streamEvent('INSERT', 2, 'a', at(20)), streamEvent('INSERT', 3, 'a', at(1))));
    expect(warnings).toEqual([expect.stringMatching(/orders is read 20\.0 hours behind.*4\.0 hours are left/)]);
    await feed.items(eventOf(streamEvent('INSERT', 4, 'a', at(20))));
    expect(warnings).toHaveLength(1);
  });
});

describe('how far behind it is', () => {
  const at = (secondsAgo: number) => ({ ApproximateCreationDateTime: Date.now() / 1000 - secondsAgo });
  const lagOf = async (outcomes: readonly FedOutcome[], ...secondsAgo: readonly number[]) => {
    const { feed } = await newFeed();
    await feed.items(eventOf(...secondsAgo.map((seconds, index) => streamEvent('INSERT', index, 'a', at(seconds)))));
    return feed.lag!(outcomes);
  };
  const near = (seconds: number) => expect.toSatisfy((value: number) => Math.abs(value - seconds) <= 60);

  test('by the last record, and what is left of the 24 hours', async () => {
    expect(await lagOf([done, done], 7200, 3600)).toEqual({ seconds: near(3600), secondsLeft: near(23 * 3600) });
  });

  test('by the first that is not done', async () => {
    expect(await lagOf([done, returned, returned], 9000, 7200, 3600)).toEqual({
      seconds: near(7200),
      secondsLeft: near(22 * 3600),
    });
  });

  test('nothing is left of what is gone', async () => {
    expect(await lagOf([returned], 25 * 3600)).toMatchObject({ secondsLeft: 0 });
  });

  test('it does not say by nothing', async () => {
    expect(await lagOf([])).toBeNull();
  });
});

describe('which stream feeds it', () => {
  const keyOf = (config: Record<string, string>) =>
    new DynamoDbSourceConnector().feedKey(config, { region: 'eu-north-1' })?.key ?? null;

  test('that of its table, in the region of the config or of the installation', () => {
    expect(keyOf(settings)).toBe('dynamodb:eu-north-1:table/orders');
    expect(keyOf({ ...settings, 'aws.region': 'us-west-2' })).toBe('dynamodb:us-west-2:table/orders');
  });

  test('none for several tables, which are polled, or for another service', () => {
    expect(keyOf({ 'dynamodb.table.whitelist': 'orders, customers' })).toBeNull();
    expect(keyOf({ ...settings, 'dynamodb.service.endpoint': 'http://127.0.0.1:8000' })).toBeNull();
  });
});

describe('which tables', () => {
  const problemsOf = (config: Record<string, string>) =>
    new DynamoDbSourceConnector().validate(config).map(({ key, message }) => `${key}: ${message}`);
  const unnamed =
    'dynamodb.table.whitelist: dynamodb.table.whitelist must name the tables, with commas between: they are not looked for by their tags';

  test('must be named; settings that look for them by tags say how to find the names', () => {
    expect(problemsOf({})).toEqual([unnamed]);
    const [first, ...others] = problemsOf({
      'dynamodb.table.ingestion.tag.key': 'cdc',
      'dynamodb.table.env.tag.value': 'prod',
    });
    expect(first).toBe(unnamed);
    expect(others).toEqual(
      ['dynamodb.table.ingestion.tag.key', 'dynamodb.table.env.tag.value'].map(
        (key) =>
          `${key}: Tables are not looked for by their tags: name them in dynamodb.table.whitelist. Those that have these are listed by ` +
          'aws resourcegroupstaggingapi get-resources --resource-type-filters dynamodb:table --tag-filters Key=cdc Key=environment,Values=prod',
      ),
    );
  });

  test('named, the settings of tags are in nobody’s way, and several tables are several tasks', () => {
    const config = {
      'dynamodb.table.whitelist': 'orders, customers, carts',
      'dynamodb.table.ingestion.tag.key': 'cdc',
    };
    expect(problemsOf(config)).toEqual([]);
    const connector = new DynamoDbSourceConnector();
    connector.start(config, { fed: false } as ConnectorContext);
    expect(connector.taskConfigs(2).map((task) => task['dynamodb.table.whitelist'])).toEqual([
      'orders,carts',
      'customers',
    ]);
  });
});
