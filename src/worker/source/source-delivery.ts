import type { SourceTask } from '../../api/task.ts';
import { ConnectError } from '../../errors.ts';
import type { OutgoingBatch, ProduceOutcome, Producer } from '../../kafka/types.ts';
import { sourceOffsetEntry } from '../../storage/source-offset-text.ts';
import type { ErrorTolerance } from '../record/error-tolerance.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import type { TaskRun } from '../run/task-run.ts';
import type { Piece } from './poll-pieces.ts';
import type { ConvertedBatch } from './source-conversion.ts';
import { type RecordOffsets, type SubmittedBatch, SubmittedRecords } from './submitted-records.ts';
import type { TopicCreation } from './topic-creation.ts';
import type { TransactionBoundaries } from './transaction-boundaries.ts';

/** A converted batch with all that its acknowledgement needs. */
export interface Outgoing {
  readonly batch: OutgoingBatch;
  readonly offsets: RecordOffsets;
  /** One per poll that went into the batch, in order; empty unless the delivery `keepsRecords`. */
  readonly polls: ConvertedBatch[];
  /** Where the polls end that are in the batch to their last record: how many were appended, and how many polled, by then. */
  readonly ends: { readonly appended: number; readonly polled: number }[];
  /** Records polled, dropped ones included. */
  records: number;
  /** What the connector wants of its transaction after these records. */
  boundary: Piece['boundary'];
}

/**
 * How converted batches become durable, with their offsets: at least once here, exactly once in
 * transactional-delivery.ts.
 */
