/** The level of a logger as somebody set it. */
export interface LoggerLevel {
  readonly logger: string;
  readonly level: string;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

/** Facts about the installation as a whole. */
export interface ClusterStore {
  /** The Kafka cluster's id as the task function last saw it; the root answer shows it. */
  clusterId(): Promise<string | undefined>;
  putClusterId(clusterId: string): Promise<void>;

  loggerLevels(): Promise<LoggerLevel[]>;
  putLoggerLevels(levels: readonly LoggerLevel[]): Promise<void>;

  /** One coordinator at a time looks at what is due within the minute (L4). True when `owner` is it until `expiresAt`. */
  acquireTicker(owner: string, now: number, expiresAt: number): Promise<boolean>;
  /** No effect when somebody else has it. */
  releaseTicker(owner: string): Promise<void>;
  /** False also when nobody holds it any more at `now`. */
  tickerHeld(now: number): Promise<boolean>;
}
