import { ConnectError } from '../errors.ts';
import type { ProducerSettings } from './client-settings.ts';
import type { Cluster } from './cluster.ts';
import { loadCodecs } from './codecs.ts';
import { kafkaError, kafkaErrors } from './errors.ts';
import { newRecordColumns, RecordColumns } from './outgoing-batch.ts';
import { ProduceEngine } from './produce-engine.ts';
import { initProducerIdCall, type ProducerIdentity } from './protocol/transactions.ts';
import type { OnRefusal, OutgoingBatch, ProduceOutcome, Producer } from './types.ts';

export function columnsOf(batch: OutgoingBatch): RecordColumns {
  if (batch instanceof RecordColumns) return batch;
  throw new TypeError('A batch is made by newBatch of the producer that sends it');
}

/** Idempotent unless told otherwise, without transactions. What it takes to send is loaded with the first `send`: most polls find nothing. */
export class IdempotentProducer implements Producer {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  #engine: Promise<ProduceEngine> | null = null;
  #identity: ProducerIdentity | null = null;
  #closed = false;

  constructor(cluster: Cluster, settings: ProducerSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  async #createEngine(): Promise<ProduceEngine> {
    const cluster = this.#cluster;
    const settings = this.#settings;
    const renew = async (): Promise<ProducerIdentity | null> => {
      if (!settings.idempotent) return null;
      this.#identity = await cluster.retrying(settings.maxBlockMs, async () => {
        const connection = await cluster.anyConnection(cluster.controlLane);
        const answer = await connection.call(initProducerIdCall, { transactionalId: null, timeoutMs: 0x7fffffff });
        if (answer.errorCode === kafkaErrors.NONE) return answer;
        throw kafkaError(answer.errorCode, { doing: 'get a producer id from' });
      });
      return this.#identity;
    };
    const identity = async (): Promise<ProducerIdentity | null> => {
      if (settings.idempotent) this.#identity = cluster.producerIds.take();
      return this.#identity ?? renew();
    };
    const engine = new ProduceEngine(cluster, await loadCodecs(), settings, {
      transactionalId: null,
      identity,
      renew,
      enlist: async () => new Map(),
    });
    if (this.#closed) engine.kill(closed());
    return engine;
  }

  newBatch(): OutgoingBatch {
    return newRecordColumns();
  }

  async send(batch: OutgoingBatch, signal?: AbortSignal, onRefusal?: OnRefusal): Promise<ProduceOutcome> {
    const columns = columnsOf(batch);
    this.#engine ??= this.#createEngine().catch((error: unknown) => {
      this.#engine = null;
      throw error;
    });
    return (await this.#engine).send(columns, signal, onRefusal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    (await this.#engine?.catch(() => null))?.kill(closed());
    if (this.#identity !== null) this.#cluster.producerIds.giveBack(this.#identity);
    this.#identity = null;
  }
}

let closedError: ConnectError | null = null;

/** One for all: there is an end of a producer in each run, and hardly ever anybody who is told. */
function closed(): ConnectError {
  closedError ??= new ConnectError('kafka.closed', 'The producer is closed');
  return closedError;
}
