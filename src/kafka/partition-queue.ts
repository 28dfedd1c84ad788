/**
 * What is on its way to one partition, in the order of its sequence numbers. A group is encoded chunk by chunk, only when
 * a request can take it. A chunk that fails for a while goes back to the head of the queue by its sequence; the queue
 * stays closed until every later chunk in flight has come back too. A chunk that is refused for good leaves a gap in the
 * numbers; once all are back, those after it move up.
 */
import { ConnectError } from '../errors.ts';
import type { ProducerSettings } from './client-settings.ts';
import type { Codecs } from './codecs.ts';
import type { Delivery, RecordPlace } from './delivery.ts';
import type { ProducerIdentity } from './protocol/transactions.ts';
import { type BatchIdentity, type EncodedBatch, RecordBatchEncoder } from './record-batch-encoder.ts';

/** The records of one delivery for one partition. */
export interface Group {
  readonly delivery: Delivery;
  readonly indices: number[];
  next: number;
}

/** The records `indices[from..to)`, as one record batch. */
export interface Chunk {
  readonly delivery: Delivery;
  readonly indices: readonly number[];
  readonly from: number;
  readonly to: number;
  sequence: number;
  attempts: number;
  encoded: EncodedBatch | null;
}

const sequenceMask = 0x7fffffff;
const noIdentity: ProducerIdentity = { producerId: -1n, epoch: -1 };

/** Makes record batches under the identity that the producer has now. */
export class ChunkEncoder {
  /** Null: not idempotent, or not known yet. */
  identity: ProducerIdentity | null = null;
  readonly #encoder: RecordBatchEncoder;
  readonly #transactional: boolean;

  constructor(codecs: Codecs, settings: ProducerSettings, transactional: boolean) {
    this.#encoder = new RecordBatchEncoder(codecs, settings.compression, settings.batchBytes);
    this.#transactional = transactional;
  }

  encode({ delivery, indices, from, sequence }: Chunk, to: number, now: number, target?: number): EncodedBatch {
    return this.#encoder.encode(delivery.columns, indices, from, to, this.#identityAt(sequence), now, target);
  }

  renumber({ encoded, sequence }: Chunk): void {
    if (encoded) this.#encoder.renumber(encoded, this.#identityAt(sequence));
  }

  release(chunk: Chunk): void {
    if (chunk.encoded) this.#encoder.release(chunk.encoded);
    chunk.encoded = null;
  }

