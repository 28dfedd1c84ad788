import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startEmulator } from '../../local/emulator.ts';
import { freePort } from '../../local/ports.ts';
import { stopService } from '../../local/service.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { type Coordinator, type CoordinatorDeps, createCoordinator } from '../../src/herder/coordinator.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import type { StreamRecord } from '../../src/invocation/table-stream.ts';
import { everyTick } from '../../src/storage/due-index.ts';
import { AwsTableClient } from '../../src/storage/dynamodb/aws-table-client.ts';
import { createTable } from '../../src/storage/dynamodb/create-table.ts';
import { SignedRequests } from '../../src/storage/dynamodb/signed-requests.ts';
import { storesOver } from '../../src/storage/dynamodb/stores-over.ts';
import { duePk, type Key, watchedPk } from '../../src/storage/dynamodb/table.ts';
import type { BatchWrite } from '../../src/storage/dynamodb/table-client.ts';
import { MemoryTableClient } from '../../src/storage/memory/memory-table-client.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { WatchedRequests } from './watched-requests.ts';

/**
 * What a growing installation costs the herder, over the emulator's table: requests are counted where they leave, their
 * retries are not. `node test/bench/scale.ts [sizes, default 100,1000,10000] [connectors that poll by the minute, default
 * 100000]`; DROVER_BENCH_DYNAMODB names one to use instead of a fresh one.
 */
const sizes = (process.argv[2] ?? '100,1000,10000').split(',').map(Number);
const largest = Math.max(...sizes);
const polling = Number(process.argv[3] ?? '100000');
const ticks = 20;
const far = clock.now() + 30 * 24 * 3600_000;
const name = (n: number) => `connector-${String(n).padStart(5, '0')}`;
const lines: string[] = [];

interface Measured {
  readonly ms: number;
  readonly requests: number;
  readonly byKind: string;
}

const counts = new Map<string, number>();

