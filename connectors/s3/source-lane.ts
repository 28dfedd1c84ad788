import { createHash } from 'node:crypto';
import { ConnectError, type SourceOffset, type SourcePartition } from '../../src/api/index.ts';

/**
 * Objects are dealt out to lanes, and lanes to tasks. A lane is one source partition, read one object after the other,
 * so that its offset says all there is to know, however many objects there have been: which object it is at and where in
 * it, and which ones are done. What was modified before `until` is done, and of what came later `done` has the ids.
 *
 * The number never changes: with another tasks.max the lanes go to other tasks and keep their offsets.
 */
export const laneCount = 64;

/** One state of one object: whatever is written under its key later is another. */
export interface S3Object {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
  /** Epoch seconds. */
  readonly modified: number;
  readonly lane: number;
}

/** How far an object has been read. */
export interface Progress {
  readonly object: S3Object;
  /** Null: not known, or the bucket keeps no versions. */
  version: string | null;
  /** Items of the object, unreadable ones among them, that were sent or skipped. */
  records: number;
  /** Where to read on, and how many items from there on are done. */
  position: number;
  skip: number;
  /** Something in it could not be read: it is not cleared away. */
  flawed: boolean;
}

export function laneOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % laneCount;
}

const idLength = 11;
const secondsLength = 6;
const entryLength = idLength + secondsLength;
/** How it was done: read to its end, or given up since it cannot be had. */
type Fate = 'r' | 'x';

const idOf = ({ key, etag }: S3Object) =>
  createHash('sha256').update(`${etag} ${key}`).digest('base64url').slice(0, idLength);
const secondsText = (seconds: number) => seconds.toString(36).padStart(secondsLength, '0');
const entryOf = (object: S3Object) => idOf(object) + secondsText(object.modified);
const secondsOf = (entry: string) => Number.parseInt(entry.slice(idLength), 36);

/** More ids than this are not kept in an offset: the oldest are taken for the time before `until`. */
const mostDone = 4000;

export class Lane {
  readonly number: number;
  readonly partition: SourcePartition;
  /** Epoch seconds. */
  #until = 0;
  /** Ids of the objects that are done, with the seconds of their modification. */
  readonly #done = new Map<string, Fate>();
  #doneText: string | null = null;
  #finished = 0;
  /** The object that the last run left off in. */
  current: Progress | null = null;

  constructor(number: number, bucket: string, prefix: string) {
    this.number = number;
    this.partition = Object.freeze({ bucket, prefix, lane: number });
  }

  /** Objects that it has finished, ever. */
  get finished(): number {
    return this.#finished;
  }

  load(offset: SourceOffset | null): void {
    if (offset === null) return;
    const { until, done, finished } = offset;
    this.#until = wholeNumber(offset, 'until', until ?? 0);
    this.#finished = wholeNumber(offset, 'finished', finished ?? 0);
    this.#done.clear();
    const text = typeof done === 'string' ? done : '';
    if (text.length % (entryLength + 1) !== 0) throw badOffset(offset, 'done');
    for (let at = 0; at < text.length; at += entryLength + 1) {
      this.#done.set(text.slice(at, at + entryLength), text[at + entryLength] === 'x' ? 'x' : 'r');
    }
    this.#doneText = text;
    this.current = progressOf(offset, this.number);
  }

  isDone(object: S3Object): boolean {
    return object.modified < this.#until || this.#done.has(entryOf(object));
  }

  /** To its end, and not so long ago that it is forgotten. */
  isRead(object: S3Object): boolean {
    return this.#done.get(entryOf(object)) === 'r';
  }

  /** Of a record of the object, whose progress is behind it. */
  offset(progress: Progress): SourceOffset {
    const { object, version, records, position, skip, flawed } = progress;
    return {
      objectKey: object.key,
      recordCount: records,
      position,
      ...(skip === 0 ? {} : { skip }),
      ...(flawed ? { flawed } : {}),
      etag: object.etag,
      ...(version === null ? {} : { version }),
      size: object.size,
      modified: object.modified,
      ...this.#common(),
    };
  }

  /**
   * Marks an object as done: read to its end, or given up. `until`: epoch seconds; of what was modified before them
   * nothing is left to be found.
   */
  finish(object: S3Object, until: number, isRead: boolean): SourceOffset {
    this.#finished++;
    this.#done.set(entryOf(object), isRead ? 'r' : 'x');
    this.#forget(until);
    this.#doneText = null;
    this.current = null;
    return { objectKey: object.key, complete: true, ...this.#common() };
  }

  #common() {
    this.#doneText ??= Array.from(this.#done, ([entry, fate]) => entry + fate).join('');
    return { finished: this.#finished, until: this.#until, done: this.#doneText };
  }

  #forget(until: number): void {
    if (until > this.#until) {
      this.#until = until;
      for (const entry of this.#done.keys()) if (secondsOf(entry) < until) this.#done.delete(entry);
    }
    if (this.#done.size <= mostDone) return;
    const seconds = Array.from(this.#done.keys(), secondsOf).sort((one, other) => one - other);
    // Objects are read by their time: what is not read yet is not older than what is.
    const cut = seconds[this.#done.size - mostDone / 2]!;
    this.#until = Math.max(this.#until, cut);
    for (const entry of this.#done.keys()) if (secondsOf(entry) < cut) this.#done.delete(entry);
  }
}

function progressOf(offset: SourceOffset, lane: number): Progress | null {
  const { objectKey, complete, etag, version } = offset;
  if (complete === true || typeof objectKey !== 'string') return null;
  if (typeof etag !== 'string') throw badOffset(offset, 'etag');
  return {
    object: {
      key: objectKey,
      etag,
      size: wholeNumber(offset, 'size', offset.size),
      modified: wholeNumber(offset, 'modified', offset.modified),
      lane,
    },
    version: typeof version === 'string' ? version : null,
    records: wholeNumber(offset, 'recordCount', offset.recordCount),
    position: wholeNumber(offset, 'position', offset.position),
    skip: wholeNumber(offset, 'skip', offset.skip ?? 0),
    flawed: offset.flawed === true,
  };
}

function wholeNumber(offset: SourceOffset, field: string, value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) throw badOffset(offset, field);
  return number;
}

const badOffset = (offset: SourceOffset, field: string) =>
  new ConnectError(
    'connector.offset_unreadable',
    `In the offset of a lane ${field} is ${String(offset[field])}: that is none that this connector has written. Set it anew, or reset the offsets to read all objects again`,
  );
