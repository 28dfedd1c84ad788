import type { Clock } from '../clock.ts';
import type { RunRequest } from '../invocation/run-request.ts';
import type { KafkaClient } from '../kafka/types.ts';
import type { PluginRegistry } from '../plugins/registry.ts';
import type { Stores } from '../storage/stores.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ConfigProvider } from './config-providers.ts';
import { ActiveTopics } from './record/active-topics.ts';
import { runConnector } from './run/run-connector.ts';
import { runProbe } from './run/run-probe.ts';
import { runTask } from './run/run-task.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** All that a run touches, so that it runs in a function, in a plain process and in a test alike. */
export interface WorkerDeps {
  readonly stores: Stores;
  /** Called once an environment, by the first run that talks to Kafka. */
  readonly kafka: () => Promise<KafkaClient>;
  readonly plugins: PluginRegistry;
  readonly settings: WorkerSettings;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Who resolves `${name:…}` in configs, by name. */
  readonly configProviders: ReadonlyMap<string, ConfigProvider>;
  /** Told the name of every step of a run as it is done; the crash suite kills the process there. */
  readonly onStep?: (step: string) => void;
}

/** What the caller allows a run: for Lambda, its own deadline. */
export interface RunBudget {
  /** Epoch milliseconds at which the process is killed. */
  readonly deadlineAt: number;
  /** Shown as `worker_id` in status answers and kept as the lease's owner; unique per invocation. */
  readonly workerId: string;
  /** Ends the run early, as if the deadline had come. */
  readonly signal?: AbortSignal;
}

export interface RunReport {
  /** False: somebody else runs it, or there is nothing to run. */
  readonly ran: boolean;
  readonly reason: string;
  readonly records: number;
  readonly nextDueAt: number | null;
  /** What this run has made due and its invocation may go on with; the stream has it dispatched all the same. */
  readonly next: RunRequest | null;
  /**
   * Plugin code may still be running after it was cut: the environment must not be used again. A Lambda handler exits
   * the process after it has answered.
   */
  readonly tainted: boolean;
}

export interface Worker {
  /** Never rejects for what a plugin, Kafka or a config did: that is in the task's status. Rejects when the table fails. */
  run(request: RunRequest, budget: RunBudget): Promise<RunReport>;
  close(): Promise<void>;
}

/** What the runs of one environment share. */
export interface WorkerRoom extends WorkerDeps {
  readonly activeTopics: ActiveTopics;
}

export function createWorker(deps: WorkerDeps): Worker {
  let client: Promise<KafkaClient> | null = null;
  const kafka = () => {
    client ??= deps.kafka().catch((error) => {
      client = null;
      throw error;
    });
    return client;
  };
  const room: WorkerRoom = { ...deps, kafka, activeTopics: new ActiveTopics(deps.stores.status, deps.clock) };
  return {
    run(request, budget) {
      switch (request.kind) {
        case 'task':
          return runTask(room, request.connector, request.task, budget);
        case 'connector':
          return runConnector(room, request.connector, budget);
        case 'probe':
          return runProbe(room, budget);
      }
    },
    async close() {
      await (await client)?.close();
    },
  };
}
