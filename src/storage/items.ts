import type { Settings } from '../config/config-def.ts';

/** What the user wants. */
export type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED';
/** What is, in the words of Connect's status answers. */
export type State = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'FAILED' | 'RESTARTING' | 'STOPPED' | 'DESTROYED';
export type ConnectorType = 'source' | 'sink';

/** A run that ended without a word: nobody gave its lease up. */
export interface RunDeath {
  /** Epoch milliseconds: when its lease ran out; at the latest then it was dead. */
  readonly at: number;
  /** Its invocation, which names the log. */
  readonly workerId: string;
}

/** Held while an invocation runs the item; see lease-store.ts. */
export interface LeaseState {
  readonly leaseOwner: string | null;
  /** By which its holder was asked for; null: by hand, or nobody holds it. */
  readonly leaseInvocation: string | null;
  /** Epoch milliseconds. */
  readonly leaseExpiresAt: number;
  /** Grows with every acquisition, never reset. */
  readonly fencingToken: number;
  /** Epoch milliseconds; null: not due. */
  readonly dueAt: number | null;
  /** Runs begun since one last ended in order, the one under way among them; see deaths.ts. */
  readonly openRuns: number;
  /** The last of these that, in a row, have committed nothing. */
  readonly fruitlessRuns: number;
  /** The last one that was taken over from; outlives the runs that end in order. */
  readonly lastDeath: RunDeath | null;
}

/** One per connector; stays as `deleting` until its tasks have let go (I7). */
export interface ConnectorItem extends LeaseState {
  readonly name: string;
  readonly type: ConnectorType;
  readonly config: Settings;
  /** Grows with every change of config, target state or restart request. */
  readonly configVersion: number;
  /** The version the last completed connector run acted on; smaller than configVersion: work to do. */
  readonly appliedVersion: number;
  /** Of the connector config that the tasks in force were made from; null: none yet. */
  readonly appliedConfigHash: string | null;
  readonly targetState: TargetState;
  readonly deleting: boolean;
  /** Generation of the task configs in force; 0 before the first. */
  readonly generation: number;
  readonly taskCount: number;
  readonly state: State;
  readonly trace: string | null;
  readonly workerId: string;
  /** Grows with each restart of the connector; see restart.ts. */
  readonly restarts: number;
  /** Grows with each reset of the active topics: what runs know of them is void then. */
  readonly topicResets: number;
  /** The last restart that was asked for; mirrored as a restart request. */
  readonly restartRequest: { readonly includeTasks: boolean; readonly onlyFailed: boolean } | null;
  /** The last replay of dead letters that was asked for. */
  readonly replayRequest: ReplayRequest | null;
  /** How far the last replay that began has come. */
  readonly replay: ReplayProgress | null;
  /**
   * Stopped sinks: since the stop, all positions have been seen in the consumer group. What is missing there now was
   * deleted by somebody; before, it may have expired, or may never have arrived.
   */
  readonly groupSettled: boolean;
  /** Epoch milliseconds of a reset of all offsets that the consumer group does not know of yet; null: none. */
  readonly groupResetAt: number | null;
  /** Those of its tasks that are no more, and those found while it was stopped. */
  readonly positionChanges: readonly PositionChange[];
}

export interface ReplayRequest {
  /** Grows with each request. */
  readonly number: number;
  /** Epoch milliseconds. */
  readonly requestedAt: number;
  /** Where letters go that do not say which topic they came from; null: they are left. */
  readonly target: string | null;
}

/** Offsets of a topic by partition. */
export type OffsetsByPartition = Readonly<Record<string, number>>;

