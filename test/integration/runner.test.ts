import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, expect, test } from 'vitest';
import { bundleFunction } from '../../cdk/bundle.ts';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { environmentVariable } from '../../src/environment.ts';
import { createHerder } from '../../src/herder/create-herder.ts';
import { requestOf } from '../../src/herder/dispatch.ts';
import { RoutedInvoker } from '../../src/herder/routed-invoker.ts';
import { RunnerQueue } from '../../src/invocation/runner-queue.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';
import { readTopic } from '../support/kafka-records.ts';
import { dynamoDbEndpoint, kafkaAddress } from '../support/service-addresses.ts';
import { until } from '../support/until.ts';
import { createHarness, realKafka, uniqueName } from '../support/worker-harness.ts';
import { dropTables, dynamoDbClient, newTable, tableRequests } from './storage/dynamodb-table.ts';

/*
 * The runner as it is bundled, a process beside the table and Kafka: FileStreamSource asks for it. What the coordinator
 * does with every tick, hand out what is due, the test does itself, several times a second.
 */

const folder = mkdtempSync(join(tmpdir(), 'drover-runner-'));
const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const started: number[] = [];

afterAll(async () => {
  for (const pid of started) kill(-pid, 'SIGKILL');
  rmSync(folder, { recursive: true });
  await dropTables();
});

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone.
  }
}

async function setup() {
  const tableName = await newTable(dynamoDbClient());
  const sqs = new SQSClient({ endpoint: dynamoDbEndpoint(), region, credentials });
  const { QueueUrl: queueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: uniqueName('runs') }));
  const bundle = join(folder, 'bundle');
  bundleFunction({ name: 'runner', outdir: bundle });
  const settings = {
    'drover.table.name': tableName,
    'drover.runner.queue': queueUrl!,
    'drover.runner.lease.ms': '3000',
    'bootstrap.servers': kafkaAddress(),
    'drover.file.folders': folder,
    'drover.log.level': 'INFO',
  };
  const variables = Object.entries(settings).map(([name, value]) => [environmentVariable(name), value]);
  const env = {
    ...process.env,
    ...Object.fromEntries(variables),
    AWS_REGION: region,
    AWS_ENDPOINT_URL: dynamoDbEndpoint(),
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const stores = createDynamoDbStores({ requests: tableRequests(), tableName });
  const harness = createHarness({ kafka: realKafka(kafkaAddress()), stores, settings: { hasRunner: true } });
  const invoker = new RoutedInvoker({
    tasks: { invoke: async (request) => void (await harness.worker.run(request, budget())) },
    java: null,
    runner: new RunnerQueue({ queueUrl: queueUrl!, connect: async () => sqs }),
    configs: stores.config,
    clock: harness.clock,
  });
  const budget = () => ({ deadlineAt: Date.now() + 30_000, workerId: 'function' });
  const over = new AbortController();
  const ticking = (async () => {
    while (!over.signal.aborted) {
      const due = await stores.due.due(Date.now(), 100);
      await Promise.all(due.map(({ run }) => invoker.invoke(requestOf(run))));
      await harness.clock.sleep(300);
    }
  })();
  const herder = createHerder({
    configs: stores.config,
    statuses: stores.status,
    offsets: stores.offsets,
    cluster: stores.cluster,
    plugins: createRegistry([]),
    converterDefaults: defaultWorkerSettings.converterDefaults,
    clock: harness.clock,
    version: '4.3.0',
    commit: 'test',
    logLevel: 'INFO',
    hasRunner: true,
  });
  return {
    stores,
    herder,
    /** With a process group of its own, as a container. */
    startRunner() {
      const log: string[] = [];
      const child = spawn(process.execPath, [join(bundle, 'dist', 'runner.mjs')], {
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      started.push(child.pid!);
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => log.push(String(data)));
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      return { pid: child.pid!, ended, log };
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await ticking;
      await harness.close();
    },
  };
}

/** The processes of its runs. */
const runsOf = (pid: number) =>
  execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .map(Number)
    .filter((child) => child > 0);

test('I1, L1: a task runs on the runner for as long as it is wanted, is paused and changed there, and taken over from runners and runs that are killed', {
  timeout: 120_000,
}, async () => {
  await using lab = await setup();
  const { stores, herder, startRunner } = lab;
  const kafka = await realKafka(kafkaAddress())();
  const name = uniqueName('kept');
  const [topic, other] = [uniqueName('lines'), uniqueName('lines')];
  const file = join(folder, 'lines.txt');
  let written = 0;
  const write = (count: number) => {
    const from = written;
    written += count;
    appendFileSync(file, Array.from({ length: count }, (_, index) => `line ${from + index}\n`).join(''));
    return Array.from({ length: count }, (_, index) => `line ${from + index}`);
  };
  const arrive = (lines: readonly string[], where = topic) =>
    until(`${lines.at(-1)} is in ${where}`, async () => {
      const seen = new Set((await readTopic(kafka, where)).map(({ value }) => value));
      return lines.every((line) => seen.has(line));
    });
  const task = async () => (await stores.config.getTask(name, 0))!;
  writeFileSync(file, '');
  const config = {
    'connector.class': 'FileStreamSource',
    file,
    topic,
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'drover.runner': 'always',
    'drover.idle.floor.ms': '100',
  };
  const one = startRunner();
  await herder.createConnector(name, config, 'STARTED');
  await arrive(write(1000));
  const token = (await task()).fencingToken;
  await arrive(write(500));
  // One run for all of it, beyond its first lease: it commits while it goes on.
  const firstLease = (await task()).leaseExpiresAt;
  await until('the lease is renewed', async () => (await task()).leaseExpiresAt > firstLease + 3000);
  expect(await task()).toMatchObject({ fencingToken: token, state: 'RUNNING', counters: { records: 1500 } });
  expect((await task()).workerId).toMatch(/^runner:/);

  await herder.setTargetState(name, 'PAUSED');
  await until('the run has let go', async () => (await task()).leaseOwner === null);
  expect(await task()).toMatchObject({ state: 'PAUSED', openRuns: 0 });
  const meanwhile = write(10);
  await herder.setTargetState(name, 'STARTED');
  await arrive(meanwhile);

  await herder.putConnectorConfig(name, { ...config, topic: other });
  await until('the task has the new config', async () => (await task()).config.topic === other);
  await arrive(write(10), other);

  // With its runs, as a container that is lost: the lease tells.
  kill(-one.pid, 'SIGKILL');
  const two = startRunner();
  await arrive(write(10), other);

  // Only the run: its runner tells.
  const [run] = await until('there is a run', () => {
    const runs = runsOf(two.pid);
    return runs.length > 0 && runs;
  });
  kill(run!, 'SIGKILL');
  await arrive(write(10), other);
  expect((await task()).lastDeath?.workerId).toMatch(/^runner:/);

  kill(two.pid, 'SIGTERM');
  expect(await two.ended, two.log.join('')).toBe(0);
  expect(await task()).toMatchObject({ leaseOwner: null, openRuns: 0, state: 'RUNNING', trace: null });
  expect((await readTopic(kafka, topic)).length).toBe(1510);
  await kafka.close();
});
