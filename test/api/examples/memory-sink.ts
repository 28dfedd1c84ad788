import { definePlugin, noConfig, type SinkConnector, type SinkRecord, type SinkTask } from '../../../src/api/index.ts';

export class MemorySinkTask implements SinkTask {
  readonly seen: unknown[] = [];

  start(): void {}

  /** Returning means: these records are safe, and their positions may be committed. */
  put(records: SinkRecord[]): void {
    for (const record of records) this.seen.push(record.value);
  }

  stop(): void {}
}

class MemorySinkConnector implements SinkConnector {
  start(): void {}

  taskConfigs(maxTasks: number) {
    return Array.from({ length: maxTasks }, () => ({})); // Drover shares the partitions out among them
  }

  createTask(): SinkTask {
    return new MemorySinkTask();
  }

  stop(): void {}
}

export const memorySink = definePlugin({
  kind: 'sink',
  className: 'com.example.MemorySinkConnector',
  version: '1.0.0',
  doc: 'Keeps what it gets, for as long as the function lives.',
  config: noConfig,
  create: () => new MemorySinkConnector(),
});
