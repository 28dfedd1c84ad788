import type { SerializedValue } from '../api/converter.ts';
import type { Clock } from '../clock.ts';
import { ConnectError } from '../errors.ts';
import { kafkaError, kafkaErrors } from '../kafka/errors.ts';
import { newRecordColumns, RecordColumns } from '../kafka/outgoing-batch.ts';
import { Partitioner } from '../kafka/partitioner.ts';
import { recordUpperBound } from '../kafka/record-batch-encoder.ts';
import type { OnRefusal, OutgoingBatch, ProduceOutcome, Producer, TransactionalProducer } from '../kafka/types.ts';
import type { MemoryLog, MemoryTopic, MemoryTransaction, TransactionalId } from './memory-log.ts';

export interface ProducerOptions {
  readonly clock: Clock;
  /** Partitions of a topic that is made by the first record that goes there; null: none is made. */
  readonly autoCreatePartitions: number | null;
}

/** The broker's default of `max.message.bytes`. */
const defaultMaxMessageBytes = 1_048_588;
const stickyBytes = 16_384;

const bytesOf = (value: SerializedValue): Uint8Array | null =>
  value === null ? null : typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);

/** Acknowledges at the next turn of the event loop, in the order of the sends. */
export class MemoryProducer implements Producer {
  protected readonly log: MemoryLog;
  protected readonly options: ProducerOptions;
  readonly #partitioner = new Partitioner(stickyBytes, false);
  #sending: Promise<unknown> = Promise.resolve();
  /** A record was refused in a send that stops there: nothing is sent any more. */
  #stopped = false;
  #closed = false;

  constructor(log: MemoryLog, options: ProducerOptions) {
    this.log = log;
    this.options = options;
  }

  newBatch(): OutgoingBatch {
    return newRecordColumns();
  }

  send(batch: OutgoingBatch, signal?: AbortSignal, onRefusal: OnRefusal = 'go-on'): Promise<ProduceOutcome> {
    if (!(batch instanceof RecordColumns)) {
      throw new TypeError('A batch is made by newBatch of the producer that sends it');
    }
    const sent = this.#sending.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      if (this.#closed) throw new ConnectError('kafka.closed', 'The producer is closed');
      return this.#append(batch, onRefusal);
    });
    this.#sending = sent.catch(() => {});
    this.log.sent(sent);
    return sent;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** The transaction that records are written in. */
  protected transaction(): MemoryTransaction | null {
    return null;
  }

  #append(columns: RecordColumns, onRefusal: OnRefusal): ProduceOutcome {
    const failures = new Map<number, Error>();
    const landed: ({ topic: string; partition: number; offset: number } | null)[] = [];
    let stopped: { readonly cause: Error | null } | null = this.#stopped ? { cause: null } : null;
    const transaction = this.transaction();
    for (let index = 0; index < columns.size && stopped === null; index++) {
      const refusal = this.#refusal(columns, index);
      if (refusal !== null) {
        failures.set(index, refusal);
        if (onRefusal === 'stop') {
          stopped = { cause: refusal };
          this.#stopped = true;
        }
        continue;
      }
      landed[index] = this.#appendOne(columns, index, transaction);
    }
    this.log.changed();
    return { offsetOf: (index) => landed[index] ?? null, failures, stopped };
  }

  #appendOne(columns: RecordColumns, index: number, transaction: MemoryTransaction | null) {
    const topic = this.#topicOf(columns, index);
    const key = columns.keys[index]!;
    const given = columns.partitions[index]!;
    const partition = given >= 0 ? given : this.#place(topic, key, columns.valueLength(index));
    const target = topic.partitions[partition];
    const about = { doing: 'write to', topic: topic.name, partition };
    if (target === undefined) throw kafkaError(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION, about);
    const timestamp = columns.timestamps[index]!;
    const offset = target.append({
      timestamp: timestamp < 0 ? this.options.clock.now() : timestamp,
      key: bytesOf(key),
      value: valueAt(columns, index),
      headers: (columns.headers[index] ?? []).map((header) => ({ key: header.key, value: bytesOf(header.value) })),
      transaction,
      control: false,
    });
    return { topic: topic.name, partition, offset };
  }

  #topicOf(columns: RecordColumns, index: number): MemoryTopic {
    const name = columns.topics[columns.topicIds[index]!]!;
    const { autoCreatePartitions } = this.options;
    if (!this.log.topics.has(name) && autoCreatePartitions !== null) this.log.createTopic(name, autoCreatePartitions);
    return this.log.topic(name, 'write to');
  }

  #refusal(columns: RecordColumns, index: number): Error | null {
    const topic = this.#topicOf(columns, index);
    const most = Number(topic.configs['max.message.bytes'] ?? defaultMaxMessageBytes);
    if (recordUpperBound(columns, index) <= most) return null;
    return kafkaError(kafkaErrors.MESSAGE_TOO_LARGE, { doing: 'write to', topic: topic.name });
  }

  #place({ name, id, partitions }: MemoryTopic, key: SerializedValue, size: number): number {
    const leaders = new Int32Array(partitions.length);
    const topic = { topic: name, topicId: id, partitions: partitions.length, leaders, epochs: leaders, loadedAt: 0 };
    return this.#partitioner.place(topic, key, size);
  }
}

