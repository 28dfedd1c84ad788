import {
  type CommitOccasion,
  type ConnectorConfig,
  DataError,
  type ErrantRecordReporter,
  type KeptStates,
  type LoadAvro,
  type PartitionStates,
  type Positions,
  project,
  type SinkCommit,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartition,
} from '../../src/api/index.ts';
import { aivenPlan } from './aiven-plan.ts';
import { confluentPlan } from './confluent-plan.ts';
import { loadWriter } from './formats/load-writer.ts';
import type { FileFormat, WriterFactory } from './formats/record-writer.ts';
import { NewestPerKey } from './newest-per-key.ts';
import { SinkBucket } from './sink-bucket.ts';
import { type FileTools, OpenFile } from './sink-file.ts';
import { isLost, SinkPartition } from './sink-partition.ts';
import type { Dialect, SinkPlan } from './sink-plan.ts';
import { aivenWithoutEffect, confluentWithoutEffect } from './sink-settings.ts';

/** How long a run goes on without leaving its open files where another one could go on with them. */
const checkpointMs = 60_000;
/** So many times as long as it would wait for quiet a file waits at most. */
const trickleTimes = 6;
/** So many finished files are worth a commit of their own. */
const manyFinished = 100;
const dayMs = 86_400_000;
/** No file of this connector is open for so long: what is older belongs to a run that has died. */
const sweptAfterMs = 8 * dayMs;
const sweptAt = new Map<string, number>();

const isNothing = (value: unknown) => value === null || value === undefined;

/**
 * Writes files of records: parts of uploads as they fill, what is too little for a part where the next run finds it, and
 * the object itself only once the commit that holds it is durable. So every record is in one file, whichever run dies.
 */
export class S3SinkTask implements SinkTask {
  readonly #dialect: Dialect;
  readonly #avro: LoadAvro;
  readonly #now: () => number;
  #plan!: SinkPlan;
  #context!: SinkTaskContext;
  #bucket: SinkBucket | null = null;
  #tools!: FileTools;
  #writer!: WriterFactory;
  #newest: NewestPerKey | null = null;
  readonly #partitions = new Map<string, Map<number, SinkPartition>>();
  #last: SinkPartition | null = null;

  constructor(dialect: Dialect, avro: LoadAvro, now: () => number = Date.now) {
    this.#dialect = dialect;
    this.#avro = avro;
    this.#now = now;
  }

