/**
 * How long from a request to its first record, on the whole local stack: REST API, table, stream, coordinator, task
 * function, Kafka; and the same of Apache's own Connect worker beside it. `npm run bench:latency`, or
 * `node test/bench/latency.ts [warm rounds] [cold rounds]`. Uses the stack of `npm start` when it is up, else starts one.
 *
 * The consumer and the topics are there before the clock starts. Drover's share is broken down by the times in its
 * own logs, so the functions log at DEBUG meanwhile. Cold: every function's process is gone before the request.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { homeFolder } from '../../local/folders.ts';
import { startJavaConnect } from '../../local/java-connect.ts';
import { freePort } from '../../local/ports.ts';
import { printedStep } from '../../local/progress.ts';
import { call, failureOf, RestError, status } from '../../local/rest-client.ts';
import { signalService, stopService } from '../../local/service.ts';
import { localSettings } from '../../local/settings.ts';
import { type LocalStack, readStack, startStack, stopStack } from '../../local/stack.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { landedAt } from './landed-at.ts';
import { median } from './median.ts';
import { machine } from './races/process-cpu.ts';

const [warmText = '9', coldText = '5'] = process.argv.slice(2);
const warmRounds = Number(warmText);
const coldRounds = Number(coldText);
const giveUpMs = 60_000;
const javaLabel = 'Java Connect 4.3';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const running = readStack(homeFolder);
const stack: LocalStack = running ?? (await startStack({ ...localSettings(), step: printedStep }));
const emulatorLog = stack.services.find(({ name }) => name === 'AWS emulator')?.logFile;
if (emulatorLog === undefined) throw new Error('stack.json names no log of the AWS emulator: start the stack again');
const about = machine();
const folder = mkdtempSync(join(tmpdir(), 'drover-latency-'));
const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
const fetcher = await kafka.fetcher();
const lambda = new LambdaClient({
  endpoint: stack.awsEndpoint,
  region: stack.region,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
const run = `latency-${process.pid}`;
let number = 0;
const nextName = (what: string) => `${run}-${what}-${++number}`;

const string = 'org.apache.kafka.connect.storage.StringConverter';
const converters = { 'key.converter': string, 'value.converter': string };

/** One measurement: when the record was there, and Drover's own steps before, in milliseconds since the request. */
interface Sample {
  readonly totalMs: number;
  /** The API's answer, or the invoke's. */
  readonly answeredMs: number;
  readonly steps: ReadonlyMap<string, number>;
}

async function newTopic(name: string): Promise<string> {
  await kafka.admin.createTopics([{ topic: name, partitions: 1, replicationFactor: 1, configs: {} }]);
  return name;
}

async function fill(topic: string): Promise<void> {
  const producer = await kafka.producer();
  const batch = producer.newBatch();
  batch.append(topic, 0, null, Buffer.from('a line'), null, null);
  await producer.send(batch);
  await producer.close();
}

/** Resolves when a consumer that waits at this offset has the record there. */
const recordAt = (topic: string, offset: number) => landedAt(fetcher, topic, offset, giveUpMs);

/** Resolves when the file holds anything. */
function bytesIn(file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(file));
    const timer = setTimeout(() => done(new Error(`${file} is empty after ${giveUpMs / 1000} s`)), giveUpMs);
    const done = (error?: Error) => {
      clearTimeout(timer);
      watcher.close();
      if (error === undefined) resolve(performance.now());
      else reject(error);
    };
    watcher.on('change', () => {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0) done();
    });
    watcher.once('error', done);
  });
}

interface Arm {
  readonly label: string;
  readonly url: string;
  /** Waits until nothing of an earlier round is under way. */
  quiet(): Promise<void>;
}

async function post(url: string, name: string, config: Record<string, string>): Promise<void> {
  for (;;) {
    try {
      return await call(url, 'POST', '/connectors', { name, config });
    } catch (error) {
      // A worker in the middle of a rebalance asks to try again; the clock goes on.
      if (!(error instanceof RestError) || error.status !== 409) throw error;
      await sleep(20);
    }
  }
}

