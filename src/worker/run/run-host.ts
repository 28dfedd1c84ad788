import type { Clock } from '../../clock.ts';
import type { KafkaClient } from '../../kafka/types.ts';
import type { PluginRegistry } from '../../plugins/registry.ts';
import type { Stores } from '../../storage/stores.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import type { ConfigProvider } from '../config-providers.ts';
import type { WorkerSettings } from '../worker-settings.ts';
import type { KnownTasks } from './known-tasks.ts';

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

/** What the runs of one environment share. */
export interface RunHost extends WorkerDeps {
  readonly knownTasks: KnownTasks;
}
