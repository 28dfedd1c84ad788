import { describe, expect, test } from 'vitest';
import { KinesisSourceConnector } from '../../../connectors/kinesis/connector.ts';
import type { FedItem, FedOutcome, FeedContext, SourceFeed } from '../../../src/api/feed.ts';
import type { SourceOffset } from '../../../src/api/record.ts';
import { Instant } from '../../../src/data/logical.ts';
import type { Struct } from '../../../src/data/struct.ts';
import { DataError } from '../../../src/errors.ts';
import { aggregate } from '../../support/kinesis-aggregate.ts';
import { kinesisEvent } from '../../support/memory-stream.ts';

const settings = { 'kinesis.stream': 'clicks', 'kafka.topic': 'clicks' };
const eventOf = (...records: readonly unknown[]) => ({ Records: records });
const done: FedOutcome = { state: 'done' };
const returned: FedOutcome = { state: 'returned', error: new Error('Kafka does not answer') };

interface Kept {
  offset: SourceOffset | null;
}

async function newFeed(config: Record<string, string> = {}, kept: Kept = { offset: null }) {
  const warnings: string[] = [];
  const feed: SourceFeed = new KinesisSourceConnector().createFeed();
  const context: FeedContext = {
    connector: `feed-${Math.random()}`,
    signal: new AbortController().signal,
    deadlineAt: Date.now() + 60_000,
    offsetStorageReader: {
      offset: async (partition) => {
        expect(partition).toEqual({ shardId: 'shardId-000000000006' });
        return kept.offset;
      },
      offsets: async (partitions) => partitions.map(() => kept.offset),
    },
    warn: (message) => void warnings.push(message),
  };
  await feed.start({ ...settings, ...config }, context);
  return { feed, warnings, kept };
}

const dataOf = (items: readonly FedItem[]) =>
  items.flatMap(({ records }) =>
    records.map(({ value }) => Buffer.from((value as Struct).get('data') as Uint8Array).toString()),
  );
const offsetOf = (items: readonly FedItem[], item: number, record = -1) =>
  items[item]!.records.at(record)!.sourceOffset;
const puts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => kinesisEvent(from + at, 'key', `data ${from + at}`));
const together = aggregate(['x', 'y', 'z'].map((name) => ({ key: `key ${name}`, data: Buffer.from(name) })));

