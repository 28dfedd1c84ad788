import {
  ConfigError,
  type ConfigProblem,
  type ConnectorConfig,
  type ConnectorContext,
  type FeedKey,
  parseConfig,
  type SourceConnector,
  type SourceFeed,
  type SourceTask,
} from '../../src/api/index.ts';
import { buffersOf, feedKeyOf } from './buffer.ts';
import { webhookProblems } from './checks.ts';
import { type HookFeedParts, WebhookFeed } from './feed.ts';
import { webhookConfig } from './settings.ts';

export class WebhookSourceConnector implements SourceConnector {
  readonly #parts: () => HookFeedParts;
  #tasks: ConnectorConfig[] = [];

  constructor(parts: () => HookFeedParts = () => ({ now: Date.now, buffer: buffersOf(process.env) })) {
    this.#parts = parts;
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    return webhookProblems(config);
  }

  start(config: ConnectorConfig, { fed = false }: ConnectorContext): void {
    parseConfig(webhookConfig, config);
    this.#tasks = fed ? [] : [config];
  }

  /** Where it is fed there is nothing to poll; where it is not, a task says so. */
  taskConfigs(): ConnectorConfig[] {
    return this.#tasks;
  }

  /** By the connector's name, which is a part of the URL. */
  feedKey({ name }: ConnectorConfig): FeedKey {
    return { key: feedKeyOf(name ?? ''), setting: 'name', undeclared };
  }

  createFeed(): SourceFeed {
    return new WebhookFeed(this.#parts());
  }

  createTask(): SourceTask {
    return new UnfedTask();
  }

  exactlyOnceSupport(): 'UNSUPPORTED' {
    return 'UNSUPPORTED';
  }

  stop(): void {}
}

const undeclared =
  'There is no HTTP API that brings requests to this connector: deploy one with webhooks(drover), of drover/cdk';

class UnfedTask implements SourceTask {
  start(): void {
    throw new ConfigError(undeclared);
  }

  poll(): null {
    return null;
  }

  stop(): void {}
}
