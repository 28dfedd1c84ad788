import type { ConnectorConfig, FedItem, FedOutcome, Lag, SourceFeed, SourceRecord } from '../src/api/index.ts';
import { lagging, secondsOf } from './feed-lag.ts';
import { answerQueue, messagesOf, type QueueMessage } from './queue-event.ts';

/** How a config has the messages of its queue made into records. */
export interface QueueReading {
  recordOf(message: QueueMessage): SourceRecord;
  /** As in SourceFeed. */
  readonly onRefused?: 'fail' | 'refuse';
}

/**
 * The messages that a queue brings. Those that are not done are given back, of a FIFO queue with all later ones of their
 * group; the others the queue deletes.
 */
export class QueueFeed implements SourceFeed {
  readonly #read: (config: ConnectorConfig) => QueueReading;
  readonly #now: () => number;
  #reading: QueueReading | null = null;
  #messages: readonly QueueMessage[] = [];

  constructor(read: (config: ConnectorConfig) => QueueReading, now: () => number = Date.now) {
    this.#read = read;
    this.#now = now;
  }

  get onRefused(): 'fail' | 'refuse' {
    return this.#reading?.onRefused ?? 'fail';
  }

  start(config: ConnectorConfig): void {
    this.#reading = this.#read(config);
  }

  items(event: unknown): readonly FedItem[] {
    this.#messages = messagesOf(event);
    const reading = this.#reading!;
    return this.#messages.map((message) => ({
      records: [reading.recordOf(message)],
      orderKey: message.attributes.MessageGroupId ?? null,
    }));
  }

  lag(outcomes: readonly FedOutcome[]): Lag | null {
    const sentAt = Number(lagging(this.#messages, outcomes)?.attributes.SentTimestamp ?? Number.NaN);
    return Number.isFinite(sentAt) ? { seconds: secondsOf(this.#now() - sentAt) } : null;
  }

  answer(_event: unknown, outcomes: readonly FedOutcome[]): unknown {
    return answerQueue(this.#messages, outcomes);
  }

  stop(): void {}
}