export interface SourceDelivery {
  /** Of a task that says itself where its transactions end. */
  readonly boundaries: TransactionBoundaries | null;
  /**
   * Whether anybody will ask for the records again: the task's `commitRecord`, or reports of refused ones. Else they are
   * let go as soon as they are converted, which spares the garbage collector most of its work.
   */
  readonly keepsRecords: boolean;
  /** What has landed when a record is refused is there to stay, and nothing is to be sent behind that record. */
  readonly stopsAtRefused: boolean;
  /** A transaction of the connector's own is open: a run that ends now does it in vain. */
  readonly unfinished: boolean;
  /** True while another batch may be submitted without waiting. */
  readonly hasRoom: boolean;
  newBatch(): OutgoingBatch;
  /** Resolves when the batch is on its way; its acknowledgement comes later. */
  submit(outgoing: Outgoing): Promise<void>;
  /** Resolves when everything submitted is acknowledged and, in an orderly run, its transactions are ended. */
  drain(): Promise<void>;
  /**
   * The run is failing with `error`. Delivers what lies in front of that, with `rest`, which is not submitted yet; rejects
   * when something there fails in its turn.
   */
  stop(rest: Outgoing | null, error: unknown): Promise<void>;
  /**
   * Makes the offsets of what is acknowledged durable; `final`: the run ends in order, and they may be held until its
   * release where the task does not ask to be told. True when there were any.
   */
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
  readonly stopsAtRefused: boolean;
  readonly unfinished = false;
  readonly boundaries = null;
  readonly #topics: TopicCreation;
  readonly #producer: Producer;
  readonly #errors: ErrorTolerance;
  readonly #submitted = new SubmittedRecords();
  #inFlight = 0;
  #submissions = 0;
  /** Of the earliest submission that failed. */
  #failure: { readonly submission: number; readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor(run: TaskRun, task: SourceTask, topics: TopicCreation, producer: Producer, errors: ErrorTolerance) {
    this.#run = run;
    this.#task = task;
    this.stopsAtRefused = !errors.toleratesAll;
    this.#topics = topics;
    this.#producer = producer;
    this.#errors = errors;
  }

  get keepsRecords(): boolean {
    return keepsRecords(this.#task, this.#errors);
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
    const submission = this.#submissions++;
    this.#inFlight++;
    this.#deliver(outgoing, submitted)
      .catch((error) => {
        if (this.#failure === null || submission < this.#failure.submission) this.#failure = { submission, error };
      })
      .finally(() => {
        this.#inFlight--;
        this.#wake?.();
      });
  }

  async #deliver(outgoing: Outgoing, submitted: SubmittedBatch): Promise<void> {
    const { batch } = outgoing;
    // The producer repeats what the broker did not take. When it gives up the run ends, and so it does in front of a record
    // that will never be taken: only the next run, from the last commit on, keeps the order.
    const onRefusal = this.stopsAtRefused ? 'stop' : 'go-on';
    const outcome = batch.size === 0 ? null : await this.#producer.send(batch, this.#run.bounds.cut, onRefusal);
    this.#run.report.step('produced');
    if (outcome !== null && outcome.stopped !== null) {
      submitted.landed = (index) => outcome.offsetOf(index) !== null;
      await commitRecords(this.#run, this.#task, outgoing, outcome);
      batch.release();
      const { cause } = outcome.stopped;
      if (cause !== null) throw [...outcome.failures.values()].includes(cause) ? recordRefused(cause) : cause;
      return;
    }
    if (outcome !== null && outcome.failures.size > 0) {
      reportRefused(this.#run, this.#errors, outgoing, outcome);
      // A task may let go of its source's copy of a record that it is told is done.
      if (this.#task.commitRecord !== undefined) await this.#errors.deadLetters?.flush();
    }
    await commitRecords(this.#run, this.#task, outgoing, outcome);
    batch.release();
    submitted.acknowledged = true;
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

  async stop(rest: Outgoing | null): Promise<void> {
    try {
      if (rest !== null) await this.submit(rest);
    } finally {
      await this.drain();
    }
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  async commitOffsets(final: boolean): Promise<boolean> {
    const run = this.#run;
    const over = this.#failure !== null && this.#inFlight === 0;
    const safe = over ? this.#submitted.takeRest() : this.#submitted.takeCommittable();
    if (safe === null) return false;
    const startedAt = run.host.clock.now();
    await this.#errors.deadLetters?.flush();
    run.report.records += safe.records;
    run.report.bytes += safe.bytes;
    const entries = Array.from(safe.offsets.values(), (last) => sourceOffsetEntry(last.partition, last.offset));
    const done = () => {
      run.report.commits++;
      run.report.step('committed');
      run.report.emit('source.committed', {
        records: safe.records,
        sourcePartitions: entries.length,
        durationMs: run.host.clock.now() - startedAt,
      });
    };
    if (final && this.#task.commit === undefined) {
      run.held.hold({ commit: () => ({ offsets: entries }), done });
      run.report.step('commit-held');
      await run.report.activeTopics(this.#topics.topics);
    } else {
      await run.commitOffsets(entries);
      done();
      await run.report.activeTopics(this.#topics.topics);
    }
    return true;
  }

  close(): Promise<void> {
    return this.#producer.close();
  }
}

export function keepsRecords(task: SourceTask, errors: ErrorTolerance): boolean {
  return task.commitRecord !== undefined || errors.toleratesAll;
}

export function recordRefused(cause: Error): ConnectError {
  return new ConnectError('task.record_refused', 'Unrecoverable exception from producer send callback', { cause });
}

/** Hands refused records to the error policy, which skips them: their dead letters must be on their way before offsets pass them (I3). */
export function reportRefused(
  run: PluginRun,
  errors: ErrorTolerance,
  outgoing: Pick<Outgoing, 'polls'>,
  { failures }: ProduceOutcome,
): void {
  if (failures.size === 0) return;
  const failedAt = run.host.clock.now();
  let appended = 0;
  for (const { records, dropped } of outgoing.polls) {
    let next = 0;
    for (let place = 0; place < records.length; place++) {
      if (dropped[next] === place) {
        next++;
        continue;
      }
      const error = failures.get(appended++);
      if (error === undefined) continue;
      const stage = 'KAFKA_PRODUCE';
      const executingClass = 'org.apache.kafka.connect.runtime.AbstractWorkerSourceTask';
      errors.report({ stage, executingClass, error, attempt: 1, failedAt, record: records[place]!, consumed: null });
      run.report.skipped(stage, 1);
    }
  }
}

/** Tells the task's `commitRecord`, if it has one, where each record landed; null: nowhere, since it was dropped. */
export async function commitRecords(
  run: PluginRun,
  task: SourceTask,
  outgoing: Outgoing,
  outcome: ProduceOutcome | null,
): Promise<void> {
  if (task.commitRecord === undefined) return;
  let appended = 0;
  for (const { records, dropped } of outgoing.polls) {
    let next = 0;
    for (let place = 0; place < records.length; place++) {
      const record = records[place]!;
      if (dropped[next] === place) {
        next++;
        await run.bounds.guard('commitRecord', task.commitRecord(record, null));
        continue;
      }
      const landed = outcome?.offsetOf(appended++) ?? null;
      // The record at fault, or behind it: it comes again.
      if (landed === null && outcome !== null && outcome.stopped !== null) continue;
      const metadata = landed === null ? null : { ...landed, timestamp: record.timestamp };
      await run.bounds.guard('commitRecord', task.commitRecord(record, metadata));
    }
  }
}
