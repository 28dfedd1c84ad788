import type { SourceTask } from '../../api/task.ts';
import { ConnectError, isRetriable, RetriableError } from '../../errors.ts';
import type { OutgoingBatch, TransactionalProducer } from '../../kafka/types.ts';
import type { SinkPosition, SourceOffsetEntry } from '../../storage/offset-backing-store.ts';
import { sourceOffsetEntry } from '../../storage/source-offset-text.ts';
import type { ErrorTolerance } from '../record/error-tolerance.ts';
import type { TaskRun } from '../run/task-run.ts';
import type { ExactlyOnce } from './exactly-once.ts';
import { appendOffsetRecord } from './offsets-topic.ts';
import {
  commitRecords,
  keepsRecords,
  type Outgoing,
  recordRefused,
  reportRefused,
  type SourceDelivery,
} from './source-delivery.ts';
import type { TopicCreation } from './topic-creation.ts';
import { TransactionBoundaries } from './transaction-boundaries.ts';

/**
 * Exactly once: records and their offsets' records in one transaction; the table follows. One transaction is under way
 * at a time: what is polled meanwhile goes, whole polls at a time, into the next.
 */
export class TransactionalDelivery implements SourceDelivery {
  readonly boundaries: TransactionBoundaries | null;
  /** A transaction is taken back as a whole. */
  readonly stopsAtRefused = false;
  readonly #run: TaskRun;
  readonly #task: SourceTask;
  readonly #topics: TopicCreation;
  readonly #producer: TransactionalProducer;
  readonly #errors: ErrorTolerance;
  readonly #asked: ExactlyOnce;
  readonly #offsetsTopic: string;
  readonly #noteTail: () => Promise<void>;

  #tailNoted = false;
  #open = false;
  #openedAt = 0;
  /** The connector has drawn no boundary behind what was submitted last. */
  #unfinished = false;
  #transactions = 0;
  /** Of the open transaction: offsets, counts, and what is to be acknowledged once it is committed. */
  #offsets = new Map<string, SourceOffsetEntry>();
  #records = 0;
  #bytes = 0;
  #sent: { outgoing: Outgoing; outcome: Awaited<ReturnType<TransactionalProducer['send']>> | null }[] = [];
  /** Committed in Kafka, not yet in the table. */
  #pending = new Map<string, SourceOffsetEntry>();
  #pendingRecords = 0;
  #pendingBytes = 0;
  #working: Promise<void> | null = null;
  #failure: unknown = null;

  constructor(
    run: TaskRun,
    task: SourceTask,
    topics: TopicCreation,
    producer: TransactionalProducer,
    errors: ErrorTolerance,
    asked: ExactlyOnce,
    offsetsTopic: string,
    noteTail: () => Promise<void>,
  ) {
    this.#run = run;
    this.#task = task;
    this.#topics = topics;
    this.#producer = producer;
    this.#errors = errors;
    this.#asked = asked;
    this.#offsetsTopic = offsetsTopic;
    this.#noteTail = noteTail;
    this.boundaries = asked.boundary === 'connector' ? new TransactionBoundaries() : null;
  }

  get keepsRecords(): boolean {
    return keepsRecords(this.#task, this.#errors);
  }

  get unfinished(): boolean {
    return this.#unfinished;
  }

  get hasRoom(): boolean {
    return this.#working === null;
  }

  newBatch(): OutgoingBatch {
    return this.#producer.newBatch();
  }

  async submit(outgoing: Outgoing): Promise<void> {
    await this.#idle();
    this.throwIfFailed();
    this.#unfinished = this.boundaries !== null && outgoing.boundary === null;
    this.#working = this.#deliver(outgoing)
      .catch((error) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#working = null;
      });
  }

