import { appendFileSync } from 'node:fs';
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
import { startFaultyDynamoDb } from '../support/faulty-dynamodb.ts';
import { changeEnvironment } from '../support/function-environment.ts';
import { readTopic } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';

let stack: DeployedStack;
let kafka: KafkaClient;
let sqs: SQSClient;
let lambda: LambdaClient;
/** Messages of the burst; a real one is `DROVER_TEST_BURST=100000`, and stays for a minute of the schedule then. `npm run bench:feed-bursts`. */
const burst = Number(process.env.DROVER_TEST_BURST ?? 2000);
const fifoBurst = Math.max(150, burst / 10);
/** How often all environments are killed meanwhile. */
const waves = burst < 10_000 ? 2 : 10;
const fifoWaves = burst < 10_000 ? 1 : 5;
/** Seconds that Kafka stays away, as `DROVER_TEST_AWAY=600`; 0: until the queues are held. */
const awaySeconds = Number(process.env.DROVER_TEST_AWAY ?? 0);
/** The emulator looks through a whole queue for each batch: of a burst so many wait at a time. */
const mostWaiting = 2000;
const senders = 8;
/** Of the playground's queues. */
const batchSize = 10;
const longest = { withinMs: 240_000 + 15 * burst + 2000 * awaySeconds, everyMs: 500 };
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

/** Deals what is to be sent to so many senders, by a number that what must stay in order has in common. */
function lanesOf<T>(all: readonly T[], count: number, numberOf: (one: T, index: number) => number): T[][] {
  const lanes = Array.from({ length: count }, (): T[] => []);
  for (const [index, one] of all.entries()) lanes[numberOf(one, index) % count]!.push(one);
  return lanes;
}

async function sendAll<T>(
  queue: string,
  topic: string,
  lanes: readonly (readonly T[])[],
  messageOf: (one: T) => { body: string; group?: string },
): Promise<void> {
  const atOnce = 100;
  let sent = 0;
  const sendLane = async (lane: readonly T[]) => {
    for (let from = 0; from < lane.length; from += atOnce) {
      const some = lane.slice(from, from + atOnce);
      sent += some.length;
      const few = async () => sent < mostWaiting || sent - (await arrived(topic)) < mostWaiting;
      await until('the queue has room', few, longest);
      await send(queue, some.map(messageOf));
    }
  };
  await Promise.all(lanes.map(sendLane));
}

