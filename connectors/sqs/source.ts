import {
  ConfigError,
  type ConfigProblem,
  type ConnectorContext,
  type FeedHome,
  type FeedKey,
  parseConfig,
  type Settings,
  type SourceConnector,
  type SourceFeed,
} from '../../src/api/index.ts';
import { QueueFeed } from '../queue-feed.ts';
import { messageRecords } from './message-record.ts';
import { queueArn, type SqsSourceSettings, sqsSourceConfig, sqsSourceProblems } from './settings.ts';
import { SqsSourceTask } from './source-task.ts';

/** The messages of a queue: brought by it where the deployment declares it, else polled. */
export class SqsSourceConnector implements SourceConnector {
  #config: Settings = {};
  #fed = false;

  start(config: Settings, context: ConnectorContext): void {
    const [problem] = sqsSourceProblems(parseConfig(sqsSourceConfig, config));
    if (problem !== undefined) throw new ConfigError(problem.message, { key: problem.key });
    this.#config = config;
    this.#fed = context.fed === true;
  }

  /** Tasks that poll one queue share its messages; of a FIFO queue SQS gives a group to one at a time. */
  taskConfigs(maxTasks: number): Settings[] {
    return this.#fed ? [] : Array.from({ length: maxTasks }, () => this.#config);
  }

  createTask(): SqsSourceTask {
    return new SqsSourceTask();
  }

  feedKey(config: Settings, { region }: FeedHome): FeedKey {
    return { key: queueArn(parseConfig(sqsSourceConfig, config), region), setting: 'sqs.queue.url' };
  }

  createFeed(): SourceFeed {
    return new QueueFeed((config) => {
      const settings = parseConfig(sqsSourceConfig, config);
      return {
        recordOf: messageRecords(settings),
        onRefused: settings['sqs.refused.messages'] === 'return' ? 'refuse' : 'fail',
      };
    });
  }

  validate(config: Settings): readonly ConfigProblem[] {
    let settings: SqsSourceSettings;
    try {
      settings = parseConfig(sqsSourceConfig, config);
    } catch {
      // Each setting's own problem is told already.
      return [];
    }
    return sqsSourceProblems(settings);
  }

  /** A message is gone from its queue once it was delivered, which no table can take back. */
  exactlyOnceSupport(): 'UNSUPPORTED' {
    return 'UNSUPPORTED';
  }

  alterOffsets(): boolean {
    return true;
  }

  stop(): void {}
}
