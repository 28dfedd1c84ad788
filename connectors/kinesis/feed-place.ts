import type { SourceOffset } from '../../src/api/index.ts';
import { shardPlaceOf } from './stream-place.ts';
import type { EventRecord } from './stream-record.ts';

/**
 * How far a batch was done, for when Lambda brings it again. A shard goes on where its last batch that was done ended: the
 * next try begins with the same record, whatever has come behind it meanwhile. Beside the sequence number an offset says
 * which batch it was of and how many of its records are done, and counts for that alone: of a shard that is read by several
 * invocations at a time, a number says nothing of what lies in front of it. One that was set by hand or kept by a task that
 * polled has the number alone, and all up to it is done.
 */
export function placeBehind(batch: readonly EventRecord[], at: number, part?: number): SourceOffset {
  const sequenceNumber = batch[at]?.sequenceNumber ?? null;
  return {
    sequenceNumber,
    ...(part === undefined ? {} : { subSequenceNumber: part }),
    batchStart: beginning(batch),
    batchRecords: part === undefined ? at + 1 : at,
  };
}

export interface Progress {
  /** Records that are done. */
  readonly records: number;
  /** Parts of the next one that are. */
  readonly parts: number;
}

const nothing: Progress = { records: 0, parts: 0 };

export function progressOf(batch: readonly EventRecord[], offset: SourceOffset | null): Progress {
  if (offset === null) return nothing;
  const { batchStart, batchRecords, sequenceNumber, subSequenceNumber } = offset;
  if (batchStart === undefined || batchStart === null) return byNumber(batch, offset);
  const records = Number(batchRecords);
  const isWhole = subSequenceNumber === undefined || subSequenceNumber === null;
  const last = isWhole ? records - 1 : records;
  const isSame = batchStart === beginning(batch) && (batch[last]?.sequenceNumber ?? null) === sequenceNumber;
  if (!isSame || !Number.isSafeInteger(records) || last < 0 || last >= batch.length) return nothing;
  return { records, parts: isWhole ? 0 : Number(subSequenceNumber) + 1 };
}

function byNumber(batch: readonly EventRecord[], offset: SourceOffset): Progress {
  const place = shardPlaceOf(offset)!;
  if ('since' in place) return { records: arrivedBefore(batch, place.since), parts: 0 };
  const number = BigInt(place.sequenceNumber);
  let records = 0;
  while (records < batch.length) {
    const own = batch[records]!.sequenceNumber;
    if (own === null || BigInt(own) > number) break;
    if (BigInt(own) === number && place.part !== null) return { records, parts: place.part + 1 };
    records++;
  }
  return { records, parts: 0 };
}

function arrivedBefore(batch: readonly EventRecord[], since: number): number {
  const first = batch.findIndex(({ record }) => record instanceof Error || (record.arrivedAt ?? since) >= since);
  return first < 0 ? batch.length : first;
}

const beginning = (batch: readonly EventRecord[]): string => batch[0]?.sequenceNumber ?? '';
