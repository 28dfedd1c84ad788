import {
  ConfigError,
  type ConfigProblem,
  type ConfigValues,
  type ConnectorConfig,
  type ConnectorContext,
  type FedItem,
  type FedOutcome,
  type FeedKey,
  parseConfig,
  type SourceConnector,
  type SourceFeed,
  type SourcePartition,
  type SourceTask,
} from '../../src/api/index.ts';
import { answerQueue, messagesOf, type QueueMessage } from '../sqs/queue-event.ts';
import { messageRecord } from './message-record.ts';
import { snsConfig } from './settings.ts';

export class SnsSourceConnector implements SourceConnector {
  #tasks: ConnectorConfig[] = [];

  start(config: ConnectorConfig, { fed = false }: ConnectorContext): void {
    parseConfig(snsConfig, config);
    this.#tasks = fed ? [] : [config];
  }

  /** Where it is fed there is nothing to poll; where it is not, a task says so. */
  taskConfigs(): ConnectorConfig[] {
    return this.#tasks;
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    const both = config['sns.record.key.pointer'] !== undefined && config['sns.record.key.attribute'] !== undefined;
    return both ? [{ key: 'sns.record.key.attribute', message: 'Give it or sns.record.key.pointer, not both' }] : [];
  }

  feedKey(config: ConnectorConfig): FeedKey {
    return { key: `sns:${config['sns.feed']?.trim() ?? ''}`, setting: 'sns.feed' };
  }

  createFeed(): SourceFeed {
    return new SnsFeed();
  }

  createTask(): SourceTask {
    return new UnfedTask();
  }

  exactlyOnceSupport(): 'UNSUPPORTED' {
    return 'UNSUPPORTED';
  }

  stop(): void {}
}

/** Messages come through a queue: what SNS invokes a function with itself is lost after a few failures. */
class SnsFeed implements SourceFeed {
  #settings!: ConfigValues<typeof snsConfig>;
  #partition: SourcePartition = {};
  #messages: readonly QueueMessage[] = [];

  start(config: ConnectorConfig): void {
    this.#settings = parseConfig(snsConfig, config);
    this.#partition = Object.freeze({ feed: this.#settings['sns.feed'] });
  }

  items(event: unknown): readonly FedItem[] {
    this.#messages = messagesOf(event);
    return this.#messages.map((message) => ({
      records: [messageRecord(message, this.#settings, this.#partition)],
      orderKey: message.attributes.MessageGroupId ?? null,
    }));
  }

  answer(_event: unknown, outcomes: readonly FedOutcome[]): unknown {
    return answerQueue(this.#messages, outcomes);
  }

  stop(): void {}
}

class UnfedTask implements SourceTask {
  start(config: ConnectorConfig): void {
    const feed = config['sns.feed'] ?? '';
    throw new ConfigError(
      `No feed ${feed} is deployed: make it with snsSource(drover, { feed: '${feed}', … }), of drover/cdk`,
      { key: 'sns.feed' },
    );
  }

  poll(): null {
    return null;
  }

  stop(): void {}
}
