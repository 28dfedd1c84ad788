import { SinkRecord } from '../../api/record.ts';
import type { SchemaAndValue } from '../../data/schema.ts';
import { ConnectError } from '../../errors.ts';
import type { RecordCursor } from '../../kafka/types.ts';
import { type Converters, readHeaders } from '../record/converters.ts';
import type { ErrorTolerance } from '../record/error-tolerance.ts';
import type { DeadLetter, Stage } from '../record/failure.ts';
import { Reach } from '../record/reach.ts';
import type { Passage, TransformationChain } from '../record/transformation-chain.ts';
import { begin, type ReadRecord, SinkBatchSteps, type SinkProgress } from './sink-batch-steps.ts';
import type { PartitionPosition } from './sink-positions.ts';

/** Records of one partition that are still wanted. */
export interface FetchedRecords {
  readonly cursor: RecordCursor;
  readonly position: PartitionPosition;
}

/** One `put`: the records, and how far their partitions are delivered once it has returned. */
export interface PutBatch {
  readonly records: SinkRecord[];
  readonly ends: BatchEnd[];
}

export interface BatchEnd {
  readonly position: PartitionPosition;
  /** `position.rewinds` when this was converted. */
  readonly rewinds: number;
  next: number;
}

const nullValue: SchemaAndValue = Object.freeze({ schema: null, value: null });

/**
 * Sink side: key, value and header converter, then the transformation chain, from the cursor over a fetch response into
 * batches of at most `maxPutRecords`. As on the source side the steps run bare, and what they throw goes to the error
 * policy. Where failures are reported, each record keeps what it was on its topic. Where some step answers from
 * elsewhere, each is taken for all records of a put at a time.
 */
export class SinkConversion {
  readonly #converters: Converters;
  readonly #chain: TransformationChain;
  readonly #errors: ErrorTolerance;
  readonly #maxPutRecords: number;
  readonly #keepsOriginals: boolean;
  readonly #now: () => number;
  readonly #originals = new WeakMap<SinkRecord, DeadLetter>();
  readonly #reach = new Reach();
  readonly #steps: SinkBatchSteps;
  /** Some step answers from elsewhere. */
  readonly #inBatches: boolean;
  /** Bytes of keys and values read so far. */
  bytes = 0;

  constructor(
    converters: Converters,
    chain: TransformationChain,
    errors: ErrorTolerance,
    options: { readonly maxPutRecords: number; readonly keepsOriginals: boolean; readonly now: () => number },
  ) {
    this.#converters = converters;
    this.#chain = chain;
    this.#errors = errors;
    this.#maxPutRecords = options.maxPutRecords;
    this.#keepsOriginals = options.keepsOriginals;
    this.#now = options.now;
    this.#steps = new SinkBatchSteps(converters, chain);
    this.#inBatches = SinkBatchSteps.isNeeded(converters, chain);
  }

  /**
   * Whether a batch may be converted while an earlier one is put: no plugin of another process sees it out of its turn, and
   * no failure is reported of records that this run may not come to.
   */
  get looksAhead(): boolean {
    return !this.#inBatches && !this.#keepsOriginals;
  }

  /** What a record handed to `put` was on its topic. */
  originalOf(record: SinkRecord): DeadLetter | null {
    return this.#originals.get(record) ?? null;
  }

