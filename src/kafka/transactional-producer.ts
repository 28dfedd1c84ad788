/**
 * KIP-98. States: new → ready (`init`) → open (`begin`) → ready (`commit` or `abort`). After a send that was given up,
 * or an end of transaction that nobody answered, only `abort` or `init` leads on; after a fence nothing does.
 */
import { ConnectError, FencedError, RetriableError } from '../errors.ts';
import type { ProducerSettings } from './client-settings.ts';
import type { Cluster, Lane } from './cluster.ts';
import type { Codecs } from './codecs.ts';
import { isFencedCode, isRetriableCode, isStaleCoordinator, kafkaError, kafkaErrors } from './errors.ts';
import { newRecordColumns } from './outgoing-batch.ts';
import { ProduceEngine } from './produce-engine.ts';
import { columnsOf } from './producer.ts';
import type { ApiCall } from './protocol/request.ts';
import {
  addPartitionsToTxnCall,
  endTxnCall,
  initProducerIdCall,
  type ProducerIdentity,
} from './protocol/transactions.ts';
import type { OutgoingBatch, ProduceOutcome, TransactionalProducer } from './types.ts';

/** The transaction before is still being completed by the broker: a matter of milliseconds. */
const concurrentDelayMs = 2;
const concurrentDelayMaxMs = 50;

export class KafkaTransactionalProducer implements TransactionalProducer {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #transactionalId: string;
  readonly #engine: ProduceEngine;
  readonly #lane: Lane;
  #identity: ProducerIdentity | null = null;
  #state: 'new' | 'ready' | 'open' | 'must-abort' | 'unknown' | 'fenced' | 'closed' = 'new';
  #fence: FencedError | null = null;
  readonly #enlisted = new Map<string, Set<number>>();

