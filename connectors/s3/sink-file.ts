import { randomUUID } from 'node:crypto';
import { DataError, type Schema, type SinkRecord } from '../../src/api/index.ts';
import type { FileFormat, TakeReason, WriterFactory, WriterSpec } from './formats/record-writer.ts';
import type { SinkBucket } from './sink-bucket.ts';
import type { CompanionFile, SinkPlan } from './sink-plan.ts';
import type { FileState, FinishedFile, StoredBytes, StreamState } from './sink-state.ts';
import { ObjectStream } from './sink-stream.ts';

export type Factories = ReadonlyMap<FileFormat, WriterFactory>;

export interface FileTools {
  readonly bucket: SinkBucket;
  readonly plan: SinkPlan;
  /** Those that are loaded. */
  readonly factories: Factories;
  load(format: FileFormat): Promise<unknown>;
}

/** What a file begins with. */
export interface FileBeginning {
  readonly path: string;
  readonly kind: string;
  readonly record: SinkRecord;
  readonly now: number;
  readonly clockStart: number | null;
}

const isNothing = (value: unknown) => value === null || value === undefined;

/** Records of one path and kind of one partition, until their file is finished: the file, and those beside it. */
export class OpenFile {
  readonly path: string;
  readonly kind: string;
  readonly first: number;
  readonly openedAt: number;
  readonly clockStart: number | null;
  readonly #origin: string;
  readonly #streams: readonly ObjectStream[];
  readonly #companions: readonly CompanionFile[];
  last: number;
  records = 0;
  /** When its last record came. */
  touchedAt: number;
  /** Of its records, where one is known. */
  schema: Schema | null = null;
  /** A commit may know of it. */
  told = false;

  private constructor(
    given: Pick<FileState, 'path' | 'kind' | 'first' | 'last' | 'openedAt' | 'touchedAt' | 'clockStart' | 'origin'>,
    streams: readonly ObjectStream[],
    companions: readonly CompanionFile[],
  ) {
    this.path = given.path;
    this.kind = given.kind;
    this.first = given.first;
    this.last = given.last;
    this.openedAt = given.openedAt;
    this.touchedAt = given.touchedAt ?? given.openedAt;
    this.clockStart = given.clockStart;
    this.#origin = given.origin;
    this.#streams = streams;
    this.#companions = companions;
  }

  static begin({ bucket, plan, factories }: FileTools, beginning: FileBeginning): OpenFile {
    const { path, kind, record, now, clockStart } = beginning;
    const first = record.originalKafkaOffset;
    const { originalTopic, originalKafkaPartition, timestamp } = record;
    const origin = `${encodeURIComponent(originalTopic)}/${originalKafkaPartition}/${first}/${timestamp ?? ''}`;
    const name = plan.layout.nameOf(path, record);
    const stream = (key: string, writer: WriterSpec) =>
      new ObjectStream(bucket, plan.partBytes, factories.get(writer.format)!, origin, {
        key,
        id: randomUUID(),
        writer,
      });
    // A file of records without values is one of their keys.
    const companions = isNothing(record.value) ? plan.companions.filter(({ part }) => part === 'key') : plan.companions;
    const main =
      isNothing(record.value) && companions.length > 0 ? [] : [stream(`${name}${plan.layout.ending}`, plan.writer)];
    const beside = companions.map(({ infix, ending, writer }) => stream(`${name}${infix}${ending}`, writer));
    const given = { path, kind, first, last: first, openedAt: now, clockStart, origin };
    const file = new OpenFile(given, [...main, ...beside], companions);
    file.schema = record.valueSchema;
    return file;
  }

  static resume({ bucket, plan, factories }: FileTools, state: FileState): OpenFile {
    const streams = state.streams.map((one) =>
      new ObjectStream(bucket, plan.partBytes, factories.get(one.writer.format)!, state.origin, one).resume(
        one,
        state.records,
      ),
    );
    const parts = new Set(
      state.streams.flatMap(({ writer: { shape } }) => (shape.kind === 'part' ? [shape.part] : [])),
    );
    const file = new OpenFile(
      state,
      streams,
      plan.companions.filter(({ part }) => parts.has(part)),
    );
    file.records = state.records;
    file.told = true;
    return file;
  }

  /** Before `add`; null: it can go on at once. */
  ready(): Promise<unknown> | null {
    const waits = this.#streams.flatMap((stream) => stream.ready() ?? []);
    return waits.length === 0 ? null : Promise.all(waits);
  }

  /** Throws a DataError, and has taken nothing, for a record that cannot be in it. */
  add(record: SinkRecord, now: number): void {
    for (const { part } of this.#companions) requirePart(record, part);
    const [main, ...beside] = this.#streams;
    main!.add(record);
    for (const stream of beside) {
      try {
        stream.add(record);
      } catch (error) {
        // The record is in one file and not in the other: none of both may be finished.
        throw new Error(`A record is in ${main!.key} and cannot be in ${stream.key}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    this.records++;
    this.last = record.originalKafkaOffset;
    this.touchedAt = now;
  }

  drain(reason: TakeReason): void {
    for (const stream of this.#streams) stream.drain(reason);
  }

  settle(): Promise<unknown> {
    return Promise.all(this.#streams.map((stream) => stream.settle()));
  }

  get isUploading(): boolean {
    return this.#streams.some(({ isUploading }) => isUploading);
  }

  get held(): number {
    return this.#streams.reduce((sum, { held }) => sum + held, 0);
  }

  /** Of the records' own file. */
  get bytes(): number {
    return this.#streams[0]!.bytes;
  }

  /** Objects that hold what it still needs. */
  get objects(): string[] {
    return this.#streams.flatMap(({ objects }) => objects);
  }

  async finish(now: number): Promise<FinishedFile> {
    const assemblies = await Promise.all(this.#streams.map((stream) => stream.finish()));
    const { first, last, records } = this;
    return { first, last, records, finishedAt: now, assemblies };
  }

  /** `store` puts what memory holds where the next run finds it. */
  async leave(store: (bytes: Uint8Array) => StoredBytes | null): Promise<FileState> {
    const streams: StreamState[] = [];
    for (const stream of this.#streams) {
      const { tail, saved } = await stream.leave();
      streams.push(stream.stored(store(tail), saved === null ? null : store(saved)));
    }
    this.told = true;
    const { path, kind, first, last, records, openedAt, touchedAt, clockStart } = this;
    return { path, kind, first, last, records, openedAt, touchedAt, clockStart, origin: this.#origin, streams };
  }

  /** Gives up what it holds of memory, as far as it can, within the same run. */
  async spill(store: (bytes: Uint8Array) => StoredBytes | null): Promise<void> {
    for (const stream of this.#streams) await stream.spill(store);
  }

  /** Its upload is of no use; one that a commit may know of is left to whoever reads that. */
  async abandon(evenTold: boolean): Promise<void> {
    await Promise.all(this.#streams.map((stream) => (stream.told && !evenTold ? stream.settle() : stream.abandon())));
  }

  /** What finishing it has told a commit of stays. */
  markTold(): void {
    this.told = true;
    for (const stream of this.#streams) stream.told = true;
  }
}

function requirePart(record: SinkRecord, part: CompanionFile['part']): void {
  if (part === 'key' && isNothing(record.key)) {
    throw new DataError('The record has no key, and store.kafka.keys=true keeps one of each');
  }
  if (part === 'headers' && record.headers.length === 0) {
    throw new DataError('The record has no headers, and store.kafka.headers=true keeps those of each');
  }
}
