import { ConnectError } from '../errors.ts';
import type { ProducerSettings } from './client-settings.ts';
import type { Cluster } from './cluster.ts';
import type { Codecs } from './codecs.ts';
import { kafkaError, kafkaErrors } from './errors.ts';
import { RecordColumns } from './outgoing-batch.ts';
import { ProduceEngine } from './produce-engine.ts';
import { initProducerIdCall, type ProducerIdentity } from './protocol/transactions.ts';
import type { OutgoingBatch, ProduceOutcome, Producer } from './types.ts';

export function columnsOf(batch: OutgoingBatch): RecordColumns {
  if (batch instanceof RecordColumns) return batch;
  throw new TypeError('A batch is made by newBatch of the producer that sends it');
}

/** Idempotent unless told otherwise, without transactions. */
export class IdempotentProducer implements Producer {
  readonly #engine: ProduceEngine;

  constructor(cluster: Cluster, codecs: Codecs, settings: ProducerSettings) {
    const identity = async (): Promise<ProducerIdentity | null> => {
      if (!settings.idempotent) return null;
      return cluster.retrying(settings.maxBlockMs, async () => {
        const connection = await cluster.anyConnection(cluster.controlLane);
        const answer = await connection.call(initProducerIdCall, { transactionalId: null, timeoutMs: 0x7fffffff });
        if (answer.errorCode === kafkaErrors.NONE) return answer;
        throw kafkaError(answer.errorCode, { doing: 'get a producer id from' });
      });
    };
    this.#engine = new ProduceEngine(cluster, codecs, settings, {
      transactionalId: null,
      identity,
      renew: identity,
      enlist: async () => new Map(),
    });
  }

  newBatch(): OutgoingBatch {
    return new RecordColumns();
  }

  send(batch: OutgoingBatch, signal?: AbortSignal): Promise<ProduceOutcome> {
    return this.#engine.send(columnsOf(batch), signal);
  }

  async close(): Promise<void> {
    this.#engine.kill(new ConnectError('kafka.closed', 'The producer is closed'));
  }
}
