import {
  GetEventSourceMappingCommand,
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { functionLog } from '../../local/function-logs.ts';
import { call, status } from '../../local/rest-client.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { readTopic } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';

let stack: DeployedStack;
let kafka: KafkaClient;
let sqs: SQSClient;
let lambda: LambdaClient;
/** Messages of the burst. */
const burst = Number(process.env.DROVER_TEST_BURST ?? 2000);
const longest = { withinMs: 240_000 + 15 * burst, everyMs: 500 };
vi.setConfig({ testTimeout: longest.withinMs });

beforeAll(async () => {
  stack = await deployStack({ runSeconds: '10', runTimeoutSeconds: '20' });
  kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  sqs = new SQSClient({ ...stack.aws, useQueueUrlAsEndpoint: false });
  lambda = new LambdaClient(stack.aws);
});

afterAll(async () => {
  await kafka?.close();
  sqs?.destroy();
  lambda?.destroy();
  await stack?.[Symbol.asyncDispose]();
});

const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

const configOf = (queue: string, topic: string, more: Record<string, string> = {}) => ({
  'connector.class': 'SqsSource',
  'sqs.queue.url': queue,
  topics: topic,
  ...strings,
  ...more,
});

async function create(name: string, config: Record<string, string>): Promise<void> {
  await call(stack.restUrl, 'PUT', `/connectors/${name}/config`, config);
  await until(`${name} runs`, async () => (await status(stack.restUrl, name)).tasks[0]?.state === 'RUNNING', longest);
}

const remove = async (name: string, queue: string) => {
  await call(stack.restUrl, 'DELETE', `/connectors/${name}`);
  await until(`${name} has let go`, async () => (await mappingState(queue)) === 'Disabled', longest);
};

async function send(queue: string, bodies: readonly { body: string; group?: string }[]): Promise<void> {
  for (let from = 0; from < bodies.length; from += 10) {
    const Entries = bodies.slice(from, from + 10).map(
      ({ body, group }, index): SendMessageBatchRequestEntry => ({
        Id: String(index),
        MessageBody: body,
        ...(group === undefined ? {} : { MessageGroupId: group }),
      }),
    );
    const { Failed: failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
    expect(failed).toEqual([]);
  }
}

async function mappingState(queue: string): Promise<string | undefined> {
  const name = queue.split('/').at(-1)!;
  const { EventSourceMappings: mappings = [] } = await lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName: stack.functions.feed }),
  );
  const mapping = mappings.find(({ EventSourceArn: arn }) => arn?.endsWith(`:${name}`));
  return (await lambda.send(new GetEventSourceMappingCommand({ UUID: mapping!.UUID! }))).State;
}

const valuesOf = async (topic: string) => (await readTopic(kafka, topic)).map(({ value }) => value!);

