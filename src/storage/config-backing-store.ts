import type { Settings } from '../config/config-def.ts';
import type { ConnectorItem, ConnectorType, State, TargetState, TaskItem } from './items.ts';
import type { Lease, Lease } from './lease-store.ts';
import type { Page } from './offset-backing-store.ts';

export interface TaskConfig {
  readonly task: number;
  readonly config: Settings;
  readonly assignment: TaskItem['assignment'];
}

/**
 * Connectors, their target state and their task configs. Each change of what is wanted is one conditional write that
 * also makes the connector due (I6); the table's stream wakes the coordinator.
 */
export interface ConfigBackingStore {
  /** Throws ConflictError when a connector of that name is there (and not being deleted). */
  createConnector(
    name: string,
    type: ConnectorType,
    config: Settings,
    targetState: TargetState,
    now: number,
  ): Promise<void>;
  /** Creates or replaces. */
  putConnectorConfig(name: string, type: ConnectorType, config: Settings, now: number): Promise<{ created: boolean }>;
  /** Throws NotFoundError. */
  putTargetState(name: string, targetState: TargetState, now: number): Promise<void>;
  /** Throws NotFoundError. Afterwards getConnector does not find it; its connector run clears up. */
  deleteConnector(name: string, now: number): Promise<void>;
  /**
   * Restart. `connector`: its own run is due again; `tasks` are started anew, each by one write of its own: a running
   * one is asked to let go first. Throws NotFoundError. `includeTasks`/`onlyFailed` are only passed on to the mirror.
   */
  requestRestart(
    name: string,
    what: { connector: boolean; tasks: readonly number[]; includeTasks?: boolean; onlyFailed?: boolean },
    now: number,
  ): Promise<void>;
  /** Makes a task due now (probe, wake-up); no effect on one that is leased, revoked, paused or failed. */
  markTaskDue(connector: string, task: number, now: number): Promise<boolean>;
  markConnectorDue(connector: string, now: number): Promise<boolean>;

  /** Strongly consistent; undefined also while it is being deleted, unless asked. */
  getConnector(name: string, options?: { evenDeleting?: boolean }): Promise<ConnectorItem | undefined>;
  listConnectorNames(after: string | null): Promise<Page<string>>;
  getTasks(connector: string): Promise<TaskItem[]>;
  getTask(connector: string, task: number): Promise<TaskItem | undefined>;
  /** Both with one query, strongly consistent. */
  getConnectorAndTasks(
    name: string,
    options?: { evenDeleting?: boolean },
  ): Promise<{ connector: ConnectorItem; tasks: TaskItem[] } | undefined>;
}

/**
 * What a connector run does to its tasks, every write under the connector's lease: FencedError when its token is not
 * the newest (I2). All are safe to repeat. The order that keeps I7: revokeTasks, wait until the tasks are free,
 * foldSinkPositions, putTaskConfigs / deleteTasks, applyGeneration.
 */
export interface GenerationStore {
  /** A running task lets go at its next commit, any other is no longer due; both end up in `state`, FAILED ones stay FAILED. */
  revokeTasks(lease: Lease, tasks: readonly number[], state: State): Promise<void>;
  /** Takes a revocation back (resume): due now, or as soon as the run that still holds the lease has let go. */
  startTasks(lease: Lease, tasks: readonly number[], now: number): Promise<void>;
  /** Positions of tasks that let go, to rest with the connector, where the next generation's tasks get theirs from. */
  foldSinkPositions(lease: Lease, tasks: readonly number[]): Promise<void>;
  /**
   * Creates or replaces these tasks: state UNASSIGNED, due now, older runs fenced, sink positions as they rest with the
   * connector. Throws RetriableError `task.lease_held` when one of them is held (I7).
   */
  putTaskConfigs(
    lease: Lease,
    generation: number,
    type: ConnectorType,
    tasks: readonly TaskConfig[],
    now: number,
  ): Promise<void>;
  /** Throws RetriableError `task.lease_held` when one of them is held (I7). */
  deleteTasks(lease: Lease, tasks: readonly number[], now: number): Promise<void>;
  /** Turns the connector. `appliedVersion`: the configVersion that this run acted on. */
  applyGeneration(
    lease: Lease,
    what: {
      readonly generation: number;
      readonly taskCount: number;
      readonly appliedVersion: number;
      readonly state: State;
      readonly trace: string | null;
      readonly workerId: string;
    },
  ): Promise<void>;
  /**
   * After deleteTasks, for a connector that is being deleted: nothing but its source offsets stays (and, unseen, its
   * fencing token, so that a namesake's runs cannot meet a zombie's). Sink positions, history, active topics go.
   * The lease is gone afterwards: no release. False when it was created anew meanwhile: nothing was removed.
   */
  removeConnector(lease: Lease, now: number): Promise<boolean>;
}

/** What a status answer needs, and what runs write outside of a lease's release. */
export interface StatusBackingStore {
  putConnectorState(name: string, state: State, trace: string | null, workerId: string): Promise<void>;
  /** With a lease the write is fenced by its token (I2). */
  putTaskState(
    connector: string,
    task: number,
    state: State,
    trace: string | null,
    workerId: string,
    lease?: Lease,
  ): Promise<void>;
  activeTopics(connector: string): Promise<string[]>;
  addActiveTopics(connector: string, topics: readonly string[]): Promise<void>;
  resetActiveTopics(connector: string): Promise<void>;
}
