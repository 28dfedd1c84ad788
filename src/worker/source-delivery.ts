import type { SourceRecord } from '../api/record.ts';
import type { SourceTask, TransactionContext } from '../api/task.ts';
import { ConnectError } from '../errors.ts';
import type { OutgoingBatch, ProduceOutcome, Producer } from '../kafka/types.ts';
import { sourceOffsetEntry } from '../storage/source-offset-text.ts';
import type { ErrorTolerance } from './error-tolerance.ts';
import type { ConvertedBatch } from './record-conversion.ts';
import { type LastOffsets, SubmittedRecords } from './submitted-records.ts';
import type { TaskRun } from './task-run.ts';
import type { TopicCreation } from './topic-creation.ts';

/** A converted batch with all that its acknowledgement needs. */
export interface Outgoing {
  readonly batch: OutgoingBatch;
  readonly offsets: LastOffsets;
  /** One per poll that went into the batch, in order; empty unless the delivery `keepsRecords`. */
  readonly polls: ConvertedBatch[];
  /** Records polled, dropped ones included. */
  records: number;
  /** What the connector wants of its transaction after these records. */
  boundary: 'commit' | 'abort' | null;
}

/** A stretch of a poll that ends where the connector draws a transaction boundary. */
export interface Piece {
  readonly records: SourceRecord[];
  readonly boundary: 'commit' | 'abort' | null;
}

/**
 * How converted batches become durable, with their offsets: at least once here, exactly once in
 * transactional-delivery.ts.
 */
export interface SourceDelivery {
  /** Where the task draws its own transaction boundaries. */
  readonly transactionContext?: TransactionContext;
  readonly cut?: (polled: SourceRecord[]) => Piece[];
  /**
   * Whether anybody will ask for the records again: the task's `commitRecord`, or reports of refused ones. Else they are
   * let go as soon as they are converted, which spares the garbage collector most of its work.
   */
  readonly keepsRecords: boolean;
  /** A transaction of the connector's own is open: a run that ends now does it in vain. */
  readonly unfinished: boolean;
  /** True while another batch may be submitted without waiting. */
  readonly hasRoom: boolean;
  newBatch(): OutgoingBatch;
  /** Resolves when the batch is on its way; its acknowledgement comes later. */
  submit(outgoing: Outgoing): Promise<void>;
  /** Resolves when everything submitted is acknowledged; `final` as below. */
  drain(final: boolean): Promise<void>;
  /** Makes the offsets of what is acknowledged durable; `final`: the run ends in order. True when there were any. */
  commitOffsets(final: boolean): Promise<boolean>;
  /** Throws what went wrong behind the caller's back. */
  throwIfFailed(): void;
  close(): Promise<void>;
}

const maxInFlight = 5;

/** At least once: up to five batches in flight; offsets follow in the table when every earlier batch is acknowledged. */
export class PlainDelivery implements SourceDelivery {
  readonly #run: TaskRun;
  readonly #task: SourceTask;
  readonly keepsRecords: boolean;
  readonly unfinished = false;
  readonly #topics: TopicCreation;
  readonly #producer: Producer;
  readonly #errors: ErrorTolerance;
  readonly #submitted = new SubmittedRecords();
  #inFlight = 0;
  #failure: unknown = null;
  #wake: (() => void) | null = null;

  constructor(run: TaskRun, task: SourceTask, topics: TopicCreation, producer: Producer, errors: ErrorTolerance) {
    this.#run = run;
    this.#task = task;
    this.keepsRecords = keepsRecords(task, errors);
    this.#topics = topics;
    this.#producer = producer;
    this.#errors = errors;
  }

  get hasRoom(): boolean {
    return this.#inFlight < maxInFlight;
  }

  newBatch(): OutgoingBatch {
    return this.#producer.newBatch();
  }

