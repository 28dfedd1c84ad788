/** The level of a logger as somebody set it. */
export interface LoggerLevel {
  readonly logger: string;
  readonly level: string;
  /** Epoch milliseconds; null: it was named with the level that it had. */
  readonly modifiedAt: number | null;
}

/** How far the mirror has come, as of the last time it said so. */
export interface MirrorProgress {
  /** Epoch milliseconds: when the newest change that is on the topics was made, to the second. */
  readonly changedAt: number;
  /** Epoch milliseconds. */
  readonly mirroredAt: number;
}

/** Why the newest changes are not on the topics. */
export interface MirrorFailure {
  /** Epoch milliseconds. */
  readonly failedAt: number;
  readonly error: string;
}

/** Facts about the installation as a whole. */
export interface ClusterStore {
  /** The Kafka cluster's id as the task function last saw it; the root answer shows it. */
  clusterId(): Promise<string | undefined>;
  putClusterId(clusterId: string): Promise<void>;

  /** Undefined: nothing has been mirrored yet. */
  mirrorProgress(): Promise<MirrorProgress | undefined>;
  /** What failed is over with it. */
  putMirrorProgress(progress: MirrorProgress): Promise<void>;
  /** Undefined: nothing has failed since the last progress. */
  mirrorFailure(): Promise<MirrorFailure | undefined>;
  putMirrorFailure(failure: MirrorFailure): Promise<void>;

  loggerLevels(): Promise<LoggerLevel[]>;
  putLoggerLevels(levels: readonly LoggerLevel[]): Promise<void>;
  /** No effect for those that are not there. */
  deleteLoggerLevels(loggers: readonly string[]): Promise<void>;

  /**
   * One coordinator at a time looks at what is due within the minute (L4), or at one shard of what is due. True when
   * `owner` is it until `expiresAt`.
   */
  acquireTicker(owner: string, now: number, expiresAt: number, shard?: number | null): Promise<boolean>;
  /** No effect when somebody else has it. */
  releaseTicker(owner: string, shard?: number | null): Promise<void>;
  /** Whether somebody looks at all shards, or has others do it; false also when nobody holds it any more at `now`. */
  tickerHeld(now: number): Promise<boolean>;
}
