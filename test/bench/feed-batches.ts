/**
 * What one invocation of the feed function takes, by kind of event source and messages in an event: the deployed function
 * is handed events as AWS would make them, since the local emulator brings ten messages at most. `npm run bench:feed-batches`,
 * or `node test/bench/feed-batches.ts [kinds, with commas between]`; what a run does not measure stands as it was. Uses the
 * stack of `npm start` when it is up, else starts one. The cost page takes its figures from feeds/batches.json.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { homeFolder } from '../../local/folders.ts';
import { printedStep } from '../../local/progress.ts';
import { call, status } from '../../local/rest-client.ts';
import { localSettings } from '../../local/settings.ts';
import { type LocalStack, readStack, startStack, stopStack } from '../../local/stack.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { childrenOf } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { loadJava } from './cost/page.ts';
import { CpuWatch } from './feeds/cpu-watch.ts';
import { fedRunsSince } from './feeds/fed-runs.ts';
import { type GivenEvents, givenEvents } from './feeds/given-events.ts';
import { type MeasuredBatch, readBatches, writeBatches } from './feeds/measured-batches.ts';
import { watchTableRequests } from './feeds/table-requests.ts';
import { endOf } from './landed-at.ts';
import { machine } from './races/process-cpu.ts';

const [kindsText = ''] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const running = readStack(homeFolder);
const stack: LocalStack = running ?? (await startStack({ ...localSettings(), step: printedStep }));
const about = machine();
const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
const aws = {
  endpoint: stack.awsEndpoint,
  region: stack.region,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};
const lambda = new LambdaClient(aws);
const run = `batches-${process.pid}`;
const patience = { withinMs: 300_000, everyMs: 100 };
const emulator = stack.services.find(({ name }) => name === 'AWS emulator')?.pid ?? 0;
const FunctionName = stack.functions.feed;

/** Events that are not counted, and those that are: of small ones more, so that both take some seconds. */
const rounds = (size: number) => {
  if (size >= 1000) return { warm: 15, counted: 40 };
  return size >= 100 ? { warm: 60, counted: 150 } : { warm: 300, counted: 400 };
};

async function sourceOf(feed: string): Promise<string> {
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const declared: { key: string; source?: string }[] = JSON.parse(Environment?.Variables?.DROVER_FEEDS ?? '[]');
  return declared.find(({ key }) => key === feed)?.source ?? feed;
}

async function measureKind(given: GivenEvents): Promise<MeasuredBatch[]> {
  const { kind, feed, config, sizes } = given;
  const connector = `${run}-${kind}`;
  await kafka.admin.createTopics([{ topic: connector, partitions: 1, replicationFactor: 1, configs: {} }]);
  await call(stack.restUrl, 'PUT', `/connectors/${connector}/config`, { ...config });
  const runs = async () => (await status(stack.restUrl, connector)).tasks[0]?.state === 'RUNNING';
  await until(`${connector} runs`, runs, patience);
  const source = await sourceOf(feed);
  const table = await watchTableRequests(lambda, FunctionName, stack.awsEndpoint);
  let handed = 0;
  const hand = async (size: number, events: number) => {
    let left = events;
    const invoke = async () => {
      while (left-- > 0) {
        const first = handed;
        handed += size;
        const Payload = JSON.stringify(given.event(source, first, size));
        const taken = async () => {
          const { Payload: answer, FunctionError: error } = await lambda.send(
            new InvokeCommand({ FunctionName, Payload }),
          );
          return error === undefined && given.done(JSON.parse(Buffer.from(answer!).toString()));
        };
        await until(`an event of ${size} is taken`, taken, patience);
      }
    };
    await Promise.all(Array.from({ length: given.atOnce }, invoke));
  };
  try {
    const measured: MeasuredBatch[] = [];
    for (const size of sizes) {
      const { warm, counted } = rounds(size);
      await hand(size, warm);
      const before = table.counts();
      const since = Date.now();
      const watch = new CpuWatch(() => childrenOf(emulator));
      await hand(size, counted);
      // Counters come after the answers.
      await sleep(2000);
      const cpu = watch.stop();
      const asked = [...table.counts()].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const);
      const fed = await fedRunsSince(stack, since, connector);
      const one: MeasuredBatch = {
        kind,
        size,
        messages: size * counted,
        cpuMsAnInvocation: (cpu.seconds * 1000) / counted,
        ranMs: (fed?.ranMs ?? Number.NaN) / (fed?.invocations ?? 1),
        tableReads: sumOf(asked, /^(?:Get|BatchGet|Query)/) / counted,
        tableWrites: sumOf(asked, /^(?:Put|Update|Delete|TransactWrite)/) / counted,
        measuredAt: new Date().toISOString().slice(0, 10),
      };
      measured.push(one);
      console.log(JSON.stringify(one));
    }
    const landed = await endOf(kafka, connector);
    if (landed < handed) throw new Error(`Of ${handed} messages ${landed} are in ${connector}`);
    return measured;
  } finally {
    await table.stop();
    await call(stack.restUrl, 'DELETE', `/connectors/${connector}`);
  }
}

const sumOf = (asked: readonly (readonly [string, number])[], names: RegExp) =>
  asked.filter(([name]) => names.test(name)).reduce((sum, [, count]) => sum + count, 0);

const row = (one: MeasuredBatch) =>
  `| ${one.kind} | ${one.size} | ${one.messages.toLocaleString('en-US')} | ${one.ranMs.toFixed(1)} | ${one.cpuMsAnInvocation.toFixed(1)} | ` +
  `${(one.cpuMsAnInvocation / one.size).toFixed(3)} | ${(one.tableReads / one.size).toFixed(4)} | ${(one.tableWrites / one.size).toFixed(4)} |`;

function page(batches: readonly MeasuredBatch[]): string {
  return `# What an event takes, by the messages in it

Printed by \`npm run bench:feed-batches\`. Last on ${about}.

The feed function of the local stack, out of its bundle, is handed events as AWS makes them: the emulator brings 10 messages of a queue at
most, on AWS a batch of a queue may hold 10,000 where its mapping has a batching window. Messages have about 120 bytes, events of EventBridge
about 330. Two events at a time, one of a stream, whose offsets are committed with each. *Took* is from the function's own log, the answer
of Kafka in it; CPU is that of all the functions' processes, whatever they do beside, and so are the requests to the table, which come by
the clock. Java's source of [feeds](feeds.md), which polls a queue, takes ${loadJava().cpuMsAMessage} ms of CPU a message.

| event source | messages in an event | messages | took, ms | CPU ms an event | CPU ms a message | table reads a message | writes |
| --- | --- | --- | --- | --- | --- | --- | --- |
${batches.map(row).join('\n')}
`;
}

try {
  const wanted = kindsText === '' ? null : new Set(kindsText.split(','));
  const kinds = givenEvents(stack, run);
  const order = kinds.map(({ kind }) => kind);
  let all = readBatches();
  for (const given of kinds.filter(({ kind }) => wanted?.has(kind) ?? true)) {
    const fresh = await measureKind(given);
    all = [...all.filter(({ kind }) => kind !== given.kind), ...fresh].sort(
      (one, other) => order.indexOf(one.kind) - order.indexOf(other.kind) || one.size - other.size,
    );
    writeBatches(all);
    writeFileSync(join(import.meta.dirname, 'results', 'feed-batches.md'), page(all));
  }
} finally {
  await kafka.close();
  lambda.destroy();
  if (running === null) await stopStack(homeFolder);
}
