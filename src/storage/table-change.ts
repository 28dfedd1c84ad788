import type { LoggerLevel } from './cluster-store.ts';
import { type DueItem, everyTick } from './due-index.ts';
import type { FeedClaim } from './feed-store.ts';
import type { ConnectorItem, TaskItem } from './items.ts';
import type { RestingPosition, SourceOffsetEntry } from './offset-backing-store.ts';

/** Before and after of one item; null: it was not there. */
interface Change<Kind extends string, Item> {
  readonly kind: Kind;
  /** Grows per item; orders what the stream delivers twice or out of batch. */
  readonly sequenceNumber: string;
  readonly before: Item | null;
  readonly after: Item | null;
}

export interface ActiveTopic {
  readonly topic: string;
  readonly task: number;
  /** Epoch milliseconds. */
  readonly discoveredAt: number;
}

/** One record of the table's stream, read once into items; see storage/dynamodb/stream.ts. */
export type TableChange =
  | Change<'connector', ConnectorItem>
  | Change<'task', TaskItem>
  | (Change<'source-offset', SourceOffsetEntry> & { readonly connector: string })
  | (Change<'sink-position', RestingPosition> & { readonly connector: string })
  | (Change<'active-topic', ActiveTopic> & { readonly connector: string })
  | Change<'feed', FeedClaim>
  | Change<'logger', LoggerLevel>;

/**
 * Which run this change made due, if any. An item that every tick looks at is none, and neither is a leased one: its
 * release will tell.
 */
export function becameDue(change: TableChange): DueItem | null {
  if (change.kind !== 'connector' && change.kind !== 'task') return null;
  const { before, after } = change;
  if (after === null || after.dueAt === null || after.dueAt === everyTick || after.leaseOwner !== null) return null;
  if (before !== null && before.leaseOwner === null && before.dueAt === after.dueAt) return null;
  const run =
    'connector' in after ? { connector: after.connector, task: after.task } : { connector: after.name, task: null };
  return { run, dueAt: after.dueAt };
}
