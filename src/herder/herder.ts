import type { PluginKind } from '../api/plugin.ts';
import type { Misspelt } from '../config/closest.ts';
import type { GivenSettings, Settings } from '../config/config-def.ts';
import type { ConfigInfos, ConfigKeyInfo } from '../config/describe-config.ts';
import type { MirrorFailure } from '../storage/cluster-store.ts';
import type { Deaths } from '../storage/deaths.ts';
import type { ConnectorType, PositionChange, RunDeath, State, TargetState } from '../storage/items.ts';
import type { ConnectorOffset, OffsetChangeReport, StoredOffset } from './connector-offsets.ts';
import type { FeedReport } from './feed-checks.ts';
import type { NamePage, Paged } from './name-page.ts';

export type { ConnectorType, State, TargetState };

/** A config as a request gives it; a null is refused, or in a patch removes the key. */
export type ConfigInput = GivenSettings;

export interface ConnectorTaskId {
  readonly connector: string;
  readonly task: number;
}

export interface ConnectorInfo {
  readonly name: string;
  readonly config: Settings;
  readonly tasks: readonly ConnectorTaskId[];
  readonly type: ConnectorType;
}

export interface TaskInfo {
  readonly id: ConnectorTaskId;
  readonly config: Settings;
}

/** How a connector or a task is; `version` is the plugin's, null when it is not known. */
export interface RunStatus {
  readonly state: State;
  readonly workerId: string;
  readonly version: string | null;
  readonly trace: string | null;
}

export interface ConnectorStatus {
  readonly name: string;
  readonly type: ConnectorType;
  readonly connector: RunStatus;
  readonly tasks: readonly (RunStatus & { readonly id: number })[];
}

export interface RestartRequest {
  readonly includeTasks: boolean;
  readonly onlyFailed: boolean;
}

export interface PluginInfo {
  readonly className: string;
  readonly kind: PluginKind;
  readonly version: string;
}

export interface LoggerInfo {
  readonly level: string;
  /** Epoch milliseconds; null: it never was set. */
  readonly lastModified: number | null;
}

/** Runs that ended without a word: killed at the deadline, out of memory. */
export interface DeathsReport extends Deaths {
  /** Null: none ever. */
  readonly last: RunDeath | null;
}

/** What Java Connect cannot say about a task. */
export interface TaskReport {
  readonly task: number;
  readonly state: State;
  readonly running: boolean;
  readonly lastRunAt: number | null;
  readonly lastSuccessAt: number | null;
  readonly nextDueAt: number | null;
  /** The next look comes when the probe sees records to read. */
  readonly watched: boolean;
  readonly runs: number;
  /** The last of them in a row that found nothing. */
  readonly emptyRuns: number;
  readonly records: number;
  readonly bytes: number;
  readonly consecutiveFailures: number;
  readonly restartAttempts: number;
  readonly deaths: DeathsReport;
  readonly lag: {
    readonly records: number | null;
    readonly seconds: number | null;
    readonly secondsLeft: number | null;
  };
}

export interface ConnectorReport {
  readonly name: string;
  readonly type: ConnectorType;
  readonly targetState: TargetState;
  readonly state: State;
  readonly generation: number;
  /** False: a change of config or target state has not been acted on yet. */
  readonly settled: boolean;
  readonly restarts: number;
  /** Sinks: the newest, oldest first; why it goes on from elsewhere than it left off. */
  readonly positionChanges: readonly PositionChange[];
  /** Settings that nobody declares and that look like one that is declared. */
  readonly misspelt: readonly Misspelt[];
  /** Of the connector's own runs. */
  readonly deaths: DeathsReport;
  /** The last replay of dead letters that was asked for; null: none ever. */
  readonly replay: ReplayReport | null;
  readonly tasks: readonly TaskReport[];
}

