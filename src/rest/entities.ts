import type { OffsetChangeReport, StoredOffset } from '../herder/connector-offsets.ts';
import type { FeedReport } from '../herder/feed-checks.ts';
import type {
  ConnectorInfo,
  ConnectorReport,
  ConnectorStatus,
  DeathsReport,
  LoggerInfo,
  MirrorReport,
  PluginInfo,
  ReplayReport,
  RunStatus,
  TaskInfo,
  TaskReport,
} from '../herder/herder.ts';
import { RawJson } from './json-body.ts';
import type { Shape } from './json-schema.ts';
import type * as schema from './schemas.ts';

/** Wire shapes, under Kafka Connect's own names: exactly its fields, since strict clients break on one more. */
export function connectorInfoEntity({ name, config, tasks, type }: ConnectorInfo): Shape<typeof schema.connectorInfo> {
  return { name, config, tasks, type };
}

function runStatusEntity({ state, workerId, version, trace }: RunStatus) {
  return { state, worker_id: workerId, version, ...(trace === null ? {} : { trace }) };
}

export function taskStatusEntity(status: RunStatus & { readonly id: number }): Shape<typeof schema.taskStatus> {
  return { id: status.id, ...runStatusEntity(status) };
}

export function connectorStatusEntity(status: ConnectorStatus): Shape<typeof schema.connectorStatus> {
  return {
    name: status.name,
    connector: runStatusEntity(status.connector),
    tasks: status.tasks.map(taskStatusEntity),
    type: status.type,
  };
}

export function taskInfoEntity({ id, config }: TaskInfo) {
  return { id, config };
}

export function offsetsEntity(offsets: readonly StoredOffset[]) {
  return {
    offsets: offsets.map(({ partition, offset }) => ({
      partition: new RawJson(partition),
      offset: new RawJson(offset),
    })),
  };
}

export function pluginEntity({ className, kind, version }: PluginInfo) {
  return { class: className, type: kind, version };
}

export function loggerEntity({ level, lastModified }: LoggerInfo) {
  return { level, last_modified: lastModified };
}

/** Drover's own; these may grow. */
export function connectorReportEntity(report: ConnectorReport): Shape<typeof schema.connectorReport> {
  return {
    name: report.name,
    type: report.type,
    target_state: report.targetState,
    state: report.state,
    generation: report.generation,
    settled: report.settled,
    restarts: report.restarts,
    position_changes: report.positionChanges.map((change) => ({
      changed_at: instant(change.at),
      reason: change.reason,
      kafka_topic: change.topic,
      kafka_partition: change.kafkaPartition,
      from_offset: change.from,
      to_offset: change.to,
    })),
    misspelt: report.misspelt.map(({ setting, meant }) => ({ setting, meant })),
    deaths: deathsReportEntity(report.deaths),
    replay: report.replay === null ? null : replayReportEntity(report.replay),
    tasks: report.tasks.map(taskReportEntity),
  };
}

export function mirrorReportEntity({ changedAt, mirroredAt, lagMs }: MirrorReport) {
  return { changed_at: instant(changedAt), mirrored_at: instant(mirroredAt), lag_ms: lagMs };
}

export function feedReportEntity({ key, connector, open, unclaimedAt, restsUntil }: FeedReport) {
  return {
    event_source: key,
    connector,
    open,
    event_without_connector_at: instant(unclaimedAt),
    rests_until: instant(restsUntil),
  };
}

function replayReportEntity({ requestedAt, topic, doneAt, replayed, left, others, error }: ReplayReport) {
  return { requested_at: instant(requestedAt), topic, done_at: instant(doneAt), replayed, left, others, error };
}

function taskReportEntity(report: TaskReport) {
  return {
    id: report.task,
    state: report.state,
    running: report.running,
    last_run_at: instant(report.lastRunAt),
    last_success_at: instant(report.lastSuccessAt),
    next_due_at: instant(report.nextDueAt),
    watched: report.watched,
    runs: report.runs,
    empty_runs: report.emptyRuns,
    records: report.records,
    bytes: report.bytes,
    consecutive_failures: report.consecutiveFailures,
    restart_attempts: report.restartAttempts,
    deaths: deathsReportEntity(report.deaths),
    lag: { records: report.lag.records, seconds: report.lag.seconds, seconds_left: report.lag.secondsLeft },
  };
}

function deathsReportEntity({ inRow, fruitless, last }: DeathsReport) {
  return {
    in_row: inRow,
    without_commit: fruitless,
    last_at: instant(last?.at ?? null),
    last_worker_id: last?.workerId ?? null,
  };
}

export function offsetChangeEntity({ changedAt, before, after }: OffsetChangeReport) {
  const entries = (offsets: OffsetChangeReport['before']) =>
    offsets.map(({ partition, offset }) => ({
      partition: new RawJson(partition),
      offset: offset === null ? null : new RawJson(offset),
    }));
  return { changed_at: instant(changedAt), before: entries(before), after: entries(after) };
}

export function instant<At extends number | null>(at: At): At extends null ? null : string;
export function instant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
