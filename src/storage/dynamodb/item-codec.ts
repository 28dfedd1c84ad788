import type { Settings } from '../../config/config-def.ts';
import type {
  ConnectorItem,
  ConnectorType,
  PositionChange,
  ReplayProgress,
  ReplayRequest,
  RunDeath,
  State,
  TargetState,
  TaskCounters,
  TaskItem,
} from '../items.ts';
import type { HistoricOffset, RestingPosition, SinkPosition, SourceOffsetEntry } from '../offset-backing-store.ts';
import { type Attributes, flag, N, nothing, number, S, text, yes } from './attributes.ts';
import { connectorOf, sinkPositionOf, taskOf } from './table.ts';

/**
 * Items of the table ⇄ items of the project. What is unset is absent: a missing attribute is null, false or zero, which
 * also keeps it out of the indexes. Settings are JSON text, so that their order survives, as the mirror needs it.
 */
const counterNames = [
  'runs',
  'records',
  'bytes',
  'consecutiveFailures',
  'consecutiveEmptyRuns',
  'restartAttempts',
  'lastRunAt',
  'lastSuccessAt',
  'lagRecords',
  'lagSeconds',
  'lagSecondsLeft',
] as const satisfies readonly (keyof TaskCounters)[];

const maxTraceChars = 40_000;

export const writeSettings = (settings: Settings) => S(JSON.stringify(settings));
const readSettings = (item: Attributes): Settings => JSON.parse(text(item, 'config') ?? '{}') as Settings;

export const writeAssignment = (assignment: TaskItem['assignment']) => S(JSON.stringify(assignment));

/** A trace is for people: a very long one loses its middle rather than the write. */
export function writeTrace(trace: string | null) {
  if (trace === null) return undefined;
  if (trace.length <= maxTraceChars) return S(trace.toWellFormed());
  const half = maxTraceChars / 2;
  const cut = `\n… ${trace.length - maxTraceChars} characters left out …\n`;
  return S((trace.slice(0, half) + cut + trace.slice(-half)).toWellFormed());
}

export function counterAttributes(counters: Partial<TaskCounters>): Attributes {
  const attributes: Attributes = {};
  for (const name of counterNames) {
    const value = counters[name];
    if (value !== undefined) attributes[name] = value === null ? nothing : N(value);
  }
  return attributes;
}

function readCounters(item: Attributes): TaskCounters {
  return {
    runs: number(item, 'runs') ?? 0,
    records: number(item, 'records') ?? 0,
    bytes: number(item, 'bytes') ?? 0,
    consecutiveFailures: number(item, 'consecutiveFailures') ?? 0,
    consecutiveEmptyRuns: number(item, 'consecutiveEmptyRuns') ?? 0,
    restartAttempts: number(item, 'restartAttempts') ?? 0,
    lastRunAt: number(item, 'lastRunAt'),
    lastSuccessAt: number(item, 'lastSuccessAt'),
    lagRecords: number(item, 'lagRecords'),
    lagSeconds: number(item, 'lagSeconds'),
    lagSecondsLeft: number(item, 'lagSecondsLeft'),
  };
}

/** Positions lie in one flat map, so that a commit can set any of them without knowing which are there. */
export const positionField = (topic: string, kafkaPartition: number) => `${kafkaPartition}:${topic}`;

/** A plain number, as before topics had ids, where there is nothing beside it. */
export const writePosition = ({ offset, topicId, state }: Pick<SinkPosition, 'offset' | 'topicId' | 'state'>) =>
  topicId === undefined && state === undefined
    ? N(offset)
    : {
        M: {
          offset: N(offset),
          ...(topicId === undefined ? {} : { topicId: S(topicId) }),
          ...(state === undefined ? {} : { state: S(state) }),
        },
      };

export function writePositions(positions: readonly SinkPosition[]) {
  const map: Attributes = {};
  for (const position of positions)
    map[positionField(position.topic, position.kafkaPartition)] = writePosition(position);
  return { M: map };
}

