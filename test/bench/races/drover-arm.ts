/**
 * Drover's side of a race: a process of its own that runs the real worker over the real table, told by its parent what
 * to run. Like Java's worker it stays up between races, as a warm function does.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { createRegistry } from '../../../functions/builtin-plugins.ts';
import type { AnyPlugin } from '../../../src/api/plugin.ts';
import { systemClock } from '../../../src/clock.ts';
import type { Settings } from '../../../src/config/config-def.ts';
import { HostProcess } from '../../../src/java-host/host-process.ts';
import { javaPlugins } from '../../../src/java-host/hosted-plugins.ts';
import { parseJavaManifest } from '../../../src/java-host/manifest.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { createDynamoDbStores } from '../../../src/storage/dynamodb/stores.ts';
import type { ConnectorType } from '../../../src/storage/items.ts';
import { Secrets } from '../../../src/telemetry/redaction.ts';
import { tuneGarbageCollection } from '../../../src/worker/garbage-collection.ts';
import { createWorker } from '../../../src/worker/worker.ts';
import { defaultWorkerSettings } from '../../../src/worker/worker-settings.ts';
import { tableRequests } from '../../integration/storage/dynamodb-table.ts';
import type { RaceJava } from './arms.ts';

export type ArmRequest =
  | {
      readonly id: number;
      readonly kind: 'create';
      readonly name: string;
      readonly type: ConnectorType;
      readonly config: Settings;
    }
  /** Runs the tasks of these connectors, a few at a time, until they find nothing more. */
  | { readonly id: number; readonly kind: 'drain'; readonly names: readonly string[] };

const environment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

/** A RaceJava as JSON; the JVM is that of the function as it comes, which sees its 1024 MB and no more. */
function pluginsOfJars(text: string | undefined): readonly AnyPlugin[] {
  if (text === undefined) return [];
  const { manifest, jars, pluginPath } = JSON.parse(text) as RaceJava;
  return javaPlugins({
    manifest: parseJavaManifest(readFileSync(manifest, 'utf8')),
    startHost: () => HostProcess.start({ java: 'java', jars, pluginPath, options: ['-XX:MaxRAM=1024m'] }),
  }).plugins;
}

tuneGarbageCollection();

const stores = createDynamoDbStores({
  // As many runs at once as a race wants, where a function has but one.
  requests: tableRequests({ maxSockets: 200 }),
  tableName: environment('RACE_TABLE'),
});
const failures: string[] = [];
const worker = createWorker({
  stores,
  kafka: async () => createKafkaClient({ bootstrapServers: environment('DROVER_TEST_KAFKA') }),
  plugins: createRegistry(pluginsOfJars(process.env.RACE_JAVA)),
  settings: {
    ...defaultWorkerSettings,
    offsetsTopic: environment('RACE_OFFSETS_TOPIC'),
    offsetsTopicReplicationFactor: 1,
  },
  telemetry: {
    secrets: new Secrets(),
    setLevels: () => {},
    emit: (event, facts) => {
      if (event === 'run.failed') failures.push(JSON.stringify(facts));
    },
  },
  clock: systemClock,
  configProviders: new Map(),
});

/** An environment of Lambda has one run at a time: fifty that share a heap are nothing that it does. */
const atOnce = Number(process.env.RACE_AT_ONCE ?? 4);
let runs = 0;
let profiles = 0;
const budget = () => ({ deadlineAt: Date.now() + 600_000, workerId: `race-${process.pid}-${++runs}` });

/** Runs a task again and again, as the coordinator would, until it finds nothing more. */
async function drain(connector: string): Promise<number> {
  let records = 0;
  for (;;) {
    const report = await worker.run({ kind: 'task', connector, task: 0 }, budget());
    records += report.records;
    if (report.reason === 'backlog') continue;
    if (report.reason !== 'drained') throw new Error(`${connector}: ${report.reason} ${failures.join('\n')}`);
    return records;
  }
}

async function handle(request: ArmRequest): Promise<number> {
  if (request.kind === 'create') {
    await stores.config.putConnectorConfig(
      request.name,
      request.type,
      { name: request.name, ...request.config },
      Date.now(),
    );
    await worker.run({ kind: 'connector', connector: request.name }, budget());
    return 0;
  }
  const profile = await profiler();
  const left = request.names.values();
  const turn = async () => {
    let records = 0;
    for (const name of left) {
      await stores.config.markTaskDue(name, 0, Date.now());
      records += await drain(name);
    }
    return records;
  };
  const records = await Promise.all(Array.from({ length: atOnce }, turn));
  await profile?.();
  return records.reduce((sum, count) => sum + count, 0);
}

/** Begins a CPU profile of this round alone where the race asks for one; the answer ends and writes it. */
async function profiler(): Promise<(() => Promise<void>) | null> {
  const folder = process.env.RACE_PROFILE;
  if (folder === undefined) return null;
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${process.pid}-${++profiles}.cpuprofile`), JSON.stringify(profile));
  };
}

process.on('message', (request: ArmRequest) => {
  handle(request).then(
    (records) => process.send?.({ id: request.id, records }),
    (error: unknown) => process.send?.({ id: request.id, error: error instanceof Error ? error.stack : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, records: 0 });
