import type { Converter, HeaderConverter, SerializedValue } from '../../api/converter.ts';
import type { Headers, SourceRecord } from '../../api/record.ts';
import { ConnectError, DataError } from '../../errors.ts';
import type { KafkaHeader, OutgoingBatch } from '../../kafka/types.ts';
import type { Converters } from '../record/converters.ts';
import type { ErrorTolerance } from '../record/error-tolerance.ts';
import type { Stage } from '../record/failure.ts';
import { Reach } from '../record/reach.ts';
import type { TransformationChain } from '../record/transformation-chain.ts';
import { begin, SourceBatchSteps, type SourceProgress } from './source-batch-steps.ts';
import type { RecordOffsets } from './submitted-records.ts';
import type { TopicCreation } from './topic-creation.ts';

/** What became of a polled batch. */
export interface ConvertedBatch {
  /** Those in front of the one that failed, or all. */
  readonly records: readonly SourceRecord[];
  /** Places in `records` of those that were filtered by a transformation, or skipped by the error policy; the others were appended. */
  readonly dropped: readonly number[];
  /** How many of the dropped ones are marks, and no records at all. */
  readonly marks: number;
  /** What ends the run at the next record. */
  readonly failure: { readonly error: unknown } | null;
}

const none: readonly number[] = [];

/**
 * Source side: transformation chain, then header, key and value converter, into the columns of the outgoing batch. The
 * steps run bare in one loop; what they throw goes to the error policy, which may send the loop through the failed
 * step again. Where some step answers from elsewhere, each is taken for all records of the poll at a time, and the loop
 * settles them in their order.
 */
export class SourceConversion {
  readonly #chain: TransformationChain;
  readonly #converters: Converters;
  readonly #errors: ErrorTolerance;
  readonly #topics: TopicCreation;
  readonly #sourceClass: string;
  readonly #now: () => number;
  readonly #reach = new Reach();
  readonly #steps: SourceBatchSteps;
  /** Some step answers from elsewhere. */
  readonly #inBatches: boolean;

  /** `sourceClass`: the connector's, for what fails before there is a record. */
  constructor(
    chain: TransformationChain,
    converters: Converters,
    errors: ErrorTolerance,
    topics: TopicCreation,
    sourceClass: string,
    now: () => number,
  ) {
    this.#chain = chain;
    this.#converters = converters;
    this.#errors = errors;
    this.#topics = topics;
    this.#sourceClass = sourceClass;
    this.#now = now;
    this.#steps = new SourceBatchSteps(chain, converters);
    this.#inBatches = SourceBatchSteps.isNeeded(chain, converters);
  }

  /** Stops in front of the record that the error policy does not let pass: what comes before it is in the batch. */
  async convert(
    records: readonly SourceRecord[],
    into: OutgoingBatch,
    offsets: RecordOffsets,
  ): Promise<ConvertedBatch> {
    let dropped: number[] | null = null;
    let marks = 0;
    let i = 0;
    const progress = this.#inBatches ? records.map(begin) : null;
    try {
      for (; i < records.length; i++) {
        const record = records[i]!;
        let kept: boolean | Promise<boolean>;
        if (record.instead === null) {
          kept = progress === null ? this.#convertOne(record, into) : this.#settle(progress, i, into);
        } else if (record.instead === 'mark') {
          marks++;
          kept = false;
        } else kept = this.#refuse(record, record.instead.error);
        if (typeof kept !== 'boolean') kept = await kept;
        if (kept) {
          offsets.note(record.sourcePartition, record.sourceOffset);
        } else {
          offsets.noteDropped(record.sourcePartition, record.sourceOffset);
          dropped ??= [];
          dropped.push(i);
        }
      }
    } catch (error) {
      return { records: records.slice(0, i), dropped: dropped ?? none, marks, failure: { error } };
    }
    return { records, dropped: dropped ?? none, marks, failure: null };
  }

