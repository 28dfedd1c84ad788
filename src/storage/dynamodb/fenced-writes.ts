import { RetriableError } from '../../errors.ts';
import type { Lease } from '../lease-store.ts';
import { type Attributes, text } from './attributes.ts';
import { fence, stillOurs } from './conditions.ts';
import { connectorPk, taskPrefix, under } from './table.ts';
import { queryAll, type TableClient, type Write } from './table-client.ts';

/** Under the connector's lease, or not at all. */
export async function writeFenced(
  table: TableClient,
  lease: Lease,
  writes: readonly Write[],
  what: string,
): Promise<void> {
  requireDone(lease, await table.transact([fence(lease), ...writes], what));
}

export function requireDone(lease: Lease, outcome: Awaited<ReturnType<TableClient['transact']>>): void {
  if (outcome.done) return;
  if (outcome.refused[0] !== undefined) stillOurs(lease, outcome.refused[0]);
  throw new RetriableError(`A task of ${lease.run.connector} still runs`, { code: 'task.lease_held' });
}

/** Each task's item, with these attributes of it alone. */
export async function tasksAsSeen(
  table: TableClient,
  connector: string,
  facts: readonly string[],
): Promise<Map<number, Attributes>> {
  const rows = new Map<number, Attributes>();
  const range = under(taskPrefix);
  for await (const items of queryAll(table, connectorPk(connector), range, facts)) {
    for (const item of items) rows.set(Number((text(item, 'sk') ?? '').slice(taskPrefix.length)), item);
  }
  return rows;
}
