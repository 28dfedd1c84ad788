import {
  ConfigError,
  type ConfigProblem,
  ConnectError,
  type ConnectorConfig,
  type ConnectorContext,
  type FeedHome,
  type FeedKey,
  type SourceConnector,
  type SourceFeed,
  type SourceOffset,
  type SourcePartition,
  type SourceTask,
} from '../../src/api/index.ts';
import { openAwsStream } from './aws-stream.ts';
import { KinesisFeed } from './feed.ts';
import { type KinesisSettings, kinesisSourceConfig, parseSettings, regionOf, timestampOf } from './settings.ts';
import { shardPlaceOf } from './stream-place.ts';
import type { OpenStream } from './streams.ts';
import { KinesisSourceTask } from './task.ts';

const everyShard = kinesisSourceConfig.spec['kinesis.shard.id'].default;

export class KinesisSourceConnector implements SourceConnector {
  readonly #open: OpenStream;
  #config: ConnectorConfig = {};
  #fed = false;

  constructor(open: OpenStream = openAwsStream) {
    this.#open = open;
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    let settings: KinesisSettings;
    try {
      settings = parseSettings(config);
    } catch {
      // Each setting's own problem is told already.
      return [];
    }
    return problemsOf(settings);
  }

  start(config: ConnectorConfig, { fed = false }: ConnectorContext): void {
    const [problem] = problemsOf(parseSettings(config));
    if (problem !== undefined) throw new ConfigError(problem.message, { key: problem.key });
    this.#config = config;
    this.#fed = fed;
  }

  /** One that reads the shards side by side; a child must not be read before its parents, wherever they are read. */
  taskConfigs(_maxTasks: number): ConnectorConfig[] {
    if (this.#fed) return [];
    const since: ConnectorConfig =
      this.#config['kinesis.position'] === 'LATEST' ? { 'task.since': String(Date.now()) } : {};
    return [{ ...this.#config, ...since }];
  }

  createTask(): SourceTask {
    return new KinesisSourceTask(this.#open);
  }

  feedKey(config: ConnectorConfig, home: FeedHome): FeedKey | null {
    const settings = parseSettings(config);
    if (settings['kinesis.shard.id'] !== everyShard || settings['kinesis.base.url'] !== null) return null;
    const region = regionOf(settings) ?? home.region;
    return { key: `kinesis:${region}:stream/${settings['kinesis.stream']}`, setting: 'kinesis.stream' };
  }

  createFeed(): SourceFeed {
    return new KinesisFeed();
  }

  stop(): void {}

  exactlyOnceSupport(): 'SUPPORTED' | 'UNSUPPORTED' {
    return 'UNSUPPORTED';
  }

  alterOffsets(
    _config: ConnectorConfig,
    offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[],
  ): boolean {
    for (const { partition, offset } of offsets) {
      // Tombstones are let through for any partition, so that offsets of a mistaken name can be removed.
      if (offset === null) continue;
      if (typeof partition?.shardId !== 'string') {
        throw new ConnectError('connector.offsets_refused', "Partitions must have the key 'shardId'");
      }
      shardPlaceOf(offset);
    }
    return true;
  }
}

function problemsOf(settings: KinesisSettings): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const stream = settings['kinesis.stream'];
  if (!/^[a-zA-Z0-9_.-]{1,128}$/.test(stream)) {
    problems.push({ key: 'kinesis.stream', message: `kinesis.stream: "${stream}" is no name of a stream` });
  }
  try {
    new RegExp(settings['kinesis.shard.id']);
  } catch (error) {
    problems.push({ key: 'kinesis.shard.id', message: `kinesis.shard.id: ${(error as Error).message}` });
  }
  const time = settings['kinesis.shard.timestamp'];
  const isTimed = settings['kinesis.position'] === 'AT_TIMESTAMP';
  if (isTimed ? timestampOf(time ?? '') === null : time !== null && timestampOf(time) === null) {
    problems.push({
      key: 'kinesis.shard.timestamp',
      message: 'kinesis.shard.timestamp must be a time, as 2026-01-31T12:00:00Z, or epoch milliseconds',
    });
  }
  const keys = ['aws.access.key.id', 'aws.secret.key.id'] as const;
  const [missing] = keys.filter((key) => settings[key] === null);
  if (missing !== undefined && keys.some((key) => settings[key] !== null)) {
    problems.push({ key: missing, message: `${keys.join(' and ')} belong together: set both, or none` });
  }
  return problems;
}
