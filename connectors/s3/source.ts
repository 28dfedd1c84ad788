import {
  type ConfigProblem,
  ConnectError,
  type ConnectorConfig,
  type ConnectorContext,
  type LoadAvro,
  parseConfig,
  type SourceConnector,
  type SourceOffset,
  type SourcePartition,
  type SourceTask,
} from '../../src/api/index.ts';
import { laneCount } from './source-lane.ts';
import { s3SourceConfig, s3SourceProblems } from './source-settings.ts';
import { S3SourceTask, taskKey, tasksKey } from './source-task.ts';

export class S3SourceConnector implements SourceConnector {
  readonly #avro: LoadAvro;
  #config: ConnectorConfig = {};

  constructor(avro: LoadAvro) {
    this.#avro = avro;
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    // What a single setting shows is told already.
    const values = parsed(config);
    return values === null ? [] : s3SourceProblems(values);
  }

  start(config: ConnectorConfig, _context: ConnectorContext): void {
    const [problem] = s3SourceProblems(parseConfig(s3SourceConfig, config));
    if (problem !== undefined) throw new ConnectError('config.invalid', `${problem.key}: ${problem.message}`);
    this.#config = config;
  }

  taskConfigs(maxTasks: number): ConnectorConfig[] {
    const tasks = Math.min(maxTasks, laneCount);
    return Array.from({ length: tasks }, (_, task) => ({
      ...this.#config,
      [taskKey]: String(task),
      [tasksKey]: String(tasks),
    }));
  }

  createTask(): SourceTask {
    return new S3SourceTask(this.#avro);
  }

  stop(): void {}

  exactlyOnceSupport(): 'SUPPORTED' {
    return 'SUPPORTED';
  }

  alterOffsets(
    _config: ConnectorConfig,
    offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[],
  ): boolean {
    for (const { partition, offset } of offsets) {
      // Removing is let through for any partition, so that those of a mistaken name can go.
      if (offset !== null) checkOffset(partition, offset);
    }
    return true;
  }
}

function parsed(config: ConnectorConfig) {
  try {
    return parseConfig(s3SourceConfig, config);
  } catch {
    return null;
  }
}

function checkOffset(partition: SourcePartition | null, offset: SourceOffset): void {
  const { bucket, lane, objectKey } = partition ?? {};
  if (typeof bucket !== 'string') throw refused("Partition objects should contain the key 'bucket'");
  const isLane = Number.isInteger(Number(lane)) && Number(lane) >= 0 && Number(lane) < laneCount;
  if (typeof objectKey !== 'string' && !(lane !== undefined && isLane)) {
    throw refused(`Partition objects should contain 'lane', from 0 to ${laneCount - 1}, or 'objectKey'`);
  }
  for (const field of ['recordCount', 'position', 'skip', 'until', 'finished']) {
    const value = offset[field];
    if (value === undefined || value === null) continue;
    if ((typeof value !== 'bigint' && !Number.isInteger(value)) || (value as number | bigint) < 0) {
      throw refused(`The value for the '${field}' key in the offset should be a non-negative integer`);
    }
  }
  if (typeof objectKey === 'string' && offset.recordCount === undefined) {
    throw refused("Offset objects of one object should either be null or contain the key 'recordCount'");
  }
}

const refused = (message: string) => new ConnectError('connector.offsets_refused', message);
