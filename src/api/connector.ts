import type { ConnectorConfig } from './connector-config.ts';
import type { SourceFeed } from './feed.ts';
import type { SourceOffset, SourcePartition } from './record.ts';
import type { OffsetStorageReader, SinkTask, SourceTask } from './task.ts';

export type { ConnectorConfig } from './connector-config.ts';

export interface ConnectorContext {
  readonly connector: string;
  /** Asks for a new `taskConfigs` call: the connector is marked due. Java: ConnectorContext.requestTaskReconfiguration. */
  requestTaskReconfiguration(): void;
  /** Fails the connector. */
  raiseError(error: Error): void;
  /**
   * Its event source is declared: what `taskConfigs` answers are tasks that poll beside the feed, and none is enough.
   */
  readonly fed?: boolean;
  /**
   * Its tasks run already and its config has not changed: it is run once more for what it does by itself, and to be asked
   * for its tasks again.
   */
  readonly refreshing?: boolean;
  /** Aborts when the run is about to end: answer soon. */
  readonly signal?: AbortSignal;
  /** What the tasks have committed; of sources. */
  readonly offsetStorageReader?: OffsetStorageReader;
}

/** Problems found by a connector's own `validate`, per setting. */
export interface ConfigProblem {
  readonly key: string;
  readonly message: string;
}

/** Names an event source. */
export interface FeedKey {
  /** As its CDK function declares it: an ARN, say. */
  readonly key: string;
  /** The setting that names it, for errors. */
  readonly setting: string;
  /** What is to be done where no deployment declares it, of a connector that cannot poll. Left out: it polls then. */
  readonly undeclared?: string;
}

/** Where the installation stands. */
export interface FeedHome {
  readonly region: string;
}

interface ConnectorBase {
  start(config: ConnectorConfig, context: ConnectorContext): void | Promise<void>;
  /** At most `maxTasks` configs; fewer when there is less to do. */
  taskConfigs(maxTasks: number): ConnectorConfig[] | Promise<ConnectorConfig[]>;
  stop(): void | Promise<void>;
  /** Checks beyond the ConfigDef. */
  validate?(config: ConnectorConfig): readonly ConfigProblem[] | Promise<readonly ConfigProblem[]>;
}

/** Whether a connector can do what is asked of it. */
export type Support = 'SUPPORTED' | 'UNSUPPORTED';

export interface SourceConnector extends ConnectorBase {
  createTask(): SourceTask;
  /**
   * The event source that brings this connector's records to it. Null: none, it polls. A declared event source feeds the
   * one connector whose config names it; when it is not declared, the connector polls as well. Pure, and of settings that
   * are no secrets. Throws ConfigError.
   */
  feedKey?(config: ConnectorConfig, home: FeedHome): FeedKey | null;
  /** Together with `feedKey`. */
  createFeed?(): SourceFeed;
  /** KIP-618. Left out: unknown. */
  exactlyOnceSupport?(config: ConnectorConfig): Support | undefined | Promise<Support | undefined>;
  canDefineTransactionBoundaries?(config: ConnectorConfig): Support | Promise<Support>;
  /** Called before offsets are altered by hand; throws to refuse. A null offset is a tombstone. KIP-875. */
  alterOffsets?(
    config: ConnectorConfig,
    offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[],
  ): boolean | Promise<boolean>;
}

export interface SinkConnector extends ConnectorBase {
  createTask(): SinkTask;
  alterOffsets?(
    config: ConnectorConfig,
    offsets: readonly { topic: string; kafkaPartition: number; offset: bigint | null }[],
  ): boolean | Promise<boolean>;
}
