import type { ProducerIdentity } from './protocol/transactions.ts';

const lastEpoch = 0x7fff;
const mostIdle = 100;

/**
 * Producer ids of a cluster that nobody uses now. Who takes one goes on in the next epoch, with sequences from zero, as
 * Java's idempotent producer does by itself (KIP-360): the broker refuses whatever the one before may still have on its way.
 * That spares each short run a question to the broker.
 */
export class ProducerIds {
  readonly #idle: ProducerIdentity[] = [];

  /** Null: there is none, ask the broker. */
  take(): ProducerIdentity | null {
    return this.#idle.pop() ?? null;
  }

  /** Its producer sends nothing more. */
  giveBack({ producerId, epoch }: ProducerIdentity): void {
    if (epoch < lastEpoch && this.#idle.length < mostIdle) this.#idle.push({ producerId, epoch: epoch + 1 });
  }
}
