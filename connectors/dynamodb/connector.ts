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
import { openAwsTables } from './aws-tables.ts';
import { DynamoDbFeed } from './feed.ts';
import { topicMap } from './records.ts';
import { type DynamoDbSettings, mapKey, parseSettings, tablesKey } from './settings.ts';
import { snapshotOf } from './snapshot-state.ts';
import { shardStart } from './stream-place.ts';
import { tableFeedKey, tablesOf, tagProblems } from './table-names.ts';
import type { OpenTables } from './tables.ts';
import { DynamoDbSourceTask } from './task.ts';

export class DynamoDbSourceConnector implements SourceConnector {
  readonly #open: OpenTables;
  #config: ConnectorConfig = {};
  #fed = false;

  constructor(open: OpenTables = openAwsTables) {
    this.#open = open;
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    let settings: DynamoDbSettings;
    try {
      settings = parseSettings(config);
    } catch {
      // Each setting's own problem is told already.
      return [];
    }
    const problems: ConfigProblem[] = [];
    const check = (key: string, run: () => unknown) => {
      try {
        run();
      } catch (error) {
        problems.push({ key, message: (error as Error).message });
      }
    };
    check(tablesKey, () => tablesOf(settings));
    problems.push(...tagProblems(config, settings));
    check(mapKey, () => topicMap(settings[mapKey]));
    if ((settings['aws.access.key.id'] === null) !== (settings['aws.secret.key'] === null)) {
      const key = settings['aws.secret.key'] === null ? 'aws.secret.key' : 'aws.access.key.id';
      problems.push({ key, message: 'aws.access.key.id and aws.secret.key belong together: set both, or none' });
    }
    return problems;
  }

  start(config: ConnectorConfig, { fed = false }: ConnectorContext): void {
    const [problem] = this.validate(config);
    if (problem !== undefined) throw new ConfigError(problem.message, { key: problem.key });
    parseSettings(config);
    this.#config = config;
    this.#fed = fed;
  }

  /** One for each table, or several tables to one; a fed table needs one for its snapshot alone. */
  taskConfigs(maxTasks: number): ConnectorConfig[] {
    const settings = parseSettings(this.#config);
    if (this.#fed && settings.snapshot === 'none') return [];
    const tables = tablesOf(settings);
    const groups = Array.from({ length: Math.min(maxTasks, tables.length) }, (): string[] => []);
    tables.forEach((table, at) => {
      groups[at % groups.length]!.push(table);
    });
    const fed: ConnectorConfig = this.#fed ? { 'task.fed': 'true' } : {};
    return groups.map((group) => ({ ...this.#config, [tablesKey]: group.join(','), ...fed }));
  }

  createTask(): SourceTask {
    return new DynamoDbSourceTask(this.#open);
  }

  /** A stream can feed one table. */
  feedKey(config: ConnectorConfig, home: FeedHome): FeedKey | null {
    const settings = parseSettings(config);
    const [table, ...others] = tablesOf(settings);
    if (table === undefined || others.length > 0 || settings['dynamodb.service.endpoint'] !== null) return null;
    return { key: tableFeedKey(settings['aws.region'] ?? home.region, table), setting: tablesKey };
  }

  createFeed(): SourceFeed {
    return new DynamoDbFeed(this.#open);
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
      if (typeof partition?.table_name !== 'string') throw refused("Partitions must have the key 'table_name'");
      if ('shard_id' in partition) shardStart(offset);
      else if ('lane' in partition)
        throw refused('How far a batch was done is not for hands: remove the offset instead');
      else snapshotOf(offset);
    }
    return true;
  }
}

const refused = (message: string) => new ConnectError('connector.offsets_refused', message);
