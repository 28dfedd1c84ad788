import type { Settings } from '../config/config-def.ts';
import { requiresExactlyOnce } from '../config/connector-config.ts';
import { javaHashOrder } from '../java/hash-order.ts';
import { traceWithDeaths } from '../storage/deaths.ts';
import type { ConnectorItem, TaskItem } from '../storage/items.ts';
import { offsetRecordKey } from '../storage/source-offset-text.ts';
import type { TableChange } from '../storage/table-change.ts';
import {
  commitKey,
  commitValue,
  connectorKey,
  connectorStatusKey,
  loggerKey,
  loggerValue,
  propertiesValue,
  restartKey,
  restartValue,
  statusValue,
  targetStateKey,
  targetStateValue,
  taskCountKey,
  taskCountValue,
  taskKey,
  taskStatusKey,
  topicStatusKey,
  topicStatusValue,
} from './record-format.ts';

export type MirrorTopic = 'configs' | 'offsets' | 'status';

export interface MirrorRecord {
  readonly topic: MirrorTopic;
  readonly key: string;
  /** Null: a tombstone. */
  readonly value: string | null;
}

export interface ProjectionSources {
  /** The tasks as they are now. */
  tasksOf(connector: string): Promise<readonly TaskItem[]>;
  /** Version of the plugin that this config names, as status answers show it; null: not known. */
  versionOf(config: Settings): string | null;
}

/**
 * Changes of the table → records of Java Connect's topics, in order. Each record is made from the newest image, so
 * that a stream batch that comes twice ends where it ended before.
 *
 * Java applies task configs when it reads a commit record, and only if it has read every task's config since the last
 * one. So a change of generation writes all of the connector's task configs again, and then the commit.
 */
export async function project(
  changes: readonly TableChange[],
  sources: ProjectionSources,
): Promise<readonly MirrorRecord[]> {
  const records: MirrorRecord[] = [];
  for (const change of changes) {
    switch (change.kind) {
      case 'connector':
        records.push(...(await connectorRecords(change.before, change.after, sources)));
        break;
      case 'task':
        records.push(...taskRecords(change.before, change.after, sources));
        break;
      case 'source-offset':
        records.push(...offsetRecords(change));
        break;
      case 'active-topic':
        records.push(...activeTopicRecords(change));
        break;
      case 'logger':
        if (change.after !== null) {
          records.push({
            topic: 'configs',
            key: loggerKey(change.after.logger),
            value: loggerValue(change.after.level),
          });
        } else if (change.before !== null) {
          // Java passes over it; compaction then takes the level from the topic.
          records.push({ topic: 'configs', key: loggerKey(change.before.logger), value: null });
        }
        break;
      case 'sink-position':
        // Sinks' offsets are their consumer group's.
        break;
    }
  }
  return records;
}

/** As users see it: one that is being deleted is not there. */
const live = (item: ConnectorItem | null) => (item === null || item.deleting ? null : item);

async function connectorRecords(
  before: ConnectorItem | null,
  after: ConnectorItem | null,
  sources: ProjectionSources,
): Promise<MirrorRecord[]> {
  const was = live(before);
  const is = live(after);
  if (is === null) return was === null ? [] : deletionRecords(was.name);

  const records: MirrorRecord[] = [];
  const add = (topic: MirrorTopic, key: string, value: string | null) => records.push({ topic, key, value });
  const targetState = () => add('configs', targetStateKey(is.name), targetStateValue(is.targetState));
  if (was === null && is.targetState !== 'STARTED') targetState();
  if (was === null || propertiesValue(was.config) !== propertiesValue(is.config)) {
    add('configs', connectorKey(is.name), propertiesValue(is.config));
  }
  const request = is.restartRequest;
  if (
    request !== null &&
    (was?.restartRequest == null ||
      restartValue(was.restartRequest) !== restartValue(request) ||
      was.restarts !== is.restarts)
  ) {
    add('configs', restartKey(is.name), restartValue(request));
  }
  if (is.generation > 0 && (was?.generation !== is.generation || was.taskCount !== is.taskCount)) {
    records.push(...(await generationRecords(is, sources)));
  }
  if (was !== null && was.targetState !== is.targetState) targetState();
  const trace = traceAsWritten(is);
  if (was !== null && (was.state !== is.state || traceAsWritten(was) !== trace)) {
    records.push(statusRecord(is, sources));
  }
  return records;
}

