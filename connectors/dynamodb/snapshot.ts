import { SourceRecord } from '../../src/api/index.ts';
import { readChange } from './change.ts';
import { type Item, itemBytes } from './item.ts';
import { type TableRecords, version } from './records.ts';
import { noSnapshot, type SnapshotState, snapshotOffset, snapshotPartition } from './snapshot-state.ts';
import type { Tables } from './tables.ts';

/** Pages asked for at the same time. */
const segmentsAtOnce = 4;
const mostEmptyPages = 20;
/** What one call gives of a segment, roughly: several lie in memory at a time, on their way. */
const maxBytes = 1 << 18;

export interface SnapshotOptions {
  readonly table: string;
  readonly keyNames: readonly string[];
  readonly pageItems: number;
  /** Of each segment, as its offset has it. */
  readonly segments: readonly SnapshotState[];
  now?(): number;
}

interface Segment {
  readonly number: number;
  snapshot: SnapshotState;
  /** Read, and not given yet. */
  items: Item[];
  /** Where the next page begins; undefined: there is none. */
  next: Item | null | undefined;
}

/** Reads a table from end to end, in segments, each from where its offset says. */
export class Snapshot {
  readonly #tables: Tables;
  readonly #records: TableRecords;
  readonly #options: SnapshotOptions;
  readonly #segments: Segment[];
  readonly #now: () => number;

  constructor(tables: Tables, records: TableRecords, options: SnapshotOptions) {
    this.#tables = tables;
    this.#records = records;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#segments = options.segments.map((snapshot, number) => ({
      number,
      snapshot: isOver(snapshot) ? snapshot : started(snapshot, this.#now()),
      items: [],
      next: isOver(snapshot) ? undefined : snapshot.behind,
    }));
  }

  get done(): boolean {
    return !this.#segments.some(isOpen);
  }

  /** The next items of some segments; empty once it is done, or where many pages in a row were. */
  async next(): Promise<SourceRecord[]> {
    for (let pages = 0; pages < mostEmptyPages && !this.done; pages++) {
      const open = this.#segments.filter(isOpen).slice(0, segmentsAtOnce);
      const parts = await Promise.all(open.map((segment) => this.#read(segment)));
      const records = parts.flat();
      if (records.length > 0) return records;
    }
    return [];
  }

  async #read(segment: Segment): Promise<SourceRecord[]> {
    if (segment.items.length === 0 && segment.next !== undefined) await this.#readPage(segment);
    const { items } = segment;
    let size = 0;
    for (let bytes = 0; size < items.length && bytes < maxBytes; size++) bytes += itemBytes(items[size]!);
    const given = items.splice(0, size);
    if (given.length === 0) return isOpen(segment) ? [] : [this.#end(segment)];
    return given.map((item, at) => this.#record(segment, item, !isOpen(segment) && at === given.length - 1));
  }

  /** Where no item is left to say that it was the last: an empty table, say. */
  #end(segment: Segment): SourceRecord {
    const { table, segments } = this.#options;
    segment.snapshot = { ...segment.snapshot, behind: null, state: 'FINISHED', endedAt: this.#now() };
    const partition = snapshotPartition(table, segment.number, segments.length);
    return SourceRecord.mark(partition, snapshotOffset(table, version, segment.snapshot));
  }

  async #readPage(segment: Segment): Promise<void> {
    const { table, pageItems, segments } = this.#options;
    const { items, behind } = await this.#tables.scan(table, {
      segment: segment.number,
      segments: segments.length,
      behind: segment.next ?? null,
      most: pageItems,
    });
    segment.next = behind ?? undefined;
    segment.items.push(...items);
  }

  #record(segment: Segment, item: Item, last: boolean): SourceRecord {
    const { table, keyNames, segments } = this.#options;
    const now = this.#now();
    const change = readChange(item, keyNames, now);
    const { snapshot } = segment;
    segment.snapshot = {
      ...snapshot,
      count: snapshot.count + 1,
      behind: last ? null : change.keys,
      ...(last ? { state: 'FINISHED', endedAt: now } : {}),
    };
    const partition = snapshotPartition(table, segment.number, segments.length);
    const offset = snapshotOffset(table, version, segment.snapshot);
    const place = { partition, before: offset, offset, snapshot: segment.snapshot, sequenceNumber: null };
    return this.#records.of(change, place)[0]!;
  }
}

const isOpen = ({ items, next }: Segment) => items.length > 0 || next !== undefined;

const isOver = ({ state }: SnapshotState) => state === 'FINISHED' || state === 'SKIPPED';

const started = (snapshot: SnapshotState, now: number): SnapshotState =>
  snapshot.state === 'RUNNING' ? snapshot : { ...noSnapshot, state: 'RUNNING', startedAt: now };