async function remove(url: string, name: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/connectors/${name}`, { method: 'DELETE' });
    if (answer.ok || answer.status === 404) return;
    if (answer.status !== 409) throw new Error(`DELETE ${name} answered ${answer.status}`);
    await sleep(50);
  }
}

async function timed(act: () => Promise<unknown>, landed: Promise<number>, name: string, steps: boolean) {
  landed.catch(() => {});
  const logAt = logSize();
  const wall = Date.now();
  const startedAt = performance.now();
  await act();
  const answeredMs = performance.now() - startedAt;
  const totalMs = (await landed) - startedAt;
  return { totalMs, answeredMs, steps: steps ? await stepsOf(name, wall, logAt) : new Map<string, number>() };
}

async function source(arm: Arm): Promise<Sample> {
  const name = nextName('source');
  const topic = await newTopic(name);
  const file = join(folder, `${name}.txt`);
  writeFileSync(file, 'a line\n');
  await arm.quiet();
  const landed = recordAt(topic, 0);
  const config = { 'connector.class': 'FileStreamSource', 'tasks.max': '1', file, topic, ...converters };
  const sample = await timed(() => post(arm.url, name, config), landed, name, arm.label !== javaLabel);
  await remove(arm.url, name);
  return sample;
}

async function sink(arm: Arm): Promise<Sample> {
  const name = nextName('sink');
  const topic = await newTopic(name);
  await fill(topic);
  const file = join(folder, name, 'out.txt');
  mkdirSync(dirname(file));
  await arm.quiet();
  const landed = bytesIn(file);
  const config = { 'connector.class': 'FileStreamSink', 'tasks.max': '1', file, topics: topic, ...converters };
  const sample = await timed(() => post(arm.url, name, config), landed, name, arm.label !== javaLabel);
  await remove(arm.url, name);
  return sample;
}

/** A source that only events wake. */
async function createSleeper(): Promise<{ name: string; file: string; wake: () => Promise<Sample> }> {
  const name = nextName('woken');
  await newTopic(name);
  const file = join(folder, `${name}.txt`);
  writeFileSync(file, 'the first line\n');
  const first = recordAt(name, 0);
  await post(stack.restUrl, name, {
    'connector.class': 'FileStreamSource',
    file,
    topic: name,
    'drover.schedule': 'once',
    ...converters,
  });
  await first;
  let offset = 0;
  const payload = Buffer.from(JSON.stringify({ drover: { wake: [name] } }));
  const wake = async () => {
    await drover.quiet();
    offset++;
    const landed = recordAt(name, offset);
    appendFileSync(file, 'another line\n');
    const invoke = new InvokeCommand({
      FunctionName: stack.functions.coordinator,
      InvocationType: 'Event',
      Payload: payload,
    });
    return timed(() => lambda.send(invoke), landed, name, true);
  };
  return { name, file, wake };
}

const logSize = () => statSync(emulatorLog).size;

function logSince(from: number): string {
  const size = logSize() - from;
  const bytes = Buffer.alloc(size);
  const file = openSync(emulatorLog!, 'r');
  readSync(file, bytes, 0, size, from);
  closeSync(file);
  return bytes.toString();
}

/** Functions print when they have ended: nothing new for a while means that nothing runs. */
async function logQuiet(forMs: number): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  let size = logSize();
  let since = performance.now();
  while (performance.now() - since < forMs && performance.now() < giveUpAt) {
    await sleep(50);
    if (logSize() === size) continue;
    size = logSize();
    since = performance.now();
  }
}

interface Line {
  readonly event: string;
  readonly timestamp: string;
  readonly connector?: string;
  readonly task?: number;
  readonly first?: string;
  readonly steps?: Readonly<Record<string, number>>;
}

/** When each of Drover's steps was reached, by what it has logged about this connector. */
async function stepsOf(name: string, wall: number, logAt: number): Promise<Map<string, number>> {
  await logQuiet(700);
  const lines = logSince(logAt)
    .split('\n')
    .filter((line) => line.startsWith('{"level"'))
    .map((line) => JSON.parse(line) as Line);
  const steps = new Map<string, number>();
  const note = (step: string, at: number) => {
    if (!steps.has(step)) steps.set(step, at - wall);
  };
  for (const { event, timestamp, connector, task, first, steps: ofRun } of lines) {
    const at = Date.parse(timestamp);
    // Of a run before this one, printed late.
    if (at < wall - 5) continue;
    if (event === 'herder.woken') note('tasks marked due', at);
    if (event === 'herder.dispatched' && first === name) note('connector dispatched', at);
    if (event === 'herder.dispatched' && first === `${name}-0`) note('task dispatched', at);
    if (connector !== name) continue;
    if (event === 'run.started' && task === undefined) note('connector: lease taken', at);
    if (event === 'connector.generation') note('connector: tasks written', at);
    if (event === 'run.started' && task === 0) {
      note('task: lease taken', at);
      const run = lines.find((line) => line.event === 'run.ended' && line.connector === name && line.task === 0);
      const requested = at - (run?.steps?.acquired ?? 0);
      note('task: run begins', requested);
      for (const [step, ms] of Object.entries(run?.steps ?? ofRun ?? {})) {
        if (step !== 'acquired') note(`task: ${step}`, requested + ms);
      }
    }
  }
  return new Map([...steps].sort(([, one], [, other]) => one - other));
}

const drover: Arm = { label: 'Drover', url: stack.restUrl, quiet: () => logQuiet(1200) };

/** Changes the functions' configuration, which ends their processes. */
async function coolDown(functions: readonly string[] = Object.values(stack.functions)): Promise<void> {
  await logQuiet(1200);
  await Promise.all(
    functions.map(async (FunctionName) => {
      const { MemorySize } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
      // The emulator ends processes only for what they could see, even if it stays the same.
      const Description = `cold since ${Date.now()}`;
      await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description, MemorySize }));
      for (;;) {
        const { LastUpdateStatus } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        if (LastUpdateStatus !== 'InProgress') return;
        await sleep(50);
      }
    }),
  );
}

const range = (values: readonly number[]) =>
  `${Math.round(median(values))} (${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))})`;

interface Row {
  readonly title: string;
  readonly goalMs: number;
  readonly drover: Sample[];
  readonly java: Sample[];
}

const rows: Row[] = [];

/** What a process without any of our code takes to start: how busy the machine is with something else. */
const bareStarts = new Map<Row, number[]>();
function bareStart(): number {
  const startedAt = performance.now();
  execFileSync(process.execPath, ['-e', '0']);
  return performance.now() - startedAt;
}

async function measure(row: Row, rounds: number, arms: readonly [Sample[], () => Promise<Sample>][]): Promise<void> {
  console.log(`\n${row.title}`);
  const starts: number[] = [];
  bareStarts.set(row, starts);
  for (let round = 0; round <= rounds; round++) {
    // Each round in another order; the first warms up.
    if (round > 0) starts.push(bareStart());
    const order = arms.map((_, index) => arms[(index + round) % arms.length]!);
    for (const [samples, take] of order) {
      const sample = await take();
      if (round > 0) samples.push(sample);
      const label = samples === row.java ? javaLabel : 'Drover';
      const steps = [...sample.steps].map(([step, at]) => `${step} ${at}`).join(', ');
      console.log(
        `  round ${round} ${label.padEnd(17)} answered ${Math.round(sample.answeredMs)} ms, record ${Math.round(sample.totalMs)} ms; ${steps}`,
      );
    }
  }
  rows.push(row);
}

function breakdown({ title, drover: samples }: Row): string {
  const names = new Set(samples.flatMap(({ steps }) => [...steps.keys()]));
  const lines = [...names]
    .map((name) => ({ name, values: samples.flatMap(({ steps }) => steps.get(name) ?? []) }))
    .filter(({ values }) => values.length > samples.length / 2)
    .concat([
      { name: 'answered', values: samples.map(({ answeredMs }) => answeredMs) },
      { name: '**record there**', values: samples.map(({ totalMs }) => totalMs) },
    ])
    .sort((one, other) => median(one.values) - median(other.values));
  return `## ${title}\n\n| step | ms since the request |\n| --- | --- |\n${lines
    .map(({ name, values }) => `| ${name} | ${range(values)} |`)
    .join('\n')}\n`;
}

function report(): void {
  const totals = (samples: readonly Sample[]) => samples.map(({ totalMs }) => totalMs);
  const table = rows.map((row) => {
    const ours = totals(row.drover);
    const java = totals(row.java);
    const met = median(ours) <= row.goalMs ? 'met' : 'missed';
    const beside = java.length === 0 ? '– | –' : `${range(java)} | ${(median(java) / median(ours)).toFixed(1)}×`;
    const answered = range(row.drover.map(({ answeredMs }) => answeredMs));
    const bare = range(bareStarts.get(row) ?? []);
    return `| ${row.title} | ${answered} | ${range(ours)} | ${row.goalMs} ms: ${met} | ${beside} | ${bare} |`;
  });
  const page = `# From a request to its first record

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${about}.