/** Of a connector as it is. */
export function statusRecord(connector: ConnectorItem, sources: ProjectionSources): MirrorRecord {
  const status = { ...connector, trace: traceAsWritten(connector), version: versionOf(connector, sources) };
  return { topic: 'status', key: connectorStatusKey(connector.name), value: statusValue(status) };
}

function deletionRecords(connector: string): MirrorRecord[] {
  return [
    { topic: 'configs', key: connectorKey(connector), value: null },
    { topic: 'configs', key: targetStateKey(connector), value: null },
    { topic: 'status', key: connectorStatusKey(connector), value: null },
  ];
}

async function generationRecords(connector: ConnectorItem, sources: ProjectionSources): Promise<MirrorRecord[]> {
  const { name, taskCount } = connector;
  const tasks = taskCount === 0 ? [] : (await sources.tasksOf(name)).filter(({ task }) => task < taskCount);
  // The table is already further on: the change that made it so brings the records.
  if (tasks.length < taskCount) return [];
  const records = tasks.map(({ task, config }): MirrorRecord => {
    const properties = propertiesValue(config, javaHashOrder(Object.keys(config)));
    return { topic: 'configs', key: taskKey(name, task), value: properties };
  });
  records.push({ topic: 'configs', key: commitKey(name), value: commitValue(taskCount) });
  if (connector.type === 'source' && requiresExactlyOnce(connector.config)) {
    records.push({ topic: 'configs', key: taskCountKey(name), value: taskCountValue(taskCount) });
  }
  return records;
}

function taskRecords(before: TaskItem | null, after: TaskItem | null, sources: ProjectionSources): MirrorRecord[] {
  if (after === null) {
    if (before === null) return [];
    return [{ topic: 'status', key: taskStatusKey(before.connector, before.task), value: null }];
  }
  const trace = traceAsWritten(after);
  if (before !== null && before.state === after.state && traceAsWritten(before) === trace) return [];
  // A task nobody has run yet has no status in Java either.
  if (before === null && after.state === 'UNASSIGNED') return [];
  const value = statusValue({ ...after, trace, version: versionOf(after, sources) });
  return [{ topic: 'status', key: taskStatusKey(after.connector, after.task), value }];
}

/** With the deaths before the run that an image shows: it was alive when it was written. */
const traceAsWritten = (item: ConnectorItem | TaskItem) => traceWithDeaths(item, item.leaseExpiresAt - 1);

function versionOf({ config }: ConnectorItem | TaskItem, sources: ProjectionSources): string | null {
  return config['connector.class'] === undefined ? null : sources.versionOf(config);
}

function offsetRecords({ connector, before, after }: TableChange & { kind: 'source-offset' }): MirrorRecord[] {
  const entry = after ?? before;
  // Exactly once: the transaction of its records has written it already (I4). What is deleted empty is its tombstone.
  if (entry === null || after?.inTopic === true || (after === null && entry.offset === null)) return [];
  return [{ topic: 'offsets', key: offsetRecordKey(connector, entry), value: after?.offset ?? null }];
}

function activeTopicRecords({ connector, before, after }: TableChange & { kind: 'active-topic' }): MirrorRecord[] {
  const seen = after ?? before;
  if (seen === null) return [];
  const key = topicStatusKey(connector, seen.topic);
  const value = after === null ? null : topicStatusValue(connector, after.topic, after.task, after.discoveredAt);
  return [{ topic: 'status', key, value }];
}
