/**
 * What a growing number of connectors costs Java's worker, beside Drover: small idle file sources are created, then one
 * of them is changed. `npm run bench:java-scale`, or `node test/bench/java-scale.ts [sizes, default 200,500]`. Both are
 * asked over HTTP, a few requests at a time. The table's stream is played here: each accepted request is followed by
 * the runs that it makes due.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { startJavaConnect } from '../../local/java-connect.ts';
import { freePort } from '../../local/ports.ts';
import { signalService, stopService } from '../../local/service.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { apacheConverters } from '../../src/config/connector-config.ts';
import { createHerder } from '../../src/herder/create-herder.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { startHttpServer } from '../../src/rest/http-server.ts';
import { createRestApp } from '../../src/rest/rest-app.ts';
import { createTable } from '../../src/storage/dynamodb/create-table.ts';
import { SdkRequests } from '../../src/storage/dynamodb/sdk-requests.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { droverBuild, kafkaConnectVersion } from '../../src/version.ts';
import { createWorker } from '../../src/worker/worker.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';
import setup, { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';
import { cpuSeconds, machine, memoryMb } from './races/process-cpu.ts';

const sizes = (process.argv[2] ?? '200,500').split(',').map(Number);
const requestsAtOnce = 4;
/** Of Drover's runs, at once; on Lambda each has a process of its own. */
const runsInFlight = 10;
const idleSeconds = 10;
const pollMs = 20;

interface Figures {
  readonly who: string;
  readonly size: number;
  /** Until every request was accepted, and until all tasks were RUNNING. */
  readonly acceptedMs: number;
  readonly runningMs: number;
  readonly refusals: number;
  readonly cpuOfStart: number;
  readonly memoryBefore: number;
  readonly memory: number;
  readonly idleCpu: number;
  readonly changeAcceptedMs: number;
  readonly changeRunningMs: number;
  /** What else the change did. */
  readonly effects: string;
}

interface Side {
  readonly who: string;
  readonly url: string;
  readonly pid: number;
  /** What the runtime itself has to do after an accepted request; resolves when it is done. */
  afterPut(name: string): Promise<void>;
  /** Resolves when the connector's task runs with its present config. */
  whenRunning(name: string): Promise<void>;
  /** Begins to watch; the answer tells what happened to others than `name`. */
  watch(name: string): Promise<() => Promise<string>>;
  stop(): Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), 'drover-java-scale-'));
const nameOf = (n: number) => `small-${String(n).padStart(4, '0')}`;
const idleFile = join(folder, 'nothing.txt');
writeFileSync(idleFile, '');
const configOf = (batchSize: number) => ({
  'connector.class': 'FileStreamSource',
  'tasks.max': '1',
  file: idleFile,
  topic: `java-scale-${process.pid}`,
  'batch.size': String(batchSize),
});

