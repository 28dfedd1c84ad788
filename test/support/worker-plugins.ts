import type { ConnectorConfig, SinkConnector, SourceConnector } from '../../src/api/connector.ts';
import { definePlugin, type PluginDescriptor } from '../../src/api/plugin.ts';
import { type SinkRecord, SourceRecord } from '../../src/api/record.ts';
import type { SinkTask, SinkTaskContext, SourceTask, SourceTaskContext } from '../../src/api/task.ts';
import type { Transformation } from '../../src/api/transformation.ts';
import { noConfig } from '../../src/config/config-def.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';

const described = { version: '1', doc: 'For tests.', config: noConfig };

/** A source whose task is what the test says. */
export function sourceOf(className: string, createTask: () => SourceTask): PluginDescriptor<'source'> {
  const connector = (): SourceConnector => {
    let own: ConnectorConfig = {};
    return {
      start: (config) => {
        own = config;
      },
      taskConfigs: () => [own],
      createTask,
      stop: () => {},
    };
  };
  return definePlugin({ kind: 'source', className, ...described, create: connector });
}

export function sinkOf(className: string, createTask: () => SinkTask): PluginDescriptor<'sink'> {
  const connector = (): SinkConnector => ({
    start: () => {},
    taskConfigs: (max) => Array.from({ length: max }, () => ({})),
    createTask,
    stop: () => {},
  });
  return definePlugin({ kind: 'sink', className, ...described, create: connector });
}

export function transformationOf(
  className: string,
  apply: Transformation['apply'],
): PluginDescriptor<'transformation'> {
  return definePlugin({
    kind: 'transformation',
    className,
    ...described,
    create: () => ({ configure: () => {}, apply }),
  });
}

/** Gives its values one poll at a time, each with its index as offset, from the committed offset on. */
export class MonitorableSourceTask implements SourceTask {
  readonly partition = { source: 'numbers' };
  readonly #topic: string;
  readonly #polls: readonly (readonly (string | null)[])[];
  context!: SourceTaskContext;
  readonly committed: string[] = [];
  commits = 0;
  stopped = false;
  #next = 0;

  constructor(topic: string, polls: readonly (readonly (string | null)[])[]) {
    this.#topic = topic;
    this.#polls = polls;
  }

  async start(_config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.context = context;
    this.#next = Number((await context.offsetStorageReader.offset(this.partition))?.poll ?? 0);
  }

  poll(): SourceRecord[] | null | Promise<SourceRecord[] | null> {
    const values = this.#polls[this.#next];
    if (values === undefined) return null;
    this.#next++;
    return values.map((value, i) => {
      const offset = { poll: i === values.length - 1 ? this.#next : this.#next - 1 };
      return new SourceRecord(this.partition, offset, this.#topic, null, null, null, STRING_SCHEMA, value);
    });
  }

  commit(): void {
    this.commits++;
  }

  stop(): void {
    this.stopped = true;
  }
}

/** Keeps what is put; a test overrides what it is about. */
export class MonitorableSinkTask implements SinkTask {
  context!: SinkTaskContext;
  readonly values: unknown[] = [];
  readonly puts: number[] = [];
  stopped = false;

  start(_config: ConnectorConfig, context: SinkTaskContext): void | Promise<void> {
    this.context = context;
  }

  put(records: SinkRecord[]): void | Promise<void> {
    this.puts.push(records.length);
    for (const record of records) this.values.push(record.value);
  }

  stop(): void {
    this.stopped = true;
  }
}