  async submit(outgoing: Outgoing): Promise<void> {
    while (this.#inFlight >= maxInFlight) await this.#settled();
    this.throwIfFailed();
    const { batch, offsets, records } = outgoing;
    const submitted = this.#submitted.submit(offsets, records, batch.bytes);
    this.#inFlight++;
    this.#deliver(outgoing)
      .then(
        () => {
          submitted.acknowledged = true;
        },
        (error) => {
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#inFlight--;
        this.#wake?.();
      });
  }

  async #deliver(outgoing: Outgoing): Promise<void> {
    const { batch } = outgoing;
    // The producer repeats what the broker did not take. When it gives up the run ends: batches behind this one may have
    // landed already, so only the next run, from the last commit on, keeps the order.
    const outcome = batch.size === 0 ? null : await this.#producer.send(batch, this.#run.cut);
    this.#run.step('produced');
    reportRefused(this.#run, this.#errors, outgoing, outcome);
    await commitRecords(this.#run, this.#task, outgoing, outcome);
    batch.release();
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }

  async drain(): Promise<void> {
    while (this.#inFlight > 0) await this.#settled();
    this.throwIfFailed();
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async commitOffsets(): Promise<boolean> {
    const run = this.#run;
    const safe = this.#submitted.takeCommittable();
    if (safe === null) return false;
    const startedAt = run.room.clock.now();
    await this.#errors.deadLetters?.flush();
    run.records += safe.records;
    run.bytes += safe.bytes;
    const entries = Array.from(safe.offsets.values(), (last) => sourceOffsetEntry(last.partition, last.offset));
    const { revoked } = await run.room.stores.offsets.commitSourceOffsets(run.lease, entries, run.progress());
    run.commits++;
    run.step('committed');
    await run.recordActiveTopics(this.#topics.topics);
    run.emit('source.committed', {
      records: safe.records,
      sourcePartitions: entries.length,
      durationMs: run.room.clock.now() - startedAt,
    });
    if (revoked) run.end('revoked');
    return true;
  }

  close(): Promise<void> {
    return this.#producer.close();
  }
}

export function keepsRecords(task: SourceTask, errors: ErrorTolerance): boolean {
  return task.commitRecord !== undefined || errors.toleratesAll;
}

/** Hands refused records to the error policy: their dead letters must be on their way before offsets pass them (I3). */
export function reportRefused(
  run: TaskRun,
  errors: ErrorTolerance,
  outgoing: Outgoing,
  outcome: ProduceOutcome | null,
): void {
  if (outcome === null || outcome.failures.size === 0) return;
  if (!errors.toleratesAll) {
    const [cause] = outcome.failures.values();
    throw new ConnectError('task.record_refused', 'Unrecoverable exception from producer send callback', { cause });
  }
  let index = 0;
  for (const { appended } of outgoing.polls) {
    for (const record of appended) {
      const error = outcome.failures.get(index++);
      if (error === undefined) continue;
      const stage = 'KAFKA_PRODUCE';
      const executingClass = 'org.apache.kafka.connect.runtime.AbstractWorkerSourceTask';
      const failedAt = run.room.clock.now();
      errors.report({ stage, executingClass, error, attempt: 1, failedAt, record, consumed: null });
      run.skipped(stage, 1);
    }
  }
}

/** Tells the task's `commitRecord`, if it has one, where each record landed; null: nowhere. */
export async function commitRecords(
  run: TaskRun,
  task: SourceTask,
  outgoing: Outgoing,
  outcome: ProduceOutcome | null,
): Promise<void> {
  if (task.commitRecord === undefined) return;
  let index = 0;
  for (const { appended, dropped } of outgoing.polls) {
    for (const record of appended) {
      const landed = outcome?.offsetOf(index++) ?? null;
      const metadata = landed === null ? null : { ...landed, timestamp: record.timestamp };
      await run.guard('commitRecord', task.commitRecord(record, metadata));
    }
    for (const record of dropped) await run.guard('commitRecord', task.commitRecord(record, null));
  }
}
