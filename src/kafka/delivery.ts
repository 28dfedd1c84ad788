import type { RecordColumns } from './outgoing-batch.ts';
import type { ProduceOutcome } from './types.ts';

/** One call of `send`, until its last record is acknowledged or refused. */
export class Delivery {
  readonly columns: RecordColumns;
  readonly deadline: number;
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
  /** Records neither acknowledged nor refused. */
  #open: number;

  constructor(columns: RecordColumns, deadline: number) {
    this.columns = columns;
    this.deadline = deadline;
    this.partitions = new Int32Array(columns.size).fill(-1);
    this.#offsets = new Float64Array(columns.size).fill(-1);
    this.#open = columns.size;
    this.#settle = Promise.withResolvers();
    this.outcome = this.#settle.promise;
  }

  /** The record will never be accepted. */
  refuse(index: number, error: Error): void {
    this.#failures.set(index, error);
    this.#open--;
  }

  /** The records `indices[from..to)` lie one behind the other from `baseOffset` on; -1: nobody knows where. */
  acknowledge(indices: readonly number[], from: number, to: number, baseOffset: number): void {
    if (baseOffset >= 0) {
      for (let rank = from; rank < to; rank++) this.#offsets[indices[rank]!] = baseOffset + rank - from;
    }
    this.#open -= to - from;
  }

  settleIfDone(): void {
    if (this.givenUp) {
      if (this.inFlight === 0) this.#settle.reject(this.givenUp);
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
    return {
      failures,
      offsetOf(index) {
        if (failures.has(index)) return null;
        const topic = topics[topicIds === null ? 0 : topicIds[index]!]!;
        return { topic, partition: partitions[index]!, offset: offsets[index]! };
      },
    };
  }
}