  #identityAt(sequence: number): BatchIdentity {
    const { producerId, epoch } = this.identity ?? noIdentity;
    const baseSequence = this.identity === null ? -1 : sequence;
    return { producerId, epoch, baseSequence, transactional: this.#transactional };
  }
}

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  inFlight = 0;
  /**
   * The broker has taken a chunk under this identity. Before, it would take any sequence number, so that a second chunk
   * in flight could overtake a refused first one.
   */
  established: boolean;
  /** A chunk failed: nothing leaves until all in flight are back. */
  closed = false;
  retryAt = 0;
  /** Why its head is not acknowledged yet. */
  lastError: ConnectError | null = null;
  readonly #encoder: ChunkEncoder;
  readonly #settings: ProducerSettings;
  /** Chunks that must go (again) before any group, by sequence. */
  readonly #retries: Chunk[] = [];
  readonly #groups: Group[] = [];
  #nextSequence = 0;
  /** Less than the settings' once the broker found a batch too large for the topic. */
  #batchBytes: number;
  /** Sequence numbers that will never be written. */
  #gaps: { sequence: number; count: number }[] = [];

  constructor(topic: string, partition: number, settings: ProducerSettings, encoder: ChunkEncoder) {
    this.topic = topic;
    this.partition = partition;
    this.established = !settings.idempotent;
    this.#settings = settings;
    this.#batchBytes = settings.batchBytes;
    this.#encoder = encoder;
  }

  get isEmpty(): boolean {
    return this.#retries.length === 0 && this.#groups.length === 0;
  }

  /** Whose records come next; the queue must not be empty. */
  get head(): Delivery {
    return (this.#retries[0] ?? this.#groups[0]!).delivery;
  }

  add(group: Group): void {
    this.#groups.push(group);
  }

  /** The next chunk, encoded; the queue must not be empty. */
  take(now: number): Chunk {
    const retry = this.#retries.shift();
    if (retry) {
      retry.encoded ??= this.#encoder.encode(retry, retry.to, now);
      return retry;
    }
    const group = this.#groups[0]!;
    const { delivery, indices, next } = group;
    const sequence = this.#nextSequence;
    const chunk: Chunk = { delivery, indices, from: next, to: 0, sequence, attempts: 0, encoded: null };
    const encoded = this.#encoder.encode(chunk, indices.length, now, this.#batchBytes);
    group.next += encoded.count;
    this.#nextSequence = (sequence + encoded.count) & sequenceMask;
    if (group.next === indices.length) this.#groups.shift();
    return { ...chunk, to: group.next, encoded };
  }

  /** What was taken last, and is not sent after all. */
  putBack(chunk: Chunk): void {
    this.#retries.unshift(chunk);
  }

  requeue(chunk: Chunk): void {
    const at = this.#retries.findIndex((one) => one.sequence > chunk.sequence);
    this.#retries.splice(at < 0 ? this.#retries.length : at, 0, chunk);
    this.closed = this.inFlight > 0;
  }

  acknowledge(chunk: Chunk, baseOffset: number): void {
    this.established = true;
    this.lastError = null;
    if (this.#gaps.length > 0) this.#gaps = this.#gaps.filter((gap) => gap.sequence > chunk.sequence);
    chunk.delivery.acknowledge(chunk.indices, chunk.from, chunk.to, baseOffset);
    this.#encoder.release(chunk);
  }

  /** Whether the broker found the chunk out of order because an earlier one of the partition has failed. */
  isBehindAnother({ sequence }: Chunk): boolean {
    return this.#retries.some((one) => one.sequence < sequence) || this.#gaps.some((gap) => gap.sequence < sequence);
  }

  /** The broker found it too large: it goes again as two. */
  halve(chunk: Chunk): void {
    const middle = chunk.from + ((chunk.to - chunk.from) >> 1);
    // Compressed sizes tell nothing about how much to take next.
    if (this.#settings.compression.type === 'none') {
      this.#batchBytes = Math.max(1024, Math.min(this.#batchBytes, chunk.encoded!.bytes.length >> 1));
    }
    this.#encoder.release(chunk);
    const sequence = (chunk.sequence + middle - chunk.from) & sequenceMask;
    this.requeue({ ...chunk, to: middle, attempts: 0, encoded: null });
    this.requeue({ ...chunk, from: middle, sequence, attempts: 0, encoded: null });
  }

  /** None of the chunk's records will ever be accepted. */
  drop(chunk: Chunk, error: Error): void {
    for (let rank = chunk.from; rank < chunk.to; rank++) chunk.delivery.refuse(chunk.indices[rank]!, error);
    this.#leaveGap(chunk.sequence, chunk.to - chunk.from);
    this.#encoder.release(chunk);
  }

  /** The broker named the records it refuses, by their place in the chunk; the others go again without them. */
  dropSome(chunk: Chunk, refused: ReadonlyMap<number, string | null>, error: ConnectError): void {
    const rest: number[] = [];
    for (let rank = chunk.from; rank < chunk.to; rank++) {
      const message = refused.get(rank - chunk.from);
      const index = chunk.indices[rank]!;
      if (message === undefined) rest.push(index);
      else {
        const reason = message
          ? new ConnectError(error.code, `${error.message}: ${message}`, { javaClass: error.javaClass })
          : error;
        chunk.delivery.refuse(index, reason);
      }
    }
    this.#leaveGap((chunk.sequence + rest.length) & sequenceMask, chunk.to - chunk.from - rest.length);
    this.#encoder.release(chunk);
    this.requeue({ ...chunk, indices: rest, from: 0, to: rest.length, encoded: null });
  }

  #leaveGap(sequence: number, count: number): void {
    if (!this.#settings.idempotent) return;
    this.#gaps.push({ sequence, count });
    this.closed = this.inFlight > 0;
  }

  /** Takes what is left of a delivery out. True when numbers were given out for it, which will be missing. */
  remove(delivery: Delivery): boolean {
    let numbered = false;
    for (let at = this.#retries.length - 1; at >= 0; at--) {
      const chunk = this.#retries[at]!;
      if (chunk.delivery !== delivery) continue;
      this.#retries.splice(at, 1);
      this.#encoder.release(chunk);
      numbered = true;
    }
    for (let at = this.#groups.length - 1; at >= 0; at--) {
      if (this.#groups[at]!.delivery === delivery) this.#groups.splice(at, 1);
    }
    return numbered;
  }

  /** Takes out all from `stop` on, for good, and answers whose it was. What is in front keeps its numbers. */
  cutAt(stop: RecordPlace): Delivery[] {
    const cut: Delivery[] = [];
    for (let at = this.#retries.length - 1; at >= 0; at--) {
      const chunk = this.#retries[at]!;
      const keep = rankOf(stop, chunk.delivery, chunk.indices, chunk.from, chunk.to);
      if (keep === chunk.to) continue;
      chunk.delivery.withdraw(chunk.to - keep);
      cut.push(chunk.delivery);
      this.#encoder.release(chunk);
      if (keep === chunk.from) this.#retries.splice(at, 1);
      else this.#retries[at] = { ...chunk, to: keep };
    }
    for (let at = this.#groups.length - 1; at >= 0; at--) {
      const { delivery, indices, next } = this.#groups[at]!;
      const keep = rankOf(stop, delivery, indices, next, indices.length);
      if (keep === indices.length) continue;
      delivery.withdraw(indices.length - keep);
      cut.push(delivery);
      indices.length = keep;
      if (keep === next) this.#groups.splice(at, 1);
    }
    return cut;
  }

  /** Everything in flight is back: closes the gaps in the numbers and lets the queue go on. */
  reopen(): void {
    this.closed = false;
    if (this.#gaps.length === 0) return;
    const before = (sequence: number) =>
      this.#gaps.reduce((sum, gap) => sum + (gap.sequence < sequence ? gap.count : 0), 0);
    for (const chunk of this.#retries) this.#number(chunk, chunk.sequence - before(chunk.sequence));
    this.#nextSequence -= before(this.#nextSequence);
    this.#gaps = [];
  }

  /** A new identity: what is left is numbered from zero. */
  startOver(): void {
    let sequence = 0;
    for (const chunk of this.#retries) {
      this.#number(chunk, sequence);
      sequence += chunk.to - chunk.from;
    }
    this.#nextSequence = sequence;
    this.established = !this.#settings.idempotent;
    this.#gaps = [];
  }

  #number(chunk: Chunk, sequence: number): void {
    chunk.sequence = sequence;
    this.#encoder.renumber(chunk);
  }
}

/** Of the records `indices[from..to)` of a delivery, the first that does not lie in front of `stop`. */
function rankOf(stop: RecordPlace, { order }: Delivery, indices: readonly number[], from: number, to: number): number {
  if (order !== stop.order) return order < stop.order ? to : from;
  let rank = from;
  while (rank < to && indices[rank]! < stop.index) rank++;
  return rank;
}