export function readPositionList(item: Attributes): SinkPosition[] {
  return Object.entries(item.positions?.M ?? {}).map(([field, value]) => {
    const colon = field.indexOf(':');
    const topicId = value.M?.topicId?.S;
    const state = value.M?.state?.S;
    return {
      topic: field.slice(colon + 1),
      kafkaPartition: Number(field.slice(0, colon)),
      offset: BigInt(value.M?.offset?.N ?? value.N ?? '0'),
      ...(topicId === undefined ? {} : { topicId }),
      ...(state === undefined ? {} : { state }),
    };
  });
}

export const readPositions = (item: Attributes): TaskItem['positions'] =>
  byTopic(readPositionList(item), ({ offset }) => offset);

export const readTopicIds = (item: Attributes): TaskItem['topicIds'] =>
  byTopic(
    readPositionList(item).filter(({ topicId }) => topicId !== undefined),
    ({ topicId }) => topicId!,
  );

const readStates = (item: Attributes): TaskItem['states'] =>
  byTopic(
    readPositionList(item).filter(({ state }) => state !== undefined),
    ({ state }) => state!,
  );

function byTopic<T>(positions: readonly SinkPosition[], pick: (position: SinkPosition) => T) {
  const topics: Record<string, Record<string, T>> = {};
  for (const position of positions) {
    topics[position.topic] ??= {};
    topics[position.topic]![position.kafkaPartition] = pick(position);
  }
  return topics;
}

export const positionList = ({
  positions,
  topicIds,
  states,
}: Pick<TaskItem, 'positions' | 'topicIds' | 'states'>): SinkPosition[] =>
  Object.entries(positions).flatMap(([topic, partitions]) =>
    Object.entries(partitions).map(([partition, offset]) => {
      const topicId = topicIds[topic]?.[partition];
      const state = states[topic]?.[partition];
      return {
        topic,
        kafkaPartition: Number(partition),
        offset,
        ...(topicId === undefined ? {} : { topicId }),
        ...(state === undefined ? {} : { state }),
      };
    }),
  );

export function writeRestingPosition({ offset, topicId, byHand, gone, state }: RestingPosition): Attributes {
  return {
    ...(offset === null ? {} : { offset: N(offset) }),
    ...(topicId === null ? {} : { topicId: S(topicId) }),
    ...(byHand ? { byHand: yes } : {}),
    ...(gone ? { topicGone: yes } : {}),
    ...(state === undefined ? {} : { pluginState: S(state) }),
  };
}

export function readRestingPosition(item: Attributes): RestingPosition {
  const offset = item.offset?.N;
  const state = text(item, 'pluginState');
  return {
    ...sinkPositionOf(text(item, 'sk') ?? ''),
    offset: offset === undefined ? null : BigInt(offset),
    topicId: text(item, 'topicId'),
    byHand: flag(item, 'byHand'),
    gone: flag(item, 'topicGone'),
    ...(state === null ? {} : { state }),
  };
}

export const writePositionChanges = (changes: readonly PositionChange[]) =>
  changes.length === 0 ? undefined : S(JSON.stringify(changes));

const readPositionChanges = (item: Attributes) =>
  JSON.parse(text(item, 'positionChanges') ?? '[]') as readonly PositionChange[];

const readLease = (item: Attributes) => ({
  leaseOwner: text(item, 'leaseOwner'),
  leaseInvocation: text(item, 'leaseInvocation'),
  leaseExpiresAt: number(item, 'leaseExpiresAt') ?? 0,
  fencingToken: number(item, 'fencingToken') ?? 0,
  dueAt: number(item, 'dueAt'),
  openRuns: number(item, 'openRuns') ?? 0,
  fruitlessRuns: number(item, 'fruitlessRuns') ?? 0,
  lastDeath: readLastDeath(item),
});

function readLastDeath(item: Attributes): RunDeath | null {
  const at = number(item, 'lastDeathAt');
  return at === null ? null : { at, workerId: text(item, 'lastDeathOwner') ?? '' };
}

/** What is left of a removed connector: its fencing token, to be continued. */
export const isGone = (item: Attributes) => flag(item, 'gone');

