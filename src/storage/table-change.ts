import type { RunId } from '../invocation/run-request.ts';
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
 * Which runs these changes made due and, by the newest of their changes, still are: one that was taken up meanwhile, by
 * the invocation that made it due for example, needs no other. An item that every tick looks at is none, and neither is a
 * leased one: its release will tell.
 */
export function becameDue(changes: readonly TableChange[]): DueItem[] {
  const due = new Map<string, DueItem | null>();
  for (const change of changes) {
    if (change.kind !== 'connector' && change.kind !== 'task') continue;
    const { before, after } = change;
    const run = runOf(after ?? before);
    if (run === null) continue;
    const key = JSON.stringify(run);
    const dueAt = freelyDueAt(after);
    if (dueAt === null) due.set(key, null);
    else if (dueAt !== freelyDueAt(before) || due.get(key)) due.set(key, { run, dueAt });
  }
  return [...due.values()].filter((item) => item !== null);
}

function runOf(item: ConnectorItem | TaskItem | null): RunId | null {
  if (item === null) return null;
  return 'connector' in item ? { connector: item.connector, task: item.task } : { connector: item.name, task: null };
}

/** When a run of it may be dispatched; null: not by this. */
function freelyDueAt(item: ConnectorItem | TaskItem | null): number | null {
  if (item === null || item.leaseOwner !== null || item.dueAt === everyTick) return null;
  return item.dueAt;
}