/** What a real burst is run for: a line of JSON for the page of results. */
const tell = (kind: string, figures: Readonly<Record<string, number>>) => {
  const file = process.env.DROVER_TEST_FIGURES;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ kind, ...figures })}\n`);
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

/** Records in the first partition of a topic by now. */
async function arrived(topic: string): Promise<number> {
  const ends = await kafka.admin.endOffsets([{ topic, partition: 0 }]);
  return Number(ends.get(topic)?.get(0) ?? 0);
}

/** Ends all environments that feed, in the midst of their work, so often while so many records arrive. Resolves to how many. */
async function kill(waves: number, topic: string, records: number): Promise<number> {
  let killed = 0;
  for (let wave = 1; wave <= waves; wave++) {
    const due = (records * wave) / (waves + 1);
    await until(`${due} records are there`, async () => (await arrived(topic)) >= due, { ...longest, everyMs: 50 });
    for (const pid of stack.environmentsOf(stack.functions.feed)) {
      try {
        process.kill(pid, 'SIGKILL');
        killed++;
      } catch {
        // Gone by itself.
      }
    }
  }
  expect(killed).toBeGreaterThanOrEqual(waves);
  return killed;
}

test('a burst, with the function killed in it: every message is on the topic, and then nothing runs', async () => {
  const { queueUrl } = stack.playground;
  await create('burst', configOf(queueUrl, 'burst'));
  await until('the queue brings its messages', async () => (await mappingState(queueUrl)) === 'Enabled', longest);
  const bodies = Array.from({ length: burst }, (_, index) => `m${index}`);
  const began = Date.now();
  const lanes = lanesOf(bodies, senders, (_, index) => index);
  const sending = sendAll(queueUrl, 'burst', lanes, (body) => ({ body }));
  const killed = await kill(waves, 'burst', burst);
  await sending;
  const sent = Date.now();
  await until('the queue is empty', async () => (await waiting(queueUrl)) === 0, longest);
  const drained = Date.now();
  const seen = await valuesOf('burst');
  expect(new Set(seen)).toEqual(new Set(bodies));
  // Twice is only what a killed environment had delivered and not told.
  expect(seen.length - burst).toBeLessThanOrEqual(killed * batchSize);
  const twice = seen.length - burst;
  const given = { messages: burst, waves, killed };
  tell('standard', { ...given, sentMs: sent - began, drainedMs: drained - began, missing: 0, twice });

  const loggers = (level: string) => call(stack.restUrl, 'PUT', '/admin/loggers/drover.herder', { level });
  if (burst >= 10_000) await loggers('DEBUG');
  const since = Date.now();
  if (burst < 10_000) {
    // The next tick is what would run something.
    const tick = new InvokeCommand({ FunctionName: stack.functions.coordinator, Payload: '{"kind":"tick"}' });
    expect((await lambda.send(tick)).FunctionError).toBeUndefined();
  } else {
    const ticks = async () =>
      (await functionLog(stack, 'coordinator', since)).filter(({ message }) => message.includes('herder.swept')).length;
    await until('the schedule has come by twice', async () => (await ticks()) >= 2, longest);
    await loggers('INFO');
  }
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
  const groups = Array.from({ length: fifoBurst < 1000 ? 3 : 50 }, (_, index) => `g${index}`);
  const messages = Array.from({ length: fifoBurst }, (_, index) => ({
    group: groups[index % groups.length]!,
    body: `${groups[index % groups.length]}:${Math.floor(index / groups.length)}`,
  }));
  const began = Date.now();
  const lanes = lanesOf(messages, senders, (_, index) => index % groups.length);
  const sending = sendAll(fifoQueueUrl, 'fifo', lanes, (message) => message);
  const killed = await kill(fifoWaves, 'fifo', fifoBurst);
  await sending;
  const sent = Date.now();
  await until('the queue is empty', async () => (await waiting(fifoQueueUrl)) === 0, longest);
  const drained = Date.now();
  const seen = await readTopic(kafka, 'fifo');
  for (const group of groups) {
    const first = new Set(seen.filter(({ key }) => key === group).map(({ value }) => value));
    expect([...first]).toEqual(messages.filter((one) => one.group === group).map(({ body }) => body));
  }
  expect(seen.length - fifoBurst).toBeLessThanOrEqual(killed * batchSize);
  const twice = seen.length - fifoBurst;
  const given = { messages: fifoBurst, groups: groups.length, waves: fifoWaves, killed };
  tell('fifo', { ...given, sentMs: sent - began, drainedMs: drained - began, missing: 0, twice });
  await remove('fifo', fifoQueueUrl);
});

test('Kafka is away in a burst: the queues are held, and bring all of it in its order when Kafka is back', async () => {
  const { queueUrl, fifoQueueUrl } = stack.playground;
  const lanes = [
    { queue: queueUrl, topic: 'away', more: {}, group: undefined },
    { queue: fifoQueueUrl, topic: 'away-fifo', more: { 'sqs.record.key': 'group-id' }, group: 'one' },
  ];
  for (const { queue, topic, more } of lanes) {
    await create(topic, configOf(queue, topic, more));
    await until(`${topic} gets its messages`, async () => (await mappingState(queue)) === 'Enabled', longest);
  }
  let sent = 0;
  const sendSome = async (count: number) => {
    const bodies = Array.from({ length: count }, (_, index) => `a${sent + index}`);
    sent += count;
    for (const { queue, group } of lanes) {
      await send(
        queue,
        bodies.map((body) => (group === undefined ? { body } : { body, group })),
      );
    }
  };
  const held = async () => {
    const states = await Promise.all(lanes.map(({ queue }) => mappingState(queue)));
    return states.every((state) => state === 'Disabled');
  };
  const left = async () => (await waiting(queueUrl)) + (await waiting(fifoQueueUrl));
  await sendSome(100);
  const goneAt = Date.now();
  await stack.stopBroker();
  let environments = 0;
  try {
    await sendSome(100);
    await until('the queues are held', held, longest);
    expect(await waiting(queueUrl)).toBeGreaterThanOrEqual(100);
    const { feeds } = await call<{ feeds: { connector: string | null; rests_until: string | null }[] }>(
      stack.restUrl,
      'GET',
      '/drover',
    );
    for (const { topic } of lanes) {
      expect(feeds.find(({ connector }) => connector === topic)?.rests_until).toMatch(/Z$/);
    }
    const longEnough = async () => {
      environments = Math.max(environments, stack.environmentsOf(stack.functions.feed).length);
      if (Date.now() - goneAt >= awaySeconds * 1000) return true;
      await sendSome(10);
      return false;
    };
    await until('Kafka has been away long enough', longEnough, { ...longest, everyMs: 1000 });
  } finally {
    await stack.startBroker();
  }
  const backAt = Date.now();
  const most = await left();
  const inVain = (await functionLog(stack, 'feed', goneAt)).filter(
    ({ message }) => message.includes('"run.ended"') && message.includes('"records":0,'),
  );
  await until('the queues are empty', async () => (await left()) === 0, longest);
  const drainedMs = Date.now() - backAt;
  const bodies = Array.from({ length: sent }, (_, index) => `a${index}`);
  const [seen, seenOfFifo] = await Promise.all(lanes.map(({ topic }) => valuesOf(topic)));
  expect(new Set(seen)).toEqual(new Set(bodies));
  expect([...new Set(seenOfFifo)]).toEqual(bodies);
  for (const { queue, topic } of lanes) {
    expect(await status(stack.restUrl, topic)).toMatchObject({ tasks: [{ state: 'RUNNING' }] });
    await remove(topic, queue);
  }
  tell('away', {
    seconds: Math.round((backAt - goneAt) / 1000),
    messages: sent,
    waiting: most,
    invocations: inVain.length,
    environments,
    drainedMs,
    missing: 0,
    twice: seen!.length - sent,
    twiceOfFifo: seenOfFifo!.length - sent,
  });
});

test('the table throttles, fails and loses answers in a burst: every message is on the topic, and nothing is FAILED', async () => {
  const { queueUrl } = stack.playground;
  await create('throttled', configOf(queueUrl, 'throttled'));
  await until('the queue brings its messages', async () => (await mappingState(queueUrl)) === 'Enabled', longest);
  await using table = await startFaultyDynamoDb(stack.awsEndpoint, Math.random);
  const change = { AWS_ENDPOINT_URL_DYNAMODB: table.endpoint };
  const restore = await changeEnvironment(lambda, stack.functions.feed, change);
  try {
    const bodies = Array.from({ length: 500 }, (_, index) => `t${index}`);
    await send(
      queueUrl,
      bodies.map((body) => ({ body })),
    );
    await until('the queue is empty', async () => (await waiting(queueUrl)) === 0, longest);
    expect(new Set(await valuesOf('throttled'))).toEqual(new Set(bodies));
    expect(table.counts.passed).toBeGreaterThan(0);
  } finally {
    await restore();
  }
  expect(await status(stack.restUrl, 'throttled')).toMatchObject({ tasks: [{ state: 'RUNNING' }] });
  await remove('throttled', queueUrl);
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
  expect(failed).toContain('its body cannot be read');
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