/** One replay of dead letters. Its positions outlive it: the next replay of the same topic goes on from them. */
export interface ReplayProgress {
  /** Number of the request that it serves. */
  readonly request: number;
  /** The dead letter topic. */
  readonly topic: string;
  /** Which topic of that name; null, or left out by an earlier version: not known. */
  readonly topicId?: string | null;
  /** Where that topic ended when the replay began: what comes later, its own failures among it, is for the next one. */
  readonly ends: OffsetsByPartition;
  /** Behind the last letter that was looked at. */
  readonly next: OffsetsByPartition;
  /** The same for letters that do not say where they came from: only a replay with a target moves it. */
  readonly nextUnnamed: OffsetsByPartition;
  /** Epoch milliseconds; null: under way. */
  readonly doneAt: number | null;
  readonly replayed: number;
  /** Letters that do not say where they came from, without a target. */
  readonly left: number;
  /** Letters of other connectors in the same topic. */
  readonly others: number;
  /** Why it ended early. */
  readonly error: string | null;
}

/** Why a sink goes on from elsewhere than its last run left off, or does not though somebody wanted it to. */
export type PositionChangeReason =
  /** The topic was deleted and made again. */
  | 'topic-made-again'
  /** The offset is not in the log: retention, or a position that never was. */
  | 'out-of-range'
  /** Somebody else set the consumer group's offset while the connector was at rest. */
  | 'group-set'
  /** Somebody else deleted it while the connector was stopped. */
  | 'group-deleted'
  /** Changed by somebody else while the connector was running, or missing there: the connector's own was put back. */
  | 'group-restored';

/** Told in the connector's report. */
export interface PositionChange {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason: PositionChangeReason;
  readonly topic: string;
  readonly kafkaPartition: number;
  /** Offsets; null: none. */
  readonly from: number | null;
  readonly to: number | null;
}

/** So many are remembered, the newest ones. */
const positionChangesKept = 20;

export function newestChanges(
  before: readonly PositionChange[],
  after: readonly PositionChange[],
): readonly PositionChange[] {
  return [...before, ...after].slice(-positionChangesKept);
}

export interface TaskCounters {
  readonly runs: number;
  readonly records: number;
  readonly bytes: number;
  readonly consecutiveFailures: number;
  readonly consecutiveEmptyRuns: number;
  /** Automatic restarts since the last run that succeeded; see invocation/run-plan.ts. */
  readonly restartAttempts: number;
  /** Epoch milliseconds; null: never. */
  readonly lastRunAt: number | null;
  readonly lastSuccessAt: number | null;
  readonly lagRecords: number | null;
  readonly lagSeconds: number | null;
  /** Until what the source has next is lost there. */
  readonly lagSecondsLeft: number | null;
}

/** Whether a plugin keeps something beside a position. */
export const keepsStates = ({ states }: Pick<TaskItem, 'states'>): boolean => Object.keys(states).length > 0;

export interface TaskItem extends LeaseState {
  readonly connector: string;
  readonly task: number;
  readonly type: ConnectorType;
  readonly generation: number;
  /** Grows with each reset of the connector's active topics: what this environment's runs have written of them is void then. */
  readonly topicResets: number;
  readonly config: Settings;
  /** Sinks: the partitions this task reads. */
  readonly assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
  /** Set by the connector run: finish the batch in hand, commit it, let go, do not start again (I7). */
  readonly revoked: boolean;
  /** With `revoked`: once let go, start anew (restart, resume) instead of staying down. */
  readonly restartRequested: boolean;
  /** With `revoked`: a closing run is owed to this version of the connector, as the task has something open. Null: none is. */
  readonly closingFor: number | null;
  /** An idle sink that the probe watches. */
  readonly watched: boolean;
  readonly state: State;
  readonly trace: string | null;
  readonly workerId: string;
  readonly counters: TaskCounters;
  /**
   * Sinks: next offset to read per `topic` then partition, as of the last commit under this item's lease.
   * Exactly-once sources: from where on the offsets topic may hold more than the table; empty when it has it all.
   */
  readonly positions: Readonly<Record<string, Readonly<Record<string, bigint>>>>;
  /** Sinks: which topic each position counts in (KIP-516), as far as it is known; missing: not yet. */
  readonly topicIds: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Sinks: what the plugin keeps beside a position, where it does. */
  readonly states: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The newest last. */
  readonly positionChanges: readonly PositionChange[];
  /** What its runs have learnt of the pauses between records, in the worker's words; null: nothing yet. */
  readonly rhythm: string | null;
}
