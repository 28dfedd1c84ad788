import { randomBytes } from 'node:crypto';
import { kafkaError, kafkaErrors } from '../kafka/errors.ts';

/** A record as it lies in Kafka. */
export interface StoredRecord {
  readonly offset: number;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
  /** The transaction that it was written in; null: none. */
  readonly transaction: MemoryTransaction | null;
  /** The mark that ends a transaction: nobody is shown it, but it has an offset. */
  readonly control: boolean;
}

export interface MemoryTransaction {
  state: 'open' | 'committed' | 'aborted';
  readonly touched: Set<MemoryPartition>;
}

export class MemoryPartition {
  /** Offset of the first record that is kept. */
  start = 0;
  readonly #records: StoredRecord[] = [];
  readonly #keeps: boolean;

  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  get end(): number {
    return this.start + this.#records.length;
  }

  /** Where the first open transaction begins, else the end: `read_committed` sees no further. */
  get lastStableOffset(): number {
    return this.#records.find(({ transaction }) => transaction?.state === 'open')?.offset ?? this.end;
  }

  append(record: Omit<StoredRecord, 'offset'>): number {
    const offset = this.end;
    this.#records.push({ ...record, offset });
    record.transaction?.touched.add(this);
    if (!this.#keeps) this.deleteBefore(this.end);
    return offset;
  }

  at(offset: number): StoredRecord | undefined {
    return this.#records[offset - this.start];
  }

  /** As retention does. */
  deleteBefore(offset: number): void {
    const gone = Math.max(0, Math.min(offset, this.end) - this.start);
    this.#records.splice(0, gone);
    this.start += gone;
  }

  /** Of the first record that is not older; undefined: there is none. */
  offsetSince(timestamp: number): number | undefined {
    return this.#records.find((record) => !record.control && record.timestamp >= timestamp)?.offset;
  }
}

export interface MemoryTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: MemoryPartition[];
  readonly configs: Readonly<Record<string, string>>;
}

export interface GroupCommit {
  readonly offset: bigint;
  readonly metadata: string;
}

/** What the broker remembers of a transactional id. */
export interface TransactionalId {
  epoch: number;
  open: MemoryTransaction | null;
}

const legalTopic = /^[a-zA-Z0-9._-]{1,249}$/;

/** The state of a Kafka cluster of one broker, in memory. */
export class MemoryLog {
  readonly clusterId = randomBytes(16).toString('base64url');
  readonly topics = new Map<string, MemoryTopic>();
  readonly groups = new Map<string, Map<string, Map<number, GroupCommit>>>();
  readonly transactionalIds = new Map<string, TransactionalId>();
  readonly #keeps: boolean;
  readonly #waiting = new Set<() => void>();
  readonly #onTheWay = new Set<Promise<unknown>>();

  /** `keeps` false: records are acknowledged and dropped, so that only their number is seen. */
  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  /** False where it was there already. */
  createTopic(name: string, partitions: number, configs: Readonly<Record<string, string>> = {}): boolean {
    if (!legalTopic.test(name) || name === '.' || name === '..') {
      throw kafkaError(kafkaErrors.INVALID_TOPIC, { doing: 'create', topic: name });
    }
    if (this.topics.has(name)) return false;
    this.topics.set(name, {
      name,
      id: randomBytes(16).toString('base64url'),
      partitions: Array.from({ length: Math.max(1, partitions) }, () => new MemoryPartition(this.#keeps)),
      configs,
    });
    return true;
  }

  addPartitions(name: string, count: number): void {
    const topic = this.topic(name, 'add partitions to');
    if (count <= topic.partitions.length) {
      throw kafkaError(kafkaErrors.INVALID_PARTITIONS, { doing: 'add partitions to', topic: name });
    }
    while (topic.partitions.length < count) topic.partitions.push(new MemoryPartition(this.#keeps));
  }

  /** With it go the offsets that groups have of it, as in Kafka. */
  deleteTopic(name: string): void {
    this.topics.delete(name);
    for (const topics of this.groups.values()) topics.delete(name);
    this.changed();
  }

  /** Throws what Kafka answers where there is none. */
  topic(name: string, doing: string): MemoryTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw kafkaError(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION, { doing, topic: name });
    return topic;
  }

  partition(name: string, partition: number, doing: string): MemoryPartition {
    const found = this.topic(name, doing).partitions[partition];
    if (found !== undefined) return found;
    throw kafkaError(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION, { doing, topic: name, partition });
  }

  endTransaction(transaction: MemoryTransaction, state: 'committed' | 'aborted', now: number): void {
    transaction.state = state;
    const mark = { timestamp: now, key: null, value: null, headers: [], transaction: null, control: true };
    for (const partition of transaction.touched) partition.append(mark);
    this.changed();
  }

  /** A request that was sent, and arrives whatever becomes of its sender. */
  sent(request: Promise<unknown>): void {
    this.#onTheWay.add(request);
    const arrived = () => void this.#onTheWay.delete(request);
    request.then(arrived, arrived);
  }

  /** Resolves when all that was sent has arrived. */
  async arrived(): Promise<void> {
    while (this.#onTheWay.size > 0) await Promise.allSettled(this.#onTheWay);
  }

  /** Wakes the fetches that wait for records. */
  changed(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Called with the next change; gives what takes that back. */
  onChange(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }
}
