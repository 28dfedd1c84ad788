import type { StreamRecord } from '../../invocation/table-stream.ts';
import type { ActiveTopic, TableChange } from '../table-change.ts';
import { type Attributes, number, text } from './attributes.ts';
import { readLoggerLevel } from './cluster-store.ts';
import { readClaim } from './feed-store.ts';
import { isGone, readConnector, readRestingPosition, readSourceOffset, readTask } from './item-codec.ts';
import {
  clusterPk,
  connectorOf,
  isConnectorPk,
  isFeedPk,
  loggerPrefix,
  sinkPositionPrefix,
  sourceOffsetPrefix,
  stateSk,
  taskPrefix,
  topicOf,
  topicPrefix,
} from './table.ts';

/** Undefined: an item that nobody follows. */
export function readStreamRecord(record: StreamRecord): TableChange | undefined {
  const { Keys, OldImage, NewImage, SequenceNumber = '0' } = record.dynamodb ?? {};
  const keys = (Keys ?? {}) as Attributes;
  const pk = text(keys, 'pk') ?? '';
  const sk = text(keys, 'sk') ?? '';
  const change = <Item>(read: (item: Attributes) => Item) => ({
    sequenceNumber: SequenceNumber,
    before: readImage(OldImage, read),
    after: readImage(NewImage, read),
  });
  if (isConnectorPk(pk)) {
    const connector = connectorOf(pk);
    if (sk === stateSk) return { kind: 'connector', ...change(readConnector) };
    if (sk.startsWith(taskPrefix)) return { kind: 'task', ...change(readTask) };
    if (sk.startsWith(sourceOffsetPrefix)) return { kind: 'source-offset', connector, ...change(readSourceOffset) };
    if (sk.startsWith(sinkPositionPrefix)) return { kind: 'sink-position', connector, ...change(readRestingPosition) };
    if (sk.startsWith(topicPrefix)) return { kind: 'active-topic', connector, ...change(readActiveTopic) };
  }
  if (isFeedPk(pk)) return { kind: 'feed', ...change(readClaim) };
  if (pk === clusterPk && sk.startsWith(loggerPrefix)) return { kind: 'logger', ...change(readLoggerLevel) };
  return undefined;
}

export const readStreamRecords = (records: readonly StreamRecord[]): TableChange[] =>
  records.map(readStreamRecord).filter((change) => change !== undefined);

function readImage<Item>(image: Readonly<Record<string, unknown>> | undefined, read: (item: Attributes) => Item) {
  if (image === undefined) return null;
  const item = image as Attributes;
  return isGone(item) ? null : read(item);
}

const readActiveTopic = (item: Attributes): ActiveTopic => ({
  topic: topicOf(text(item, 'sk') ?? ''),
  task: number(item, 'task') ?? 0,
  discoveredAt: number(item, 'discoveredAt') ?? 0,
});