  /** What the task could not read is not tried again: the policy decides between the end of the run and the next record. */
  #refuse(record: SourceRecord, error: Error): false {
    const executingClass = this.#sourceClass;
    const failedAt = this.#now();
    this.#errors.fail({ stage: 'TASK_POLL', executingClass, error, attempt: 1, failedAt, record, consumed: null });
    return false;
  }

  /** False: dropped. Synchronous while nothing fails, the topic is known and the converters answer at once. */
  #convertOne(record: SourceRecord, into: OutgoingBatch): boolean | Promise<boolean> {
    const { key, value, header } = this.#converters;
    let stage: Stage = 'TRANSFORMATION';
    let outgoing: SourceRecord | undefined;
    let headers: KafkaHeader[] | null | undefined;
    let keyBytes: SerializedValue | undefined;
    try {
      const passed = this.#chain.isEmpty ? record : this.#chain.apply(record);
      if (passed === null) return false;
      outgoing = passed;
      const { topic } = outgoing;
      stage = 'HEADER_CONVERTER';
      headers = outgoing.headers.length === 0 ? null : convertHeaders(header.plugin, topic, outgoing.headers);
      stage = 'KEY_CONVERTER';
      const ofKey = key.plugin.fromConnectData(topic, outgoing.keySchema, outgoing.key);
      if (ofKey instanceof Promise)
        return this.#convertLater(this.#soFar(record, outgoing, headers, keyBytes), into, ofKey);
      keyBytes = ofKey;
      stage = 'VALUE_CONVERTER';
      const written = value.plugin.writeConnectData !== undefined && writeValue(value.plugin, outgoing, into);
      const valueBytes = written ? null : value.plugin.fromConnectData(topic, outgoing.valueSchema, outgoing.value);
      if (valueBytes instanceof Promise)
        return this.#convertLater(this.#soFar(record, outgoing, headers, keyBytes), into, valueBytes);
      stage = 'KAFKA_PRODUCE';
      if (!this.#topics.isReady(topic))
        return this.#settle([this.#soFar(record, outgoing, headers, keyBytes)], 0, into);
      const timestamp = checkedTimestamp(outgoing.timestamp);
      if (written) into.appendOpened(topic, outgoing.kafkaPartition, keyBytes, timestamp, headers);
      else into.append(topic, outgoing.kafkaPartition, keyBytes, valueBytes, timestamp, headers);
      return true;
    } catch (error) {
      // What keeps a topic from being ready is no fault of this record, and is not repeated here.
      if (stage === 'KAFKA_PRODUCE') throw error;
      const own = this.#soFar(record, outgoing, headers, keyBytes);
      own.failure = { stage, executingClass: this.#classAt(stage, own), error };
      return this.#settle([own], 0, into);
    }
  }

  /** How far one has come whose transformations are behind it, or have failed. */
  #soFar(
    record: SourceRecord,
    outgoing: SourceRecord | undefined,
    headers: readonly KafkaHeader[] | null | undefined,
    key: SerializedValue | undefined,
  ): SourceProgress {
    const passage = outgoing === undefined ? this.#chain.halted<SourceRecord>() : this.#chain.passed(outgoing);
    return { record, passage, headers: headers === null ? [] : headers, key, value: undefined, failure: null };
  }

  /** `asked`: the answer that was not there at once. The converter has it by heart afterwards, or fails again. */
  async #convertLater(own: SourceProgress, into: OutgoingBatch, asked: Promise<SerializedValue>): Promise<boolean> {
    await asked.catch(() => {});
    return this.#settle([own], 0, into);
  }

  /** The record at that place, once its steps are done; those behind it are taken on with it. False: dropped. */
  async #settle(all: readonly SourceProgress[], place: number, into: OutgoingBatch): Promise<boolean> {
    const steps = this.#steps;
    const own = all[place]!;
    let attempt = 0;
    let failedAt = 0;
    for (;;) {
      const { failure } = own;
      if (failure === null) {
        const { passage, key, value } = own;
        const outgoing = passage.record;
        if (outgoing === null) return false;
        if (key !== undefined && value !== undefined) {
          await this.#append(outgoing, key, value, own.headers ?? [], into);
          return true;
        }
        // A record that is tried again goes alone: the others have their turn behind it.
        await steps.advance(attempt === 0 ? this.#reach.of(all, place) : [own]);
        if (attempt === 0) this.#reach.heed(all, place);
        if (isIdle(own))
          throw new ConnectError('plugin.failed', 'A plugin that is asked for many records answers none');
        continue;
      }
      attempt++;
      if (attempt === 1) failedAt = this.#now();
      const { record } = own;
      const verdict = await this.#errors.onFailure({ ...failure, attempt, failedAt, record, consumed: null });
      if (verdict !== 'retry') return false;
      own.failure = null;
    }
  }

  async #append(
    { topic, kafkaPartition, timestamp }: SourceRecord,
    key: SerializedValue,
    value: SerializedValue,
    headers: readonly KafkaHeader[],
    into: OutgoingBatch,
  ): Promise<void> {
    if (!this.#topics.isReady(topic)) await this.#topics.makeReady(topic);
    into.append(topic, kafkaPartition, key, value, checkedTimestamp(timestamp), headers.length === 0 ? null : headers);
  }

  #classAt(stage: Stage, { passage }: SourceProgress): string {
    const { key, value, header } = this.#converters;
    if (stage === 'TRANSFORMATION') return this.#chain.classAt(passage.stage);
    return (stage === 'HEADER_CONVERTER' ? header : stage === 'KEY_CONVERTER' ? key : value).className;
  }
}

/** Its steps were asked for, and none has said anything. */
function isIdle({ failure, passage, key, value }: SourceProgress): boolean {
  return failure === null && passage.record !== null && (key === undefined || value === undefined);
}

/** Into the batch's own memory, where the converter and the batch can do so. */
function writeValue(converter: Converter, record: SourceRecord, into: OutgoingBatch): boolean {
  const sink = into.openValue();
  if (sink === null) return false;
  return converter.writeConnectData?.(record.topic, record.valueSchema, record.value, sink) ?? false;
}

function convertHeaders(converter: HeaderConverter, topic: string, headers: Headers): KafkaHeader[] {
  const converted = new Array<KafkaHeader>(headers.length);
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!;
    const value: SerializedValue = converter.fromConnectHeader(topic, header.key, header.schema, header.value);
    converted[i] = { key: header.key, value };
  }
  return converted;
}

/** -1 is Kafka's "none". Java: ConnectUtils.checkAndConvertTimestamp. */
function checkedTimestamp(timestamp: number | null): number | null {
  if (timestamp === null || timestamp >= 0) return timestamp;
  if (timestamp === -1) return null;
  throw new DataError(`Invalid record timestamp ${timestamp}`, { javaClass: 'InvalidRecordException' });
}
