import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import type { Clock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { apacheConverters } from '../../src/config/connector-config.ts';
import { DeclaredFeeds } from '../../src/config/declared-feeds.ts';
import { createHerder } from '../../src/herder/create-herder.ts';
import type { Herder } from '../../src/herder/herder.ts';
import { createRestApp, type RestApp } from '../../src/rest/rest-app.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from './manual-clock.ts';

/** REST and herder over a table in memory; nothing runs, unless the test acts the worker. */
export interface MemoryRest {
  readonly stores: Stores;
  readonly herder: Herder;
  readonly app: RestApp;
  readonly clock: Clock;
  /** What was logged, a line each. */
  readonly log: string[];
  call(method: string, target: string, body?: unknown): Promise<{ status: number; body: unknown; location?: string }>;
}

export function createMemoryRest(
  options: {
    plugins?: readonly AnyPlugin[];
    stores?: Stores;
    clock?: Clock;
    converterDefaults?: Settings;
    /** Keys of the event sources that are deployed. */
    feeds?: readonly string[];
    hasRunner?: boolean;
  } = {},
): MemoryRest {
  const clock = options.clock ?? new ManualClock();
  const stores = options.stores ?? createMemoryStores();
  const log: string[] = [];
  const herder = createHerder({
    configs: stores.config,
    statuses: stores.status,
    offsets: stores.offsets,
    cluster: stores.cluster,
    plugins: createRegistry(options.plugins ?? []),
    converterDefaults: options.converterDefaults ?? apacheConverters,
    clock,
    hasRunner: options.hasRunner ?? false,
    ...(options.feeds === undefined
      ? {}
      : {
          feedRules: {
            declared: new DeclaredFeeds(options.feeds.map((key) => ({ key, source: key, mapping: null }))),
            claims: stores.feeds,
            home: { region: 'eu-central-1' },
            clock,
          },
        }),
    version: '4.3.0',
    commit: 'test',
    logLevel: 'INFO',
  });
  const app = createRestApp({ herder, telemetry: createTelemetry({ clock, write: (line) => log.push(line) }) });
  return {
    stores,
    herder,
    app,
    clock,
    log,
    async call(method, target, body) {
      const [path = '', query = ''] = target.split('?');
      const response = await app({
        method,
        path,
        query,
        pathDecoded: false,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
        baseUrl: '',
      });
      const isJson = response.headers['content-type'] === 'application/json';
      const { location } = response.headers;
      return {
        status: response.status,
        body: isJson && response.body !== '' ? JSON.parse(response.body) : undefined,
        ...(location === undefined ? {} : { location }),
      };
    },
  };
}

export interface ActedTask {
  readonly state?: 'RUNNING' | 'FAILED' | 'PAUSED';
  readonly trace?: string;
  /** Beside the connector's. */
  readonly config?: Settings;
}

/** Acts a connector's run: puts these tasks in force, each run once. */
export async function actConnectorRun(rest: MemoryRest, name: string, tasks: readonly ActedTask[]): Promise<void> {
  const { stores, clock } = rest;
  const now = clock.now();
  const acquired = await stores.leases.acquireConnector(name, 'w-connector', now, now + 60_000);
  if (!acquired.granted) throw new Error(acquired.reason);
  const { lease, item } = acquired;
  const generation = item.generation + 1;
  const old = (await stores.config.getTasks(name)).map(({ task }) => task);
  await stores.generations.revokeTasks(lease, old);
  await stores.generations.deleteTasks(lease, old, now);
  const news = tasks.map(({ config }, task) => ({
    task,
    config: { ...item.config, ...config },
    assignment: [],
    positions: [],
  }));
  await stores.generations.putTasks(lease, generation, news, now);
  for (const [task, acted] of tasks.entries()) {
    const run = await stores.leases.acquireTask(name, task, `w-${task}`, now, now + 60_000);
    if (!run.granted) throw new Error(run.reason);
    const { state = 'RUNNING', trace = null } = acted;
    await stores.leases.release(run.lease, { state, trace, workerId: `w-${task}`, dueAt: null });
  }
  const state = { STARTED: 'RUNNING', PAUSED: 'PAUSED', STOPPED: 'STOPPED' }[item.targetState] as 'RUNNING';
  await stores.generations.applyGeneration(
    lease,
    {
      generation,
      taskCount: tasks.length,
      appliedVersion: item.configVersion,
      state,
      trace: null,
      workerId: 'w-connector',
    },
    null,
  );
}
