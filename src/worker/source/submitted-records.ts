import type { SourceOffset, SourcePartition } from '../../api/record.ts';
import { canonicalPartition } from '../../storage/source-offset-text.ts';

export interface PartitionOffset {
  readonly partition: SourcePartition;
  readonly offset: SourceOffset;
}

interface PolledRecord {
  readonly sourcePartition: SourcePartition;
  readonly sourceOffset: SourceOffset;
}

/**
 * The source offsets of one batch, noted record by record as they are polled. Of a stretch of records of one source
 * partition only the last is kept, up to the end of its poll, unless the batch may have to be committed in part (`exact`):
 * offsets that live on cost the garbage collector much, and are hardly ever needed.
 */
export class RecordOffsets {
  /** Each record is a stretch of its own. */
  #exact: boolean;
  #size = 0;
  /** Of each stretch: the place behind it, its source partition and its last offset. */
  readonly #ends: number[] = [];
  readonly #partitions: SourcePartition[] = [];
  readonly #offsets: SourceOffset[] = [];
  #current: SourcePartition | null = null;
  /** Places of the records that were polled but not appended, in order. */
  readonly #dropped: number[] = [];

  constructor(exact = false) {
    this.#exact = exact;
  }

  /** Records noted, dropped ones included. */
  get size(): number {
    return this.#size;
  }

  note(partition: SourcePartition, offset: SourceOffset): void {
    this.#size++;
    if (partition !== this.#current || this.#exact) {
      this.#current = partition;
      this.#partitions.push(partition);
      this.#offsets.push(offset);
      this.#ends.push(this.#size);
    } else {
      const last = this.#ends.length - 1;
      this.#offsets[last] = offset;
      this.#ends[last] = this.#size;
    }
  }

  /** A record that a transformation filtered, or the error policy skipped. */
  noteDropped(partition: SourcePartition, offset: SourceOffset): void {
    this.#dropped.push(this.#size);
    this.note(partition, offset);
  }

  endPoll(): void {
    this.#current = null;
  }

  /** Notes the records from the `from`th on again, each for itself. */
  refine(from: number, records: readonly PolledRecord[], dropped: readonly number[]): void {
    if (this.#exact) return;
    this.truncate(from);
    this.#exact = true;
    let next = 0;
    for (let place = 0; place < records.length; place++) {
      const { sourcePartition, sourceOffset } = records[place]!;
      if (dropped[next] === place) {
        next++;
        this.noteDropped(sourcePartition, sourceOffset);
      } else this.note(sourcePartition, sourceOffset);
    }
    this.#exact = false;
  }

  /** Forgets the records from the `size`th on, where a poll or a stretch ends. */
  truncate(size: number): void {
    while (this.#ends.length > 0 && this.#ends.at(-1)! > size) {
      this.#ends.pop();
      this.#partitions.pop();
      this.#offsets.pop();
    }
    while (this.#dropped.length > 0 && this.#dropped.at(-1)! >= size) this.#dropped.pop();
    this.#current = null;
    this.#size = size;
  }

  /** The last offset of each source partition, by its canonical text. */
  entries(): Iterable<[string, PartitionOffset]> {
    const last = new Map<string, PartitionOffset>();
    this.#eachStretch((key, partition, offset) => last.set(key, { partition, offset }));
    return last;
  }

  /**
   * Adds to `safe` the offsets of stretches that landed, or were dropped, with all before them of their source partition;
   * a partition of which something did not land is `blocked`, and nothing more is taken of it. What was only dropped behind
   * the first record that did not land waits for a landed one behind it. Tells how many records were taken. `landed` is
   * asked by the place among those appended.
   */
  takeLanded(landed: (index: number) => boolean, safe: SafeOffsets): number {
    let taken = 0;
    let dropped = 0;
    this.#eachStretch((key, partition, offset, from, to) => {
      let whole = !safe.blocked.has(key);
      let appended = false;
      for (let place = from; place < to; place++) {
        if (this.#dropped[dropped] === place) {
          dropped++;
          continue;
        }
        appended = true;
        if (landed(place - dropped)) continue;
        whole = false;
        safe.stopped = true;
      }
      if (!whole) {
        safe.blocked.add(key);
      } else if (appended || !safe.stopped) {
        safe.offsets.set(key, { partition, offset });
        taken += to - from;
      }
    });
    return taken;
  }

  #eachStretch(
    see: (key: string, partition: SourcePartition, offset: SourceOffset, from: number, to: number) => void,
  ): void {
    const keys = new Map<SourcePartition, string>();
    for (let i = 0; i < this.#ends.length; i++) {
      const partition = this.#partitions[i]!;
      let key = keys.get(partition);
      if (key === undefined) {
        key = canonicalPartition(partition);
        keys.set(partition, key);
      }
      see(key, partition, this.#offsets[i]!, this.#ends[i - 1] ?? 0, this.#ends[i]!);
    }
  }
}

/** How far a run that stopped at a record has come; put together batch by batch. */
export interface SafeOffsets {
  readonly offsets: Map<string, PartitionOffset>;
  /** Source partitions of which nothing more is safe. */
  readonly blocked: Set<string>;
  /** A record did not land: the ones behind it are behind the fault. */
  stopped: boolean;
}

/** A batch between its submission and its acknowledgement. */
export class SubmittedBatch {
  readonly offsets: RecordOffsets;
  readonly records: number;
  readonly bytes: number;
  acknowledged = false;
  /** Of a batch that will never be acknowledged as a whole: which of the records appended to it landed. */
  landed: ((index: number) => boolean) | null = null;

  constructor(offsets: RecordOffsets, records: number, bytes: number) {
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

const nothingLanded = () => false;

/**
 * Says how far every source partition is safe (I3): offsets of a batch become committable when it and all batches
 * submitted before it are acknowledged, in whatever order the acknowledgements come. Records that were filtered or
 * skipped belong to their batch like the others. Nothing here waits, sends or stores. Java: SubmittedRecords.
 */
export class SubmittedRecords {
  readonly #batches: SubmittedBatch[] = [];

  submit(offsets: RecordOffsets, records: number, bytes: number): SubmittedBatch {
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

  /**
   * The last call, when nothing more will be acknowledged: takes each source partition up to its first record that did
   * not land, in whichever batch that is. Null when there is nothing to take.
   */
  takeRest(): CommittableOffsets | null {
    const whole = this.takeCommittable();
    const safe: SafeOffsets = { offsets: new Map(whole?.offsets), blocked: new Set(), stopped: false };
    let records = whole?.records ?? 0;
    for (const { acknowledged, landed, offsets: noted } of this.#batches.splice(0)) {
      records += noted.takeLanded(acknowledged ? () => true : (landed ?? nothingLanded), safe);
    }
    const { offsets } = safe;
    return offsets.size === 0 ? null : { offsets, records, bytes: whole?.bytes ?? 0 };
  }
}
