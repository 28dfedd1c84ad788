import type { FedItem, FedOutcome, SourceFeed } from '../../api/feed.ts';
import { isRetriable, RetriableError } from '../../errors.ts';
import type { OutgoingBatch, ProduceOutcome, Producer } from '../../kafka/types.ts';
import type { ErrorTolerance } from '../record/error-tolerance.ts';
import { messageOf } from '../record/failure.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import type { ConvertedBatch, SourceConversion } from '../source/source-conversion.ts';
import { recordRefused, reportRefused } from '../source/source-delivery.ts';
import { RecordOffsets } from '../source/submitted-records.ts';

/** The records of some items in a row, on their way together. */
interface Stretch {
  readonly batch: OutgoingBatch;
  readonly polls: ConvertedBatch[];
  readonly items: { readonly place: number; readonly from: number; readonly to: number; readonly dropped: boolean }[];
  /** Some of its records went to the dead letters when the broker refused them. */
  refused: boolean;
}

const done: FedOutcome = { state: 'done' };

/**
 * The items of one event on their way to Kafka, in their order. An item goes whole or not at all into the batch; where the
 * error policy stops at one, nothing behind it is begun: of nobody where the connector is to fail, else of its order key.
 */
export class FedItems {
  readonly #run: PluginRun;
  readonly #items: readonly FedItem[];
  readonly #conversion: SourceConversion;
  readonly #errors: ErrorTolerance;
  readonly #producer: Producer;
  readonly #failsConnector: boolean;
  readonly #outcomes: (FedOutcome | null)[];
  readonly #stretches: Stretch[] = [];
  /** Order keys of which an item was not done. */
  readonly #held = new Set<string>();
  /** Why nothing more is begun. */
  #stopped: Error | null = null;

  constructor(
    run: PluginRun,
    items: readonly FedItem[],
    { onRefused = 'fail' }: Pick<SourceFeed, 'onRefused'>,
    parts: { readonly conversion: SourceConversion; readonly errors: ErrorTolerance; readonly producer: Producer },
  ) {
    this.#run = run;
    this.#items = items;
    this.#conversion = parts.conversion;
    this.#errors = parts.errors;
    this.#producer = parts.producer;
    this.#failsConnector = onRefused === 'fail';
    this.#outcomes = items.map(() => null);
  }

  /** One outcome an item. Rejects with what is neither an item's fault nor over soon. */
  async deliver(): Promise<readonly FedOutcome[]> {
    await this.#convert();
    this.#run.report.step('converted');
    await Promise.all(this.#stretches.map((stretch) => this.#send(stretch)));
    this.#run.report.step('produced');
    await this.#flushLetters();
    this.#holdWhatIsBehind();
    return this.#outcomes.map((outcome) => outcome ?? done);
  }

  async #convert(): Promise<void> {
    let stretch = this.#newStretch();
    for (const [place, item] of this.#items.entries()) {
      const notNow = this.#whyNotNow(item);
      if (notNow !== null) {
        this.#outcomes[place] = { state: 'returned', error: notNow };
        continue;
      }
      const from = stretch.batch.size;
      try {
        const converted = await this.#convertOne(item, stretch.batch);
        stretch.polls.push(converted);
        stretch.items.push({ place, from, to: stretch.batch.size, dropped: converted.dropped.length > 0 });
      } catch (error) {
        stretch.batch.truncate(from);
        stretch = this.#newStretch();
        this.#stopAt(place, error);
      }
    }
  }

  async #convertOne({ records }: FedItem, batch: OutgoingBatch): Promise<ConvertedBatch> {
    const converted = await this.#conversion.convert(records, batch, new RecordOffsets());
    if (converted.failure !== null) throw converted.failure.error;
    return converted;
  }

  #whyNotNow({ orderKey = null }: FedItem): Error | null {
    if (this.#stopped !== null) return this.#stopped;
    if (orderKey !== null && this.#held.has(orderKey)) return inFront();
    return this.#run.bounds.ended ? new RetriableError('The invocation is about to end') : null;
  }

  #newStretch(): Stretch {
    const stretch: Stretch = { batch: this.#producer.newBatch(), polls: [], items: [], refused: false };
    this.#stretches.push(stretch);
    return stretch;
  }

  /** What is retriable lies in what everything behind it needs as well: the registry, the topic. */
  #stopAt(place: number, thrown: unknown): void {
    const error = asError(thrown);
    const retriable = isRetriable(error);
    this.#outcomes[place] = { state: retriable ? 'returned' : 'refused', error };
    if (retriable) this.#stopped = error;
    else if (this.#failsConnector) this.#stopped = inFront();
    this.#hold(place);
  }

  #hold(place: number): void {
    const { orderKey = null } = this.#items[place]!;
    if (orderKey !== null) this.#held.add(orderKey);
  }

  async #send(stretch: Stretch): Promise<void> {
    const { batch } = stretch;
    if (batch.size === 0) return;
    const stops = this.#failsConnector && !this.#errors.toleratesAll;
    let outcome: ProduceOutcome;
    try {
      outcome = await this.#producer.send(batch, this.#run.bounds.cut, stops ? 'stop' : 'go-on');
    } catch (error) {
      if (!isRetriable(error) && !this.#run.bounds.cut.aborted) throw error;
      for (const { place, from, to } of stretch.items) {
        if (to > from) this.#outcomes[place] = { state: 'returned', error: asError(error) };
      }
      return;
    }
    if (this.#errors.toleratesAll) {
      reportRefused(this.#run, this.#errors, { polls: stretch.polls }, outcome);
      stretch.refused = outcome.failures.size > 0;
    } else {
      for (const { place, from, to } of stretch.items) this.#outcomes[place] ??= outcomeOf(outcome, from, to);
    }
    this.#run.report.records += landedOf(outcome, batch.size);
    this.#run.report.bytes += batch.bytes;
    batch.release();
  }

  /** What was dropped is done only when its letter is acknowledged (I3). */
  async #flushLetters(): Promise<void> {
    const letters = this.#errors.deadLetters;
    if (letters === null) return;
    try {
      await letters.flush();
    } catch (error) {
      if (!isRetriable(error)) throw error;
      for (const { items, refused } of this.#stretches) {
        for (const { place, dropped } of items) {
          if (dropped || refused) this.#outcomes[place] ??= { state: 'returned', error: asError(error) };
        }
      }
    }
  }

  /** What landed behind an item that did not comes again behind it. */
  #holdWhatIsBehind(): void {
    this.#held.clear();
    for (const [place, { orderKey = null }] of this.#items.entries()) {
      if (orderKey === null) continue;
      const outcome = this.#outcomes[place] ?? done;
      if (outcome.state !== 'done') this.#held.add(orderKey);
      else if (this.#held.has(orderKey)) this.#outcomes[place] = { state: 'returned', error: inFront() };
    }
  }
}

function outcomeOf(outcome: ProduceOutcome, from: number, to: number): FedOutcome {
  for (let index = from; index < to; index++) {
    const failure = outcome.failures.get(index);
    if (failure !== undefined) return { state: 'refused', error: recordRefused(failure) };
    if (outcome.offsetOf(index) === null) {
      return { state: 'returned', error: outcome.stopped?.cause ?? inFront() };
    }
  }
  return done;
}

function landedOf(outcome: ProduceOutcome, size: number): number {
  if (outcome.stopped === null) return size - outcome.failures.size;
  let landed = 0;
  for (let index = 0; index < size; index++) if (outcome.offsetOf(index) !== null) landed++;
  return landed;
}

const inFront = () => new RetriableError('An item in front of it could not be delivered');

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(messageOf(error)));
