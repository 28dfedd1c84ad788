import type { Clock } from '../clock.ts';
import type { Settings } from '../config/config-def.ts';
import type { PluginRegistry } from '../plugins/registry.ts';
import type { ClusterStore } from '../storage/cluster-store.ts';
import type { ConfigBackingStore, StatusBackingStore } from '../storage/config-backing-store.ts';
import type { OffsetBackingStore } from '../storage/offset-backing-store.ts';
import type { OverrideRules } from './client-overrides.ts';
import type { FeedRules } from './feed-checks.ts';

/** What the verbs of the herder touch. */
export interface HerderDeps {
  readonly configs: ConfigBackingStore;
  readonly statuses: StatusBackingStore;
  readonly offsets: OffsetBackingStore;
  readonly cluster: ClusterStore;
  readonly plugins: PluginRegistry;
  /** Of connectors that name no converters: `key.converter`, `value.converter`, `header.converter`, and their settings. */
  readonly converterDefaults: Settings;
  readonly clock: Clock;
  /** Printed by the root answer: the Kafka Connect version that the API is compatible with, and Drover's build. */
  readonly version: string;
  readonly commit: string;
  /** Level of the loggers that nobody set. */
  readonly logLevel: string;
  /** What it holds against overrides of the Kafka clients' settings. Default: nothing. */
  readonly overrideRules?: OverrideRules;
  /** Whether the installation has a runner. Default: no. */
  readonly hasRunner?: boolean;
  /** Default: no event source is declared. */
  readonly feedRules?: FeedRules;
}
