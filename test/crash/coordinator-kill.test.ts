import { once } from 'node:events';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { silentTelemetry } from '../../src/telemetry/telemetry.ts';
import type { Worker } from '../../src/worker/run/run-report.ts';
import { createWorker } from '../../src/worker/worker.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';
import { invocations, monitorableSource, TaskMonitor } from '../integration/monitorable-source.ts';
import { dropTables, dynamoDbClient, newTable, tableRequests } from '../integration/storage/dynamodb-table.ts';
import { kafkaAddress } from '../support/services.ts';
import { uniqueName } from '../support/worker-harness.ts';
import type { TickOrder } from './coordinator-child.ts';
import { ReadyChildren, randomFrom } from './crash-lab.ts';

vi.setConfig({ testTimeout: 600_000 });

/**
 * Coordinators in processes of their own, killed at any of their requests while connectors are created, changed, paused
 * and restarted. The stream is off: the ticks alone must find everything. Dispatched runs are carried out here, some of
 * them twice.
 */
const seed = Number(process.env.DROVER_CRASH_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
const rounds = 6;
const killsEach = 10;
const names = ['one', 'two/ü', 'three'];
/** Time goes by faster: a tick's minute is over in seconds. */
const speed = 10;
const minute = 60_000;
/** What fell due within it is left to the stream. */
const graceMs = 3_500;

const startedAt = Date.now();
const clock: Clock = {
  now: () => startedAt + (Date.now() - startedAt) * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
};
const db = dynamoDbClient();
const monitor = new TaskMonitor();
const topic = uniqueName('coordinator-kill');
const underWay = new Set<Promise<unknown>>();
let kafka: KafkaClient;
let tableName: string;
let stores: Stores;
let worker: Worker;
let children: ReadyChildren;
const counts = { kills: 0, runs: 0, twice: 0 };

beforeAll(async () => {
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
  await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
  tableName = await newTable(db);
  stores = createDynamoDbStores({ requests: tableRequests(), tableName });
  children = new ReadyChildren('coordinator-child.ts');
  worker = createWorker({
    stores,
    kafka: async () => kafka,
    plugins: createRegistry([monitorableSource(monitor)]),
    settings: { ...defaultWorkerSettings, runMaxMs: 6000, idleFloorMs: 500, idleCeilingMs: 2000, runLingerMs: 0 },
    telemetry: silentTelemetry,
    clock,
    configProviders: new Map(),
  });
});

afterAll(async () => {
  children.close();
  while (underWay.size > 0) await Promise.allSettled(underWay);
  await kafka.close();
  await dropTables();
  db.destroy();
});

/** As Lambda's asynchronous invoke: accepted, carried out some time, now and then twice. */
function invoke(request: RunRequest): void {
  const times = random() < 0.2 ? 2 : 1;
  if (times === 2) counts.twice++;
  for (let time = 0; time < times; time++) {
    const id = `run-${++counts.runs}`;
    const run = invocations.run({ id, isDead: () => false }, () =>
      worker.run(request, { deadlineAt: clock.now() + minute, workerId: id }),
    );
    const done = run.finally(() => underWay.delete(done));
    underWay.add(done);
  }
}

async function tick(order: Pick<TickOrder, 'budgetMs' | 'dieAt' | 'before'>): Promise<boolean> {
  const child = await children.next();
  child.on('message', (message) => {
    if (message !== 'ready') invoke(message as RunRequest);
  });
  // What it has sent is all here when the channel is closed, which may be after the exit.
  const exited = once(child, 'exit');
  const heard = once(child, 'disconnect');
  child.send({ tableName, startedAt, speed, ...order } satisfies TickOrder);
  const [[, signal]] = await Promise.all([exited, heard]);
  if (signal === 'SIGKILL') counts.kills++;
  return signal === 'SIGKILL';
}

let marker = 0;

async function disturb(): Promise<void> {
  const name = pick(names);
  const now = clock.now();
  switch (pick(['change', 'change', 'pause', 'resume', 'restart'])) {
    case 'change': {
      const config = {
        name,
        'connector.class': 'org.drover.test.MonitorableSourceConnector',
        'tasks.max': String(1 + Math.floor(random() * 3)),
        topic,
        marker: String(++marker),
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      };
      return void (await stores.config.putConnectorConfig(name, 'source', config, now));
    }
    case 'pause':
      return void (await stores.config.putTargetState(name, 'PAUSED', now).catch(() => {}));
    case 'resume':
      return void (await stores.config.putTargetState(name, 'STARTED', now).catch(() => {}));
    case 'restart':
      return void (await stores.config.markConnectorDue(name, now));
  }
}

/** What is not as it was asked for. */
async function disagreements(): Promise<string[]> {
  const faults: string[] = [];
  for (const name of names) {
    const found = await stores.config.getConnectorAndTasks(name);
    if (found === undefined) continue;
    const { connector, tasks } = found;
    const running = tasks.filter(
      (task) => task.state === 'RUNNING' && !task.revoked && task.config.marker === connector.config.marker,
    );
    const wanted = Number(connector.config['tasks.max']);
    if (connector.state === 'RUNNING' && running.length === wanted && tasks.length === wanted) continue;
    faults.push(`${name}: ${connector.state}, ${running.length} of ${tasks.length} tasks run, ${wanted} are wanted`);
  }
  return faults;
}

it(`I1, I6, I7: coordinators killed anywhere: with the next ticks the connectors run (seed ${seed})`, async () => {
  for (let round = 0; round < rounds; round++) {
    for (let kill = 0; kill < killsEach; kill++) {
      await disturb();
      await tick({ budgetMs: 10_000, dieAt: 1 + Math.floor(random() * 10), before: random() < 0.5 });
    }
    for (const name of names) await stores.config.putTargetState(name, 'STARTED', clock.now()).catch(() => {});
    const startsBefore = monitor.starts;
    // Without the stream a tick runs the connectors, and the next one the tasks that these have made.
    for (let ticks = 0; ticks < 2; ticks++) {
      // A tick beside the lease of a killed ticker takes only what was due that long before.
      await clock.sleep(graceMs);
      expect(await tick({ budgetMs: minute, dieAt: null, before: false })).toBe(false);
      await Promise.all(underWay);
    }
    expect(await disagreements(), `after round ${round} of seed ${seed}`).toEqual([]);
    expect(monitor.starts).toBeGreaterThan(startsBefore);
  }
  expect(monitor.violations).toEqual([]);
  expect(counts.kills).toBeGreaterThan((rounds * killsEach) / 2);
  console.log(`seed ${seed}: ${JSON.stringify(counts)}, ${monitor.starts} task starts`);
});