  /**
   * Batch by batch, as they are asked for: what one made is garbage before the next but one is made. A partition that the
   * task rewinds or pauses meanwhile is left there; the position of a paused one goes back to what was converted.
   */
  async *convert(fetched: readonly FetchedRecords[]): AsyncGenerator<PutBatch, void, undefined> {
    let batch: PutBatch = { records: [], ends: [] };
    for (const { cursor, position } of fetched) {
      let end: BatchEnd = { position, rewinds: position.rewinds, next: cursor.nextOffset };
      let left = false;
      batch.ends.push(end);
      while (!left) {
        if (this.#inBatches) {
          const all = readSome(cursor, this.#maxPutRecords - batch.records.length);
          if (all.length === 0) break;
          end.next = await this.#convertMany(all, batch.records);
        } else {
          if (!cursor.next()) break;
          let record = this.#convertOne(cursor);
          if (record instanceof Promise) record = await record;
          end.next = cursor.offset + 1;
          this.bytes += cursor.valueEnd - cursor.valueStart + cursor.keyEnd - cursor.keyStart;
          if (record === null) continue;
          batch.records.push(record);
        }
        if (batch.records.length < this.#maxPutRecords) continue;
        yield batch;
        batch = { records: [], ends: [] };
        left = position.paused || position.rewinds !== end.rewinds;
        if (left) {
          if (position.rewinds === end.rewinds) position.fetchFrom = end.next;
        } else {
          end = { ...end };
          batch.ends.push(end);
        }
      }
      // Aborted and control records behind the last one are passed over too.
      if (!left) end.next = Math.max(end.next, cursor.nextOffset);
    }
    if (batch.ends.length > 0) yield batch;
  }

  /** The steps of all of them together, settled in their order. Answers the offset behind the last one. */
  async #convertMany(all: readonly SinkProgress[], into: SinkRecord[]): Promise<number> {
    let next = 0;
    for (const [place, { nextOffset, read }] of all.entries()) {
      const record = await this.#settle(all, place);
      next = nextOffset;
      this.bytes += (read.key?.length ?? 0) + (read.value?.length ?? 0);
      if (record === null) continue;
      if (this.#keepsOriginals) this.#originals.set(record, read);
      into.push(record);
    }
    return next;
  }

  /** The record at that place, once its steps are done; those behind it are taken on with it. */
  async #settle(all: readonly SinkProgress[], place: number): Promise<SinkRecord | null> {
    const steps = this.#steps;
    const own = all[place]!;
    let attempt = 0;
    let failedAt = 0;
    for (;;) {
      const { failure } = own;
      if (failure === null) {
        if (steps.isDone(own)) return own.passage!.record;
        // A record that is tried again goes alone: the others have their turn behind it.
        await steps.advance(attempt === 0 ? this.#reach.of(all, place) : [own]);
        if (attempt === 0) this.#reach.heed(all, place);
        if (own.failure === null && !steps.isDone(own))
          throw new ConnectError('plugin.failed', 'A plugin that is asked for many records answers none');
        continue;
      }
      attempt++;
      if (attempt === 1) failedAt = this.#now();
      const consumed = own.read;
      const verdict = await this.#errors.onFailure({ ...failure, attempt, failedAt, record: null, consumed });
      if (verdict === 'skip') return null;
      own.failure = null;
    }
  }

  /** Synchronous while nothing fails and the converters answer at once. */
  #convertOne(cursor: RecordCursor): SinkRecord | null | Promise<SinkRecord | null> {
    const { key, value } = this.#converters;
    let stage: Stage = 'KEY_CONVERTER';
    let keyRead: SchemaAndValue | undefined;
    let valueRead: SchemaAndValue | undefined;
    try {
      const ofKey = readOne(key.plugin, cursor, cursor.keyStart, cursor.keyEnd);
      if (ofKey instanceof Promise) return this.#convertLater(begun(cursor), ofKey);
      keyRead = ofKey;
      stage = 'VALUE_CONVERTER';
      const ofValue = readOne(value.plugin, cursor, cursor.valueStart, cursor.valueEnd);
      if (ofValue instanceof Promise) return this.#convertLater({ ...begun(cursor), key: keyRead }, ofValue);
      valueRead = ofValue;
      stage = 'HEADER_CONVERTER';
      const record = this.#assemble(cursor, keyRead, valueRead);
      if (this.#chain.isEmpty) return record;
      stage = 'TRANSFORMATION';
      return this.#transformed(cursor, record);
    } catch (error) {
      const passage = stage === 'TRANSFORMATION' ? this.#chain.halted<SinkRecord>() : undefined;
      const failure = { stage, executingClass: this.#classAt(stage, passage), error };
      return this.#convertSlowly({ ...begun(cursor), key: keyRead, value: valueRead, passage, failure });
    }
  }

  /** `asked`: the answer that was not there at once. The converter has it by heart afterwards, or fails again. */
  async #convertLater(own: SinkProgress, asked: Promise<SchemaAndValue>): Promise<SinkRecord | null> {
    await asked.catch(() => {});
    return this.#convertSlowly(own);
  }

  /** From where it has come to, step by step, with the policy's repetitions: no step is repeated for one behind it. */
  async #convertSlowly(own: SinkProgress): Promise<SinkRecord | null> {
    const record = await this.#settle([own], 0);
    if (this.#keepsOriginals && record !== null) this.#originals.set(record, own.read);
    return record;
  }

  #assemble(cursor: RecordCursor, key: SchemaAndValue, value: SchemaAndValue): SinkRecord {
    const record = new SinkRecord(
      cursor.topic,
      cursor.partition,
      key.schema,
      key.value,
      value.schema,
      value.value,
      cursor.offset,
      cursor.timestamp < 0 ? null : cursor.timestamp,
      cursor.timestampType,
    );
    if (cursor.headerCount > 0) {
      record.headers = readHeaders(this.#converters.header.plugin, cursor.topic, cursor.headers());
    }
    if (this.#keepsOriginals) this.#originals.set(record, originalOf(cursor));
    return record;
  }

  #transformed(cursor: RecordCursor, record: SinkRecord): SinkRecord | null {
    const result = this.#chain.apply(record, true);
    if (this.#keepsOriginals && result !== null && result !== record) this.#originals.set(result, originalOf(cursor));
    return result;
  }

  #classAt(stage: Stage, passage: Passage<SinkRecord> | undefined): string {
    if (passage !== undefined) return this.#chain.classAt(passage.stage);
    const { key, value, header } = this.#converters;
    return (stage === 'KEY_CONVERTER' ? key : stage === 'VALUE_CONVERTER' ? value : header).className;
  }
}

const begun = (cursor: RecordCursor): SinkProgress => begin(cursor, originalOf(cursor));

function readOne(
  converter: Converters['key']['plugin'],
  cursor: RecordCursor,
  start: number,
  end: number,
): SchemaAndValue | Promise<SchemaAndValue> {
  if (start < 0) return converter.toConnectData(cursor.topic, null) ?? nullValue;
  if (converter.readConnectData !== undefined) {
    return converter.readConnectData(cursor.topic, cursor.buffer, start, end);
  }
  return converter.toConnectData(cursor.topic, cursor.buffer.subarray(start, end));
}

/** The next records, `most` at the most. */
function readSome(cursor: RecordCursor, most: number): SinkProgress[] {
  const read: SinkProgress[] = [];
  while (read.length < most && cursor.next()) read.push(begun(cursor));
  return read;
}

function originalOf(cursor: RecordCursor): ReadRecord {
  return {
    topic: cursor.topic,
    kafkaPartition: cursor.partition,
    kafkaOffset: cursor.offset,
    timestamp: cursor.timestamp < 0 ? null : cursor.timestamp,
    key: cursor.keyStart < 0 ? null : cursor.buffer.subarray(cursor.keyStart, cursor.keyEnd),
    value: cursor.valueStart < 0 ? null : cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd),
    headers: cursor.headerCount === 0 ? [] : cursor.headers(),
  };
}
