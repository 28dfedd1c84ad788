import { createHash } from 'node:crypto';
import type { SourceOffset, SourcePartition } from '../../src/api/index.ts';
import type { StreamRecord } from './change.ts';

/**
 * How far a batch was done, for when Lambda brings it again.
 *
 * A batch is of one shard, but Lambda does not say of which, batches of several shards come at the same time, and sequence
 * numbers of different shards do not compare. What names a batch is the record it begins with: a shard goes on where its
 * last batch that was done ended, so the next try begins with the same record, whatever has come behind it meanwhile. So
 * an offset says "of the batch that begins with this record, so many records, the last of them with this number", and
 * counts for no batch that differs in any of it: the worst that can happen is that records come again.
 *
 * Offsets lie in a few lanes, chosen by that first record; two shards that meet in one overwrite each other's, with no more
 * harm than that.
 */
const lanes = 16;

export function laneOf(table: string, batch: readonly StreamRecord[]): SourcePartition {
  const first = createHash('sha256').update(beginning(batch)).digest();
  return { table_name: table, lane: first.readUInt32BE(0) % lanes };
}

export const placeBehind = (batch: readonly StreamRecord[], at: number): SourceOffset => placeOf(batch, at + 1);

export const placeBefore = (batch: readonly StreamRecord[], at: number): SourceOffset => placeOf(batch, at);

/** How many of the batch's records are done, by the offset of its lane. */
export function recordsDone(batch: readonly StreamRecord[], offset: SourceOffset | null): number {
  const done = Number(offset?.batch_records ?? 0);
  if (offset === null || !Number.isSafeInteger(done) || done < 1 || done > batch.length) return 0;
  const expected = placeOf(batch, done);
  const isSame =
    offset.batch_start === expected.batch_start && offset.src_shard_sequence_no === expected.src_shard_sequence_no;
  return isSame ? done : 0;
}

function placeOf(batch: readonly StreamRecord[], records: number): SourceOffset {
  const last = batch[records - 1]?.sequenceNumber ?? null;
  return { src_shard_sequence_no: last, batch_start: beginning(batch), batch_records: records };
}

const beginning = (batch: readonly StreamRecord[]): string => batch[0]?.sequenceNumber ?? '';