function valueAt(columns: RecordColumns, index: number): Uint8Array | null {
  const size = columns.valueSizes[index]!;
  if (size < 0) return bytesOf(columns.values[index]!);
  const start = columns.valueStarts[index]!;
  return Buffer.from(columns.written!.bytes.subarray(start, start + size));
}

/** KIP-98: a newer one of the same id fences this one. */
export class MemoryTransactionalProducer extends MemoryProducer implements TransactionalProducer {
  readonly #transactionalId: string;
  #epoch = -1;
  #open = false;

  constructor(log: MemoryLog, options: ProducerOptions, transactionalId: string) {
    super(log, options);
    this.#transactionalId = transactionalId;
  }

  async init(): Promise<void> {
    const { transactionalIds } = this.log;
    const known = transactionalIds.get(this.#transactionalId) ?? { epoch: -1, open: null };
    transactionalIds.set(this.#transactionalId, known);
    known.epoch++;
    if (known.open !== null) this.log.endTransaction(known.open, 'aborted', this.options.clock.now());
    known.open = null;
    this.#epoch = known.epoch;
    this.#open = false;
  }

  begin(): void {
    if (this.#epoch < 0 || this.#open) {
      throw new ConnectError('kafka.invalid_transaction', 'A transaction begins after init, and after the one before');
    }
    this.#open = true;
  }

  override send(batch: OutgoingBatch, signal?: AbortSignal): Promise<ProduceOutcome> {
    return super.send(batch, signal);
  }

  commit(): Promise<void> {
    return this.#end('committed');
  }

  abort(): Promise<void> {
    return this.#end('aborted');
  }

  async #end(state: 'committed' | 'aborted'): Promise<void> {
    const own = this.#own();
    this.#open = false;
    if (own.open !== null) this.log.endTransaction(own.open, state, this.options.clock.now());
    own.open = null;
  }

  protected override transaction(): MemoryTransaction {
    const own = this.#own();
    if (!this.#open) throw new ConnectError('kafka.invalid_transaction', 'A record is sent only in a transaction');
    own.open ??= { state: 'open', touched: new Set() };
    return own.open;
  }

  #own(): TransactionalId {
    const own = this.log.transactionalIds.get(this.#transactionalId);
    if (own !== undefined && own.epoch === this.#epoch) return own;
    throw kafkaError(kafkaErrors.PRODUCER_FENCED, {
      doing: 'write as',
      transactionalId: this.#transactionalId,
    });
  }
}
