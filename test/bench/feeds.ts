/**
 * How long from a message that was sent to its record on the topic, and what it costs, on the whole local stack: a queue
 * that feeds its connector, the same connector polling a queue that nobody has declared, a webhook, and beside them Apache
 * Connect's own worker with a source that polls (test/bench/java/sqs). `npm run bench:feeds`, or
 * `node test/bench/feeds.ts [messages of the burst] [messages alone]`. Uses the stack of `npm start` when it is up, else
 * starts one.
 *
 * A message carries the time at which it was sent; its record's time is when the broker appended it, on the same machine.
 * CPU is that of the processes that run functions, and of Java's worker, as /proc tells it; a burst before the one that is
 * counted warms them.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { homeFolder } from '../../local/folders.ts';
import { startJavaConnect } from '../../local/java-connect.ts';
import { freePort } from '../../local/ports.ts';
import { printedStep } from '../../local/progress.ts';
import { call, status } from '../../local/rest-client.ts';
import { signalService, stopService } from '../../local/service.ts';
import { localSettings } from '../../local/settings.ts';
import { type LocalStack, readStack, startStack, stopStack } from '../../local/stack.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { childrenOf } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { type Arm, Bodies, senders, toHook, toQueue } from './feeds/arms.ts';
import { CpuWatch } from './feeds/cpu-watch.ts';
import { type FedRuns, fedRunsSince } from './feeds/fed-runs.ts';
import { javaQueueConfig, javaQueueSource, sdkVersion } from './feeds/java-source.ts';
import { Landed } from './feeds/landed.ts';
import { watchTableRequests } from './feeds/table-requests.ts';
import { machine } from './races/process-cpu.ts';

const [burstText = '10000', aloneText = '50', warmText = '3000'] = process.argv.slice(2);
const burst = Number(burstText);
const alone = Number(aloneText);
const warm = Number(warmText);
const idleMs = 20_000;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const running = readStack(homeFolder);
const stack: LocalStack = running ?? (await startStack({ ...localSettings(), step: printedStep }));
const about = machine();
const folder = mkdtempSync(join(tmpdir(), 'drover-feeds-'));
const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
const fetcher = await kafka.fetcher();
const aws = {
  endpoint: stack.awsEndpoint,
  region: stack.region,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};
const sqs = new SQSClient({ ...aws, useQueueUrlAsEndpoint: false });
const lambda = new LambdaClient(aws);
const run = `feeds-${process.pid}`;
const string = 'org.apache.kafka.connect.storage.StringConverter';
const converters = { 'key.converter': string, 'value.converter': string };
const patience = { withinMs: 300_000, everyMs: 100 };
const emulator = stack.services.find(({ name }) => name === 'AWS emulator')?.pid ?? 0;

interface Figures {
  readonly title: string;
  readonly alone: readonly number[];
  readonly burst: readonly number[];
  readonly perSecond: number;
  readonly cpuMsPerMessage: number;
  readonly cpuMsPerIdleMinute: number;
  readonly twice: number;
  readonly fed: Fed | null;
}

/** What Lambda and the table had to do for the burst. */
type Fed = FedRuns & { readonly tableRequests: ReadonlyMap<string, number> };

async function queue(name: string): Promise<string> {
  // Longer than the emulator may take: Java's deletes come one by one.
  const Attributes = { VisibilityTimeout: '300' };
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: `${run}-${name}`, Attributes }));
  return QueueUrl;
}

async function arms(java: { url: string; pid: number }): Promise<Arm[]> {
  const functions = () => childrenOf(emulator);
  const sqsSource = (what: string, title: string, queueUrl: string): Arm => {
    const name = `${run}-${what}`;
    const config = { 'connector.class': 'SqsSource', 'sqs.queue.url': queueUrl, topics: name, ...converters };
    const send = toQueue(sqs, queueUrl);
    return { title, connector: name, topic: name, config, restUrl: stack.restUrl, pids: functions, send };
  };
  const hook = `${run}-webhook`;
  const webhook: Arm = {
    title: 'a webhook',
    connector: hook,
    topic: hook,
    config: {
      'connector.class': 'WebhookSource',
      'kafka.topic': hook,
      'http.auth.type': 'none',
      'http.record.value': 'string',
      ...converters,
    },
    restUrl: stack.restUrl,
    pids: functions,
    send: toHook(`${stack.playground.hooksUrl}/${hook}`),
  };
  const javaQueue = await queue('java');
  const ofJava = `${run}-java`;
  return [
    sqsSource('fed', 'a queue that feeds its connector', stack.playground.queueUrl),
    {
      title: 'Java Connect, which polls a queue',
      connector: ofJava,
      topic: ofJava,
      config: { ...javaQueueConfig(javaQueue, ofJava, stack.awsEndpoint, stack.region), ...converters },
      restUrl: java.url,
      pids: () => [java.pid],
      send: toQueue(sqs, javaQueue),
    },
    sqsSource('polled', 'a queue that is polled', await queue('polled')),
    webhook,
  ];
}

/** Of these messages, in milliseconds. */
const delaysOf = (landed: Landed, first: number, count: number) =>
  Array.from({ length: count }, (_, index) => landed.delays.get(first + index)!);

const difference = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) =>
  new Map([...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));

const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((all, one) => all + one, 0);