On the local stack (\`npm start\`), where AWS is an emulator; warm ${warmRounds} and cold ${coldRounds} rounds after one that is not counted, arms
alternated, median (lowest–highest) in milliseconds. *Record there*: a consumer that waited at that offset has it, or the
sink's file has its first byte. *Cold*: no function, or not the one that is named, has a process when the request comes. Java's worker is up and warm throughout,
and the broker lets its consumer groups start without waiting for more members (\`group.initial.rebalance.delay.ms\` is 0; by
default a Java sink's first record waits for 3 s). *Bare start*: what \`node -e 0\` took in the same rounds, about 40 on this machine
when nothing else runs; where all are cold, three such starts follow each other, with code.

| what | answered | record there | goal | Java Connect 4.3 | times as fast | bare start |
| --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}

Where Drover's time goes, by the times in its logs; what stands between two steps of different functions is the emulator's.

${rows.map(breakdown).join('\n')}`;
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results', 'latency.md'), page);
  console.log(`\n${table.join('\n')}`);
}

const javaPort = await freePort();
const java = await startJavaConnect({
  folder: join(folder, 'java'),
  port: javaPort,
  bootstrapServers: stack.bootstrapServers,
  groupId: run,
  topicPrefix: `${run}-`,
  settings: { 'offset.flush.interval.ms': '60000' },
});
const endJava = () => signalService(java, 'SIGKILL');
process.once('exit', endJava);
// Between two of its rounds Drover's arm leaves it seconds to settle.
const javaArm: Arm = { label: javaLabel, url: `http://127.0.0.1:${javaPort}`, quiet: () => logQuiet(1200) };

