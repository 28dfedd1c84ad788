/**
 * Measures what the cost model needs and writes `measured.json`: table units as DynamoDB bills them (ConsumedCapacity
 * of the emulator), run and commit times and CPU of the real worker over a real broker. `npm run bench:cost` prints
 * the page from it.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import { systemClock } from '../../../src/clock.ts';
import { createCoordinator } from '../../../src/herder/coordinator.ts';
import { createDynamoDbStores } from '../../../src/storage/dynamodb/stores.ts';
import { Secrets } from '../../../src/telemetry/redaction.ts';
import { dropTables, dynamoDbClient, newTable, tableRequests } from '../../integration/storage/dynamodb-table.ts';
import setup, { kafkaAddress } from '../../support/services.ts';
import { createHarness, realKafka, uniqueName } from '../../support/worker-harness.ts';
import { median } from '../median.ts';
import { WatchedRequests } from '../watched-requests.ts';
import type { Measured } from './cost-model.ts';

const million = 1_000_000;
const recordBytes = 70;
const idleRuns = 40;
/** Of a million records each, both ways: the first are those of a process that has compiled nothing yet. */
const [warmUps, busyRuns] = [3, 5];

const teardown = await setup();
const folder = mkdtempSync(join(tmpdir(), 'drover-cost-'));
const client = dynamoDbClient();
const units = { write: 0, read: 0 };

const requests = new WatchedRequests(
  tableRequests(),
  (operation, answer) => {
    const { ConsumedCapacity: consumed } = answer as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] };
    const isRead = operation === 'GetItem' || operation === 'Query' || operation === 'BatchGetItem';
    const consumedUnits = [consumed ?? []].flat().reduce((sum, { CapacityUnits }) => sum + (CapacityUnits ?? 0), 0);
    units[isRead ? 'read' : 'write'] += consumedUnits;
  },
  { ReturnConsumedCapacity: 'INDEXES' },
);

interface Took {
  readonly ms: number;
  readonly cpuSeconds: number;
  readonly write: number;
  readonly read: number;
}

/** Units and milliseconds of what `work` does. */
async function measure(work: () => Promise<unknown>): Promise<Took> {
  const before = { ...units };
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const cpu = process.cpuUsage(cpuBefore);
  return {
    ms: performance.now() - startedAt,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    write: units.write - before.write,
    read: units.read - before.read,
  };
}

const telemetry = { secrets: new Secrets(), setLevels: () => {}, emit: () => {} };

try {
  const stores = createDynamoDbStores({ requests, tableName: await newTable(client) });
  let now = Date.now();
  const clock = { now: () => now + performance.now(), sleep: systemClock.sleep };
  const harness = createHarness({ kafka: realKafka(kafkaAddress()), stores, clock, budgetMs: 600_000 });
  const file = join(folder, 'in.txt');
  const name = uniqueName('cost');
  const strings = {
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  };
  const fill = (records: number) => appendFileSync(file, `${'x'.repeat(recordBytes - 1)}\n`.repeat(records));
  fill(million);
  await harness.create(name, { 'connector.class': 'FileStreamSource', file, topic: name, ...strings });
  const request = { kind: 'task', connector: name, task: 0 } as const;
  let runs = 0;
  const run = () =>
    harness.worker.run(request, { deadlineAt: clock.now() + 600_000, workerId: `cost-${process.pid}-${++runs}` });

  await run();
  const sinkName = uniqueName('cost-sink');
  const out = join(folder, 'out.txt');
  await harness.create(sinkName, { 'connector.class': 'FileStreamSink', file: out, topics: name, ...strings });
  const busy: Took[] = [];
  const sink: Took[] = [];
  for (let i = -warmUps; i < busyRuns; i++) {
    sink.push(await measure(() => harness.runTask(sinkName)));
    fill(million);
    now += 60_000;
    busy.push(await measure(run));
  }
  const cpuSeconds = (rounds: readonly Took[]) => round(median(rounds.slice(warmUps).map((one) => one.cpuSeconds)));

  for (let i = 0; i < 10; i++) {
    now += 60_000;
    await run();
  }
  const idle = [];
  for (let i = 0; i < idleRuns; i++) {
    now += 60_000;
    idle.push(await measure(run));
  }
  fill(1);
  now += 60_000;
  const one = await measure(run);
  // A run's last commit is in its release: one in its course is measured by itself.
  now += 60_000;
  const acquired = await stores.leases.acquireTask(name, 0, 'cost', clock.now(), clock.now() + 60_000);
  if (!acquired.granted) throw new Error(`No lease: ${acquired.reason}`);
  const [offset] = (await stores.offsets.listSourceOffsets(name, null)).items;
  if (offset === undefined) throw new Error('Nothing was committed');
  const commit = await measure(() => stores.offsets.commitSourceOffsets(acquired.lease, [offset], { records: 1 }));

  const coordinator = createCoordinator({
    configs: stores.config,
    leases: stores.leases,
    dueIndex: stores.due,
    cluster: stores.cluster,
    invoker: { invoke: async () => {} },
    startTicking: async () => {},
    owner: 'cost',
    clock,
    random: Math.random,
    telemetry,
    limits: { runsInFlight: 20, concurrency: 20 },
  });
  const ticks = [];
  for (let i = 0; i < 10; i++) ticks.push(await measure(() => coordinator.onTick(clock.now() + 60_000)));

  const idleWrite = median(idle.map(({ write }) => write));
  const measured: Measured = {
    measuredAt: new Date().toISOString().slice(0, 10),
    sourceCpuSecondsPerMillion: cpuSeconds(busy),
    sinkCpuSecondsPerMillion: cpuSeconds(sink),
    recordBytes,
    idleRunMs: round(median(idle.map(({ ms }) => ms))),
    idleRunWriteUnits: idleWrite,
    idleRunReadUnits: median(idle.map(({ read }) => read)),
    commitWriteUnits: commit.write,
    // What that run has written beside a commit: its lease and a due time that moves.
    runOverheadWriteUnits: one.write - commit.write,
    runOverheadReadUnits: one.read,
    tickMs: round(median(ticks.map(({ ms }) => ms))),
    tickReadUnits: median(ticks.map(({ read }) => read)),
  };
  writeFileSync(join(import.meta.dirname, 'measured.json'), `${JSON.stringify(measured, null, 2)}\n`);
  console.log(measured, { oneRecordRun: one, busy, sink });
  await harness.close();
} finally {
  await dropTables();
  client.destroy();
  rmSync(folder, { recursive: true, force: true });
  await teardown();
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
