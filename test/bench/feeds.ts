/**
 * How long from a message that was sent to its record on the topic, on the whole local stack: a queue that feeds its
 * connector, beside the same connector polling a queue that nobody has declared, and a webhook; idle (one message, then
 * silence) and in a burst. `npm run bench:feeds`, or `node test/bench/feeds.ts [messages alone] [messages of the burst]`.
 * Uses the stack of `npm start` when it is up, else starts one.
 *
 * A message carries the time at which it was sent; its record's time is when the broker appended it, on the same machine.
 * CPU is that of the functions' processes, as /proc tells it, for as long as they live.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateQueueCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { homeFolder } from '../../local/folders.ts';
import { printedStep } from '../../local/progress.ts';
import { call, status } from '../../local/rest-client.ts';
import { localSettings } from '../../local/settings.ts';
import { type LocalStack, readStack, startStack, stopStack } from '../../local/stack.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { readTopic } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';
import { machine } from './races/process-cpu.ts';

const [aloneText = '50', burstText = '5000'] = process.argv.slice(2);
const alone = Number(aloneText);
const burst = Number(burstText);
const running = readStack(homeFolder);
const stack: LocalStack = running ?? (await startStack({ ...localSettings(), step: printedStep }));
const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const sqs = new SQSClient({
  endpoint: stack.awsEndpoint,
  region: stack.region,
  credentials,
  useQueueUrlAsEndpoint: false,
});
const run = `feeds-${process.pid}`;
const string = 'org.apache.kafka.connect.storage.StringConverter';
const converters = { 'key.converter': string, 'value.converter': string };
const patience = { withinMs: 300_000, everyMs: 200 };

interface Arm {
  readonly name: string;
  readonly topic: string;
  readonly config: Record<string, string>;
  send(count: number): Promise<void>;
}

async function sendToQueue(queue: string, count: number): Promise<void> {
  let next = 0;
  const sender = async () => {
    while (next < count) {
      const size = Math.min(10, count - next);
      next += size;
      const Entries = Array.from({ length: size }, (_, id) => ({ Id: String(id), MessageBody: String(Date.now()) }));
      await sqs.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(8, count) }, sender));
}

async function sendToHook(url: string, count: number): Promise<void> {
  let next = 0;
  const sender = async () => {
    while (next++ < count) {
      const answer = await fetch(url, { method: 'POST', body: String(Date.now()) });
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(8, count) }, sender));
}

async function arms(): Promise<Arm[]> {
  const { queueUrl, hooksUrl } = stack.playground;
  const { QueueUrl: undeclared = '' } = await sqs.send(new CreateQueueCommand({ QueueName: run }));
  const ofQueue = (name: string, queue: string): Arm => ({
    name,
    topic: `${run}-${name}`,
    config: { 'connector.class': 'SqsSource', 'sqs.queue.url': queue, topics: `${run}-${name}`, ...converters },
    send: (count) => sendToQueue(queue, count),
  });
  const hook = `${run}-webhook`;
  return [
    ofQueue('fed', queueUrl),
    ofQueue('polled', undeclared),
    {
      name: 'webhook',
      topic: hook,
      config: {
        'connector.class': 'WebhookSource',
        'kafka.topic': hook,
        'http.auth.type': 'none',
        'http.record.value': 'string',
        ...converters,
      },
      send: (count) => sendToHook(`${hooksUrl}/${hook}`, count),
    },
  ];
}

/** Milliseconds from sent to appended, of what lies in the topic from this record on. */
async function delays(topic: string, from: number): Promise<number[]> {
  const records = await readTopic(kafka, topic);
  return records.slice(from).map(({ timestamp, value }) => timestamp - Number(value));
}

async function arrived(topic: string, count: number): Promise<void> {
  const partition = { topic, partition: 0 };
  const end = async () => Number((await kafka.admin.endOffsets([partition])).get(topic)?.get(0) ?? 0);
  await until(`${count} records in ${topic}`, async () => (await end()) >= count, patience);
}

/** CPU seconds of every process that runs a function now. */
function functionsCpu(): Map<number, number> {
  const used = new Map<number, number>();
  const emulator = stack.services.find(({ name }) => name === 'AWS emulator')?.pid ?? 0;
  for (const pid of readFileSync(`/proc/${emulator}/task/${emulator}/children`, 'utf8').trim().split(' ').map(Number)) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      used.set(pid, (Number(fields[11]) + Number(fields[12])) / 100);
    } catch {
      // Gone by itself.
    }
  }
  return used;
}

const quantile = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
const shown = (all: readonly number[]) => {
  const sorted = all.toSorted((a, b) => a - b);
  return `${quantile(sorted, 0.5)} | ${quantile(sorted, 0.99)}`;
};

async function measure({ name, topic, config, send }: Arm): Promise<string> {
  const logAppendTime = { 'message.timestamp.type': 'LogAppendTime' };
  await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: logAppendTime }]);
  const connector = `${run}-${name}`;
  await call(stack.restUrl, 'PUT', `/connectors/${connector}/config`, config);
  await until(
    `${connector} runs`,
    async () => (await status(stack.restUrl, connector)).tasks[0]?.state === 'RUNNING',
    patience,
  );
  // The first ones find cold functions, and an event source that is being opened.
  await send(5);
  await arrived(topic, 5);
  for (let i = 0; i < alone; i++) {
    await send(1);
    await arrived(topic, 5 + i + 1);
    await sleep(100);
  }
  const idle = await delays(topic, 5);
  const before = functionsCpu();
  const startedAt = performance.now();
  await send(burst);
  await arrived(topic, 5 + alone + burst);
  const seconds = (performance.now() - startedAt) / 1000;
  let cpu = 0;
  for (const [pid, used] of functionsCpu()) cpu += used - (before.get(pid) ?? 0);
  const flood = await delays(topic, 5 + alone);
  await call(stack.restUrl, 'DELETE', `/connectors/${connector}`);
  const perMessage = ((cpu / burst) * 1000).toFixed(2);
  return `| ${name} | ${shown(idle)} | ${shown(flood)} | ${Math.round(burst / seconds)} | ${perMessage} |`;
}

console.log(`${machine()}; ${alone} messages alone, ${burst} in a burst\n`);
console.log('| | alone, ms: p50 | p99 | in the burst, ms: p50 | p99 | messages/s | CPU ms per message |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const arm of await arms()) console.log(await measure(arm));
await kafka.close();
sqs.destroy();
if (running === null) await stopStack(homeFolder);