async function measured(work: () => Promise<unknown>): Promise<Measured> {
  counts.clear();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const requests = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return { ms, requests, byKind: [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') };
}

function row(what: string, { ms, requests, byKind }: Measured, note = ''): void {
  const line = `| ${what} | ${requests} | ${ms < 100 ? ms.toFixed(1) : Math.round(ms)} | ${byKind}${note === '' ? '' : `; ${note}`} |`;
  lines.push(line);
  console.log(line);
}

/** The items of one idle connector with one task, as the stores write them; copied for all the others. */
async function idleItems(): Promise<{ key: Key; item: Record<string, unknown> }[]> {
  const images = new Map<string, StreamRecord>();
  const table = new MemoryTableClient({
    onChange: (record) => images.set(JSON.stringify(record.dynamodb?.Keys), record),
  });
  const stores = storesOver(table, () => 'nonce');
  const config = { 'connector.class': 'FileStreamSource', 'tasks.max': '1', topic: 'lines', file: 'lines.txt' };
  const now = clock.now();
  await stores.config.createConnector(name(0), 'source', config, 'STARTED', now);
  const connector = await stores.leases.acquireConnector(name(0), 'x', now, now + 1);
  if (!connector.granted) throw new Error(connector.reason);
  await stores.generations.putTasks(connector.lease, 1, [{ task: 0, config, assignment: [], positions: [] }], now);
  const applied = {
    generation: 1,
    taskCount: 1,
    appliedVersion: 1,
    state: 'RUNNING' as const,
    trace: null,
    workerId: 'x',
  };
  await stores.generations.applyGeneration(connector.lease, applied, null);
  const task = await stores.leases.acquireTask(name(0), 0, 'x', now, now + 1);
  if (!task.granted) throw new Error(task.reason);
  await stores.leases.release(task.lease, { state: 'RUNNING', trace: null, workerId: 'x', dueAt: far });
  return [...images.values()].map(({ dynamodb }) => {
    const item = dynamodb?.NewImage as Record<string, { S: string }>;
    return { key: { pk: item.pk?.S ?? '', sk: item.sk?.S ?? '' }, item };
  });
}

type Item = Record<string, unknown>;

/** Connectors `from` to `to`; `indexed`: what of the indexes a task has. */
async function seed(
  table: AwsTableClient,
  from: number,
  to: number,
  indexed: (n: number, key: Key) => Item = idle,
): Promise<void> {
  const templates = await idleItems();
  const writes: BatchWrite[] = [];
  for (let n = from; n < to; n++) {
    for (const { key, item } of templates) {
      const copy = { pk: key.pk.replace(name(0), name(n)), sk: key.sk };
      const { duePk: due, dueAt, ...rest }: Item = { ...item, pk: { S: copy.pk } };
      const made = due === undefined ? rest : { ...rest, ...indexed(n, copy) };
      writes.push({ kind: 'put', key: copy, what: 'a seed', item: made as never });
    }
  }
  await table.writeMany(writes, 'the seed');
}

/** Half of them wait for their time, half are watched by the probe: both are idle. */
function idle(n: number, key: Key): Item {
  return n % 2 === 0 ? { duePk: { S: duePk(key) }, dueAt: { N: String(far) } } : { watchedPk: { S: watchedPk(key) } };
}

const polled = (_: number, key: Key): Item => ({ duePk: { S: duePk(key) }, dueAt: { N: String(everyTick) } });

interface Invoked {
  readonly requests: RunRequest[];
  mostAtOnce: number;
}

function coordinatorOver(stores: Stores, invoked: Invoked, others: Partial<CoordinatorDeps> = {}) {
  let atOnce = 0;
  return createCoordinator({
    configs: stores.config,
    leases: stores.leases,
    dueIndex: stores.due,
    cluster: stores.cluster,
    // Lambda's asynchronous invoke answers in some milliseconds.
    invoker: {
      invoke: async (request) => {
        invoked.mostAtOnce = Math.max(invoked.mostAtOnce, ++atOnce);
        await clock.sleep(3);
        atOnce--;
        invoked.requests.push(request);
      },
    },
    startTicking: async () => {},
    owner: 'bench',
    clock,
    random: Math.random,
    telemetry: createTelemetry({ clock, write: () => {}, level: 'FATAL' }),
    limits: { runsInFlight: 1000, concurrency: 50 },
    ...others,
  });
}

async function idleTicks(stores: Stores, what: string): Promise<void> {
  const invoked: Invoked = { requests: [], mostAtOnce: 0 };
  const coordinator = coordinatorOver(stores, invoked);
  await coordinator.onTick(clock.now() + 55_000);
  const times: number[] = [];
  const all = await measured(async () => {
    for (let n = 0; n < ticks; n++) {
      const startedAt = performance.now();
      await coordinator.onTick(clock.now() + 55_000);
      times.push(performance.now() - startedAt);
    }
  });
  const median = times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
  const kinds = [...counts].map(([kind, count]) => `${count / ticks} ${kind}`).join(', ');
  const perTick = { ms: median, requests: all.requests / ticks, byKind: kinds };
  const connectorsRun = invoked.requests.filter(({ kind }) => kind !== 'probe').length;
  row(`idle tick, ${what} (median of ${ticks})`, perTick, `${connectorsRun} runs dispatched beside the probe`);
}

/** In groups: one process serves them all. */
async function each(count: number, work: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n += 50)
    await Promise.all(Array.from({ length: Math.min(50, count - n) }, (_, index) => work(n + index)));
}

/** A tick that finds so many tasks due. Nothing runs here, so they stay due: it is over when all are handed out. */
async function dispatched(stores: Stores, due: number, what: string): Promise<void> {
  const invoked: Invoked = { requests: [], mostAtOnce: 0 };
  const coordinator = coordinatorOver(stores, invoked);
  const tasks = () => invoked.requests.filter(({ kind }) => kind === 'task');
  const result = await measured(async () => {
    const ended = new AbortController();
    void coordinator.onTick(clock.now() + 20_000).finally(() => ended.abort());
    while (tasks().length < due && !ended.signal.aborted) await clock.sleep(5);
  });
  const runs = new Set(tasks().map((request) => JSON.stringify(request)));
  row(`${what}, dispatched`, result, `${runs.size} runs, ${invoked.mostAtOnce} invokes at once at most`);
}

async function thousandDue(stores: Stores): Promise<void> {
  const due = Math.min(1000, largest / 2);
  const overdue = clock.now() - 10_000;
  await each(due, (n) => stores.config.markTaskDue(name(2 * n), 0, overdue));
  await dispatched(stores, due, `${due} tasks due at once`);
}

async function oneChange(stores: Stores): Promise<void> {
  const middle = name(Math.floor(largest / 2));
  row(
    'one connector changed',
    await measured(() => stores.config.putConnectorConfig(middle, 'source', { a: 'b' }, clock.now())),
  );
  row('one connector read with its task', await measured(() => stores.config.getConnectorAndTasks(middle)));
  const listed = await measured(async () => {
    let after: string | null = null;
    do {
      const page: { next: string | null } = await stores.config.listConnectorNames(after);
      after = page.next;
    } while (after !== null);
  });
  row(`all ${largest} names listed`, listed);
}

async function thousandTasks(stores: Stores): Promise<void> {
  const now = clock.now();
  const tasks = Array.from({ length: 1000 }, (_, task) => ({
    task,
    config: { 'task.class': 'X', index: String(task) },
    assignment: [{ topic: 'lines', partitions: [task] }],
    positions: [{ topic: 'lines', kafkaPartition: task, offset: 0n }],
  }));
  const all = tasks.map(({ task }) => task);
  await stores.config.createConnector('wide', 'sink', { topics: 'lines' }, 'STARTED', now);
  const acquired = await stores.leases.acquireConnector('wide', 'x', now, now + 600_000);
  if (!acquired.granted) throw new Error(acquired.reason);
  const { lease } = acquired;
  row('1,000 tasks put in force', await measured(() => stores.generations.putTasks(lease, 1, tasks, now)));
  await stores.generations.applyGeneration(
    lease,
    { generation: 1, taskCount: 1000, appliedVersion: 1, state: 'RUNNING', trace: null, workerId: 'x' },
    null,
  );
  await dispatched(stores, 1000, 'the 1,000 tasks of one connector due at once');
  await each(1000, async (task) => {
    const taken = await stores.leases.acquireTask('wide', task, 'x', clock.now(), clock.now() + 600_000);
    if (!taken.granted) throw new Error(taken.reason);
    await stores.leases.release(taken.lease, { state: 'RUNNING', trace: null, workerId: 'x', dueAt: far });
  });
  await idleTicks(stores, `${largest} connectors and one with 1,000 tasks`);
  row('one connector with 1,000 tasks read', await measured(() => stores.config.getConnectorAndTasks('wide')));
  await stores.config.putConnectorConfig('wide', 'sink', { topics: 'lines', 'tasks.max': '1' }, clock.now());
  const again = await stores.leases.acquireConnector('wide', 'x', clock.now(), clock.now() + 600_000);
  if (!again.granted) throw new Error(again.reason);
  row('1,000 tasks revoked', await measured(() => stores.generations.revokeTasks(again.lease, all, 'STOPPED')));
  row('1,000 tasks deleted', await measured(() => stores.generations.deleteTasks(again.lease, all, clock.now())));
}

/**
 * As many connectors as one coordinator cannot hand out, each with a task that polls by the minute. The coordinators of the
 * shards share this process, as they would not on Lambda; nothing runs, so that what is handed out stays due.
 */
async function allByTheMinute(stores: Stores, table: AwsTableClient, count: number): Promise<void> {
  await seed(table, largest, largest + count, polled);
  const invoked: Invoked = { requests: [], mostAtOnce: 0 };
  const ticks: Promise<void>[] = [];
  const deadlineAt = clock.now() + 75_000;
  const coordinator = (owner: string): Coordinator =>
    coordinatorOver(stores, invoked, {
      owner,
      limits: { runsInFlight: 4000, concurrency: 50 },
      startTicking: async (tick) => {
        if (tick.kind === 'shard-tick') ticks.push(coordinator(`of ${tick.shard}`).onShardTick(tick.shard, deadlineAt));
      },
    });
  const handedOut = () => invoked.requests.filter(({ kind }) => kind === 'task');
  const result = await measured(async () => {
    const ended = new AbortController();
    const all = coordinator('first')
      .onTick(deadlineAt)
      .then(() => Promise.all(ticks));
    void all.finally(() => ended.abort());
    while (invoked.requests.length < count && !ended.signal.aborted) await clock.sleep(20);
  });
  const runs = new Set(handedOut().map((request) => JSON.stringify(request)));
  row(
    `${count} tasks that poll by the minute, one tick`,
    result,
    `${runs.size} runs in ${ticks.length} shards, ${handedOut().length - runs.size} of them twice`,
  );
  await Promise.all(ticks);
  row(`1,000 of ${largest + count} names listed`, await measured(() => stores.config.listConnectorNames(null, 1000)));
}

async function commits(stores: Stores): Promise<void> {
  const now = clock.now();
  const task = await stores.leases.acquireTask(name(0), 0, 'x', now, now + 600_000);
  if (!task.granted) throw new Error(task.reason);
  const offset = { key: '{"f":1}', partition: '{"f":1}', offset: '{"p":1}' };
  const progress = { records: 1, bytes: 1 };
  row(
    'a source commit, 1 source partition',
    await measured(() => stores.offsets.commitSourceOffsets(task.lease, [offset], progress)),
  );
  const positions = Array.from({ length: 100 }, (_, kafkaPartition) => ({
    topic: 'lines',
    kafkaPartition,
    offset: 1n,
  }));
  row(
    'a sink commit, 100 partitions',
    await measured(() => stores.offsets.commitSinkPositions(task.lease, positions, progress)),
  );
  const outcome = { state: 'RUNNING' as const, trace: null, workerId: 'x', dueAt: now };
  row('a lease released', await measured(() => stores.leases.release(task.lease, outcome)));
  await stores.config.putConnectorConfig('wide', 'sink', { topics: 'lines', 'tasks.max': '1' }, clock.now());
  const again = await measured(() => stores.leases.acquireTask(name(0), 0, 'x', clock.now(), clock.now() + 1000));
  row('a lease acquired', again);
}

async function manySourcePartitions(stores: Stores): Promise<void> {
  const total = 100_000;
  const now = clock.now();
  await stores.config.createConnector('many', 'source', {}, 'STOPPED', now);
  const entry = (n: number) => ({
    key: `{"file":"f${n}"}`,
    partition: `{"file":"f${n}"}`,
    offset: `{"position":${n}}`,
  });
  const first = await measured(() =>
    stores.offsets.alterSourceOffsets(
      'many',
      Array.from({ length: total }, (_, n) => entry(n)),
      now,
    ),
  );
  row('100,000 source offsets written by hand, with their history', first);
  const keys = Array.from({ length: 1000 }, (_, n) => entry(n * 100).key);
  row('1,000 of them read by a task', await measured(() => stores.offsets.readSourceOffsets('many', keys)));
  row('one page of GET offsets', await measured(() => stores.offsets.listSourceOffsets('many', null)));
  let seen = 0;
  const list = await measured(async () => {
    let after: string | null = null;
    do {
      const page: { items: readonly unknown[]; next: string | null } = await stores.offsets.listSourceOffsets(
        'many',
        after,
      );
      seen += page.items.length;
      after = page.next;
    } while (after !== null);
  });
  row('all of them listed', list, `${seen} offsets`);
  row('all of them reset', await measured(() => stores.offsets.resetOffsets('many', clock.now())));
}

const folder = mkdtempSync(join(tmpdir(), 'drover-scale-'));
const given = process.env.DROVER_BENCH_DYNAMODB;
const port = given === undefined ? await freePort() : 0;
const service = given === undefined ? await startEmulator({ folder, port, region: 'eu-central-1' }) : null;
try {
  const address = {
    endpoint: given ?? `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  };
  const client = new DynamoDBClient(address);
  const tableName = `drover-scale-${process.pid}`;
  await createTable(client, tableName, { stream: false });
  const requests = new WatchedRequests(new SignedRequests(address), (operation) => {
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
  });
  const table = new AwsTableClient({ tableName, requests });
  const stores = storesOver(table, () => crypto.randomUUID());
  lines.push('| what | table requests | ms | kinds |', '| --- | --- | --- | --- |');
  let seeded = 0;
  for (const size of sizes.toSorted((a, b) => a - b)) {
    await seed(table, seeded, size);
    seeded = size;
    await idleTicks(stores, `${size} connectors`);
  }
  await thousandTasks(stores);
  await oneChange(stores);
  await thousandDue(stores);
  await commits(stores);
  await manySourcePartitions(stores);
  await allByTheMinute(stores, table, polling);
  const machine = `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${given === undefined ? 'the AWS emulator' : 'a table that was given'}`;
  const text = `# Scale\n\n${new Date(clock.now()).toISOString().slice(0, 10)}, ${machine}. Requests are counted, not their retries.\n\n${lines.join('\n')}\n`;
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results', 'scale.md'), text);
  client.destroy();
} finally {
  if (service !== null) await stopService(service);
  rmSync(folder, { recursive: true, force: true });
}
