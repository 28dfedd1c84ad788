import type { FeedHome } from '../api/connector.ts';
import type { Settings } from '../config/config-def.ts';
import { apacheConverters } from '../config/connector-config.ts';
import { DeclaredFeeds } from '../config/declared-feeds.ts';
import { allOverrides, type OverridePolicy } from '../config/override-policy.ts';

/** The installation's part of what decides a run; `src/environment.ts` reads it from environment variables. */
export interface WorkerSettings {
  /** Java's group.id: part of every transactional id. */
  readonly groupId: string;
  /** The mirror's offsets topic, written by exactly-once sources themselves. */
  readonly offsetsTopic: string;
  readonly offsetsTopicPartitions: number;
  /** -1: the broker's default. */
  readonly offsetsTopicReplicationFactor: number;
  /** `key.converter`, `value.converter`, `header.converter` with their prefixed settings. */
  readonly converterDefaults: Settings;
  readonly topicCreationEnable: boolean;
  readonly topicTrackingEnable: boolean;
  /** How long a lease outlives its run's deadline: covers clock skew between functions and the kill itself. */
  readonly leaseMarginMs: number;
  readonly runMaxMs: number;
  /** Null: as long as it pays (run/linger.ts). */
  readonly runLingerMs: number | null;
  /** Memory of the function that runs tasks: what a moment of it costs. */
  readonly taskMemoryMb: number;
  readonly idleFloorMs: number;
  readonly idleCeilingMs: number;
  /** What is left before the deadline for the last commit and the release. */
  readonly runMarginMs: number;
  /** Which settings of the Kafka clients a connector may override. */
  readonly overridePolicy: OverridePolicy;
  readonly feeds: DeclaredFeeds;
  /** Where the installation stands, for connectors that name event sources. */
  readonly home: FeedHome;
  /** Those that a config may name for Drover's own clients; none: any. */
  readonly connectorHosts: readonly string[];
  /** Whether the installation has a runner, for connectors that ask for it. */
  readonly hasRunner: boolean;
  /** host:port of Lambda's own API in the function's environment. */
  readonly runtimeApi: string | null;
}

export const defaultWorkerSettings: WorkerSettings = {
  groupId: 'connect-cluster',
  offsetsTopic: 'connect-offsets',
  offsetsTopicPartitions: 25,
  offsetsTopicReplicationFactor: -1,
  converterDefaults: apacheConverters,
  topicCreationEnable: true,
  topicTrackingEnable: true,
  leaseMarginMs: 5_000,
  runMarginMs: 4_000,
  runMaxMs: 300_000,
  runLingerMs: null,
  taskMemoryMb: 1024,
  idleFloorMs: 1_000,
  idleCeilingMs: 60_000,
  overridePolicy: allOverrides,
  feeds: new DeclaredFeeds([]),
  home: { region: 'us-east-1' },
  connectorHosts: [],
  hasRunner: false,
  runtimeApi: null,
};
