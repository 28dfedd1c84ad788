import type { SourceOffset, SourcePartition } from '../api/record.ts';
import { canonicalPartition } from '../storage/source-offset-text.ts';

export interface PartitionOffset {
  readonly partition: SourcePartition;
  readonly offset: SourceOffset;
}

/** The last offset of each source partition in one batch, noted record by record. */
export class LastOffsets {
  readonly #byKey = new Map<string, { partition: SourcePartition; offset: SourceOffset }>();
  #last: { partition: SourcePartition; offset: SourceOffset } | null = null;

  note(partition: SourcePartition, offset: SourceOffset): void {
    const last = this.#last;
    // Most batches have one source partition, and most tasks one object for it.
    if (last !== null && last.partition === partition) {
      last.offset = offset;
      return;
    }
    const key = canonicalPartition(partition);
    const known = this.#byKey.get(key);
    if (known === undefined) {
      this.#last = { partition, offset };
      this.#byKey.set(key, this.#last);
    } else {
      known.partition = partition;
      known.offset = offset;
      this.#last = known;
    }
  }

  entries(): Iterable<[string, PartitionOffset]> {
    return this.#byKey;
  }
}

/** A batch between its submission and its acknowledgement. */
export class SubmittedBatch {
  readonly offsets: LastOffsets;
  readonly records: number;
  readonly bytes: number;
  acknowledged = false;

  constructor(offsets: LastOffsets, records: number, bytes: number) {
    this.offsets = offsets;
    this.records = records;
    this.bytes = bytes;
  }
}

export interface CommittableOffsets {
  /** By canonical source partition. */
  readonly offsets: ReadonlyMap<string, PartitionOffset>;
  readonly records: number;
  readonly bytes: number;
}

/**
 * Says how far every source partition is safe (I3): offsets of a batch become committable when it and all batches
 * submitted before it are acknowledged, in whatever order the acknowledgements come. Records that were filtered or
 * skipped belong to their batch like the others. Nothing here waits, sends or stores. Java: SubmittedRecords.
 */
export class SubmittedRecords {
  readonly #batches: SubmittedBatch[] = [];

  submit(offsets: LastOffsets, records: number, bytes: number): SubmittedBatch {
    const batch = new SubmittedBatch(offsets, records, bytes);
    this.#batches.push(batch);
    return batch;
  }

  /** Batches submitted whose offsets were not taken yet. */
  get size(): number {
    return this.#batches.length;
  }

  /** Takes what has become safe since the last call; null when nothing has. */
  takeCommittable(): CommittableOffsets | null {
    let safe = 0;
    while (safe < this.#batches.length && this.#batches[safe]!.acknowledged) safe++;
    if (safe === 0) return null;
    const offsets = new Map<string, PartitionOffset>();
    let records = 0;
    let bytes = 0;
    for (const batch of this.#batches.splice(0, safe)) {
      for (const [key, entry] of batch.offsets.entries()) offsets.set(key, entry);
      records += batch.records;
      bytes += batch.bytes;
    }
    return { offsets, records, bytes };
  }
}
