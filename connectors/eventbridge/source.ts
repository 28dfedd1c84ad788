import {
  ConfigError,
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
import { eventRecord } from './event-record.ts';
import { eventBridgeConfig } from './settings.ts';

export class EventBridgeSourceConnector implements SourceConnector {
  #tasks: ConnectorConfig[] = [];

  start(config: ConnectorConfig, { fed = false }: ConnectorContext): void {
    parseConfig(eventBridgeConfig, config);
    this.#tasks = fed ? [] : [config];
  }

  /** Where it is fed there is nothing to poll; where it is not, a task says so. */
  taskConfigs(): ConnectorConfig[] {
    return this.#tasks;
  }

  feedKey(config: ConnectorConfig): FeedKey {
    return { key: `eventbridge:${config['eventbridge.feed']?.trim() ?? ''}`, setting: 'eventbridge.feed' };
  }

  createFeed(): SourceFeed {
    return new EventBridgeFeed();
  }

  createTask(): SourceTask {
    return new UnfedTask();
  }

  exactlyOnceSupport(): 'UNSUPPORTED' {
    return 'UNSUPPORTED';
  }

  stop(): void {}
}

/** Events come through a queue: what EventBridge invokes a function with itself is lost after a few failures. */
class EventBridgeFeed implements SourceFeed {
  #settings!: ConfigValues<typeof eventBridgeConfig>;
  #partition: SourcePartition = {};
  #messages: readonly QueueMessage[] = [];

  start(config: ConnectorConfig): void {
    this.#settings = parseConfig(eventBridgeConfig, config);
    this.#partition = Object.freeze({ feed: this.#settings['eventbridge.feed'] });
  }

  items(event: unknown): readonly FedItem[] {
    this.#messages = messagesOf(event);
    return this.#messages.map(({ body, messageId }) => ({
      records: [eventRecord(body, messageId, this.#settings, this.#partition)],
    }));
  }

  answer(_event: unknown, outcomes: readonly FedOutcome[]): unknown {
    return answerQueue(this.#messages, outcomes);
  }

  stop(): void {}
}

class UnfedTask implements SourceTask {
  start(config: ConnectorConfig): void {
    const feed = config['eventbridge.feed'] ?? '';
    throw new ConfigError(
      `No feed ${feed} is deployed: make it with eventBridgeSource(drover, { feed: '${feed}', … }), of drover/cdk`,
      { key: 'eventbridge.feed' },
    );
  }

  poll(): null {
    return null;
  }

  stop(): void {}
}
