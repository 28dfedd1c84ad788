import { ConnectError, type SourceOffset, type SourcePartition } from '../../src/api/index.ts';
import type { ShardStart } from '../shard-walk.ts';

export const shardPartition = (shard: string): SourcePartition => ({ shardId: shard });

/** `part`: behind that one of the records which it was put together of; left out: behind all of it. */
export function shardOffset(sequenceNumber: string, part?: number): SourceOffset {
  return part === undefined ? { sequenceNumber } : { sequenceNumber, subSequenceNumber: part };
}

/** Where a shard begins of which nothing was read yet: what has arrived since then, in epoch milliseconds. */
export const sinceOffset = (timestamp: number): SourceOffset => ({ sequenceNumber: null, timestamp });

export type ShardPlace =
  | {
      readonly sequenceNumber: string;
      /** The last of its parts that is done; null: all of it. */
      readonly part: number | null;
    }
  | { readonly since: number };

/** Throws ConnectError for an offset that is none. */
export function shardPlaceOf(offset: SourceOffset | null): ShardPlace | null {
  if (offset === null) return null;
  const { sequenceNumber = null, subSequenceNumber = null, timestamp = null } = offset;
  if (sequenceNumber === null && timestamp !== null) {
    const since = Number(timestamp);
    if (!Number.isSafeInteger(since) || since < 0) throw unreadable(`its timestamp is ${timestamp}`);
    return { since };
  }
  if (typeof sequenceNumber !== 'string' || !/^\d+$/.test(sequenceNumber)) {
    throw unreadable(`its sequenceNumber is ${sequenceNumber}`);
  }
  if (subSequenceNumber === null) return { sequenceNumber, part: null };
  const part = Number(subSequenceNumber);
  if (!Number.isSafeInteger(part) || part < 0) throw unreadable(`its subSequenceNumber is ${subSequenceNumber}`);
  return { sequenceNumber, part };
}

export function startAt(place: ShardPlace): ShardStart {
  if ('since' in place) return { at: 'AT_TIMESTAMP', timestamp: place.since };
  const { sequenceNumber, part } = place;
  return { at: part === null ? 'AFTER_SEQUENCE_NUMBER' : 'AT_SEQUENCE_NUMBER', sequenceNumber };
}

const unreadable = (why: string) =>
  new ConnectError('connector.offset_unreadable', `The offset of a shard cannot be read: ${why}`);
