import {
  ConfigError,
  type ConfigProblem,
  type ConnectorConfig,
  type ConnectorContext,
  type LoadAvro,
  type SinkConnector,
  type SinkTask,
} from '../../src/api/index.ts';
import { aivenProblems } from './aiven-plan.ts';
import { confluentProblems } from './confluent-plan.ts';
import type { Dialect } from './sink-plan.ts';
import { S3SinkTask } from './sink-task.ts';

export class S3SinkConnector implements SinkConnector {
  readonly #dialect: Dialect;
  readonly #avro: LoadAvro;
  #config: ConnectorConfig = {};

  constructor(dialect: Dialect, avro: LoadAvro) {
    this.#dialect = dialect;
    this.#avro = avro;
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    try {
      return this.#dialect === 'confluent' ? confluentProblems(config) : aivenProblems(config);
    } catch (error) {
      // A setting that cannot be read is told by its own declaration.
      if (error instanceof ConfigError) return [];
      throw error;
    }
  }

  start(config: ConnectorConfig, _context: ConnectorContext): void {
    const [problem] = this.validate(config);
    if (problem !== undefined) throw new ConfigError(problem.message, { key: problem.key });
    this.#config = config;
  }

  taskConfigs(maxTasks: number): ConnectorConfig[] {
    return Array.from({ length: maxTasks }, () => this.#config);
  }

  createTask(): SinkTask {
    return new S3SinkTask(this.#dialect, this.#avro);
  }

  stop(): void {}

  /** Records that are read again go into files of the same names. */
  alterOffsets(): boolean {
    return true;
  }
}
