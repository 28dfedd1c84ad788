import type { RecordColumns } from './outgoing-batch.ts';
import type { ProduceOutcome } from './types.ts';

/** A place in the order of all records that are sent. */
export interface RecordPlace {
  /** Of the send. */
  readonly order: number;
  readonly index: number;
}

const notAcknowledged = -2;

/** One call of `send`, until its last record is acknowledged, refused or, behind a refused one, withdrawn. */
export class Delivery {
  readonly columns: RecordColumns;
  readonly deadline: number;
  /** Sends are numbered as they come. */
  readonly order: number;
  /** Nothing is sent any more behind a record of it that is refused. */
  readonly stops: boolean;
  /** Per record; -1: none yet. */
  readonly partitions: Int32Array;
  /** Settles once all is known, or once it is given up and its requests in flight are back. */
  readonly outcome: Promise<ProduceOutcome>;
  inFlight = 0;
  /** Why it was given up. */
  givenUp: Error | null = null;
  readonly #offsets: Float64Array;
  readonly #failures = new Map<number, Error>();
  readonly #settle: PromiseWithResolvers<ProduceOutcome>;
  /** Records neither acknowledged nor refused nor withdrawn. */
  #open: number;
  #firstRefused = Number.POSITIVE_INFINITY;
  #withdrawn = false;

  constructor(columns: RecordColumns, deadline: number, order: number, stops: boolean) {
    this.columns = columns;
    this.deadline = deadline;
    this.order = order;
    this.stops = stops;
    this.partitions = new Int32Array(columns.size).fill(-1);
    this.#offsets = new Float64Array(columns.size).fill(notAcknowledged);
    this.#open = columns.size;
    this.#settle = Promise.withResolvers();
    this.outcome = this.#settle.promise;
  }

  /** The record will never be accepted. */
  refuse(index: number, error: Error): void {
    this.#failures.set(index, error);
    if (index < this.#firstRefused) this.#firstRefused = index;
    this.#open--;
  }

  /** Where a stopping send must stop; null while nothing was refused. */
  get stopsAt(): RecordPlace | null {
    return this.stops && this.#failures.size > 0 ? { order: this.order, index: this.#firstRefused } : null;
  }

  /** So many of its records will not be sent. */
  withdraw(count: number): void {
    this.#open -= count;
    this.#withdrawn = true;
  }

  /** The records `indices[from..to)` lie one behind the other from `baseOffset` on; -1: nobody knows where. */
  acknowledge(indices: readonly number[], from: number, to: number, baseOffset: number): void {
    for (let rank = from; rank < to; rank++) {
      this.#offsets[indices[rank]!] = baseOffset < 0 ? -1 : baseOffset + rank - from;
    }
    this.#open -= to - from;
  }

  settleIfDone(): void {
    if (this.givenUp) {
      if (this.inFlight > 0) return;
      if (this.stops) this.#settle.resolve(this.#result());
      else this.#settle.reject(this.givenUp);
    } else if (this.#open === 0) {
      this.#settle.resolve(this.#result());
    }
  }

  /** Keeps nothing of the columns, which serve the next batch. */
  #result(): ProduceOutcome {
    const failures = this.#failures;
    const offsets = this.#offsets;
    const { partitions, columns } = this;
    const topics = [...columns.topics];
    const topicIds = topics.length > 1 ? columns.topicIds.slice(0, columns.size) : null;
    const incomplete = this.givenUp !== null || this.#withdrawn || failures.size > 0;
    // Given up while it waited for what lies in front of the refused record: that comes first.
    const cause = this.givenUp ?? failures.get(this.#firstRefused) ?? null;
    return {
      failures,
      stopped: this.stops && incomplete ? { cause } : null,
      offsetOf(index) {
        if (offsets[index]! === notAcknowledged) return null;
        const topic = topics[topicIds === null ? 0 : topicIds[index]!]!;
        return { topic, partition: partitions[index]!, offset: offsets[index]! };
      },
    };
  }
}
