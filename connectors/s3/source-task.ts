import {
  ConnectError,
  type ConnectorConfig,
  DataError,
  type LoadAvro,
  parseConfig,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '../../src/api/index.ts';
import { aivenAccess, aivenBucket } from './access-settings.ts';
import { type InputFormat, openReader, type ReadOptions } from './formats/open.ts';
import type { ObjectReader } from './formats/read.ts';
import { isRest } from './rests.ts';
import { openS3, type S3 } from './s3-client.ts';
import { type Clearing, clearAway } from './source-clearing.ts';
import { Lane, laneCount, laneOf, type Progress, type S3Object } from './source-lane.ts';
import { type ListingScope, type Sweep, sweep } from './source-listing.ts';
import { ObjectBytes, ObjectLostError } from './source-object.ts';
import { ObjectRecords, RecordTemplates } from './source-records.ts';
import { prefixOf, type S3SourceValues, s3SourceConfig } from './source-settings.ts';

/** In the configs of tasks: which of how many it is. */
export const taskKey = 's3.task';
export const tasksKey = 's3.tasks';

/** A poll ends with about so many bytes of its objects, so that a poll of large records fits into memory. */
const pollBytes = 4 << 20;
/** Objects up to this size are asked for before it is their turn: of many small ones, waiting would be most of the time. */
const prefetchBytes = 1 << 20;
const prefetchObjects = 8;
/** Offsets of single objects, as another connector has left them, are looked up for so many at once. */
const lookedUpAtOnce = 100;
/** In a run that lingers the bucket is not listed more often than this. */
const relistMs = 2000;

/** An object that is being read. */
interface Reading {
  readonly lane: Lane;
  readonly progress: Progress;
  readonly bytes: ObjectBytes;
  readonly reader: ObjectReader;
  readonly records: ObjectRecords;
  /** So many items are passed over first. */
  readonly skips: number;
  /** Something behind them was given. */
  begun: boolean;
}

/**
 * Reads the objects of its lanes one after the other, the oldest first, each from where its lane's offset says. What there
 * is to read a listing tells; see docs/decisions/0015-objects-in-lanes.md.
 */
export class S3SourceTask implements SourceTask {
  readonly #avro: LoadAvro;
  #context!: SourceTaskContext;
  #tolerant = false;
  #values!: S3SourceValues;
  #templates!: RecordTemplates;
  #scope!: ListingScope;
  #readOptions!: ReadOptions;
  #s3!: S3;
  #lanes = new Map<number, Lane>();
  #loaded = false;
  /** To be read, the oldest first, from `#next` on. */
  #queue: readonly S3Object[] = [];
  #next = 0;
  /** Seconds of modification of what waits, by lane. */
  #waiting = new Map<number, number[]>();
  #sweep: Sweep | null = null;
  #nextSweepAt = 0;
  #lookedUp = 0;
  readonly #inherited = new Map<string, number>();
  readonly #prefetched = new Map<S3Object, ObjectBytes>();
  #reading: Reading | null = null;
  #clearing: Clearing | null = null;
  /** Finished, to be cleared away once `finished` of their lane is committed. */
  #toClear: { readonly object: S3Object; readonly lane: Lane; readonly finished: number }[] = [];

  constructor(avro: LoadAvro) {
    this.#avro = avro;
  }

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    const values = parseConfig(s3SourceConfig, config);
    this.#context = context;
    this.#values = values;
    this.#tolerant = config['errors.tolerance']?.toLowerCase() === 'all';
    const bucket = aivenBucket(values) ?? '';
    const prefix = prefixOf(values);
    this.#templates = new RecordTemplates(values, bucket);
    const [task, tasks] = [Number(config[taskKey] ?? 0), Number(config[tasksKey] ?? 1)];
    for (let number = task; number < laneCount; number += tasks) {
      this.#lanes.set(number, new Lane(number, bucket, prefix));
    }
    const byPartition = values['distribution.type'].toLowerCase() === 'partition';
    this.#scope = {
      bucket,
      prefix,
      startAfter: values['native.start.key'],
      pageSize: values['aws.s3.fetch.page.size'],
      lateMs: values['objects.late.ms'],
      lanes: this.#lanes,
      laneOf: (key) => {
        const names = isRest(key) ? null : this.#templates.match(key);
        if (names === null) return null;
        return byPartition ? Number(names.partition ?? 0) % laneCount : laneOf(key);
      },
    };
    this.#readOptions = readOptionsOf(values, this.#avro);
    if (values['objects.finished'] !== 'keep') {
      const target = values['objects.finished'] === 'move' ? values['objects.finished.prefix'] : null;
      this.#clearing = { bucket, prefix, target };
    }
    this.#s3 = await openS3(aivenAccess(values));
  }

  async poll(): Promise<SourceRecord[] | null> {
    const { signal } = this.#context;
    const most = this.#values['max.poll.records'];
    const records: SourceRecord[] = [];
    try {
      if (!this.#loaded) await this.#load();
      const room = { bytes: pollBytes };
      while (records.length < most && room.bytes > 0 && !signal.aborted) {
        if (this.#reading === null && !(await this.#openNext(records))) break;
        if (this.#reading !== null) await this.#read(this.#reading, most, room, records);
      }
    } catch (error) {
      // What was read comes first. The next poll goes on behind it, and meets what is wrong again.
      if (signal.aborted) this.#tellVain();
      await this.#closeReading();
      if (records.length === 0 && !signal.aborted) throw error;
    }
    return records.length === 0 ? null : records;
  }

  /** A run that is too short for what an earlier one has read would be so for ever, without a word. */
  #tellVain(): void {
    if (this.#reading === null || this.#reading.begun || this.#reading.skips === 0) return;
    const { progress, skips } = this.#reading;
    this.#context.warn(
      `A run was over before it had passed over the ${skips} records of object ${progress.object.key} that were sent: ` +
        'packed objects are read from their start. Give runs more time (drover.run.max.ms), or split the object',
    );
  }

  async #load(): Promise<void> {
    const lanes = [...this.#lanes.values()];
    const offsets = await this.#context.offsetStorageReader.offsets(lanes.map(({ partition }) => partition));
    for (const [index, lane] of lanes.entries()) lane.load(offsets[index] ?? null);
    this.#loaded = true;
  }

  async #read(reading: Reading, most: number, room: { bytes: number }, records: SourceRecord[]): Promise<void> {
    const { lane, progress, reader } = reading;
    let items: Awaited<ReturnType<ObjectReader['next']>>;
    try {
      items = await reader.next(most - records.length);
    } catch (error) {
      this.#giveUp(reading, error, records);
      await this.#closeReading();
      return;
    }
    progress.version = reading.bytes.version;
    reading.begun = true;
    const behind = () => lane.offset(progress);
    for (const item of items) {
      room.bytes -= Math.max(0, item.position - progress.position);
      progress.records++;
      progress.position = item.position;
      progress.skip = item.skip;
      records.push(reading.records.record(item, behind));
    }
    if (items.length > 0) return;
    const offset = this.#finish(lane, progress.object, !progress.flawed);
    records.push(SourceRecord.mark(lane.partition, offset));
    await this.#closeReading();
  }

  /** Opens the next object; false: there is none now. */
  async #openNext(records: SourceRecord[]): Promise<boolean> {
    const [lane, progress] = this.#leftOff() ?? (await this.#take()) ?? [];
    if (lane === undefined || progress === undefined) return false;
    lane.current = progress;
    const { object, version } = progress;
    const bytes =
      this.#prefetched.get(object) ??
      new ObjectBytes(this.#s3, this.#scope.bucket, object, version, this.#context.signal);
    this.#prefetched.delete(object);
    this.#prefetch();
    const objectRecords = new ObjectRecords(this.#templates, lane.partition, progress);
    const { format } = this.#readOptions;
    let base = { lane, progress, bytes, records: objectRecords, skips: 0 };
    try {
      const packing = await packingOf(this.#values, format, object.key);
      // A packed object has no middle to begin in.
      const [position, skips] = packing === null ? [progress.position, progress.skip] : [0, progress.records];
      base = { ...base, skips };
      const source = packing === null ? bytes : (await import('./formats/unpack.ts')).unpacked(bytes, packing);
      const reader = await openReader(source, position, skips, this.#readOptions);
      this.#reading = { ...base, reader, begun: false };
    } catch (error) {
      this.#giveUp(base, error, records);
    }
    return true;
  }

  /** What an earlier run, or an interruption, has left off in. */
  #leftOff(): [Lane, Progress] | null {
    for (const lane of this.#lanes.values()) if (lane.current !== null) return [lane, lane.current];
    return null;
  }

  async #take(): Promise<[Lane, Progress] | null> {
    if (this.#next >= this.#queue.length && !(await this.#look())) return null;
    await this.#lookUp();
    const object = this.#queue[this.#next++]!;
    this.#waiting.get(object.lane)!.shift();
    const sent = this.#inherited.get(object.key) ?? 0;
    this.#inherited.delete(object.key);
    const progress = { object, version: null, records: sent, position: 0, skip: sent, flawed: false };
    return [this.#lanes.get(object.lane)!, progress];
  }

  /** Lists the bucket, unless that was just done; false: there is nothing to read. */
  async #look(): Promise<boolean> {
    const now = Date.now();
    if (now < this.#nextSweepAt && this.#sweep?.partial !== true) return false;
    const found = await sweep(this.#s3, this.#scope, now, this.#context.signal);
    this.#sweep = found;
    this.#nextSweepAt = Date.now() + relistMs;
    this.#queue = found.objects;
    this.#next = 0;
    this.#lookedUp = 0;
    this.#waiting = new Map();
    this.#prefetched.clear();
    for (const { lane, modified } of found.objects) {
      const waiting = this.#waiting.get(lane);
      if (waiting === undefined) this.#waiting.set(lane, [modified]);
      else waiting.push(modified);
    }
    if (this.#clearing !== null && found.leftovers.length > 0) await this.#clear(found.leftovers);
    return found.objects.length > 0;
  }

  /** Offsets as Aiven's connector keeps them, one for each object: a connector that was moved here goes on from them. */
  async #lookUp(): Promise<void> {
    if (this.#next < this.#lookedUp) return;
    const objects = this.#queue.slice(this.#next, this.#next + lookedUpAtOnce);
    this.#lookedUp = this.#next + objects.length;
    const { bucket } = this.#scope;
    const partitions = objects.map(({ key }) => ({ bucket, objectKey: key }));
    const offsets = await this.#context.offsetStorageReader.offsets(partitions);
    for (const [index, offset] of offsets.entries()) {
      const sent = Number(offset?.recordCount ?? 0);
      if (Number.isSafeInteger(sent) && sent > 0) this.#inherited.set(objects[index]!.key, sent);
    }
  }

  #prefetch(): void {
    for (let at = this.#next; at < this.#queue.length && this.#prefetched.size < prefetchObjects; at++) {
      const object = this.#queue[at]!;
      if (object.size > prefetchBytes) return;
      if (this.#prefetched.has(object)) continue;
      const bytes = new ObjectBytes(this.#s3, this.#scope.bucket, object, null, this.#context.signal);
      bytes.prefetch();
      this.#prefetched.set(object, bytes);
    }
  }

  /** Of an object that cannot be read on. Rethrows what may pass. */
  #giveUp(about: Omit<Reading, 'reader' | 'begun'>, error: unknown, records: SourceRecord[]): void {
    if (!(error instanceof DataError || error instanceof ObjectLostError)) throw error;
    const { lane, progress } = about;
    const loss = error instanceof ObjectLostError ? error.loss : null;
    const sent = progress.records;
    progress.version = about.bytes.version;
    progress.records++;
    const offset = this.#finish(lane, progress.object, false);
    // Not begun, and the next listing has what is there now: nothing is missing.
    const isReplaced = loss === 'changed' && sent === 0;
    const isMissing = loss === 'gone' || loss === 'changed';
    if (isReplaced || (isMissing && !this.#tolerant && this.#values['objects.missing'] === 'report')) {
      if (!isReplaced) this.#context.warn(`${error.message}. ${sent} records of it were sent; the next object follows`);
      records.push(SourceRecord.mark(lane.partition, offset));
      return;
    }
    records.push(about.records.unreadable(error, null, offset));
  }

  #finish(lane: Lane, object: S3Object, isRead: boolean): SourceRecord['sourceOffset'] {
    const horizon = this.#sweep?.horizon ?? 0;
    const until = Math.min(horizon, this.#waiting.get(lane.number)?.[0] ?? horizon);
    const offset = lane.finish(object, until, isRead);
    if (isRead && this.#clearing !== null) this.#toClear.push({ object, lane, finished: lane.finished });
    return offset;
  }

  /** Clears away what is committed, as the store says and nobody else. */
  async commit(): Promise<void> {
    if (this.#clearing === null || this.#toClear.length === 0) return;
    const lanes = [...new Set(this.#toClear.map(({ lane }) => lane))];
    const offsets = await this.#context.offsetStorageReader.offsets(lanes.map(({ partition }) => partition));
    const committed = new Map(lanes.map((lane, index) => [lane, Number(offsets[index]?.finished ?? 0)]));
    const isCommitted = ({ lane, finished }: { lane: Lane; finished: number }) => finished <= committed.get(lane)!;
    const ready = this.#toClear.filter(isCommitted);
    this.#toClear = this.#toClear.filter((entry) => !isCommitted(entry));
    await this.#clear(ready.map(({ object }) => object));
  }

  /** What is left over the next listing finds. */
  async #clear(objects: readonly S3Object[]): Promise<void> {
    const problems = await clearAway(this.#s3, this.#clearing!, objects, this.#context.deadlineAt);
    if (problems.length === 0) return;
    const [first] = problems;
    this.#context.warn(
      `${problems.length} objects that are read could not be cleared away, and will be with a later listing: ${first}`,
    );
  }

  lag(): { seconds?: number } | null {
    const oldest = this.#reading?.progress.object ?? this.#queue[this.#next];
    return { seconds: oldest === undefined ? 0 : Math.max(0, Math.round(Date.now() / 1000 - oldest.modified)) };
  }

  async #closeReading(): Promise<void> {
    const reading = this.#reading;
    this.#reading = null;
    await reading?.reader.close().catch(() => {});
  }

  async stop(): Promise<void> {
    await this.#closeReading();
    this.#s3?.client.destroy();
  }
}

async function packingOf(values: S3SourceValues, format: InputFormat, key: string) {
  const packing = values['file.compression.type'].toLowerCase();
  if (format === 'parquet' || packing === 'none') return null;
  const { packingByName, packings } = await import('./formats/unpack.ts');
  if (packing === 'auto') return packingByName(key);
  const named = packings.find((one) => one === packing);
  if (named === undefined) throw new ConnectError('config.invalid', `file.compression.type: ${packing} is not known`);
  return named;
}

function readOptionsOf(values: S3SourceValues, avro: LoadAvro): ReadOptions {
  return {
    avro,
    format: values['input.format'].toLowerCase() as InputFormat,
    pieceBytes: values['transformer.max.buffer.size'],
    maxRecordBytes: values['max.record.bytes'],
    maxBlockBytes: values['max.block.bytes'],
    csv: {
      separator: values['csv.separator'],
      quote: values['csv.quote'],
      escape: values['csv.escape'],
      header: values['csv.header'],
      columns: values['csv.columns'],
      types: values['csv.types'],
      nullText: values['csv.null'],
    },
  };
}
