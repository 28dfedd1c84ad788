import { createHash } from 'node:crypto';
import type { FileCompression, WriterSpec } from './formats/record-writer.ts';
import type { S3Access } from './s3-client.ts';
import type { SinkLayout } from './sink-layout.ts';
import type { TimeZone } from './time-zone.ts';

/** Whose settings and names a connector goes by. */
export type Dialect = 'confluent' | 'aiven';

/** What becomes of a record without a value. */
export type NullValues = 'ignore' | 'fail' | 'write';

/** When a file is finished; each limit may be none (null). */
export interface Rotation {
  readonly records: number | null;
  /** As stored. */
  readonly bytes: number | null;
  /** Milliseconds of the layout's clock between the first record of a file and one that comes after its end. */
  readonly spanMs: number | null;
  /** Milliseconds since the first record came, by the wall clock. */
  readonly ageMs: number;
  /** At multiples of this since midnight. */
  readonly schedule: { readonly intervalMs: number; readonly zone: TimeZone } | null;
  /** When a record of the partition belongs elsewhere. */
  readonly onPathChange: boolean;
  /** A drained topic ends files that have got no record for so long, in milliseconds; null: it ends none. */
  readonly quietMs: number | null;
}

/** How files lie in the bucket. */
export interface Storing {
  readonly encryption: string | null;
  readonly kmsKeyId: string | null;
  readonly acl: string | null;
  /** Null: no tags. */
  readonly tags: { readonly own: readonly (readonly [string, string])[]; readonly counts: boolean } | null;
}

/** What goes beside the records' own file. */
export interface CompanionFile {
  readonly part: 'key' | 'headers';
  /** Between the name and its ending. */
  readonly infix: string;
  readonly ending: string;
  readonly writer: WriterSpec;
}

/** What a connector of either dialect is to do. */
export interface SinkPlan {
  readonly bucket: string;
  readonly access: S3Access;
  readonly storing: Storing;
  readonly layout: SinkLayout;
  readonly writer: WriterSpec;
  readonly companions: readonly CompanionFile[];
  /** Project records onto the schema of the open file of their path. */
  readonly projects: boolean;
  readonly rotation: Rotation;
  readonly nulls: NullValues;
  readonly partBytes: number;
  readonly mostOpenFiles: number;
  readonly mostBufferedBytes: number;
  /** Ends with a slash, or is empty. */
  readonly statePrefix: string;
  /** Files that were begun under another one are finished as they are. */
  readonly fingerprint: string;
}

/** Endings by what a file is. */
export const compressionEndings: Readonly<Record<FileCompression, string>> = {
  none: '',
  gzip: '.gz',
  snappy: '.snappy',
  zstd: '.zst',
};

/** A file must not be older than an unfinished upload may get. */
const longestAgeMs = 518_400_000;

interface RunsValues {
  readonly 'flush.when.drained': boolean;
  readonly 'flush.quiet.ms': number;
  readonly 'file.max.bytes': number;
  readonly 'file.max.age.ms': number;
}

/** What both dialects say in the same words. */
export function rotationOf(values: RunsValues): Pick<Rotation, 'bytes' | 'ageMs' | 'quietMs'> {
  return {
    bytes: values['file.max.bytes'] > 0 ? values['file.max.bytes'] : null,
    ageMs: values['file.max.age.ms'] > 0 ? values['file.max.age.ms'] : longestAgeMs,
    quietMs: values['flush.when.drained'] ? values['flush.quiet.ms'] : null,
  };
}

/** Of all that says what files are and where they go; secrets are no part of it. */
export function fingerprintOf(values: Readonly<Record<string, unknown>>): string {
  const known = Object.entries(values).filter(
    ([key]) => !/secret|access\.key|flush\.when|flush\.quiet|buffer|file\.max|state/.test(key),
  );
  return createHash('sha256').update(JSON.stringify(known)).digest('base64url').slice(0, 12);
}
