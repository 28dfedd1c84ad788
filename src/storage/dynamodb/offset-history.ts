import type { HistoricOffset, OffsetChange } from '../offset-backing-store.ts';
import { type Attributes, N, number, S, text } from './attributes.ts';
import { readHistory, writeHistory } from './item-codec.ts';
import { connectorPk, historyPrefix, historySk, under } from './table.ts';
import { type BatchWrite, chunksOf, queryAll, type TableClient, type Write } from './table-client.ts';

/* What was changed by hand, so that it can be undone. */

const historyChunkChars = 90_000;
const changesKept = 10;
const range = under(historyPrefix);

/** `id`: of this change, never the same twice. */
export function historyWrites(connector: string, change: OffsetChange, id: string): BatchWrite[] {
  const parts: { side: 'before' | 'after'; offsets: HistoricOffset[] }[] = [];
  for (const side of ['before', 'after'] as const) {
    let chars = historyChunkChars;
    for (const offset of change[side]) {
      if (chars >= historyChunkChars) {
        parts.push({ side, offsets: [] });
        chars = 0;
      }
      parts.at(-1)?.offsets.push(offset);
      chars += 'key' in offset ? 2 * offset.key.length + (offset.offset?.length ?? 0) + 60 : offset.topic.length + 80;
    }
  }
  if (parts.length === 0) parts.push({ side: 'before', offsets: [] });
  return parts.map(({ side, offsets }, part) => ({
    kind: 'put',
    key: { pk: connectorPk(connector), sk: historySk(change.changedAt, id, part) },
    what: `the history of the offsets of ${connector}`,
    item: { changedAt: N(change.changedAt), side: S(side), offsets: writeHistory(offsets) },
  }));
}

/** The newest first. */
export async function readHistoryOf(table: TableClient, connector: string): Promise<readonly OffsetChange[]> {
  const changes = new Map<string, { changedAt: number; before: HistoricOffset[]; after: HistoricOffset[] }>();
  for await (const items of queryAll(table, connectorPk(connector), range)) {
    for (const item of items) {
      const id = changeOf(item);
      const change = changes.get(id) ?? { changedAt: number(item, 'changedAt') ?? 0, before: [], after: [] };
      change[text(item, 'side') === 'after' ? 'after' : 'before'].push(...readHistory(text(item, 'offsets') ?? '[]'));
      changes.set(id, change);
    }
  }
  return [...changes.values()].reverse().slice(0, changesKept);
}

export async function forgetOldChanges(table: TableClient, connector: string): Promise<void> {
  const pk = connectorPk(connector);
  const keys: Attributes[] = [];
  for await (const items of queryAll(table, pk, range, ['sk'])) keys.push(...items);
  const kept = new Set([...new Set(keys.map(changeOf))].slice(-changesKept));
  const deletions = keys
    .filter((item) => !kept.has(changeOf(item)))
    .map((item): Write => ({ kind: 'delete', key: { pk, sk: text(item, 'sk') ?? '' } }));
  for (const chunk of chunksOf(deletions)) await table.transact(chunk, 'old offset changes');
}

const changeOf = (item: Attributes) => (text(item, 'sk') ?? '').split('#').slice(0, 3).join('#');
