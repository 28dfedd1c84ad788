import { CreateTableCommand, DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { dynamoDbSource } from '../../connectors/dynamodb/plugin.ts';
import { kinesisSource } from '../../connectors/kinesis/plugin.ts';
import { ConnectorBench, type TestRecord } from '../../src/testing/index.ts';
import { uniqueName } from '../support/kafka-records.ts';
import { aggregate } from '../support/kinesis-aggregate.ts';
import { dynamoDbEndpoint } from '../support/services.ts';
import { until } from '../support/until.ts';

/** The two sources as they poll, with the SDK, against the emulator. */
const access = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
vi.stubEnv('AWS_ENDPOINT_URL', dynamoDbEndpoint());
vi.stubEnv('AWS_REGION', access.region);
vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
const dynamodb = new DynamoDBClient(access);
const kinesis = new KinesisClient(access);

afterAll(() => {
  dynamodb.destroy();
  kinesis.destroy();
});

const json = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};

describe('a table', () => {
  const newTable = async () => {
    const name = uniqueName('orders');
    await dynamodb.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'customer', AttributeType: 'S' },
          { AttributeName: 'number', AttributeType: 'N' },
        ],
        KeySchema: [
          { AttributeName: 'customer', KeyType: 'HASH' },
          { AttributeName: 'number', KeyType: 'RANGE' },
        ],
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      }),
    );
    const keyOf = (number: number) => ({ customer: { S: `c${number % 3}` }, number: { N: String(number) } });
    return {
      name,
      put: (number: number, state: string) =>
        dynamodb.send(new PutItemCommand({ TableName: name, Item: { ...keyOf(number), state: { S: state } } })),
      remove: (number: number) => dynamodb.send(new DeleteItemCommand({ TableName: name, Key: keyOf(number) })),
    };
  };

  const identify = ({ keyBytes, valueBytes }: TestRecord) => {
    const { customer, number } = JSON.parse(keyBytes!.toString());
    if (valueBytes === null) return `tombstone ${customer} ${number}`;
    const { op, document } = JSON.parse(valueBytes.toString());
    return `${op} ${customer} ${number} ${JSON.parse(document).state?.s ?? ''}`.trim();
  };

  const configOf = (table: string, more: Record<string, string> = {}) => ({
    'connector.class': 'DynamoDbStreamsSourceConnector',
    'dynamodb.table.whitelist': table,
    'tasks.max': '1',
    ...json,
    ...more,
  });

  test('its stream is polled, run by run, and nothing comes twice', async () => {
    const { name, put, remove } = await newTable();
    await using bench = new ConnectorBench(dynamoDbSource);
    await bench.configure(configOf(name));
    await put(1, 'new');
    await put(2, 'new');
    await bench.drain();
    await put(1, 'paid');
    await remove(2);
    await bench.drain();
    await bench.run();
    await bench.throwIfFailed();
    expect((await bench.records()).map(identify)).toEqual([
      'c c1 1 new',
      'c c2 2 new',
      'u c1 1 paid',
      'd c2 2',
      'tombstone c2 2',
    ]);
  });

  test.each([1, 3])('a snapshot in %s segments brings each item once, and the stream goes on', async (segments) => {
    const { name, put } = await newTable();
    const numbers = Array.from({ length: 30 }, (_, at) => at);
    for (const number of numbers) await put(number, 'new');
    const snapshot = { snapshot: 'initial', 'snapshot.page.items': '7', 'snapshot.segments': String(segments) };
    await using bench = new ConnectorBench(dynamoDbSource);
    await bench.configure(configOf(name, snapshot));
    await bench.drain();
    await put(30, 'later');
    await bench.drain();
    await bench.throwIfFailed();
    const seen = (await bench.records()).map(identify);
    const read = seen.filter((id) => id.startsWith('r '));
    expect(read.toSorted()).toEqual(numbers.map((number) => `r c${number % 3} ${number} new`).toSorted());
    expect(seen.filter((id) => id.startsWith('c '))).toHaveLength(31);
    const offsets = (await bench.offsets()).filter(({ partition }) => !('shard_id' in partition));
    expect(offsets.map(({ offset }) => offset.init_sync_state)).toEqual(Array(segments).fill('FINISHED'));
  });

  test('a table that is not there fails by name', async () => {
    await using bench = new ConnectorBench(dynamoDbSource);
    await bench.configure(configOf('nowhere'));
    await bench.run();
    expect((await bench.status()).tasks[0]!.trace).toMatch(/table nowhere cannot be looked at: ResourceNotFound/);
  });
});

describe('a Kinesis stream', () => {
  const newStream = async (shards: number) => {
    const name = uniqueName('clicks');
    await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
    const active = () =>
      until('it is there', async () => {
        const { StreamDescriptionSummary: summary } = await kinesis.send(
          new DescribeStreamSummaryCommand({ StreamName: name }),
        );
        return summary?.StreamStatus === 'ACTIVE';
      });
    await active();
    const put = (key: string, data: Uint8Array) =>
      kinesis.send(new PutRecordCommand({ StreamName: name, PartitionKey: key, Data: data }));
    return { name, put, active };
  };

  const dataOf = ({ valueBytes }: TestRecord) =>
    Buffer.from(JSON.parse(valueBytes!.toString()).data, 'base64').toString();

  test('all shards are polled, what was put together comes apart, and the shards of a split are found', async () => {
    const { name, put, active } = await newStream(2);
    await using bench = new ConnectorBench(kinesisSource);
    const config = { 'connector.class': 'KinesisSource', 'kinesis.stream': name, 'kafka.topic': 'clicks', ...json };
    await bench.configure({ ...config, 'tasks.max': '1' });
    const expected = new Map<string, string[]>();
    const write = async (key: string, ...parts: string[]) => {
      const named = parts.map((part) => `${key} ${part}`);
      expected.set(key, [...(expected.get(key) ?? []), ...named]);
      const together = aggregate(named.map((part) => ({ key, data: Buffer.from(part) })));
      await put(key, named.length > 1 ? together : Buffer.from(named[0]!));
    };
    for (let at = 0; at < 10; at++) await write(`k${at}`, 'first', 'second');
    await bench.drain();
    for (let at = 0; at < 10; at++) await write(`k${at}`, 'before the split');
    // The emulator lets go of a shard, and of what is in it, when it is split.
    await bench.drain();
    await kinesis.send(
      new SplitShardCommand({
        StreamName: name,
        ShardToSplit: 'shardId-000000000000',
        NewStartingHashKey: String(1n << 126n),
      }),
    );
    await active();
    for (let at = 0; at < 10; at++) await write(`k${at}`, 'behind the split');
    await bench.drain();
    await bench.throwIfFailed();
    const seen = (await bench.records()).map(dataOf);
    for (const [key, all] of expected) expect(seen.filter((data) => data.startsWith(`${key} `))).toEqual(all);
    expect(seen).toHaveLength([...expected.values()].flat().length);
  });
});
