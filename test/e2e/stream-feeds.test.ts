import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { LambdaClient, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, status } from '../../local/rest-client.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { readTopic, type SeenRecord } from '../support/kafka-records.ts';
import { aggregate } from '../support/kinesis-aggregate.ts';
import { until } from '../support/until.ts';

const longest = 240_000;
const limits = { runSeconds: '10', runTimeoutSeconds: '20', idleCeilingMs: '5000' };

let stack: DeployedStack;
let kafka: KafkaClient;
let dynamodb: DynamoDBClient;
let kinesis: KinesisClient;
let lambda: LambdaClient;

beforeAll(async () => {
  stack = await deployStack(limits);
  kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  dynamodb = new DynamoDBClient(stack.aws);
  kinesis = new KinesisClient(stack.aws);
  lambda = new LambdaClient(stack.aws);
});

afterAll(async () => {
  for (const client of [dynamodb, kinesis, lambda]) client?.destroy();
  await kafka?.close();
  await stack?.[Symbol.asyncDispose]();
});

const json = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};

/** Whether the stream brings anything: the state of its mapping. */
async function mappingState(arnPart: string): Promise<string> {
  const { EventSourceMappings = [] } = await lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName: stack.functions.feed }),
  );
  return EventSourceMappings.find(({ EventSourceArn: arn }) => arn?.includes(arnPart))?.State ?? 'missing';
}

const isMapping = (arnPart: string, state: string) =>
  until(`the mapping of ${arnPart} is ${state}`, async () => (await mappingState(arnPart)) === state, {
    withinMs: longest,
  });

const create = (name: string, config: Record<string, string>) =>
  call(stack.restUrl, 'POST', '/connectors', { name, config: { 'tasks.max': '1', ...json, ...config } });

async function killFeeds(): Promise<number> {
  const processes = stack.environmentsOf(stack.functions.feed);
  for (const pid of processes) process.kill(pid, 'SIGKILL');
  return processes.length;
}

/** What was given, by its key, in the order of its writing. */
type Given = ReadonlyMap<string, readonly number[]>;

const inKafka = async (topic: string, numberOf: (record: SeenRecord) => [string, number]) => {
  const seen = new Map<string, number[]>();
  for (const record of await readTopic(kafka, topic)) {
    const [key, number] = numberOf(record);
    const known = seen.get(key);
    if (known === undefined) seen.set(key, [number]);
    else known.push(number);
  }
  return seen;
};

const hasAll = (seen: Given, given: Given) =>
  [...given].every(([key, numbers]) => numbers.every((number) => seen.get(key)?.includes(number)));

const count = (given: Given) => [...given.values()].reduce((sum, { length }) => sum + length, 0);

/** First arrivals of a key are in the order of its writing: what comes again begins again further in front. */
function requireOrder(seen: Given, given: Given): void {
  for (const [key, numbers] of given) expect([key, [...new Set(seen.get(key))]]).toEqual([key, numbers]);
}