/** How often a request was refused before it was accepted: Java answers 409 while it rebalances. */
async function put(side: Side, name: string, batchSize: number): Promise<number> {
  for (let refusals = 0; ; refusals++) {
    const response = await fetch(`${side.url}/connectors/${name}/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(configOf(batchSize)),
    });
    const answer = await response.text();
    if (response.ok) return refusals;
    if (response.status !== 409) throw new Error(`${side.who} answered ${response.status}: ${answer}`);
    await sleep(pollMs);
  }
}

async function isRunning(url: string, name: string): Promise<boolean> {
  const response = await fetch(`${url}/connectors/${name}/status`);
  if (!response.ok) return false;
  const status = (await response.json()) as { connector: { state: string }; tasks: { state: string }[] };
  return status.connector.state === 'RUNNING' && status.tasks[0]?.state === 'RUNNING';
}

async function measure(start: () => Promise<Side>, size: number): Promise<Figures> {
  const side = await start();
  try {
    const names = Array.from({ length: size }, (_, n) => nameOf(n));
    const memoryBefore = memoryMb(side.pid);
    const cpuBefore = cpuSeconds([side.pid]);
    const startedAt = performance.now();
    const waiting = [...names];
    const follow: Promise<void>[] = [];
    let refusals = 0;
    let acceptedMs = 0;
    const client = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        refusals += await put(side, name, 100);
        acceptedMs = performance.now() - startedAt;
        follow.push(side.afterPut(name));
      }
    };
    await Promise.all(Array.from({ length: requestsAtOnce }, client));
    await Promise.all(follow);
    for (const name of names) while (!(await isRunning(side.url, name))) await sleep(pollMs);
    const runningMs = performance.now() - startedAt;
    const cpuOfStart = cpuSeconds([side.pid]) - cpuBefore;
    console.log(`${side.who}, ${size}: accepted ${acceptedMs} ms, running ${runningMs} ms, ${refusals} refusals`);

    await sleep(5000);
    const idleBefore = cpuSeconds([side.pid]);
    await sleep(idleSeconds * 1000);
    const idleCpu = (cpuSeconds([side.pid]) - idleBefore) / idleSeconds;
    const memory = memoryMb(side.pid);

    const changed = nameOf(size >> 1);
    const effects = await side.watch(changed);
    const changeAt = performance.now();
    await put(side, changed, 200);
    const changeAcceptedMs = performance.now() - changeAt;
    await side.afterPut(changed);
    await side.whenRunning(changed);
    const changeRunningMs = performance.now() - changeAt;
    await sleep(3000);
    return {
      who: side.who,
      size,
      acceptedMs,
      runningMs,
      refusals,
      cpuOfStart,
      memoryBefore,
      memory,
      idleCpu,
      changeAcceptedMs,
      changeRunningMs,
      effects: await effects(),
    };
  } finally {
    await side.stop();
  }
}

async function startJava(): Promise<Side> {
  const own = mkdtempSync(join(folder, 'java-'));
  const port = await freePort();
  const groupId = `java-scale-${process.pid}-${port}`;
  const service = await startJavaConnect({
    folder: own,
    port,
    groupId,
    topicPrefix: `${groupId}-`,
    bootstrapServers: kafkaAddress(),
    // Java's own default.
    settings: { 'offset.flush.interval.ms': '60000' },
  });
  const end = () => signalService(service, 'SIGKILL');
  process.once('exit', end);
  const url = `http://127.0.0.1:${port}`;
  const log = () => readFileSync(service.logFile, 'utf8');
  let seen = 0;
  return {
    who: 'Java Connect 4.3',
    url,
    pid: service.pid,
    afterPut: async () => {},
    async whenRunning(name) {
      // The status says RUNNING all the time: the log tells of the task's new start.
      const started = new RegExp(`Creating task ${name}-0\\b`);
      const giveUpAt = Date.now() + 60_000;
      while (!started.test(log().slice(seen))) {
        if (Date.now() > giveUpAt) throw new Error(`${name} was not started again:\n${log().slice(seen).slice(-4000)}`);
        await sleep(pollMs);
      }
      while (!(await isRunning(url, name))) await sleep(pollMs);
    },
    async watch(name) {
      const response = await fetch(`${url}/admin/loggers/org.apache.kafka.connect.runtime`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ level: 'INFO' }),
      });
      if (!response.ok) throw new Error(`The logger answered ${response.status}: ${await response.text()}`);
      seen = log().length;
      return async () => {
        const lines = log().slice(seen).split('\n');
        const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
        const others = (pattern: RegExp) => lines.filter((line) => pattern.test(line) && !line.includes(name)).length;
        const rebalances = count(/Rebalance started/);
        const stopped = others(/Stopping (?:task|connector) /);
        const started = others(/Creating (?:task|connector) /);
        return `rebalances of the group: ${rebalances}; others stopped: ${stopped}, started: ${started}`;
      };
    },
    async stop() {
      await stopService(service);
      process.removeListener('exit', end);
    },
  };
}