describe('the feed of a stream', () => {
  test('gives key and value in the shape that is known', async () => {
    const { feed } = await newFeed();
    const [item] = await feed.items(
      eventOf(kinesisEvent('49590338271490256608559692538361571095921575989136588898', 'user', 'hello')),
    );
    const { topic, key, value, timestamp, sourcePartition } = item!.records[0]!;
    expect(topic).toBe('clicks');
    expect(timestamp).toBe(1_764_368_000_000);
    expect(sourcePartition).toEqual({ shardId: 'shardId-000000000006' });
    expect((key as Struct).schema.name).toBe('com.github.jcustenborder.kafka.connect.kinesis.KinesisKey');
    expect((key as Struct).get('partitionKey')).toBe('user');
    const struct = value as Struct;
    expect(struct.schema.name).toBe('com.github.jcustenborder.kafka.connect.kinesis.KinesisValue');
    expect(struct.schema.fields.every(({ schema }) => schema.optional)).toBe(true);
    expect(struct.schema.fields.map(({ name }) => [name, struct.get(name)])).toEqual([
      ['sequenceNumber', '49590338271490256608559692538361571095921575989136588898'],
      ['approximateArrivalTimestamp', new Instant(1_764_368_000_000)],
      ['data', Buffer.from('hello')],
      ['partitionKey', 'user'],
      ['shardId', 'shardId-000000000006'],
      ['streamName', 'clicks'],
    ]);
    struct.validate();
  });

  test('records that were put together come apart, each with its key, unless that is unwanted', async () => {
    const { feed } = await newFeed();
    const [item] = await feed.items(eventOf(kinesisEvent(1, 'a', together)));
    expect(dataOf([item!])).toEqual(['x', 'y', 'z']);
    expect(item!.records.map(({ key }) => (key as Struct).get('partitionKey'))).toEqual(['key x', 'key y', 'key z']);
    const raw = await newFeed({ 'kinesis.deaggregate': 'false' });
    const [whole] = await raw.feed.items(eventOf(kinesisEvent(1, 'a', together)));
    expect(whole!.records).toHaveLength(1);
  });

  test('I3: a batch that comes again goes on behind the last record that was committed', async () => {
    const { feed, kept } = await newFeed();
    const batch = [...puts(1, 4), kinesisEvent(4, 'a', together), ...puts(5, 7)];
    const first = await feed.items(eventOf(...batch));
    kept.offset = offsetOf(first, 1);
    expect(() => feed.answer(eventOf(), [done, done, ...Array(4).fill(returned)])).toThrow(
      /4 of 6 records are not done: Kafka does not answer/,
    );
    expect(dataOf(await feed.items(eventOf(...batch, ...puts(7, 8))))).toEqual([
      'data 3',
      'x',
      'y',
      'z',
      'data 5',
      'data 6',
      'data 7',
    ]);
    kept.offset = offsetOf(first, 3, 0);
    expect(dataOf(await feed.items(eventOf(...batch)))).toEqual(['y', 'z', 'data 5', 'data 6']);
    kept.offset = offsetOf(first, 3);
    expect(dataOf(await feed.items(eventOf(...batch)))).toEqual(['data 5', 'data 6']);
    kept.offset = offsetOf(first, 5);
    expect(await feed.items(eventOf(...batch))).toEqual([]);
    expect(feed.answer(eventOf(), [])).toEqual({ batchItemFailures: [] });
  });

  test('what another invocation of the shard has committed makes nothing be passed over', async () => {
    const { feed, kept } = await newFeed();
    // A shard that is read by two at a time: the numbers of their batches lie among each other.
    const [one, other] = [
      [1, 4, 5, 9],
      [2, 3, 6, 8],
    ].map((numbers) => eventOf(...numbers.map((number) => kinesisEvent(number, 'a', `data ${number}`))));
    kept.offset = offsetOf(await feed.items(one), 3);
    expect(dataOf(await feed.items(other))).toEqual(['data 2', 'data 3', 'data 6', 'data 8']);
  });

  test('goes on where a task that polled has left off, within a record as well', async () => {
    const { feed, kept } = await newFeed();
    kept.offset = { sequenceNumber: '3' };
    const batch = eventOf(...puts(1, 4), kinesisEvent(4, 'a', together), ...puts(5, 6));
    expect(dataOf(await feed.items(batch))).toEqual(['x', 'y', 'z', 'data 5']);
    kept.offset = { sequenceNumber: '4', subSequenceNumber: 1 };
    expect(dataOf(await feed.items(batch))).toEqual(['z', 'data 5']);
    kept.offset = { sequenceNumber: null, timestamp: 1_764_368_000_000 };
    expect(await feed.items(batch)).toHaveLength(5);
    kept.offset = { sequenceNumber: null, timestamp: 1_764_368_000_001 };
    expect(await feed.items(batch)).toEqual([]);
    kept.offset = { sequenceNumber: '400' };
    expect(await feed.items(batch)).toEqual([]);
  });

  test('what cannot be read is an item of its own, with all that came, and the others are not held up', async () => {
    const { feed } = await newFeed();
    const bad = [
      null,
      7,
      {},
      kinesisEvent('x', 'a', ''),
      kinesisEvent(2, 'a', '', { data: 'ä' }),
      kinesisEvent(2, 'a', '', { data: 7 }),
    ];
    for (const one of bad) {
      const items = await feed.items(eventOf(kinesisEvent(1, 'a', 'first'), one, kinesisEvent(3, 'a', 'last')));
      expect(items.map(({ records }) => records[0]!.instead)).toEqual([null, { error: expect.any(DataError) }, null]);
      expect(items[1]!.records.map(({ value, topic }) => [value, topic])).toEqual([[JSON.stringify(one), 'clicks']]);
    }
  });

  test.each([null, 7, {}, { Records: {} }])('%j is no event of a stream, and is given back', async (event) => {
    const { feed } = await newFeed();
    await expect(feed.items(event)).rejects.toThrow(/Not an event of a Kinesis stream/);
  });

  test('says how far: by the first record that is not done, else by the last', async () => {
    const { feed } = await newFeed();
    const at = (secondsAgo: number) => ({ approximateArrivalTimestamp: Date.now() / 1000 - secondsAgo });
    await feed.items(eventOf(kinesisEvent(1, 'a', '', at(7200)), kinesisEvent(2, 'a', '', at(3600))));
    const near = (seconds: number) => expect.toSatisfy((value: number) => Math.abs(value - seconds) <= 60);
    expect(feed.lag!([{ state: 'done' }, { state: 'done' }])).toEqual({ seconds: near(3600) });
    expect(feed.lag!([returned, returned])).toEqual({ seconds: near(7200) });
  });

  test('says that it is far behind, and not each time', async () => {
    const { feed, warnings } = await newFeed();
    const at = (hoursAgo: number) => ({ approximateArrivalTimestamp: Date.now() / 1000 - hoursAgo * 3600 });
    await feed.items(eventOf(kinesisEvent(1, 'a', '', at(11))));
    expect(warnings).toEqual([]);
    await feed.items(eventOf(kinesisEvent(2, 'a', '', at(20)), kinesisEvent(3, 'a', '', at(1))));
    await feed.items(eventOf(kinesisEvent(4, 'a', '', at(20))));
    expect(warnings).toEqual([expect.stringMatching(/clicks is read 20\.0 hours behind/)]);
  });
});

test.each([
  [{}, 'kinesis:eu-north-1:stream/clicks'],
  [{ 'kinesis.region': 'US_WEST_2' }, 'kinesis:us-west-2:stream/clicks'],
  [{ 'kinesis.region': 'ap-south-1' }, 'kinesis:ap-south-1:stream/clicks'],
  [{ 'kinesis.shard.id': 'shardId-000000000001' }, null],
  [{ 'kinesis.base.url': 'http://127.0.0.1:4567' }, null],
])('%j is fed by %s', (more, key) => {
  const connector = new KinesisSourceConnector();
  expect(connector.feedKey({ ...settings, ...more }, { region: 'eu-north-1' })?.key ?? null).toBe(key);
});
