import { misspeltSettings } from '../config/closest.ts';
import { NotFoundError } from '../errors.ts';
import { findConnector } from '../plugins/registry.ts';
import { deathsOf, lastDeathOf, traceWithDeaths } from '../storage/deaths.ts';
import { everyTick } from '../storage/due-index.ts';
import { feedSetting } from '../storage/feed-store.ts';
import type { ConnectorItem, LeaseState, State, TaskItem } from '../storage/items.ts';
import { declaredNames } from './connector-config-def.ts';
import { connectorAndTasks, noStatus } from './connector-lookup.ts';
import type {
  ConnectorReport,
  ConnectorStatus,
  DeathsReport,
  ReplayReport,
  RunStatus,
  TaskInfo,
  TaskReport,
} from './herder.ts';
import type { HerderDeps } from './herder-deps.ts';

export async function connectorStatus(deps: HerderDeps, name: string): Promise<ConnectorStatus> {
  const { connector, tasks } = await connectorAndTasks(deps, name, noStatus);
  return statusOf(deps, connector, tasks);
}

export function statusOf(deps: HerderDeps, connector: ConnectorItem, tasks: readonly TaskItem[]): ConnectorStatus {
  const version = versionOf(deps, connector);
  const now = deps.clock.now();
  return {
    name: connector.name,
    type: connector.type,
    connector: runStatus(connector, version, now),
    tasks: inOrder(tasks).map((task) => ({ id: task.task, ...runStatus(task, version, now) })),
  };
}

/** Whoever has not run yet is on no worker. */
const nowhere = 'unassigned';

function runStatus(
  item: LeaseState & { readonly state: State; readonly workerId: string; readonly trace: string | null },
  version: string | null,
  now: number,
): RunStatus {
  return {
    state: item.state,
    workerId: item.workerId === '' ? nowhere : item.workerId,
    version: item.state === 'UNASSIGNED' ? null : version,
    trace: traceWithDeaths(item, now),
  };
}

function versionOf(deps: HerderDeps, connector: ConnectorItem): string | null {
  return findConnector(deps.plugins, connector.type, connector.config)?.version ?? null;
}

export async function taskStatus(
  deps: HerderDeps,
  name: string,
  task: number,
): Promise<RunStatus & { readonly id: number }> {
  const missing = new NotFoundError('task.no_status', `No status found for task ${name}-${task}`);
  const { connector, tasks } = await connectorAndTasks(deps, name, () => missing);
  const item = tasks.find((candidate) => candidate.task === task);
  if (item === undefined) throw missing;
  return { id: task, ...runStatus(item, versionOf(deps, connector), deps.clock.now()) };
}

export async function taskInfos(deps: HerderDeps, name: string): Promise<TaskInfo[]> {
  const { tasks } = await connectorAndTasks(deps, name);
  return inOrder(tasks).map(({ task, config }) => ({ id: { connector: name, task }, config }));
}

export async function connectorReport(deps: HerderDeps, name: string): Promise<ConnectorReport> {
  const { connector, tasks } = await connectorAndTasks(deps, name);
  return reportOf(deps, connector, tasks);
}

export function reportOf(deps: HerderDeps, connector: ConnectorItem, tasks: readonly TaskItem[]): ConnectorReport {
  const now = deps.clock.now();
  return {
    name: connector.name,
    type: connector.type,
    targetState: connector.targetState,
    state: connector.state,
    generation: connector.generation,
    settled: connector.appliedVersion >= connector.configVersion,
    restarts: connector.restarts,
    positionChanges: [connector, ...tasks]
      .flatMap(({ positionChanges }) => positionChanges)
      .sort((one, other) => one.at - other.at),
    misspelt: misspeltSettings(Object.keys(connector.config), declaredNames(deps.plugins, connector.config)),
    deaths: deathsReport(connector, now),
    replay: replayReport(connector),
    tasks: inOrder(tasks).map((task) => taskReport(task, now)),
  };
}

function replayReport({ replayRequest, replay }: ConnectorItem): ReplayReport | null {
  if (replayRequest === null) return null;
  const { number, requestedAt } = replayRequest;
  if (replay?.request !== number) {
    return { requestedAt, topic: null, doneAt: null, replayed: 0, left: 0, others: 0, error: null };
  }
  const { topic, doneAt, replayed, left, others, error } = replay;
  return { requestedAt, topic, doneAt, replayed, left, others, error };
}

function taskReport(item: TaskItem, now: number): TaskReport {
  const { counters } = item;
  return {
    task: item.task,
    state: item.state,
    running: item.leaseOwner !== null && item.leaseExpiresAt > now,
    lastRunAt: counters.lastRunAt,
    lastSuccessAt: counters.lastSuccessAt,
    nextDueAt: dueSince(item, now),
    watched: item.watched,
    runs: counters.runs,
    emptyRuns: counters.consecutiveEmptyRuns,
    records: counters.records,
    bytes: counters.bytes,
    consecutiveFailures: counters.consecutiveFailures,
    restartAttempts: counters.restartAttempts,
    deaths: deathsReport(item, now),
    lag: isDrained(item, now)
      ? { records: null, seconds: null, secondsLeft: null }
      : { records: counters.lagRecords, seconds: counters.lagSeconds, secondsLeft: counters.lagSecondsLeft },
  };
}

/** So long after an event, its event source would have brought another if it had one. */
const nextEventMs = 30_000;

/** What the last event of a feed tells is how far behind that one was: once it is delivered and none follows, nothing is known to be. */
function isDrained({ config, counters }: TaskItem, now: number): boolean {
  const { lastRunAt, lastSuccessAt } = counters;
  if (config[feedSetting] === undefined || lastRunAt === null || lastSuccessAt === null) return false;
  return lastSuccessAt >= lastRunAt && now - lastRunAt > nextEventMs;
}

/** A task that is being run stays due: of a run that has died, what its lease held back is due since that was over. */
function dueSince({ dueAt, leaseOwner, leaseExpiresAt }: LeaseState, now: number): number | null {
  if (dueAt === everyTick) return nextTick(now);
  const hasDied = dueAt !== null && leaseOwner !== null && leaseExpiresAt <= now;
  return hasDied ? Math.max(dueAt, leaseExpiresAt) : dueAt;
}

const minuteMs = 60_000;

/** The schedule fires each minute; what waits for it is due at no time of its own. */
const nextTick = (now: number) => (Math.floor(now / minuteMs) + 1) * minuteMs;

function deathsReport(item: LeaseState, now: number): DeathsReport {
  return { ...deathsOf(item, now), last: lastDeathOf(item, now) };
}

const inOrder = (tasks: readonly TaskItem[]) => [...tasks].sort((a, b) => a.task - b.task);
