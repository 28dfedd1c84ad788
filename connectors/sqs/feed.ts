import { type FedItem, type FedOutcome, parseConfig, type Settings, type SourceFeed } from '../../src/api/index.ts';
import { messageRecords } from './message-record.ts';
import { answerQueue, messagesOf, type QueueMessage } from './queue-event.ts';
import { type SqsSourceSettings, sqsSourceConfig } from './settings.ts';

/**
 * The messages that a declared queue brings. Those that are not done are given back, of a FIFO queue with all later ones of
 * their group; the others the queue deletes.
 */
export class SqsSourceFeed implements SourceFeed {
  #settings: SqsSourceSettings | null = null;
  #messages: readonly QueueMessage[] = [];

  get onRefused(): 'fail' | 'refuse' {
    return this.#settings?.['sqs.refused.messages'] === 'return' ? 'refuse' : 'fail';
  }

  start(config: Settings): void {
    this.#settings = parseConfig(sqsSourceConfig, config);
  }

  items(event: unknown): readonly FedItem[] {
    this.#messages = messagesOf(event);
    const recordOf = messageRecords(this.#settings!);
    return this.#messages.map((message) => ({
      records: [recordOf(message)],
      orderKey: message.attributes.MessageGroupId ?? null,
    }));
  }

  answer(_event: unknown, outcomes: readonly FedOutcome[]): unknown {
    return answerQueue(this.#messages, outcomes);
  }

  stop(): void {
    this.#messages = [];
  }
}