async function startDrover(): Promise<Side> {
  const client = new DynamoDBClient({
    endpoint: dynamoDbEndpoint(),
    region: 'eu-central-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  });
  const tableName = `drover-java-scale-${process.pid}-${clock.now()}`;
  await createTable(client, tableName, { stream: false });
  const stores = createDynamoDbStores({ requests: new SdkRequests(client), tableName });
  const telemetry = createTelemetry({ clock, write: () => {}, level: 'FATAL' });
  const plugins = createRegistry([]);
  const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
  const worker = createWorker({
    stores,
    kafka: async () => kafka,
    plugins,
    settings: defaultWorkerSettings,
    telemetry,
    clock,
    configProviders: new Map(),
  });
  const herder = createHerder({
    configs: stores.config,
    statuses: stores.status,
    offsets: stores.offsets,
    cluster: stores.cluster,
    plugins,
    converterDefaults: apacheConverters,
    clock,
    version: kafkaConnectVersion,
    commit: droverBuild,
    logLevel: 'INFO',
  });
  const server = await startHttpServer(createRestApp({ herder, telemetry }));
  let runs = 0;
  let inFlight = 0;
  const budget = () => ({ deadlineAt: clock.now() + 60_000, workerId: `scale-${++runs}` });
  const items = async () => {
    const found = new Map<string, string>();
    let from: Record<string, { S: string }> | undefined;
    do {
      const page = await client.send(
        new ScanCommand({ TableName: tableName, ConsistentRead: true, ...(from ? { ExclusiveStartKey: from } : {}) }),
      );
      for (const item of page.Items ?? []) found.set(`${item.pk?.S} ${item.sk?.S}`, JSON.stringify(item));
      from = page.LastEvaluatedKey as typeof from;
    } while (from !== undefined);
    return found;
  };
  return {
    who: 'Drover',
    url: server.url,
    pid: process.pid,
    async afterPut(name) {
      while (inFlight >= runsInFlight) await sleep(1);
      inFlight++;
      await worker.run({ kind: 'connector', connector: name }, budget());
      await worker.run({ kind: 'task', connector: name, task: 0 }, budget());
      inFlight--;
    },
    whenRunning: async () => {},
    async watch(name) {
      const before = await items();
      return async () => {
        const after = await items();
        const changed = [...after].filter(([key, item]) => before.get(key) !== item).map(([key]) => key);
        const others = changed.filter((key) => !key.includes(name));
        return `items written: ${changed.length}, of others: ${others.length}`;
      };
    },
    async stop() {
      await server.close();
      await worker.close();
      client.destroy();
    },
  };
}

const seconds = (ms: number) => (ms / 1000).toFixed(ms < 10_000 ? 2 : 1);

function page(all: readonly Figures[], about: string): string {
  const rows = all.map(
    (one) =>
      `| ${one.size} | ${one.who} | ${seconds(one.acceptedMs)} | ${seconds(one.runningMs)} | ${one.refusals} | ${one.cpuOfStart.toFixed(1)} | ` +
      `${one.memoryBefore} → ${one.memory} | ${one.idleCpu.toFixed(3)} | ${seconds(one.changeAcceptedMs)} | ${seconds(one.changeRunningMs)} | ${one.effects} |`,
  );
  return `# Many small connectors: Java's worker beside Drover

${new Date().toISOString().slice(0, 10)}, ${about}.

So many sources of a file that is empty, one task each, created over HTTP, ${requestsAtOnce} requests at a time; then one
is changed. *Refused* are requests answered with 409 because the worker was rebalancing, and sent again. *Memory* is resident: Java's
worker (heap of 1 GB at most) before the first connector and with all; Drover's is the one Node process that serves the REST API and runs
connectors and tasks, ${runsInFlight} at once, over the AWS emulator's table, and keeps nothing of an idle connector; on Lambda it would not be there.
*Idle CPU* is what the process uses each second while no connector has anything to do: Drover's tasks are looked at by the tick
instead ([scale](scale.md)). What the change did to others: Java's worker by its log, Drover by comparing every item of the
table. The table's stream, which wakes Drover's functions, is played by the benchmark.

| connectors | | accepted, s | all running, s | refused | CPU of it, s | memory, MB | idle CPU, s/s | change accepted, s | runs again, s | the change's other effects |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const about = machine();
const teardown = await setup();
try {
  const all: Figures[] = [];
  for (const size of sizes) {
    all.push(await measure(startJava, size));
    all.push(await measure(startDrover, size));
    mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
    writeFileSync(join(import.meta.dirname, 'results', 'java-scale.md'), page(all, about));
  }
  console.log(page(all, about));
} finally {
  rmSync(folder, { recursive: true, force: true });
  await teardown();
}
