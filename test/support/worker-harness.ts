import { randomUUID } from 'node:crypto';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import type { ConnectorType } from '../../src/storage/items.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import type { EventName } from '../../src/telemetry/events.ts';
import { Secrets } from '../../src/telemetry/redaction.ts';
import type { Telemetry } from '../../src/telemetry/telemetry.ts';
import type { ConfigProvider } from '../../src/worker/config-providers.ts';
import type { RunReport } from '../../src/worker/run/run-report.ts';
import { createWorker, type FeedingWorker } from '../../src/worker/worker.ts';
import { defaultWorkerSettings, type WorkerSettings } from '../../src/worker/worker-settings.ts';

export interface HarnessOptions {
  readonly kafka: () => Promise<KafkaClient>;
  readonly stores?: Stores;
  readonly plugins?: readonly AnyPlugin[];
  readonly settings?: Partial<WorkerSettings>;
  readonly clock?: Clock;
  readonly configProviders?: ReadonlyMap<string, ConfigProvider>;
  /** Told all that is said, beside `events`. */
  readonly telemetry?: Telemetry;
  readonly onStep?: (step: string) => void;
  /** Milliseconds that each run is given. */
  readonly budgetMs?: number;
}

export interface RecordedEvent {
  readonly event: EventName;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A worker over stores, with all it says kept, and the few calls of the herder that a test needs. */
export interface Harness {
  readonly stores: Stores;
  readonly worker: FeedingWorker;
  readonly clock: Clock;
  readonly events: readonly RecordedEvent[];
  /** Stores the connector and runs it, so that its tasks are there. */
  create(name: string, config: Settings): Promise<RunReport>;
  runConnector(name: string): Promise<RunReport>;
  /** Makes the task due, unless it is leased, revoked, paused or failed, and runs it. */
  runTask(name: string, task?: number): Promise<RunReport>;
  probe(): Promise<RunReport>;
  close(): Promise<void>;
}

export function createHarness(options: HarnessOptions): Harness {
  const clock = options.clock ?? systemClock;
  const stores = options.stores ?? createMemoryStores();
  const events: RecordedEvent[] = [];
  const telemetry: Telemetry = {
    secrets: options.telemetry?.secrets ?? new Secrets(),
    setLevels: () => {},
    emit: (event, facts) => {
      events.push({ event, facts: facts as unknown as Readonly<Record<string, unknown>> });
      options.telemetry?.emit(event, facts);
    },
  };
  const plugins = createRegistry(options.plugins ?? []);
  const worker = createWorker({
    stores,
    kafka: options.kafka,
    plugins,
    settings: { ...defaultWorkerSettings, runLingerMs: 50, ...options.settings },
    telemetry,
    clock,
    configProviders: options.configProviders ?? new Map(),
    ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
  });
  let runs = 0;
  const budget = () => ({
    deadlineAt: clock.now() + (options.budgetMs ?? 30_000),
    workerId: `worker-${process.pid}-${++runs}`,
  });
  const runConnector = (name: string) => worker.run({ kind: 'connector', connector: name }, budget());
  return {
    stores,
    worker,
    clock,
    events,
    async create(name, config) {
      const className = config['connector.class'] ?? '';
      const type: ConnectorType = plugins.find('sink', className) === undefined ? 'source' : 'sink';
      await stores.config.putConnectorConfig(name, type, { name, ...config }, clock.now());
      return runConnector(name);
    },
    runConnector,
    async runTask(name, task = 0) {
      await stores.config.markTaskDue(name, task, clock.now());
      return worker.run({ kind: 'task', connector: name, task }, budget());
    },
    probe: () => worker.run({ kind: 'probe' }, budget()),
    close: () => worker.close(),
  };
}

export const realKafka = (bootstrapServers: string) => async () => createKafkaClient({ bootstrapServers });

/** A name that nobody else uses on the shared broker. */
export const uniqueName = (prefix: string) => `${prefix}-${randomUUID().slice(0, 8)}`;