  constructor(cluster: Cluster, codecs: Codecs, settings: ProducerSettings, transactionalId: string) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#transactionalId = transactionalId;
    this.#lane = {
      name: 'transaction',
      clientId: settings.clientId,
      requestTimeoutMs: settings.requestTimeoutMs,
      maxInFlight: 1,
    };
    this.#engine = new ProduceEngine(cluster, codecs, settings, {
      transactionalId,
      identity: async () => this.#identity,
      renew: async () => {
        throw new RetriableError(
          `The transaction of transactional.id "${transactionalId}" must be aborted: the broker lost its sequence`,
          { code: 'kafka.transaction_must_abort' },
        );
      },
      enlist: (partitions) => this.#enlist(partitions),
    });
  }

  async init(): Promise<void> {
    if (this.#fence) throw this.#fence;
    if (this.#state === 'closed') throw closed();
    const answer = await this.#call(
      initProducerIdCall,
      { transactionalId: this.#transactionalId, timeoutMs: this.#settings.transactionTimeoutMs },
      (response) => response.errorCode,
      'take over',
    );
    this.#identity = { producerId: answer.producerId, epoch: answer.epoch };
    this.#engine.adopt(this.#identity);
    this.#enlisted.clear();
    this.#state = 'ready';
  }

  begin(): void {
    this.#expect('ready', 'begin a transaction');
    this.#state = 'open';
  }

  newBatch(): OutgoingBatch {
    return newRecordColumns();
  }

  async send(batch: OutgoingBatch, signal?: AbortSignal): Promise<ProduceOutcome> {
    this.#expect('open', 'send');
    try {
      return await this.#engine.send(columnsOf(batch), signal);
    } catch (error) {
      throw this.#noted(error);
    }
  }

  async commit(): Promise<void> {
    this.#expect('open', 'commit');
    await this.#end(true);
  }

  async abort(): Promise<void> {
    if (this.#fence) throw this.#fence;
    if (this.#state === 'ready') return;
    if (this.#state === 'unknown') {
      await this.init();
      return;
    }
    if (this.#state !== 'open' && this.#state !== 'must-abort') this.#expect('open', 'abort');
    await this.#end(false);
    // What was given up left numbers that the broker may never see: a new epoch starts them over.
    if (this.#engine.mustRenew) await this.init();
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#engine.kill(closed());
  }

  #expect(state: 'ready' | 'open', doing: string): void {
    if (this.#fence) throw this.#fence;
    if (this.#state === state) return;
    if (this.#state === 'must-abort' || this.#state === 'unknown') {
      throw new RetriableError(
        `Cannot ${doing}: the transaction of transactional.id "${this.#transactionalId}" must be aborted first`,
        { code: 'kafka.transaction_must_abort' },
      );
    }
    throw new ConnectError('kafka.transaction_state', `Cannot ${doing} while the producer is ${this.#state}`, {
      javaClass: 'IllegalStateException',
    });
  }

  #noted(error: unknown): unknown {
    if (error instanceof FencedError) {
      this.#fence = error;
      this.#state = 'fenced';
      this.#engine.kill(error);
    } else if (this.#state === 'open') this.#state = 'must-abort';
    return error;
  }

  async #end(committed: boolean): Promise<void> {
    if (this.#enlisted.size > 0) {
      const identity = this.#identity!;
      this.#state = 'unknown';
      await this.#call(
        endTxnCall,
        { transactionalId: this.#transactionalId, ...identity, committed },
        (response) => response.errorCode,
        committed ? 'commit' : 'abort',
      );
    }
    this.#enlisted.clear();
    this.#state = 'ready';
  }

  /** A topic that the user may not write to is left out: the broker has not made it part of the transaction. */
  async #enlist(
    partitions: readonly { topic: string; partition: number }[],
  ): Promise<ReadonlyMap<string, ConnectError>> {
    const refused = new Map<string, ConnectError>();
    const added = new Map<string, number[]>();
    for (const { topic, partition } of partitions) {
      if (this.#enlisted.get(topic)?.has(partition)) continue;
      const list = added.get(topic);
      if (list) list.push(partition);
      else added.set(topic, [partition]);
    }
    // Once asked, the transaction may be open at the coordinator even if the answer is lost.
    for (const [topic, list] of added) {
      const known = this.#enlisted.get(topic) ?? new Set<number>();
      for (const partition of list) known.add(partition);
      this.#enlisted.set(topic, known);
    }
    while (added.size > 0) {
      const forbidden = await this.#addPartitions(added);
      if (forbidden.size === 0) break;
      for (const topic of forbidden) {
        added.delete(topic);
        this.#enlisted.delete(topic);
        refused.set(topic, kafkaError(kafkaErrors.TOPIC_AUTHORIZATION_FAILED, { doing: 'write to', topic }));
      }
    }
    return refused;
  }

  /** All of them, or none: then answers the topics at fault. */
  async #addPartitions(added: ReadonlyMap<string, readonly number[]>): Promise<Set<string>> {
    const topics = Array.from(added, ([topic, partitions]) => ({ topic, partitions }));
    const forbidden = new Set<string>();
    let culprit: string | undefined;
    await this.#call(
      addPartitionsToTxnCall,
      { transactionalId: this.#transactionalId, ...this.#identity!, topics },
      (response) => {
        let worst: number = kafkaErrors.NONE;
        for (const { topic, partitions } of response) {
          for (const { errorCode } of partitions) {
            if (errorCode === kafkaErrors.NONE || errorCode === kafkaErrors.OPERATION_NOT_ATTEMPTED) continue;
            if (errorCode === kafkaErrors.TOPIC_AUTHORIZATION_FAILED) {
              forbidden.add(topic);
              continue;
            }
            worst = errorCode;
            culprit = topic;
          }
        }
        return worst;
      },
      'write to',
      () => culprit,
    );
    return forbidden;
  }

  /** Calls the transaction's coordinator until it has done it, is fenced off or the time is over. */
  async #call<Request, Response>(
    api: ApiCall<Request, Response>,
    request: Request,
    codeOf: (response: Response) => number,
    doing: string,
    topicOf: () => string | undefined = () => undefined,
  ): Promise<Response> {
    const target = { key: this.#transactionalId, kind: 'transaction', lane: this.#lane } as const;
    const clock = this.#cluster.clock;
    const deadline = clock.now() + this.#settings.maxBlockMs;
    for (let delay = concurrentDelayMs; ; delay = Math.min(delay * 2, concurrentDelayMaxMs)) {
      const left = Math.max(1, deadline - clock.now());
      const response = await this.#cluster.callCoordinator(target, api, request, codeOf, left);
      const code = codeOf(response);
      if (code === kafkaErrors.NONE) return response;
      const topic = topicOf();
      const subject =
        topic === undefined || code === kafkaErrors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
          ? { doing, transactionalId: this.#transactionalId }
          : { doing, topic };
      const error = kafkaError(code, subject);
      if (isFencedCode(code)) throw this.#noted(error);
      const again = isRetriableCode(code) && !isStaleCoordinator(code) && code !== kafkaErrors.TRANSACTION_ABORTABLE;
      if (!again || clock.now() + delay >= deadline) throw error;
      await clock.sleep(delay);
    }
  }
}

function closed(): ConnectError {
  return new ConnectError('kafka.closed', 'The producer is closed');
}
