import { ConnectError } from '../../src/api/index.ts';
import type { WriterSpec } from './formats/record-writer.ts';
import type { Assembly } from './sink-bucket.ts';

/** Bytes that lie in an object of the sink's own until their file goes on. */
export type StoredBytes = readonly [object: string, start: number, length: number];

/** One object in the making, as a run leaves it to the next. */
export interface StreamState {
  readonly key: string;
  readonly id: string;
  readonly writer: WriterSpec;
  readonly uploadId: string | null;
  /** Of each part: its ETag, and its bytes. */
  readonly parts: readonly (readonly [string, number])[];
  /** What comes behind the parts. */
  readonly stored: readonly StoredBytes[];
  /** What the writer holds. */
  readonly saved: StoredBytes | null;
}

/** One file that is open, with those beside it. */
export interface FileState {
  readonly path: string;
  readonly kind: string;
  readonly first: number;
  readonly last: number;
  readonly records: number;
  readonly openedAt: number;
  /** When its last record came; left out by earlier versions. */
  readonly touchedAt?: number;
  /** By the layout's clock; null: it has none. */
  readonly clockStart: number | null;
  readonly origin: string;
  readonly streams: readonly StreamState[];
}

/** A file whose parts are all there: whoever reads this after the commit is to make it. */
export interface FinishedFile {
  readonly first: number;
  readonly last: number;
  readonly records: number;
  /** When its last part was uploaded. */
  readonly finishedAt: number;
  readonly assemblies: readonly Assembly[];
}

/** What is kept beside a partition's position. */
export interface PartitionState {
  /** The position that it belongs to. */
  readonly next: number;
  readonly fingerprint: string;
  /** The last time of the layout's clock; null: none. */
  readonly watermark: number | null;
  /** Where the open files are described; `first`: of their records the first. */
  readonly open: { readonly at: StoredBytes; readonly first: number } | null;
  /** Or where they are described, as they are many. */
  readonly finished: readonly FinishedFile[] | StoredBytes;
}

const version = 1;
/** Longer lists lie in the bucket. */
export const mostInlineChars = 1500;

export const isStored = (finished: PartitionState['finished']): finished is StoredBytes =>
  typeof finished[0] === 'string';

export const isEmptyState = ({ open, finished }: PartitionState): boolean => open === null && finished.length === 0;

export const writeState = (state: PartitionState): string => JSON.stringify({ version, ...state });

export function readState(text: string, partition: string): PartitionState {
  const parsed = JSON.parse(text) as PartitionState & { readonly version: number };
  if (parsed.version === version) return parsed;
  throw new ConnectError(
    's3.state_unreadable',
    `What is kept beside the position of ${partition} was left by another version of this connector (${parsed.version}, this one reads ${version}): let that version finish its files, or set the offset of the partition`,
  );
}