  async start(config: ConnectorConfig, context: SinkTaskContext): Promise<void> {
    const plan = this.#dialect === 'confluent' ? confluentPlan(config) : aivenPlan(config);
    this.#plan = plan;
    this.#context = context;
    const idle = this.#dialect === 'confluent' ? confluentWithoutEffect : aivenWithoutEffect;
    const given = Object.keys(idle).filter((key) => (config[key] ?? '') !== '');
    if (given.length > 0) context.warn(`Settings without effect here: ${given.join(', ')}`);
    const bucket = new SinkBucket(plan.bucket, plan.access, plan.storing);
    this.#bucket = bucket;
    const factories = new Map<FileFormat, WriterFactory>();
    const load = async (format: FileFormat) => {
      if (!factories.has(format)) factories.set(format, await loadWriter(format, this.#avro));
    };
    await Promise.all([plan.writer, ...plan.companions.map(({ writer }) => writer)].map(({ format }) => load(format)));
    this.#writer = factories.get(plan.writer.format)!;
    this.#tools = { bucket, plan, factories, load };
    if (plan.layout.newestPerKey) this.#newest = new NewestPerKey(bucket, plan, this.#writer);
    await this.#sweep();
  }

  /** Uploads that runs have left which died before a commit. A bucket's rule does the same, where there is one. */
  async #sweep(): Promise<void> {
    const { bucket, layout } = this.#plan;
    const now = this.#now();
    const what = `${bucket} ${layout.prefix}`;
    if (this.#context.task !== 0 || now - (sweptAt.get(what) ?? 0) < dayMs) return;
    sweptAt.set(what, now);
    try {
      const pending = await this.#bucket!.uploads(layout.prefix);
      const old = pending.filter(({ key, initiatedAt }) => layout.owns(key) && now - initiatedAt > sweptAfterMs);
      await Promise.all(old.map(({ key, uploadId }) => this.#bucket!.abort(key, uploadId)));
    } catch (error) {
      this.#context.warn(`Uploads that died runs have left cannot be swept: ${(error as Error).message}`);
    }
  }

  async open(partitions: readonly TopicPartition[], kept: KeptStates): Promise<void> {
    const now = this.#now();
    const folder = `${this.#plan.statePrefix}${encodeURIComponent(this.#context.connector)}/`;
    await Promise.all(
      partitions.map(async (at) => {
        const partition = new SinkPartition(this.#tools, at, folder, now);
        partition.untagged = (error) => this.#context.warn(`A file has no tags: ${error.message}`);
        const ofTopic = this.#partitions.get(at.topic) ?? new Map<number, SinkPartition>();
        this.#partitions.set(at.topic, ofTopic.set(at.partition, partition));
        const state = kept.get(at.topic)?.get(at.partition);
        if (state === undefined) return;
        partition.next = state.position;
        const again = await partition.resume(state.state, state.position, now);
        if (again !== null) this.#readAgain(partition, again, 'What an earlier run has left is not there any more');
      }),
    );
  }

  #readAgain(partition: SinkPartition, from: number, why: string): void {
    this.#context.warn(`${why}: the records of ${partition.name} are read again from offset ${from}`);
    partition.next = from;
    this.#context.offset(partition, from);
  }

  #find(topic: string, partition: number): SinkPartition {
    const last = this.#last;
    if (last !== null && last.partition === partition && last.topic === topic) return last;
    this.#last = this.#partitions.get(topic)!.get(partition)!;
    return this.#last;
  }

  *#all(): Iterable<SinkPartition> {
    for (const ofTopic of this.#partitions.values()) yield* ofTopic.values();
  }

  async put(records: SinkRecord[]): Promise<void> {
    const now = this.#now();
    const touched = new Set<OpenFile>();
    for (const record of records) {
      const partition = this.#find(record.originalTopic, record.originalKafkaPartition);
      // A batch that is put once more is known up to where it failed.
      if (record.originalKafkaOffset < partition.next) continue;
      try {
        const adding = this.#add(partition, record, now, touched);
        if (adding !== null) await adding;
      } catch (error) {
        const reporter = this.#context.errantRecordReporter;
        if (isLost(error)) await this.#restart(partition, error);
        else if (error instanceof DataError && reporter !== null) await report(reporter, record, error);
        else throw error;
      }
      partition.next = Math.max(partition.next, record.originalKafkaOffset + 1);
    }
    for (const file of touched) file.drain('ready');
    await this.#makeRoom(now);
    let finished = 0;
    for (const partition of this.#all()) finished += partition.finishing;
    if (finished >= manyFinished) this.#context.requestCommit();
  }

  async #restart(partition: SinkPartition, error: Error): Promise<void> {
    const from = await partition.restart(partition.next);
    this.#readAgain(partition, from, error.message);
  }

  /** Null: it is done. */
  #add(partition: SinkPartition, record: SinkRecord, now: number, touched: Set<OpenFile>): Promise<void> | null {
    const { layout, nulls, rotation, companions } = this.#plan;
    if (isNothing(record.value) && nulls !== 'write') {
      if (nulls === 'ignore') return null;
      throw new DataError(
        `The record has no value (${partition.name}, offset ${record.originalKafkaOffset}), and behavior.on.null.values=fail: ignore or write them`,
      );
    }
    if (this.#newest !== null) {
      this.#newest.add(record, now);
      return null;
    }
    const path = layout.pathOf(record, now);
    const time = rotation.spanMs === null ? null : layout.timeOf(record, now);
    if (time !== null && time > (partition.watermark ?? Number.NEGATIVE_INFINITY)) this.#moveOn(partition, time, now);
    if (rotation.onPathChange && partition.lastPath !== null && partition.lastPath !== path) partition.finishAll(now);
    partition.lastPath = path;
    let kind = this.#writer.kindOf(record, this.#plan.writer);
    for (const { writer } of companions) kind += ` ${this.#tools.factories.get(writer.format)!.kindOf(record, writer)}`;
    let id = `${path}\n${kind}`;
    let fitting = record;
    let file = partition.files.get(id);
    if (file === undefined && this.#plan.projects) {
      const other = projectedOnto(partition, path, record);
      if (other !== null) {
        [id, file, fitting] = other;
      }
    }
    if (file !== undefined && now >= this.#endOf(file)) {
      partition.finish(id, file, now);
      file = undefined;
    }
    if (file === undefined) {
      const clockStart = time === null ? null : Math.max(time, partition.watermark ?? time);
      file = OpenFile.begin(this.#tools, { path, kind, record: fitting, now, clockStart });
    }
    const waits = file.ready();
    const into = file;
    const take = () => {
      into.add(fitting, now);
      partition.files.set(id, into);
      touched.add(into);
      if (this.#isFull(into)) {
        touched.delete(into);
        partition.finish(id, into, now);
      }
    };
    if (waits !== null) return waits.then(take);
    take();
    return null;
  }

  #isFull(file: OpenFile): boolean {
    const { records, bytes } = this.#plan.rotation;
    if (records !== null && file.records >= records) return true;
    if (bytes === null) return false;
    file.drain('ready');
    return file.bytes >= bytes;
  }

  /** The layout's clock has come to a time: files that began a span before it get no more records. */
  #moveOn(partition: SinkPartition, time: number, now: number): void {
    partition.watermark = time;
    const { spanMs } = this.#plan.rotation;
    for (const [id, file] of partition.files) {
      if (file.clockStart !== null && time - file.clockStart >= spanMs!) partition.finish(id, file, now);
    }
  }

  /** By the wall clock, which starts with the file's first record. */
  #endOf(file: OpenFile): number {
    const { ageMs, schedule } = this.#plan.rotation;
    const aged = file.openedAt + ageMs;
    return schedule === null ? aged : Math.min(aged, schedule.zone.nextMultiple(file.openedAt, schedule.intervalMs));
  }

