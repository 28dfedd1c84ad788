import { RetriableError } from '../../errors.ts';
import type { RestingChange } from '../generation-store.ts';
import type { PositionChange, TaskItem } from '../items.ts';
import type { Lease } from '../lease-store.ts';
import type { RestingPosition } from '../offset-backing-store.ts';
import { type Attributes, flag, N, text } from './attributes.ts';
import { exists, fence, isNew, stillOurs, tokenIsNewest, tokenOf } from './conditions.ts';
import { writeFenced } from './fenced-writes.ts';
import { positionField, positionList, writePositionChanges, writeRestingPosition } from './item-codec.ts';
import {
  connectorKey,
  connectorPk,
  sinkPositionKey,
  sinkPositionOf,
  sinkPositionPrefix,
  taskKey,
  under,
} from './table.ts';
import { chunksOf, queryAll, type TableClient, type Write } from './table-client.ts';

/* Positions of a sink that no task of it holds: folded from tasks at rest, settled with the group by its connector's run. */

export async function foldPositions(table: TableClient, lease: Lease, task: TaskItem): Promise<void> {
  if (task.type !== 'sink') return;
  const stillAtRest: Write = {
    kind: 'check',
    key: taskKey(task.connector, task.task),
    condition: '#fencingToken = :token AND attribute_exists(#revoked)',
    values: { token: N(task.fencingToken) },
  };
  const byHand = await positionsByHand(table, task.connector);
  const writes = positionList(task)
    .filter(({ topic, kafkaPartition }) => !byHand.has(positionField(topic, kafkaPartition)))
    .map((position) => ({
      ...restingWrite(task.connector, { topicId: null, byHand: false, gone: false, ...position }),
      condition: 'attribute_not_exists(#byHand)',
    }));
  for (let start = 0; start < writes.length; start += 98) {
    const chunk = writes.slice(start, start + 98);
    await writeFenced(table, lease, [stillAtRest, ...chunk], `positions of ${task.connector}-${task.task}`);
  }
}

async function positionsByHand(table: TableClient, connector: string): Promise<Set<string>> {
  const found = new Set<string>();
  const range = under(sinkPositionPrefix);
  for await (const items of queryAll(table, connectorPk(connector), range, ['sk', 'byHand'])) {
    for (const item of items) {
      const { topic, kafkaPartition } = sinkPositionOf(text(item, 'sk') ?? '');
      if (flag(item, 'byHand')) found.add(positionField(topic, kafkaPartition));
    }
  }
  return found;
}

export async function settlePositions(
  table: TableClient,
  lease: Lease,
  changes: readonly RestingChange[],
  told: { readonly positionChanges: readonly PositionChange[]; readonly groupReset: number | null },
): Promise<void> {
  const name = lease.run.connector;
  const writes = changes.flatMap(({ before, after }) => {
    const at = after ?? before;
    return at === null
      ? []
      : [{ ...(after === null ? removal(name, at) : restingWrite(name, after)), ...asRead(before) }];
  });
  const { groupReset } = told;
  const connector: Write = {
    kind: 'update',
    key: connectorKey(name),
    what: `connector ${name}`,
    set: {
      ...(groupReset === null ? {} : { groupResetAt: undefined }),
      ...(told.positionChanges.length === 0 ? {} : { positionChanges: writePositionChanges(told.positionChanges) }),
    },
    condition: groupReset === null ? tokenIsNewest : `${tokenIsNewest} AND #groupResetAt = :reset`,
    values: { ...tokenOf(lease), ...(groupReset === null ? {} : { reset: N(groupReset) }) },
  };
  const tells = groupReset !== null || told.positionChanges.length > 0;
  const chunks = writes.length === 0 && tells ? [[]] : chunksOf(writes);
  for (const [index, chunk] of chunks.entries()) {
    const first = tells && index === 0 ? connector : fence(lease);
    const outcome = await table.transact([first, ...chunk], `positions of ${name}`);
    if (outcome.done) continue;
    if (outcome.refused[0] !== undefined) stillOurs(lease, outcome.refused[0]);
    throw new RetriableError(`Offsets of ${name} were changed by hand meanwhile`, { code: 'offsets.changed' });
  }
}

const restingWrite = (connector: string, position: RestingPosition) => ({
  kind: 'put' as const,
  key: sinkPositionKey(connector, position.topic, position.kafkaPartition),
  what: `the position of ${position.topic}-${position.kafkaPartition}`,
  item: writeRestingPosition(position),
});

const removal = (connector: string, position: RestingPosition) => ({
  kind: 'delete' as const,
  key: sinkPositionKey(connector, position.topic, position.kafkaPartition),
});

/** On condition that nobody has changed it since. */
function asRead(position: RestingPosition | null): { condition: string; values?: Attributes } {
  if (position === null) return { condition: isNew };
  const byHand = position.byHand ? 'attribute_exists(#byHand)' : 'attribute_not_exists(#byHand)';
  if (position.offset === null) return { condition: `${exists} AND ${byHand} AND attribute_not_exists(#offset)` };
  return { condition: `#offset = :offset AND ${byHand}`, values: { offset: N(position.offset) } };
}