describe('the stream of a table', () => {
  const put = (id: string, n: number) =>
    dynamodb.send(
      new PutItemCommand({ TableName: stack.playground.tableName, Item: { id: { S: id }, n: { N: String(n) } } }),
    );
  const ofChange = ({ key, value }: SeenRecord): [string, number] => [
    JSON.parse(key!).id,
    Number(JSON.parse(JSON.parse(value!).document).n.n),
  ];
  /** Items side by side, the changes of each one after the other. */
  const burst = async (items: readonly string[], changes: number, from = 0): Promise<Given> => {
    const numbers = Array.from({ length: changes }, (_, at) => from + at);
    await Promise.all(
      items.map(async (id) => {
        for (const number of numbers) await put(id, number);
      }),
    );
    return new Map(items.map((id) => [id, numbers]));
  };
  const items = Array.from({ length: 20 }, (_, at) => `item-${at}`);
  const config = () => ({
    'connector.class': 'DynamoDbStreamsSourceConnector',
    'dynamodb.table.whitelist': stack.playground.tableName,
    'kafka.topic.map': JSON.stringify({ [stack.playground.tableName]: 'changes' }),
    'kafka.topic.prefix': 'table-',
    // What is no number among the keys cannot be converted.
    'topic.creation.default.partitions': '3',
    'topic.creation.default.replication.factor': '1',
  });
  const topic = 'table-changes';

  test('I3: a burst with its processes killed meanwhile is in Kafka, each item in its order', {
    timeout: longest,
  }, async () => {
    await create('changes', config());
    await isMapping(stack.playground.tableName, 'Enabled');
    const ending = new AbortController();
    let kills = 0;
    const killer = (async () => {
      while (!ending.signal.aborted && kills < 4) {
        if ((await inKafka(topic, ofChange).catch(() => new Map())).size > 0) kills += await killFeeds();
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    })();
    const given = await burst(items, 60);
    const seen = await until(
      `${count(given)} changes in Kafka`,
      async () => {
        const arrived = await inKafka(topic, ofChange);
        return hasAll(arrived, given) && arrived;
      },
      { withinMs: longest },
    );
    ending.abort();
    await killer;
    expect(kills).toBeGreaterThan(0);
    requireOrder(seen, given);
    const { offsets } = await call<{ offsets: { partition: object; offset: object }[] }>(
      stack.restUrl,
      'GET',
      '/connectors/changes/offsets',
    );
    expect(offsets.length).toBeGreaterThan(0);
    expect(offsets[0]!.partition).toMatchObject({ table_name: stack.playground.tableName });
  });

  test('paused, nothing flows and nothing dies; resumed, the rest comes', { timeout: longest }, async () => {
    await call(stack.restUrl, 'PUT', '/connectors/changes/pause');
    await isMapping(stack.playground.tableName, 'Disabled');
    const before = count(await inKafka(topic, ofChange));
    const given = await burst(['paused'], 5);
    expect(count(await inKafka(topic, ofChange))).toBe(before);
    await call(stack.restUrl, 'PUT', '/connectors/changes/resume');
    await until('the rest', async () => hasAll(await inKafka(topic, ofChange), given), { withinMs: longest });
    requireOrder(await inKafka(topic, ofChange), given);
  });

  test('a record at fault fails the connector and holds its stream; where it is tolerated the shard goes on', {
    timeout: longest,
  }, async () => {
    const strict = {
      ...config(),
      transforms: 'id,number',
      'transforms.id.type': 'org.apache.kafka.connect.transforms.ExtractField$Key',
      'transforms.id.field': 'id',
      'transforms.number.type': 'org.apache.kafka.connect.transforms.Cast$Key',
      'transforms.number.spec': 'int32',
      'kafka.topic.prefix': 'strict-',
    };
    await call(stack.restUrl, 'PUT', '/connectors/changes/config', { 'tasks.max': '1', ...json, ...strict });
    await until(
      'it runs with the new config',
      async () =>
        (await call<{ config: Record<string, string> }>(stack.restUrl, 'GET', '/connectors/changes')).config
          .transforms === 'id,number' && (await status(stack.restUrl, 'changes')).tasks[0]?.state === 'RUNNING',
    );
    await isMapping(stack.playground.tableName, 'Enabled');
    // An environment that knows the connector asks again every other second: until then it goes by the config before.
    await until('the feed goes by the new config', async () => {
      // Alternating: a put that changes nothing is no event.
      await put('1', -1);
      await put('1', -2);
      return (await readTopic(kafka, 'strict-changes')).length > 0;
    });
    await burst(['1'], 2);
    await burst(['poison'], 1);
    await burst(['2'], 2);
    const failed = await until(
      'it is FAILED',
      async () => (await status(stack.restUrl, 'changes')).tasks.find(({ state }) => state === 'FAILED'),
      { withinMs: longest },
    );
    expect(failed.trace).toMatch(/poison/);
    await isMapping(stack.playground.tableName, 'Disabled');

    const tolerant = {
      ...strict,
      'errors.tolerance': 'all',
      'drover.errors.deadletterqueue.topic.name': 'unreadable-changes',
      'drover.errors.deadletterqueue.topic.replication.factor': '1',
      'drover.errors.deadletterqueue.context.headers.enable': 'true',
    };
    await call(stack.restUrl, 'PUT', '/connectors/changes/config', { 'tasks.max': '1', ...json, ...tolerant });
    const numbers = ({ key, value }: SeenRecord): [string, number] => [
      key!,
      Number(JSON.parse(JSON.parse(value!).document).n.n),
    ];
    const wanted = new Map([
      ['1', [0, 1]],
      ['2', [0, 1]],
    ]);
    const seen = await until(
      'what lies behind it',
      async () => {
        const arrived = await inKafka('strict-changes', numbers);
        arrived.set('1', arrived.get('1')?.filter((number) => number >= 0) ?? []);
        return hasAll(arrived, wanted) && arrived;
      },
      { withinMs: longest },
    );
    requireOrder(seen, wanted);
    // What was committed in front of it has not come again.
    expect(seen.get('1')).toEqual([0, 1]);
    await until(
      'its dead letter',
      async () => {
        const letters = await readTopic(kafka, 'unreadable-changes');
        return letters.length > 0 && letters.every(({ key }) => key?.includes('poison'));
      },
      { withinMs: longest },
    );
  });

  test('a snapshot is taken on request, beside the feed, and once', { timeout: longest }, async () => {
    const asked = { ...config(), snapshot: 'initial', 'snapshot.page.items': '7', 'kafka.topic.prefix': 'snapshot-' };
    await call(stack.restUrl, 'PUT', '/connectors/changes/config', { 'tasks.max': '1', ...json, ...asked });
    const opsOf = async () => {
      const records = await readTopic(kafka, 'snapshot-changes');
      return records.map(({ key, value }) => `${JSON.parse(value!).op} ${JSON.parse(key!).id}`);
    };
    const all = [...items, 'paused', '1', '2', 'poison'].map((id) => `r ${id}`).sort();
    const ops = await until(
      'every item',
      async () => {
        const seen = await opsOf();
        return all.every((one) => seen.includes(one)) && seen;
      },
      { withinMs: longest },
    );
    expect(ops.toSorted()).toEqual(all);
    await isMapping(stack.playground.tableName, 'Enabled');
    // The first may still be taken by the config before, which an environment knows for two seconds.
    let change = 0;
    await until(
      'the stream goes on',
      async () => {
        await put('after', change++);
        return (await opsOf()).some((op) => op === 'c after' || op === 'u after');
      },
      { withinMs: longest },
    );
    expect((await opsOf()).filter((op) => op.startsWith('r ')).toSorted()).toEqual(all);
  });
});

describe('a Kinesis stream', () => {
  const topic = 'clicks';
  const ofRecord = ({ value }: SeenRecord): [string, number] => {
    const [key, number] = Buffer.from(JSON.parse(value!).data, 'base64').toString().split(' ') as [string, string];
    return [key, Number(number)];
  };
  const keys = Array.from({ length: 10 }, (_, at) => `user-${at}`);
  /** Each put of a key is ten records, some of them put together. */
  const burst = async (puts: number, from = 0): Promise<Given> => {
    for (let at = 0; at < puts; at++) {
      const records = keys.map((key) => {
        const parts = Array.from({ length: 10 }, (_, part) => `${key} ${from + at * 10 + part}`);
        return { PartitionKey: key, Data: aggregate(parts.map((part) => ({ key, data: Buffer.from(part) }))) };
      });
      await kinesis.send(new PutRecordsCommand({ StreamName: stack.playground.kinesisStream, Records: records }));
    }
    return new Map(keys.map((key) => [key, Array.from({ length: puts * 10 }, (_, at) => from + at)]));
  };

  test('I3: a burst with its processes killed meanwhile is in Kafka, each key in its order', {
    timeout: longest,
  }, async () => {
    await create('clicks', {
      'connector.class': 'KinesisSource',
      'kinesis.stream': stack.playground.kinesisStream,
      'kafka.topic': topic,
      'topic.creation.default.partitions': '3',
      'topic.creation.default.replication.factor': '1',
    });
    await isMapping(`stream/${stack.playground.kinesisStream}`, 'Enabled');
    const first = await burst(1);
    await until('the first', async () => hasAll(await inKafka(topic, ofRecord), first), { withinMs: longest });
    const writing = burst(60, 10);
    let kills = 0;
    for (let time = 0; time < 3; time++) {
      const before = count(await inKafka(topic, ofRecord));
      await until('it goes on', async () => count(await inKafka(topic, ofRecord)) > before, { withinMs: longest });
      kills += await killFeeds();
      await until('it is there again', async () => stack.environmentsOf(stack.functions.feed).length > 0).catch(
        () => {},
      );
      if (count(await inKafka(topic, ofRecord)) >= 6100) break;
    }
    const given = new Map([...(await writing)].map(([key, numbers]) => [key, [...first.get(key)!, ...numbers]]));
    const seen = await until(
      `${count(given)} records in Kafka`,
      async () => {
        const arrived = await inKafka(topic, ofRecord);
        return hasAll(arrived, given) && arrived;
      },
      { withinMs: longest },
    );
    expect(kills).toBeGreaterThan(0);
    requireOrder(seen, given);
  });
});