  /** The same where the topics are drained: nothing may come any more, or never so much that a file is worth waiting for. */
  #quietEndOf(file: OpenFile): number {
    const { quietMs } = this.#plan.rotation;
    if (quietMs === null) return this.#endOf(file);
    return Math.min(this.#endOf(file), file.touchedAt + quietMs, file.openedAt + trickleTimes * quietMs);
  }

  /** Keeps memory and the number of open files within their bounds. */
  async #makeRoom(now: number): Promise<void> {
    const { mostOpenFiles, mostBufferedBytes } = this.#plan;
    if (this.#newest !== null) {
      if (this.#newest.held >= mostBufferedBytes) await this.#newest.flush();
      return;
    }
    const open: { partition: SinkPartition; id: string; file: OpenFile }[] = [];
    for (const partition of this.#all()) {
      for (const [id, file] of partition.files) open.push({ partition, id, file });
    }
    if (open.length > mostOpenFiles) {
      const oldest = [...open].sort((a, b) => a.file.touchedAt - b.file.touchedAt);
      for (const { partition, id, file } of oldest.slice(0, open.length - mostOpenFiles))
        partition.finish(id, file, now);
    }
    const finishing = [...this.#all()].filter((partition) => partition.finishing > 0);
    if (finishing.reduce((sum, { finishingHeld }) => sum + finishingHeld, 0) >= mostBufferedBytes / 2) {
      await Promise.all(finishing.map((partition) => partition.settleFinishing()));
    }
    const held = () => open.reduce((sum, { file }) => sum + file.held, 0);
    if (held() < mostBufferedBytes / 2) return;
    for (const { file } of open) if (file.isUploading) await file.settle().catch(() => {});
    if (held() < mostBufferedBytes / 2) return;
    for (const { file } of open) file.drain('short');
    for (const { file } of open) if (file.isUploading) await file.settle().catch(() => {});
    // Too little each for a part: the partitions that hold most are left where they are, and give up what they hold.
    const partitions = [...this.#all()].map((partition) => ({ partition, held: partition.held }));
    for (const { partition } of partitions.sort((a, b) => b.held - a.held)) {
      if (held() < mostBufferedBytes / 4) return;
      await partition.spill();
    }
  }

  async preCommit(positions: Positions, occasion: CommitOccasion): Promise<SinkCommit> {
    const now = this.#now();
    if (this.#newest !== null) {
      await this.#newest.flush();
      return { positions };
    }
    const answer: Positions = new Map();
    const states: PartitionStates = new Map();
    let wakeAt: number | null = null;
    await Promise.all(
      [...this.#all()].map(async (partition) => {
        const { topic, partition: number } = partition;
        const delivered = positions.get(topic)?.get(number);
        if (delivered === undefined) return;
        if (occasion === 'revoked') partition.finishAll(now);
        const endOf = (file: OpenFile) => (occasion === 'drained' ? this.#quietEndOf(file) : this.#endOf(file));
        for (const [id, file] of partition.files) if (now >= endOf(file)) partition.finish(id, file, now);
        const leaves = occasion !== 'interval' || now - partition.checkpointedAt >= checkpointMs;
        const commit = await this.#commitmentOf(partition, delivered, leaves, now);
        if (commit === null) return;
        set(answer, topic, number, commit.position);
        set(states, topic, number, commit.state);
        for (const file of partition.files.values()) wakeAt = Math.min(wakeAt ?? endOf(file), endOf(file));
      }),
    );
    return { positions: answer, states, wakeAt };
  }

  async #commitmentOf(partition: SinkPartition, delivered: number, leaves: boolean, now: number) {
    try {
      return await partition.commitment(delivered, leaves, now);
    } catch (error) {
      if (!isLost(error)) throw error;
      const from = await partition.restart(delivered);
      this.#readAgain(partition, from, error.message);
      return { position: from, state: null };
    }
  }

  /** The commit is durable, and no other run has come in between: the files that it holds are made now. */
  async committed(): Promise<PartitionStates> {
    const now = this.#now();
    const states: PartitionStates = new Map();
    await Promise.all(
      [...this.#all()].map(async (partition) => {
        const lost = await partition.make(now);
        await partition.tidy();
        if (lost.length > 0) {
          const from = await partition.restart(Math.min(partition.next, ...lost.map(({ first }) => first)));
          this.#readAgain(partition, from, 'The parts of a file are not what they were');
          set(states, partition.topic, partition.partition, null);
          return;
        }
        const { changed } = partition;
        if (changed !== undefined) set(states, partition.topic, partition.partition, changed);
      }),
    );
    return states;
  }

  async stop(): Promise<void> {
    for (const partition of this.#all()) await partition.close();
    await this.#bucket?.close();
  }
}

function set<T>(into: Map<string, Map<number, T>>, topic: string, partition: number, value: T): void {
  const ofTopic = into.get(topic) ?? new Map<number, T>();
  into.set(topic, ofTopic.set(partition, value));
}

async function report(reporter: ErrantRecordReporter, record: SinkRecord, error: DataError): Promise<void> {
  await reporter.report(record, error);
}

/** The open file of the path whose schema the record can be projected onto, and the record as it is then. */
function projectedOnto(
  partition: SinkPartition,
  path: string,
  record: SinkRecord,
): [id: string, file: OpenFile, record: SinkRecord] | null {
  if (record.valueSchema === null) return null;
  for (const [id, file] of partition.files) {
    if (file.path !== path || file.schema === null) continue;
    try {
      const value = project(record.valueSchema, record.value, file.schema);
      return [id, file, record.withValue(file.schema, value)];
    } catch {
      // Of another kind: it goes into a file of its own.
    }
  }
  return null;
}