async function waiting(queue: string): Promise<number> {
  const { Attributes: attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queue,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return Object.values(attributes).reduce((sum, count) => sum + Number(count), 0);
}

/** Ends the environments that feed, whatever they are at, until so many were ended. */
async function kill(environments: number): Promise<void> {
  let killed = 0;
  const all = () => {
    for (const pid of stack.environmentsOf(stack.functions.feed)) {
      try {
        process.kill(pid, 'SIGKILL');
        killed++;
      } catch {
        // Gone by itself.
      }
    }
    return killed >= environments;
  };
  await until(`${environments} environments were killed`, all, { ...longest, everyMs: 300 });
}

test('a burst, with the function killed in it: every message is on the topic, and then nothing runs', async () => {
  const { queueUrl } = stack.playground;
  await create('burst', configOf(queueUrl, 'burst'));
  await until('the queue brings its messages', async () => (await mappingState(queueUrl)) === 'Enabled', longest);
  const bodies = Array.from({ length: burst }, (_, index) => `m${index}`);
  const sending = send(
    queueUrl,
    bodies.map((body) => ({ body })),
  );
  await kill(4);
  await sending;
  await until('the queue is empty', async () => (await waiting(queueUrl)) === 0, longest);
  expect(new Set(await valuesOf('burst'))).toEqual(new Set(bodies));

  const since = Date.now();
  // The next tick is what would run something.
  const tick = new InvokeCommand({ FunctionName: stack.functions.coordinator, Payload: '{"kind":"tick"}' });
  expect((await lambda.send(tick)).FunctionError).toBeUndefined();
  const report = await call<{ tasks: { next_due_at: string | null }[] }>(
    stack.restUrl,
    'GET',
    '/drover/connectors/burst',
  );
  expect(report.tasks.map((task) => task.next_due_at)).toEqual([null]);
  expect(await functionLog(stack, 'feed', since)).toEqual([]);
  expect((await functionLog(stack, 'task', since)).filter(({ message }) => message.includes('burst'))).toEqual([]);
  await remove('burst', queueUrl);
});

test('FIFO: the order of each group is kept, kills or not', async () => {
  const { fifoQueueUrl } = stack.playground;
  await create('fifo', configOf(fifoQueueUrl, 'fifo', { 'sqs.record.key': 'group-id' }));
  const groups = ['a', 'b', 'c'];
  const messages = Array.from({ length: 150 }, (_, index) => ({
    group: groups[index % 3]!,
    body: `${groups[index % 3]}:${Math.floor(index / 3)}`,
  }));
  const sending = send(fifoQueueUrl, messages);
  await kill(1);
  await sending;
  await until('the queue is empty', async () => (await waiting(fifoQueueUrl)) === 0, longest);
  const seen = await readTopic(kafka, 'fifo');
  for (const group of groups) {
    const first = new Set(seen.filter(({ key }) => key === group).map(({ value }) => value));
    expect([...first]).toEqual(messages.filter((one) => one.group === group).map(({ body }) => body));
  }
  await remove('fifo', fifoQueueUrl);
});

test('Kafka is away in a burst: the queue is held, and brings all of it when Kafka is back', async () => {
  const { queueUrl } = stack.playground;
  await create('away', configOf(queueUrl, 'away'));
  await until('the queue brings its messages', async () => (await mappingState(queueUrl)) === 'Enabled', longest);
  const bodies = Array.from({ length: 200 }, (_, index) => `a${index}`);
  const all = bodies.map((body) => ({ body }));
  await send(queueUrl, all.slice(0, 100));
  await stack.stopBroker();
  try {
    await send(queueUrl, all.slice(100));
    await until('the queue is held', async () => (await mappingState(queueUrl)) === 'Disabled', longest);
    expect(await waiting(queueUrl)).toBeGreaterThanOrEqual(100);
    const { feeds } = await call<{ feeds: { connector: string | null; rests_until: string | null }[] }>(
      stack.restUrl,
      'GET',
      '/drover',
    );
    expect(feeds.find(({ connector }) => connector === 'away')?.rests_until).toMatch(/Z$/);
  } finally {
    await stack.startBroker();
  }
  await until('the queue is empty', async () => (await waiting(queueUrl)) === 0, longest);
  expect(new Set(await valuesOf('away'))).toEqual(new Set(bodies));
  expect(await status(stack.restUrl, 'away')).toMatchObject({ tasks: [{ state: 'RUNNING' }] });
  await remove('away', queueUrl);
});

test('paused nothing flows and nothing dies; resumed, the rest comes', async () => {
  const { queueUrl } = stack.playground;
  await create('paused', configOf(queueUrl, 'paused'));
  await send(queueUrl, [{ body: 'before' }]);
  await until('the first is there', async () => (await valuesOf('paused')).includes('before'), longest);
  await call(stack.restUrl, 'PUT', '/connectors/paused/pause');
  await until('the queue is held', async () => (await mappingState(queueUrl)) === 'Disabled', longest);
  await send(queueUrl, [{ body: 'meanwhile' }]);
  expect(await waiting(queueUrl)).toBe(1);
  expect(await valuesOf('paused')).toEqual(['before']);
  await call(stack.restUrl, 'PUT', '/connectors/paused/resume');
  await until('the rest is there', async () => (await valuesOf('paused')).includes('meanwhile'), longest);
  await remove('paused', queueUrl);
});

test('a poison message fails the connector and holds the queue; with errors.tolerance=all it is a dead letter', async () => {
  const { queueUrl } = stack.playground;
  const pointed = { 'sqs.record.key.pointer': '/id', 'sqs.record.key.missing': 'fail' };
  await create('poison', configOf(queueUrl, 'poison', pointed));
  await send(queueUrl, [{ body: 'no JSON' }]);
  const failed = await until(
    'the task is FAILED',
    async () => {
      const { tasks } = await status(stack.restUrl, 'poison');
      return tasks[0]?.state === 'FAILED' ? tasks[0].trace : undefined;
    },
    longest,
  );
  expect(failed).toContain('its body is not JSON');
  await until('the queue is held', async () => (await mappingState(queueUrl)) === 'Disabled', longest);
  await send(queueUrl, [{ body: '{"id":"good"}' }]);

  const letters = {
    'errors.tolerance': 'all',
    'drover.errors.deadletterqueue.topic.name': 'poison-letters',
    'drover.errors.deadletterqueue.topic.replication.factor': '1',
  };
  await create('poison', configOf(queueUrl, 'poison', { ...pointed, ...letters }));
  await until('the good one is there', async () => (await valuesOf('poison')).includes('{"id":"good"}'), longest);
  await until('the letter is there', async () => (await valuesOf('poison-letters')).includes('no JSON'), longest);
  await remove('poison', queueUrl);
});

test('a second connector for the queue is refused, by name', async () => {
  const { queueUrl } = stack.playground;
  await create('first', configOf(queueUrl, 'first'));
  const second = call(stack.restUrl, 'POST', '/connectors', { name: 'second', config: configOf(queueUrl, 'second') });
  await expect(second).rejects.toThrow(/sqs\.queue\.url: .* feeds connector first already/);
  await remove('first', queueUrl);
});

test('a queue that nobody has declared is polled by the same config, and a message is gone when it is committed', async () => {
  const { QueueUrl: queue = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'undeclared' }));
  await create('polled', configOf(queue, 'polled'));
  const bodies = Array.from({ length: 30 }, (_, index) => `p${index}`);
  await send(
    queue,
    bodies.map((body) => ({ body })),
  );
  await until('all are there', async () => new Set(await valuesOf('polled')).size === bodies.length, longest);
  await until('the queue is empty', async () => (await waiting(queue)) === 0, longest);
  await call(stack.restUrl, 'DELETE', '/connectors/polled');
});
