import { randomUUID } from 'node:crypto';
import type { TopicPartition } from '../../src/api/index.ts';
import type { Assembled } from './sink-bucket.ts';
import { type FileTools, OpenFile } from './sink-file.ts';
import {
  type FileState,
  type FinishedFile,
  isEmptyState,
  isStored,
  mostInlineChars,
  type PartitionState,
  readState,
  type StoredBytes,
  writeState,
} from './sink-state.ts';
import { LostFileError } from './sink-stream.ts';

const dayMs = 86_400_000;

/** A file on its way to be finished, and what it will be. */
interface Finishing {
  readonly file: OpenFile;
  readonly finished: Promise<FinishedFile>;
}

/** What a commit is to hold of a partition. */
export interface PartitionCommit {
  readonly position: number;
  /** Null: nothing is kept. */
  readonly state: string | null;
}

/** The files of one partition of a topic, open and finished, and how they are kept over runs. */
export class SinkPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly #tools: FileTools;
  readonly #folder: string;
  /** By path and kind. */
  readonly files = new Map<string, OpenFile>();
  #finishing: Finishing[] = [];
  /** Told to the last commit, to be made once that is durable. */
  #promised: FinishedFile[] = [];
  /** What the last commit holds beside the finished files. */
  #kept: PartitionState | null = null;
  /** Objects of its own that are there. */
  readonly #objects = new Set<string>();
  /** Those that the last commit needs. */
  #needed = new Set<string>();
  /** Of these the one that holds nothing but the list of finished files. */
  #listedAt: string | null = null;
  /** Records before it have been taken in. */
  next = 0;
  /** Of the layout's clock. */
  watermark: number | null = null;
  lastPath: string | null = null;
  checkpointedAt: number;

  constructor(tools: FileTools, at: TopicPartition, stateFolder: string, now: number) {
    this.#tools = tools;
    this.topic = at.topic;
    this.partition = at.partition;
    this.#folder = `${stateFolder}${encodeURIComponent(at.topic)}-${at.partition}/`;
    this.checkpointedAt = now;
  }

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  get hasFinished(): boolean {
    return this.#finishing.length > 0;
  }

  /** Bytes in memory of its open files. */
  get held(): number {
    return [...this.files.values()].reduce((sum, file) => sum + file.held, 0);
  }

  get finishing(): number {
    return this.#finishing.length;
  }

  /** Bytes in memory of the files that are being finished. */
  get finishingHeld(): number {
    return this.#finishing.reduce((sum, { file }) => sum + file.held, 0);
  }

  /** Until they are uploaded, or could not be. */
  async settleFinishing(): Promise<void> {
    await Promise.allSettled(this.#finishing.map(({ finished }) => finished));
  }

  /** From here on nothing more comes into the file. */
  finish(id: string, file: OpenFile, now: number): void {
    this.files.delete(id);
    const finished = file.finish(now);
    finished.catch(() => {});
    this.#finishing.push({ file, finished });
  }

  finishAll(now: number): void {
    for (const [id, file] of this.files) this.finish(id, file, now);
  }

  /**
   * Takes up what the last run has left: makes the files that it had finished, and goes on with those that it left open.
   * Answers from where records have to be read again, if something is not there any more; else null.
   */
  async resume(text: string, position: number, now: number): Promise<number | null> {
    const state = readState(text, this.name);
    this.#kept = state;
    this.watermark = state.watermark;
    let again: number | null = null;
    const readAgain = (first: number) => {
      again = Math.min(again ?? first, first);
    };
    const finished = await this.#finishedOf(state);
    if (finished === null) readAgain(state.open?.first ?? position);
    else {
      this.#promised = finished;
      for (const lost of await this.make(now)) readAgain(lost.first);
    }
    if (state.open === null) return again;
    const files = await this.#openFilesOf(state.open.at);
    if (files === null) {
      readAgain(state.open.first);
      return again;
    }
    const goesOn = state.next === position && again === null;
    const sameFiles = state.fingerprint === this.#tools.plan.fingerprint;
    for (const one of files) {
      const file = OpenFile.resume(this.#tools, one);
      if (goesOn && sameFiles) this.files.set(`${one.path}\n${one.kind}`, file);
      // Its records are read once more, from where the position was set to.
      else if (one.first >= (again ?? position)) await file.abandon(true);
      else this.finish('', file, now);
    }
    return again;
  }

  async #finishedOf({ finished }: PartitionState): Promise<FinishedFile[] | null> {
    if (!isStored(finished)) return [...finished];
    return this.#readJson<FinishedFile[]>(finished);
  }

  async #openFilesOf(at: StoredBytes): Promise<FileState[] | null> {
    const files = await this.#readJson<FileState[]>(at);
    for (const { streams } of files ?? []) {
      for (const { stored, saved, writer } of streams) {
        await this.#tools.load(writer.format);
        for (const [object] of [...stored, ...(saved === null ? [] : [saved])]) this.#need(object);
      }
    }
    return files;
  }

  #need(object: string): void {
    this.#objects.add(object);
    this.#needed.add(object);
  }

  async #readJson<T>(at: StoredBytes): Promise<T | null> {
    const [object, start, length] = at;
    this.#need(object);
    const bytes = await this.#tools.bucket.get(object, start, length);
    return bytes === null ? null : (JSON.parse(bytes.toString()) as T);
  }

  /**
   * What may be committed when all records before `delivered` have come. While a run goes on, files that nothing open
   * overlaps can be committed without leaving the open ones: the position stops in front of those. Null: nothing new.
   */
  async commitment(delivered: number, leaves: boolean, now: number): Promise<PartitionCommit | null> {
    if (!leaves && !this.hasFinished) return null;
    const finished = await Promise.all(
      this.#finishing.map((one) =>
        one.finished.catch((error) => {
          if (isLost(error)) throw error;
          return one.file.finish(now);
        }),
      ),
    );
    const open = [...this.files.values()];
    const first = open.reduce((least, file) => Math.min(least, file.first), delivered);
    const overlaps = finished.some(({ last }) => last >= first) || open.some(({ told }) => told);
    const { object, bytes, store } = this.#newObject(delivered);
    const storeJson = (value: unknown) => store(Buffer.from(JSON.stringify(value)))!;
    const needed = new Set<string>();
    let left: PartitionState['open'] = null;
    if (open.length > 0 && (leaves || overlaps)) {
      const states: FileState[] = [];
      for (const file of open) states.push(await file.leave(store));
      for (const { streams } of states) {
        for (const { stored, saved } of streams) {
          for (const [one] of [...stored, ...(saved === null ? [] : [saved])]) needed.add(one);
        }
      }
      left = { at: storeJson(states), first };
      this.checkpointedAt = now;
    } else {
      for (const { objects } of open) for (const one of objects) needed.add(one);
    }
    const position = left === null ? first : delivered;
    // Those of the last commit that could not be made are still to be.
    const promised = [...this.#promised, ...finished];
    const inline = JSON.stringify(promised).length <= mostInlineChars;
    const state: PartitionState = {
      next: position,
      fingerprint: this.#tools.plan.fingerprint,
      watermark: this.watermark,
      open: left,
      finished: inline ? promised : storeJson(promised),
    };
    if (bytes.length > 0) {
      await this.#tools.bucket.put(object, Buffer.concat(bytes), false);
      this.#objects.add(object);
      needed.add(object);
    }
    // From here on a commit may hold it, whether or not anybody hears of that.
    for (const { file } of this.#finishing) file.markTold();
    this.#finishing = [];
    this.#promised = promised;
    this.#kept = state;
    this.#needed = needed;
    this.#listedAt = isStored(state.finished) && left === null ? state.finished[0] : null;
    return { position, state: isEmptyState(state) ? null : writeState(state) };
  }

  /** Memory is short: what its files hold goes to the bucket, from where it comes back once they are finished. */
  async spill(): Promise<void> {
    const { object, bytes, store } = this.#newObject(this.next);
    for (const file of this.files.values()) await file.spill(store);
    if (bytes.length === 0) return;
    await this.#tools.bucket.put(object, Buffer.concat(bytes), false);
    this.#objects.add(object);
    this.#needed.add(object);
  }

  #newObject(next: number) {
    const object = `${this.#folder}${String(next).padStart(20, '0')}-${randomUUID()}`;
    const bytes: Uint8Array[] = [];
    let length = 0;
    const store = (piece: Uint8Array): StoredBytes | null => {
      if (piece.length === 0) return null;
      bytes.push(piece);
      length += piece.length;
      return [object, length - piece.length, piece.length];
    };
    return { object, bytes, store };
  }

  /** After the commit: makes the files that it holds. Answers those whose records must be read again. */
  async make(now: number): Promise<FinishedFile[]> {
    const lost: FinishedFile[] = [];
    const made = await Promise.all(
      this.#promised.map(async (file) => {
        const outcomes = await Promise.all(file.assemblies.map((one) => this.#tools.bucket.assemble(one)));
        return { file, outcomes };
      }),
    );
    this.#promised = [];
    for (const { file, outcomes } of made) {
      // Neither the upload nor the object: it was made, and somebody has moved it since; or the upload was swept.
      const wasSwept = outcomes.includes('lost') && now - file.finishedAt >= dayMs;
      if (wasSwept || outcomes.includes('spoilt')) lost.push(file);
      await this.#tag(file, outcomes);
    }
    return lost;
  }

  async #tag(file: FinishedFile, outcomes: readonly Assembled[]): Promise<void> {
    const { tags } = this.#tools.plan.storing;
    if (tags === null || !tags.counts) return;
    const { first, last, records } = file;
    const counts = { startOffset: first, endOffset: last, recordCount: records };
    const all = [...tags.own, ...Object.entries(counts).map(([name, value]) => [name, String(value)] as const)];
    const made = file.assemblies.filter((_, at) => outcomes[at] === 'made' || outcomes[at] === 'there');
    await Promise.all(made.map(({ key }) => this.#tools.bucket.tag(key, all).catch((error) => this.untagged(error))));
  }

  /** Whoever wants to know of it sets it. */
  untagged: (error: Error) => void = () => {};

  /** The state of the last commit without the files that have been made since. Undefined: it is as it was. */
  get changed(): string | null | undefined {
    if (this.#kept === null || this.#kept.finished.length === 0) return undefined;
    this.#kept = { ...this.#kept, finished: [] };
    // That list may go with the commit of this.
    if (this.#listedAt !== null) this.#needed.delete(this.#listedAt);
    this.#listedAt = null;
    return isEmptyState(this.#kept) ? null : writeState(this.#kept);
  }

  /** Objects of its own that no commit needs any more. */
  async tidy(): Promise<void> {
    const old = [...this.#objects].filter((object) => !this.#needed.has(object));
    await Promise.all(old.map((object) => this.#tools.bucket.remove(object)));
    for (const object of old) this.#objects.delete(object);
  }

  /** Forgets all that is not finished, for its records to be read again. Answers from where. */
  async restart(delivered: number): Promise<number> {
    const all = [...this.files.values(), ...this.#finishing.map(({ file }) => file)];
    const first = all.reduce((least, file) => Math.min(least, file.first), delivered);
    this.files.clear();
    this.#finishing = [];
    await Promise.all(all.map((file) => file.abandon(true)));
    this.next = first;
    this.#kept = null;
    this.#needed = new Set();
    return first;
  }

  /** At the end: what no commit knows of is of no use to anybody. */
  async close(): Promise<void> {
    const all = [...this.files.values(), ...this.#finishing.map(({ file }) => file)];
    await Promise.all(all.map((file) => file.abandon(false).catch(() => {})));
  }
}

export const isLost = (error: unknown): error is LostFileError => error instanceof LostFileError;
