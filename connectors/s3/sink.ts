import type { ConnectorConfig, SinkConnector, SinkTask } from '../../src/api/index.ts';
import { S3SinkTask } from './sink-task.ts';

/** Whose settings and names a connector goes by. */
export type Dialect = 'confluent' | 'aiven';

export class S3SinkConnector implements SinkConnector {
  readonly #dialect: Dialect;
  #config: ConnectorConfig = {};

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  start(config: ConnectorConfig): void {
    this.#config = config;
  }

  taskConfigs(maxTasks: number): ConnectorConfig[] {
    return Array.from({ length: maxTasks }, () => this.#config);
  }

  createTask(): SinkTask {
    return new S3SinkTask(this.#dialect);
  }

  stop(): void {}
}
