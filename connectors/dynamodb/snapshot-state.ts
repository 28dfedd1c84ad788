import { ConnectError, type SourceOffset, type SourcePartition } from '../../src/api/index.ts';
import { type Item, itemText, parseItem } from './item.ts';

/** How far a snapshot of a table, or of a segment of it, is; by the offset that the Java connector keeps of it. */
export interface SnapshotState {
  readonly state: 'UNDEFINED' | 'RUNNING' | 'FINISHED' | 'SKIPPED';
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Items read so far. */
  readonly count: number;
  /** Key of the last item that was read; null: none yet. */
  readonly behind: Item | null;
}

export const noSnapshot: SnapshotState = { state: 'UNDEFINED', startedAt: 0, endedAt: null, count: 0, behind: null };

/** Of a table as a whole where there is one segment, as in Java. */
export function snapshotPartition(table: string, segment: number, segments: number): SourcePartition {
  return segments === 1 ? { table_name: table } : { table_name: table, segment, segments };
}

export function snapshotOffset(table: string, version: string, snapshot: SnapshotState): SourceOffset {
  const { state, startedAt, endedAt, count, behind } = snapshot;
  return {
    version,
    table_name: table,
    init_sync_state: state,
    init_sync_start: startedAt,
    ...(behind === null ? {} : { exclusive_start_key: itemText(behind, true) }),
    ...(endedAt === null ? {} : { init_sync_end: endedAt }),
    init_sync_count: count,
  };
}

/** Throws ConnectError for an offset that is none. */
export function snapshotOf(offset: SourceOffset | null): SnapshotState {
  if (offset === null) return noSnapshot;
  const { init_sync_state: state, exclusive_start_key: key } = offset;
  const isKnown = state === 'UNDEFINED' || state === 'RUNNING' || state === 'FINISHED' || state === 'SKIPPED';
  if (!isKnown) throw unreadable(`its init_sync_state is ${state}`);
  return {
    state,
    startedAt: Number(offset.init_sync_start ?? 0),
    endedAt: offset.init_sync_end === undefined || offset.init_sync_end === null ? null : Number(offset.init_sync_end),
    count: Number(offset.init_sync_count ?? 0),
    behind: typeof key === 'string' ? keyOf(key) : null,
  };
}

function keyOf(text: string): Item {
  try {
    return parseItem(JSON.parse(text), 'exclusive_start_key');
  } catch (cause) {
    throw unreadable(`its exclusive_start_key is no key: ${(cause as Error).message}`);
  }
}

const unreadable = (why: string) =>
  new ConnectError('connector.offset_unreadable', `The offset of a snapshot cannot be read: ${why}`);