try {
  for (const logger of ['drover.herder', 'drover.worker']) {
    await call(stack.restUrl, 'PUT', `/admin/loggers/${logger}`, { level: 'DEBUG' });
  }
  await coolDown();
  for (const [title, goalMs, take] of [
    ['POST of a source, warm', 500, source],
    ['POST of a sink, warm', 1000, sink],
  ] as const) {
    const row: Row = { title, goalMs, drover: [], java: [] };
    await measure(row, warmRounds, [
      [row.drover, () => take(drover)],
      [row.java, () => take(javaArm)],
    ]);
  }
  const sleeper = await createSleeper();
  const woken: Row = { title: 'an event wakes a source, warm', goalMs: 300, drover: [], java: [] };
  await measure(woken, warmRounds, [[woken.drover, sleeper.wake]]);
  // As on AWS, where the coordinator is warm since it ticks each minute.
  const coldTask: Row = { title: 'an event wakes a source, the task function cold', goalMs: 350, drover: [], java: [] };
  const wakeCold = async () => {
    await coolDown([stack.functions.task]);
    return sleeper.wake();
  };
  await measure(coldTask, coldRounds, [[coldTask.drover, wakeCold]]);
  const failure = failureOf(await status(stack.restUrl, sleeper.name));
  if (failure !== null) throw new Error(failure);
  await remove(stack.restUrl, sleeper.name);
  for (const [title, take] of [
    ['POST of a source, cold', source],
    ['POST of a sink, cold', sink],
  ] as const) {
    const row: Row = { title, goalMs: 1500, drover: [], java: [] };
    const cold = async () => {
      await coolDown();
      return take(drover);
    };
    await measure(row, coldRounds, [[row.drover, cold]]);
  }
  report();
} finally {
  for (const logger of ['drover.herder', 'drover.worker']) {
    await call(stack.restUrl, 'PUT', `/admin/loggers/${logger}`, { level: 'INFO' }).catch(() => {});
  }
  await fetcher.close();
  await kafka.close();
  lambda.destroy();
  await stopService(java);
  process.removeListener('exit', endJava);
  rmSync(folder, { recursive: true, force: true });
  if (running === null) await stopStack(homeFolder);
}