async function measure(arm: Arm): Promise<Figures> {
  const { title, connector, topic, config, restUrl, pids, send } = arm;
  const configs = { 'message.timestamp.type': 'LogAppendTime' };
  await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs }]);
  await call(restUrl, 'PUT', `/connectors/${connector}/config`, { ...config });
  const isRunning = async () => (await status(restUrl, connector)).tasks[0]?.state === 'RUNNING';
  await until(`${connector} runs`, isRunning, patience);
  const table =
    restUrl === stack.restUrl ? await watchTableRequests(lambda, stack.functions.feed, stack.awsEndpoint) : null;
  try {
    const landed = new Landed(fetcher, topic);
    let sent = 0;
    const sendAndWait = async (count: number) => {
      await send(new Bodies(sent, count));
      sent += count;
      await landed.wait(sent);
    };
    // The first ones find cold functions and code, and an event source that is being opened.
    await sendAndWait(10);
    await sendAndWait(warm);
    const firstAlone = sent;
    for (let i = 0; i < alone; i++) {
      await sendAndWait(1);
      await sleep(100);
    }
    const idleCpu = new CpuWatch(pids);
    await sleep(idleMs);
    const idle = idleCpu.stop();

    const asked = table?.counts() ?? new Map<string, number>();
    const since = Date.now();
    const cpuWatch = new CpuWatch(pids);
    const startedAt = performance.now();
    await sendAndWait(burst);
    const seconds = (performance.now() - startedAt) / 1000;
    // Offsets, counters and answers come after the records.
    await sleep(2000);
    const cpu = cpuWatch.stop();
    const tableRequests = difference(asked, table?.counts() ?? asked);
    const runs = table === null ? null : await fedRunsSince(stack, since, connector);
    return {
      title,
      alone: delaysOf(landed, firstAlone, alone),
      burst: delaysOf(landed, sent - burst, burst),
      twice: landed.twice,
      perSecond: burst / seconds,
      cpuMsPerMessage: (cpu.seconds * 1000) / burst,
      cpuMsPerIdleMinute: (idle.seconds * 1000 * 60_000) / idleMs,
      fed: runs === null ? null : { ...runs, tableRequests },
    };
  } finally {
    await table?.stop();
    await call(restUrl, 'DELETE', `/connectors/${connector}`);
  }
}

const quantile = (all: readonly number[], part: number) => {
  const sorted = all.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
};

const row = ({ title, alone: one, burst: flood, perSecond, cpuMsPerMessage, cpuMsPerIdleMinute, twice }: Figures) =>
  `| ${title} | ${quantile(one, 0.5)} | ${quantile(one, 0.99)} | ${quantile(flood, 0.5)} | ${quantile(flood, 0.99)} | ` +
  `${Math.round(perSecond)} | ${cpuMsPerMessage.toFixed(2)} | ${Math.round(cpuMsPerIdleMinute)} | ${twice} |`;

function fedRow({ title, fed }: Figures): string[] {
  if (fed === null) return [];
  const { invocations, records, ranMs, tableRequests } = fed;
  const named = [...tableRequests]
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
  return [
    `| ${title} | ${records} | ${invocations} | ${(records / invocations).toFixed(1)} | ${(ranMs / invocations).toFixed(1)} | ` +
      `${(sum(tableRequests) / records).toFixed(4)} (${named}) |`,
  ];
}

function page(all: readonly Figures[]): string {
  return `# From a message to its record

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${about}.

Printed by \`npm run bench:feeds -- ${burst} ${alone} ${warm}\` on the local stack, where AWS is an emulator; one arm after the other, after a
burst of ${warm} that is not counted. *Alone*: ${alone} messages, each after the one before was there; *burst*: ${burst} of about 120 bytes
from ${senders} senders at once. Milliseconds from sent to appended by the broker. CPU is that of all the functions' processes,
and of Java's worker: neither the emulator's, nor Kafka's, nor the sender's. *Twice*: messages that are on the topic twice; every
one is there once. Java's source is one as small as it can be (test/bench/java/sqs, AWS SDK ${sdkVersion}: ten messages a request, each deleted when
Kafka has it), for none of those that users know was to be had from Maven Central. The emulator brings 10 messages an invocation at most, from one process that does all of AWS's work; on AWS a batch may hold 10,000.

| | alone, ms: p50 | p99 | burst, ms: p50 | p99 | messages/s | CPU ms a message | CPU ms an idle minute | twice |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${all.map(row).join('\n')}

What the burst asked of Lambda and, counted by a proxy in front of it, of the table:

| | records | invocations | records each | ms each | table requests a record |
| --- | --- | --- | --- | --- | --- |
${all.flatMap(fedRow).join('\n')}
`;
}

const port = await freePort();
const java = await startJavaConnect({
  folder: join(folder, 'java'),
  port,
  bootstrapServers: stack.bootstrapServers,
  groupId: run,
  topicPrefix: `${run}-`,
  plugins: [await javaQueueSource(folder)],
  settings: { 'plugin.discovery': 'only_scan' },
});
const endJava = () => signalService(java, 'SIGKILL');
process.once('exit', endJava);
try {
  const all: Figures[] = [];
  for (const arm of await arms({ url: `http://127.0.0.1:${port}`, pid: java.pid })) {
    const figures = await measure(arm);
    all.push(figures);
    console.log([row(figures), ...fedRow(figures)].join('\n'));
  }
  const results = join(import.meta.dirname, 'results');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'feeds.md'), page(all));
} finally {
  await stopService(java);
  process.removeListener('exit', endJava);
  await fetcher.close();
  await kafka.close();
  sqs.destroy();
  lambda.destroy();
  rmSync(folder, { recursive: true, force: true });
  if (running === null) await stopStack(homeFolder);
}