export interface ReplayReport {
  readonly requestedAt: number;
  /** The dead letter topic; null: not begun. */
  readonly topic: string | null;
  /** Null: not done. */
  readonly doneAt: number | null;
  readonly replayed: number;
  /** Letters that do not say where they came from. */
  readonly left: number;
  /** Letters of other connectors in the same topic. */
  readonly others: number;
  readonly error: string | null;
}

/** How far behind the table the mirror topics were when that was last said. */
export interface MirrorReport {
  readonly changedAt: number;
  readonly mirroredAt: number;
  readonly lagMs: number;
}

export interface ClusterInfo {
  readonly version: string;
  readonly commit: string;
  readonly kafkaClusterId: string;
}

/**
 * What REST may ask for. Every promise rejects with a ConnectError whose message is the one Java Connect gives; a
 * resolved change is durable and will be acted on (I6).
 */
export interface Herder {
  cluster(): Promise<ClusterInfo>;

  connectorNames(page?: NamePage): Promise<{ readonly names: string[]; readonly next: string | null }>;
  connectorInfo(name: string): Promise<ConnectorInfo>;
  /** Each connector read once. */
  connectorDetails(page?: NamePage): Promise<Paged<{ readonly info: ConnectorInfo; readonly status: ConnectorStatus }>>;
  connectorConfig(name: string): Promise<Settings>;
  createConnector(name: string, config: ConfigInput, targetState: TargetState): Promise<ConnectorInfo>;
  putConnectorConfig(name: string, config: ConfigInput): Promise<{ created: boolean; info: ConnectorInfo }>;
  patchConnectorConfig(name: string, patch: ConfigInput): Promise<ConnectorInfo>;
  deleteConnector(name: string): Promise<void>;
  setTargetState(name: string, targetState: TargetState): Promise<void>;

  connectorStatus(name: string): Promise<ConnectorStatus>;
  tasks(name: string): Promise<TaskInfo[]>;
  taskStatus(name: string, task: number): Promise<RunStatus & { readonly id: number }>;
  /** Null for a plain restart; else what the states are about to be. */
  restartConnector(name: string, request: RestartRequest): Promise<ConnectorStatus | null>;
  restartTask(name: string, task: number): Promise<void>;

  activeTopics(name: string): Promise<string[]>;
  resetActiveTopics(name: string): Promise<void>;

  offsets(name: string): Promise<StoredOffset[]>;
  /** The answer's message. */
  alterOffsets(name: string, offsets: readonly ConnectorOffset[]): Promise<string>;
  resetOffsets(name: string): Promise<string>;

  plugins(connectorsOnly: boolean): PluginInfo[];
  /** `version`: the one that must be there, or a range of versions; null: any. */
  pluginConfig(plugin: string, version: string | null): Promise<readonly ConfigKeyInfo[]>;
  validateConnectorConfig(plugin: string, config: ConfigInput): Promise<ConfigInfos>;

  loggers(): Promise<ReadonlyMap<string, LoggerInfo>>;
  logger(name: string): Promise<LoggerInfo>;
  /** Names of the loggers whose level changed. */
  setLoggerLevel(name: string, level: string): Promise<string[]>;
  /** Drover's own: takes back the levels that were set for a logger and for all under it; their names. */
  resetLoggerLevel(name: string): Promise<string[]>;

  /** Drover's own. Null: nothing has been mirrored yet. */
  mirrorReport(): Promise<MirrorReport | null>;
  /** Drover's own. Null: nothing has failed since the mirror last got on. */
  mirrorFailure(): Promise<MirrorFailure | null>;
  /** Drover's own: those that are declared one by one. */
  feedReports(): Promise<readonly FeedReport[]>;
  connectorReport(name: string): Promise<ConnectorReport>;
  connectorReports(page?: NamePage): Promise<Paged<ConnectorReport>>;
  offsetHistory(name: string): Promise<readonly OffsetChangeReport[]>;
  /** Puts back what was there before the newest change by hand. */
  undoOffsetChange(name: string): Promise<string>;
  /** `target`: where letters go that do not say which topic they came from. */
  replayDeadLetters(name: string, target: string | null): Promise<string>;
}
