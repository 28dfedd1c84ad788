/**
 * The processes of the burst, out of a bundle as functions are: `coordinator` is one warm environment of the coordinator function,
 * `environments` does the runs of as many of the task function as the parent, which is Lambda here, gives it at a time.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { createRegistry } from '../../../functions/builtin-plugins.ts';
import { systemClock as clock } from '../../../src/clock.ts';
import type { Settings } from '../../../src/config/config-def.ts';
import { createCoordinator } from '../../../src/herder/coordinator.ts';
import type { RunRequest } from '../../../src/invocation/run-request.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { createDynamoDbStores } from '../../../src/storage/dynamodb/stores.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';
import { tuneGarbageCollection } from '../../../src/worker/garbage-collection.ts';
import { createWorker } from '../../../src/worker/worker.ts';
import { defaultWorkerSettings } from '../../../src/worker/worker-settings.ts';
import { tableRequests } from '../../integration/storage/dynamodb-table.ts';
import type { ChildAnswer } from '../asked-child.ts';
import { WatchedRequests } from '../watched-requests.ts';

export type BurstRole = 'coordinator' | 'environments';

export type BurstRequest =
  | { readonly kind: 'create'; readonly name: string; readonly config: Settings }
  | { readonly kind: 'wake'; readonly names: readonly string[] }
  | { readonly kind: 'run'; readonly request: RunRequest }
  /** What the process has asked the table for since it was last asked. */
  | { readonly kind: 'counts' };

export interface BurstAnswer extends ChildAnswer {
  readonly counts?: Readonly<Record<string, number>>;
}

/** What the coordinator tells beside its answers. */
export interface BurstInvoked {
  readonly invoked: RunRequest;
}

const [role, table = '', runsInFlight = '100'] = process.argv.slice(2);
const kafka = process.env.DROVER_TEST_KAFKA;
if (kafka === undefined) throw new Error('DROVER_TEST_KAFKA is not set');
const tell = (message: BurstAnswer | BurstInvoked) => void process.send?.(message);
const counts = new Map<string, number>();
const requests = new WatchedRequests(
  tableRequests(),
  (operation) => void counts.set(operation, (counts.get(operation) ?? 0) + 1),
);
const stores = createDynamoDbStores({ requests, tableName: table });
const failures: string[] = [];
const telemetry = createTelemetry({
  clock,
  write: (line) => void (line.includes('"run.failed"') && failures.push(line)),
  level: 'INFO',
});
if (role === 'environments') tuneGarbageCollection();
const worker = createWorker({
  stores,
  kafka: async () => createKafkaClient({ bootstrapServers: kafka }),
  plugins: createRegistry(),
  settings: defaultWorkerSettings,
  telemetry,
  clock,
  configProviders: new Map(),
});
const coordinator = createCoordinator({
  configs: stores.config,
  leases: stores.leases,
  dueIndex: stores.due,
  cluster: stores.cluster,
  // Lambda's asynchronous invoke answers in some milliseconds.
  invoker: {
    invoke: async (request) => {
      await clock.sleep(3);
      tell({ invoked: request });
    },
  },
  startTicking: async () => {},
  owner: `burst-${process.pid}`,
  clock,
  random: Math.random,
  telemetry,
  limits: { runsInFlight: Number(runsInFlight), concurrency: 50 },
});

let runs = 0;
const budget = () => ({ deadlineAt: clock.now() + 60_000, workerId: `burst-${process.pid}-${++runs}` });

async function run(request: RunRequest): Promise<void> {
  const report = await worker.run(request, budget());
  if (report.ran && report.reason === 'drained' && request.kind === 'task') return;
  if (request.kind === 'connector' && report.reason !== 'failed') return;
  throw new Error(`${JSON.stringify(request)} ended as ${report.reason}: ${failures.join('\n')}`);
}

let profile: Session | null = null;
let profiles = 0;

/** BURST_PROFILE=<folder>: a CPU profile from one question for the counts to the next, of each round. */
async function turnProfile(): Promise<void> {
  const folder = process.env.BURST_PROFILE;
  if (folder === undefined) return;
  if (profile === null) {
    profile = new Session();
    profile.connect();
    await profile.post('Profiler.enable');
    await profile.post('Profiler.start');
    return;
  }
  const { profile: found } = await profile.post('Profiler.stop');
  profile.disconnect();
  profile = null;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${role}-${process.pid}-${++profiles}.cpuprofile`), JSON.stringify(found));
}

async function handle(asked: BurstRequest): Promise<Readonly<Record<string, number>>> {
  switch (asked.kind) {
    case 'create': {
      const { name, config } = asked;
      await stores.config.putConnectorConfig(name, 'source', { name, ...config }, clock.now());
      await run({ kind: 'connector', connector: name });
      await run({ kind: 'task', connector: name, task: 0 });
      return {};
    }
    case 'wake': {
      await coordinator.onWakeUp(asked.names, clock.now() + 55_000);
      return {};
    }
    case 'run': {
      await run(asked.request);
      return {};
    }
    case 'counts': {
      await turnProfile();
      const told = Object.fromEntries(counts);
      counts.clear();
      return told;
    }
  }
}

process.on('message', ({ id, ...asked }: BurstRequest & { id: number }) => {
  handle(asked).then(
    (told) => tell({ id, counts: told }),
    (error: unknown) => tell({ id, error: error instanceof Error ? (error.stack ?? '') : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
tell({ id: 0 });
