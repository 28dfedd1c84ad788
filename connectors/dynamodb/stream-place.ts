import { ConnectError, type SourceOffset, type SourcePartition } from '../../src/api/index.ts';
import type { ShardStart } from '../shard-walk.ts';

/** The offset of one shard, as a task that polls it keeps it. */
export const shardPartition = (table: string, shard: string): SourcePartition => ({
  table_name: table,
  shard_id: shard,
});

/** Behind the record; `at`: with it, since a part of what it becomes is still to come. */
export function shardOffset(shard: string, sequenceNumber: string, at = false): SourceOffset {
  return { src_shard_id: shard, src_shard_sequence_no: sequenceNumber, ...(at ? { position: 'AT' } : {}) };
}

/** Throws ConnectError. */
export function shardStart(offset: SourceOffset | null): ShardStart {
  if (offset === null) return { at: 'TRIM_HORIZON' };
  const number = offset.src_shard_sequence_no;
  if (typeof number !== 'string' || !/^\d+$/.test(number)) {
    throw new ConnectError('connector.offset_unreadable', `The offset of a shard is no sequence number: ${number}`);
  }
  return { at: offset.position === 'AT' ? 'AT_SEQUENCE_NUMBER' : 'AFTER_SEQUENCE_NUMBER', sequenceNumber: number };
}
