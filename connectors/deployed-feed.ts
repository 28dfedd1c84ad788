import {
  ConfigError,
  type ConnectorConfig,
  type ConnectorContext,
  type FeedKey,
  type SourceConnector,
  type SourceFeed,
  type SourceTask,
} from '../src/api/index.ts';
import { QueueFeed, type QueueReading } from './queue-feed.ts';

/** What an event source that a queue stands in front of is, by the name that its CDK function gives it. */
export interface DeployedFeed {
  /** What comes before the name in the feed key. */
  readonly scheme: string;
  /** Names it in a config. */
  readonly setting: string;
  /** The function of `drover/cdk` that makes it. */
  readonly madeBy: string;
  read(config: ConnectorConfig): QueueReading;
}

/**
 * A source that only a deployed feed can bring anything to, by way of a queue: what EventBridge or SNS invoke a function
 * with themselves is lost after a few failures.
 */
export class DeployedFeedConnector implements SourceConnector {
  readonly #feed: DeployedFeed;
  #tasks: ConnectorConfig[] = [];

  constructor(feed: DeployedFeed) {
    this.#feed = feed;
  }

  start(config: ConnectorConfig, { fed = false }: ConnectorContext): void {
    this.#feed.read(config);
    this.#tasks = fed ? [] : [config];
  }

  /** Where it is fed there is nothing to poll; where it is not, a task says so. */
  taskConfigs(): ConnectorConfig[] {
    return this.#tasks;
  }

  feedKey(config: ConnectorConfig): FeedKey {
    const { scheme, setting } = this.#feed;
    return { key: `${scheme}:${config[setting]?.trim() ?? ''}`, setting, undeclared: this.#undeclared(config) };
  }

  #undeclared(config: ConnectorConfig): string {
    const { setting, madeBy } = this.#feed;
    const feed = config[setting]?.trim() ?? '';
    return `No feed ${feed} is deployed: make it with ${madeBy}(drover, { feed: '${feed}', … }), of drover/cdk; drover get feeds lists those that are`;
  }

  createFeed(): SourceFeed {
    return new QueueFeed((config) => this.#feed.read(config));
  }

  createTask(): SourceTask {
    return {
      start: (config) => {
        throw new ConfigError(this.#undeclared(config), { key: this.#feed.setting });
      },
      poll: () => null,
      stop: () => {},
    };
  }

  exactlyOnceSupport(): 'UNSUPPORTED' {
    return 'UNSUPPORTED';
  }

  stop(): void {}
}