export function readConnector(item: Attributes): ConnectorItem {
  const restart = item.restartRequest?.M;
  return {
    ...readLease(item),
    name: connectorOf(text(item, 'pk') ?? ''),
    type: text(item, 'type') as ConnectorType,
    config: readSettings(item),
    configVersion: number(item, 'configVersion') ?? 0,
    appliedVersion: number(item, 'appliedVersion') ?? 0,
    appliedConfigHash: text(item, 'appliedConfigHash'),
    targetState: text(item, 'targetState') as TargetState,
    deleting: flag(item, 'deleting'),
    generation: number(item, 'generation') ?? 0,
    taskCount: number(item, 'taskCount') ?? 0,
    state: text(item, 'state') as State,
    trace: text(item, 'trace'),
    workerId: text(item, 'workerId') ?? '',
    restarts: number(item, 'restarts') ?? 0,
    topicResets: number(item, 'topicResets') ?? 0,
    restartRequest:
      restart === undefined
        ? null
        : { includeTasks: flag(restart, 'includeTasks'), onlyFailed: flag(restart, 'onlyFailed') },
    replayRequest: readReplayRequest(item),
    replay: JSON.parse(text(item, 'replay') ?? 'null') as ReplayProgress | null,
    groupSettled: flag(item, 'groupSettled'),
    groupResetAt: number(item, 'groupResetAt'),
    positionChanges: readPositionChanges(item),
  };
}

export const writeReplay = (replay: ReplayProgress) => S(JSON.stringify(replay));

function readReplayRequest(item: Attributes): ReplayRequest | null {
  const requestedAt = number(item, 'replayRequestedAt');
  if (requestedAt === null) return null;
  return { number: number(item, 'replays') ?? 0, requestedAt, target: text(item, 'replayTarget') };
}

export function readTask(item: Attributes): TaskItem {
  return {
    ...readLease(item),
    connector: connectorOf(text(item, 'pk') ?? ''),
    task: taskOf(text(item, 'sk') ?? ''),
    type: text(item, 'type') as ConnectorType,
    generation: number(item, 'generation') ?? 0,
    topicResets: number(item, 'topicResets') ?? 0,
    config: readSettings(item),
    assignment: JSON.parse(text(item, 'assignment') ?? '[]') as TaskItem['assignment'],
    revoked: flag(item, 'revoked'),
    restartRequested: flag(item, 'restartRequested'),
    closingFor: number(item, 'closingFor'),
    watched: item.watchedPk !== undefined,
    state: text(item, 'state') as State,
    trace: text(item, 'trace'),
    workerId: text(item, 'workerId') ?? '',
    counters: readCounters(item),
    positions: readPositions(item),
    topicIds: readTopicIds(item),
    states: readStates(item),
    positionChanges: readPositionChanges(item),
    rhythm: text(item, 'rhythm'),
  };
}

export function writeSourceOffset(entry: SourceOffsetEntry): Attributes {
  const attributes: Attributes = { key: S(entry.key) };
  if (entry.offset !== null) attributes.offset = S(entry.offset);
  if (entry.partition !== entry.key) attributes.partition = S(entry.partition);
  if (entry.inTopic === true) attributes.inTopic = { BOOL: true };
  return attributes;
}

export function readSourceOffset(item: Attributes): SourceOffsetEntry {
  const key = text(item, 'key') ?? '';
  return {
    key,
    partition: text(item, 'partition') ?? key,
    offset: text(item, 'offset'),
    ...(flag(item, 'inTopic') ? { inTopic: true } : {}),
  };
}

/** History is read by people and by an undo: JSON, with sink offsets as text so that no digit is lost. */
export const writeHistory = (offsets: readonly HistoricOffset[]) =>
  S(JSON.stringify(offsets, (_, value) => (typeof value === 'bigint' ? value.toString() : value)));

export function readHistory(json: string): HistoricOffset[] {
  return (JSON.parse(json) as HistoricOffset[]).map((entry) =>
    'topic' in entry && entry.offset !== null ? { ...entry, offset: BigInt(entry.offset) } : entry,
  );
}
