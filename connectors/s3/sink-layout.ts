import type { SinkRecord } from '../../src/api/index.ts';

/** Where a file belongs: records of one path (and one topic partition) share a file. */
export interface SinkLayout {
  /** Throws a DataError for a record that says nothing of where it belongs. `now`: the wall clock. */
  pathOf(record: SinkRecord, now: number): string;
  /** The object key of a file, without the infix and ending that tell a companion. */
  nameOf(path: string, first: SinkRecord): string;
  /** Of the records' own file. */
  readonly ending: string;
  /** By which `rotation.spanMs` counts, in epoch milliseconds; null: such a record says nothing. */
  timeOf(record: SinkRecord, now: number): number | null;
  /** Of one record, the newest of its key, which is written over the one before it. */
  readonly newestPerKey: boolean;
  /** All keys begin with it. */
  readonly prefix: string;
  /** Whether a key may be one of this layout's. */
  owns(key: string): boolean;
}

export const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
