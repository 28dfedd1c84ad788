import type { ConnectorConfig, SourceConnector } from '../../src/api/connector.ts';
import { definePlugin } from '../../src/api/plugin.ts';
import { SourceRecord } from '../../src/api/record.ts';
import type { SourceTask, SourceTaskContext } from '../../src/api/task.ts';
import { defineConfig } from '../../src/config/config-def.ts';

const partition = { list: 'main' };

class ListedTask implements SourceTask {
  #values: readonly string[] = [];
  #at = 0;
  #each = 0;

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.#values = (config.values ?? '').split(',');
    this.#each = Number(config.each ?? this.#values.length);
    const stored = await context.offsetStorageReader.offset(partition);
    this.#at = Number(stored?.at ?? 0);
  }

  poll(): SourceRecord[] | null {
    const next = this.#values.slice(this.#at, this.#at + this.#each);
    if (next.length === 0) return null;
    return next.map((value) => {
      this.#at++;
      const headers = value.startsWith('bare') ? [] : [{ key: 'at', schema: null, value: `${this.#at}` }];
      const offset = { at: this.#at };
      return new SourceRecord(partition, offset, 'listed', null, null, `k${this.#at}`, null, value, null, headers);
    });
  }

  stop(): void {}
}

class ListedConnector implements SourceConnector {
  #config: ConnectorConfig = {};

  start(config: ConnectorConfig): void {
    this.#config = config;
  }

  taskConfigs(): ConnectorConfig[] {
    return [this.#config];
  }

  createTask(): SourceTask {
    return new ListedTask();
  }

  stop(): void {}
}

/** The values of a list, `each` in a poll, numbered by their offsets; keys and headers say the same. */
export const listedSource = definePlugin({
  kind: 'source',
  className: 'test.ListedSource',
  version: '1',
  doc: 'Gives what its config lists.',
  config: defineConfig({
    values: { type: 'STRING', importance: 'HIGH', doc: 'With commas between.' },
    each: { type: 'INT', default: 1000, importance: 'LOW', doc: 'How many in a poll.' },
  }),
  create: () => new ListedConnector(),
});
