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
} from 'drover';

const config = defineConfig({
  topic: { type: 'STRING', importance: 'HIGH', doc: 'Where the numbers go.' },
  from: { type: 'INT', default: 10, importance: 'HIGH', doc: 'Where to begin.', validator: atLeast(1) },
});

const timer = { timer: 'main' };

class CountdownTask implements SourceTask {
  #topic = '';
  #left = 0;

  async start(settings: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    const { topic, from } = parseConfig(config, settings); // typed: string and number
    const offset = await context.offsetStorageReader.offset(timer); // where the last run ended
    this.#topic = topic;
    this.#left = Number(offset?.left ?? from);
  }

  poll(): SourceRecord[] | null {
    if (this.#left === 0) return null;
    this.#left--;
    return [new SourceRecord(timer, { left: this.#left }, this.#topic, null, null, null, null, String(this.#left))];
  }

  stop(): void {}
}

class CountdownConnector implements SourceConnector {
  #settings: ConnectorConfig = {};

  start(settings: ConnectorConfig): void {
    this.#settings = settings;
  }

  taskConfigs(): ConnectorConfig[] {
    return [this.#settings]; // one task, however many are allowed
  }

  createTask(): SourceTask {
    return new CountdownTask();
  }

  stop(): void {}
}

export default [
  definePlugin({
    kind: 'source',
    className: 'com.example.CountdownConnector',
    version: '1.0.0',
    doc: 'Counts down to zero.',
    config,
    create: () => new CountdownConnector(),
  }),
];
