import { randomUUID } from 'node:crypto';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import { systemClock } from '../../src/clock.ts';
import { type Coordinator, createCoordinator } from '../../src/herder/coordinator.ts';
import { createHerder } from '../../src/herder/create-herder.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { startHttpServer } from '../../src/rest/http-server.ts';
import { createRestApp } from '../../src/rest/rest-app.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import type { TableChange } from '../../src/storage/table-change.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { droverBuild, kafkaConnectVersion } from '../../src/version.ts';
import { runOn } from '../../src/worker/run/run-on.ts';
import { createWorker } from '../../src/worker/worker.ts';
import { defaultWorkerSettings, type WorkerSettings } from '../../src/worker/worker-settings.ts';

/**
 * All of Drover in one process: the table (in memory unless given), the coordinator driven by the table's changes and
 * by a schedule, the worker, and REST on a port. Same rooms as in the functions, wired by hand. Run as a program it
 * serves until it is killed: `node test/support/in-process-drover.ts [port]`, with DROVER_TEST_KAFKA naming a broker.
 */
export interface InProcessDroverOptions {
  readonly bootstrapServers: string;
  /** 0: any free one. */
  readonly port?: number;
  readonly plugins?: readonly AnyPlugin[];
  readonly settings?: Partial<WorkerSettings>;
  /** Given the listener that it must tell every change of the table. */
  readonly stores?: (onChange: (change: TableChange) => void) => Stores;
  /** Takes the log, a line of JSON at a time. Default: nowhere. */
  readonly log?: (line: string) => void;
  /** How often the schedule fires. Default: once a minute. */
  readonly tickEveryMs?: number;
}

export interface InProcessDrover {
  readonly url: string;
  readonly stores: Stores;
  readonly coordinator: Coordinator;
  /** Lets runs end, then closes everything. */
  close(): Promise<void>;
}

const minute = 60_000;

export async function startInProcessDrover(options: InProcessDroverOptions): Promise<InProcessDrover> {
  const clock = systemClock;
  const closing = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  const telemetry = createTelemetry({ clock, write: options.log ?? (() => {}), level: 'WARN' });

  /** As Lambda invokes asynchronously: it is accepted at once, and its failure is nobody's but the log's. */
  const inBackground = (work: () => Promise<unknown>) => {
    if (closing.signal.aborted) return;
    const done = new Promise<void>((resolve) => setImmediate(resolve))
      .then(work)
      .catch((error) => options.log?.(`in the background: ${error?.stack ?? error}`))
      .finally(() => underWay.delete(done));
    underWay.add(done);
  };
  const deadline = () => clock.now() + minute;

  const changed = (change: TableChange) => inBackground(() => coordinator.onStream([change], deadline()));
  const stores = options.stores?.(changed) ?? createMemoryStores({ onChange: changed });
  const registry = createRegistry(options.plugins ?? []);
  const settings = { ...defaultWorkerSettings, runMaxMs: 10_000, ...options.settings };
  const worker = createWorker({
    stores,
    kafka: async () => createKafkaClient({ bootstrapServers: options.bootstrapServers, clock }),
    plugins: registry,
    settings,
    telemetry,
    clock,
    configProviders: new Map(),
  });
  let runs = 0;
  const run = (request: RunRequest) =>
    runOn(worker, clock, request, {
      deadlineAt: deadline(),
      workerId: `in-process:${process.pid}-${++runs}`,
      signal: closing.signal,
    });
  const coordinator: Coordinator = createCoordinator({
    configs: stores.config,
    leases: stores.leases,
    dueIndex: stores.due,
    cluster: stores.cluster,
    invoker: { invoke: async (request) => inBackground(() => run(request)) },
    startTicking: async (tick) =>
      inBackground(() =>
        tick.kind === 'shard-tick'
          ? coordinator.onShardTick(tick.shard, deadline())
          : coordinator.onSubMinuteTick(deadline()),
      ),
    clock: { now: clock.now, sleep: (ms) => clock.sleep(ms, closing.signal) },
    random: Math.random,
    telemetry,
    limits: { runsInFlight: 100, concurrency: 50 },
    owner: randomUUID(),
  });
  const schedule = setInterval(() => inBackground(() => coordinator.onTick(deadline())), options.tickEveryMs ?? minute);

  const herder = createHerder({
    configs: stores.config,
    statuses: stores.status,
    offsets: stores.offsets,
    cluster: stores.cluster,
    plugins: registry,
    converterDefaults: settings.converterDefaults,
    clock,
    version: kafkaConnectVersion,
    commit: droverBuild,
    logLevel: 'INFO',
  });
  const server = await startHttpServer(createRestApp({ herder, telemetry }), options.port);
  return {
    url: server.url,
    stores,
    coordinator,
    async close() {
      clearInterval(schedule);
      await server.close();
      closing.abort(new Error('closing'));
      while (underWay.size > 0) await Promise.allSettled(underWay);
      await worker.close();
    },
  };
}

if (import.meta.main) {
  const bootstrapServers = process.env.DROVER_TEST_KAFKA;
  if (bootstrapServers === undefined) throw new Error('DROVER_TEST_KAFKA must name a broker, host:port');
  const { url } = await startInProcessDrover({
    bootstrapServers,
    port: Number(process.argv[2] ?? 0),
    log: (line) => console.error(line),
  });
  console.log(url);
}
