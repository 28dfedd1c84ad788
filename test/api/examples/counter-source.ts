import {
  atLeast,
  type ConnectorConfig,
  defineConfig,
  definePlugin,
  parseConfig,
  type SourceConnector,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '../../../src/api/index.ts';

const config = defineConfig({
  topic: { type: 'STRING', importance: 'HIGH', doc: 'Where the numbers go.' },
  'batch.size': { type: 'INT', default: 100, importance: 'LOW', doc: 'Numbers in one poll.', validator: atLeast(1) },
});

const partition = { counter: 'main' };

class CounterTask implements SourceTask {
  #topic = '';
  #batchSize = 0;
  #next = 0;

  async start(settings: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    const values = parseConfig(config, settings);
    this.#topic = values.topic;
    this.#batchSize = values['batch.size'];
    const offset = await context.offsetStorageReader.offset(partition); // where the last run ended
    this.#next = Number(offset?.next ?? 0);
  }

  /** Each record says from where to go on once it is in Kafka. */
  poll(): SourceRecord[] {
    return Array.from({ length: this.#batchSize }, () => {
      const value = String(this.#next);
      this.#next++;
      return new SourceRecord(partition, { next: this.#next }, this.#topic, null, null, null, null, value);
    });
  }

  stop(): void {}
}

class CounterConnector implements SourceConnector {
  #settings: ConnectorConfig = {};

  start(settings: ConnectorConfig): void {
    this.#settings = settings;
  }

  taskConfigs(): ConnectorConfig[] {
    return [this.#settings]; // one task, however many are allowed
  }

  createTask(): SourceTask {
    return new CounterTask();
  }

  stop(): void {}
}

export const counterSource = definePlugin({
  kind: 'source',
  className: 'com.example.CounterConnector',
  version: '1.0.0',
  doc: 'Counts.',
  config,
  create: () => new CounterConnector(),
});