  async #deliver(outgoing: Outgoing): Promise<void> {
    const { batch, offsets } = outgoing;
    if (!this.#tailNoted) {
      await this.#noteTail();
      this.#tailNoted = true;
    }
    this.#begin();
    const outcome = batch.size === 0 ? null : await this.#producer.send(batch, this.#run.bounds.cut);
    this.#run.report.step('produced');
    if (outcome !== null && outcome.failures.size > 0 && !this.#errors.toleratesAll) {
      return this.#stopAtRefused(outgoing, outcome.failures);
    }
    for (const [key, { partition, offset }] of offsets.entries()) {
      this.#offsets.set(key, { ...sourceOffsetEntry(partition, offset), inTopic: this.#asked.offsetsTopic === null });
    }
    this.#records += outgoing.records;
    this.#bytes += batch.bytes;
    batch.release();
    // Kept until the commit only where somebody wants to hear of it.
    const refused = outcome !== null && outcome.failures.size > 0;
    if (refused || this.#task.commitRecord !== undefined) this.#sent.push({ outgoing, outcome });
    if (outgoing.boundary === 'abort') await this.#abort();
    if (this.#asked.boundary === 'poll' || this.#intervalIsOver || outgoing.boundary !== null) await this.#commit();
  }

  /**
   * The transaction with the refused record is taken back. Of one that ends with its poll the polls in front of that one
   * are delivered after all, as they would be if each had had its own.
   */
  async #stopAtRefused(outgoing: Outgoing, failures: ReadonlyMap<number, Error>): Promise<never> {
    const first = Math.min(...failures.keys());
    await this.#discard();
    if (this.#asked.boundary === 'poll' && toWholePolls(outgoing, first)) await this.#deliver(outgoing);
    throw recordRefused(failures.get(first)!);
  }

  async #discard(): Promise<void> {
    if (!this.#open) return;
    await this.#producer.abort();
    this.#open = false;
    this.#sent = [];
    this.#offsets = new Map();
    this.#records = 0;
    this.#bytes = 0;
    this.#run.report.step('transaction-aborted');
  }

  get #intervalIsOver(): boolean {
    const { boundary, intervalMs } = this.#asked;
    return boundary === 'interval' && this.#open && this.#run.host.clock.now() - this.#openedAt >= intervalMs;
  }

  #begin(): void {
    if (this.#open) return;
    this.#producer.begin();
    this.#open = true;
    this.#openedAt = this.#run.host.clock.now();
  }

