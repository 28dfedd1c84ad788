import type { Settings } from '../config/config-def.ts';
import type { ConnectorItem, ConnectorType, State, TargetState, TaskItem } from './items.ts';
import type { Lease } from './lease-store.ts';
import type { Page } from './offset-backing-store.ts';

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
  /** For a patch: replaces the config only while the configVersion is still this one. False: read again. */
  replaceConnectorConfig(
    name: string,
    configVersion: number,
    type: ConnectorType,
    config: Settings,
    now: number,
  ): Promise<boolean>;
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
  /** Asks for a replay of dead letters, which the connector's next run carries out. Throws NotFoundError. */
  requestReplay(name: string, target: string | null, now: number): Promise<void>;
  /**
   * Makes a task due now (probe, wake-up); a running one is due at once when it is released, so no wake-up is lost.
   * False, and no effect, on one that is revoked, paused, failed or not there.
   */
  markTaskDue(connector: string, task: number, now: number): Promise<boolean>;
  /**
   * The same for a caller that dispatches the task itself if it is free: it is due at every tick until it has run, but
   * the stream wakes nobody for it. Null where `markTaskDue` says false.
   */
  wakeTask(connector: string, task: number, now: number): Promise<'free' | 'running' | null>;
  markConnectorDue(connector: string, now: number): Promise<boolean>;

  /** Strongly consistent; undefined also while it is being deleted, unless asked. */
  getConnector(name: string, options?: { evenDeleting?: boolean }): Promise<ConnectorItem | undefined>;
  /** In the order of their keys; `next` is the name to go on behind, which need not be there any more. */
  listConnectorNames(after: string | null, limit?: number): Promise<Page<string>>;
  getTasks(connector: string): Promise<TaskItem[]>;
  getTask(connector: string, task: number): Promise<TaskItem | undefined>;
  /** Many with few requests, in no order; those that are not there are left out. */
  getTasksOf(tasks: readonly { readonly connector: string; readonly task: number }[]): Promise<TaskItem[]>;
  /** Both with one query, strongly consistent. */
  getConnectorAndTasks(
    name: string,
    options?: { evenDeleting?: boolean },
  ): Promise<{ connector: ConnectorItem; tasks: TaskItem[] } | undefined>;
  /** The same of many with few requests; by name, and those that are not there, or are being deleted, are left out. */
  getConnectorsAndTasks(
    names: readonly string[],
  ): Promise<ReadonlyMap<string, { connector: ConnectorItem; tasks: TaskItem[] }>>;
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
  /** The first sight of a topic stays; `seen` (task, epoch milliseconds) is what the mirror writes of it. */
  addActiveTopics(
    connector: string,
    topics: readonly string[],
    seen?: { readonly task: number; readonly at: number },
  ): Promise<void>;
  resetActiveTopics(connector: string): Promise<void>;
}