  /** The connector discards its records; their offsets are committed all the same, so that they are not read again. */
  async #abort(): Promise<void> {
    await this.#producer.abort();
    this.#open = false;
    this.#run.report.step('transaction-aborted');
    this.#begin();
  }

  async #commit(): Promise<void> {
    const sent = this.#sent;
    this.#sent = [];
    for (const { outgoing, outcome } of sent) {
      if (outcome !== null) reportRefused(this.#run, this.#errors, outgoing, outcome);
    }
    const { connector, task } = this.#run.about;
    const records = this.#producer.newBatch();
    for (const entry of this.#offsets.values()) appendOffsetRecord(records, this.#offsetsTopic, connector, task, entry);
    const { failures } = await this.#producer.send(records, this.#run.bounds.cut);
    records.release();
    for (const cause of failures.values()) {
      throw new ConnectError('source.offset_refused', `Topic ${this.#offsetsTopic} refused an offset record`, {
        cause,
      });
    }
    this.#run.report.step('offsets-produced');
    await this.#errors.deadLetters?.flush();
    await this.#producer.commit();
    this.#open = false;
    this.#transactions++;
    this.#run.report.step('transaction-committed');
    for (const [key, entry] of this.#offsets) this.#pending.set(key, entry);
    this.#pendingRecords += this.#records;
    this.#pendingBytes += this.#bytes;
    this.#offsets = new Map();
    this.#records = 0;
    this.#bytes = 0;
    for (const { outgoing, outcome } of sent) {
      await commitRecords(this.#run, this.#task, outgoing, outcome);
    }
  }

  async #idle(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  /**
   * Ends the open transaction, but not one whose boundary is the connector's to draw: that is aborted and read again.
   * What the connector has asked for ahead of its next poll counts at the end of an orderly run, as in Java.
   */
  async drain(): Promise<void> {
    await this.#idle();
    this.throwIfFailed();
    if (!this.#open) return;
    const asked = this.boundaries === null ? 'commit' : this.boundaries.takeBatchRequest();
    if (asked === 'abort') await this.#abort();
    if (asked !== null) {
      this.#unfinished = false;
      return this.#commit();
    }
    await this.#discard();
    this.#throwIfTooLong();
  }

  /**
   * Java aborts what is open when a task fails. A transaction that ends with its poll is not open in front of the poll at
   * fault; one that goes by time is ended all the same where the task goes on with its next run, since its runs are
   * shorter than a task of Java's.
   */
  async stop(rest: Outgoing | null, error: unknown): Promise<void> {
    await this.#idle();
    this.throwIfFailed();
    const { boundary } = this.#asked;
    if (boundary === 'connector' || (boundary === 'interval' && !isRetriable(error))) return this.#discard();
    if (rest !== null && toWholePolls(rest, rest.batch.size)) await this.submit(rest);
    await this.#idle();
    this.throwIfFailed();
    if (this.#open) await this.#commit();
  }

  /** A transaction that does not fit into a run would be read again for ever, and nobody would know why. */
  #throwIfTooLong(): void {
    const { about, bounds } = this.#run;
    if (this.#transactions > 0 || !bounds.outOfTime) return;
    throw new RetriableError(
      `The transaction of ${about.connector}-${about.task} was aborted: the task did not end it (transaction.boundary=connector) ` +
        'before its run had to. It must commit sooner, or runs must be given more time',
      { code: 'source.transaction_too_long' },
    );
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async commitOffsets(final: boolean): Promise<boolean> {
    // The source may have fallen silent since.
    if (!final && this.#intervalIsOver) await this.#commitBetween();
    const entries = [...this.#pending.values()];
    const run = this.#run;
    // With the last commit of an orderly run the table has it all: nothing of the tail is needed any more.
    const tail: SinkPosition[] | undefined = final && this.#tailNoted ? [] : undefined;
    // While a transaction is open nothing else would tell that the task is revoked (L1).
    const asks = this.#open && this.#asked.boundary !== 'poll';
    if (entries.length === 0 && tail === undefined && !asks) return false;
    this.#pending = new Map();
    const startedAt = run.host.clock.now();
    const records = this.#pendingRecords;
    run.report.records += records;
    run.report.bytes += this.#pendingBytes;
    this.#pendingRecords = 0;
    this.#pendingBytes = 0;
    const { revoked } = await run.host.stores.offsets.commitSourceOffsets(run.lease, entries, run.progress(), tail);
    if (tail !== undefined) this.#tailNoted = false;
    if (revoked) run.bounds.end('revoked');
    run.report.step('committed');
    if (entries.length === 0) return false;
    run.report.commits++;
    await run.report.activeTopics(this.#topics.topics);
    const durationMs = run.host.clock.now() - startedAt;
    run.report.emit('source.committed', { records, sourcePartitions: entries.length, durationMs });
    return true;
  }

  async #commitBetween(): Promise<void> {
    await this.#idle();
    this.throwIfFailed();
    if (this.#intervalIsOver) await this.#commit();
  }

  async close(): Promise<void> {
    await this.#idle();
    try {
      // Left open by a failure: the broker should not hold readers back until it times out.
      if (this.#open) await this.#producer.abort();
    } catch {
      // The next run's init ends it.
    } finally {
      await this.#producer.close();
    }
  }
}

/** Cuts a batch down to the polls that end in front of the record `limit` of those appended; false when none does. */
function toWholePolls(outgoing: Outgoing, limit: number): boolean {
  const { batch, offsets, ends, polls } = outgoing;
  while (ends.length > 0 && ends.at(-1)!.appended > limit) ends.pop();
  const last = ends.at(-1);
  if (last === undefined) return false;
  batch.truncate(last.appended);
  offsets.truncate(last.polled);
  if (polls.length > ends.length) polls.length = ends.length;
  outgoing.records = last.polled;
  return true;
}
