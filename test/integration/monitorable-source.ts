import { AsyncLocalStorage } from 'node:async_hooks';
import type { ConnectorConfig, SourceConnector } from '../../src/api/connector.ts';
import { definePlugin } from '../../src/api/plugin.ts';
import { SourceRecord } from '../../src/api/record.ts';
import type { SourceTask, SourceTaskContext } from '../../src/api/task.ts';
import { defineConfig } from '../../src/config/config-def.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';

/** Who runs the code: set by the test around each invocation. */
export interface Invocation {
  readonly id: string;
  readonly isDead: () => boolean;
}
export const invocations = new AsyncLocalStorage<Invocation>();

interface LiveTask {
  readonly connector: string;
  readonly task: number;
  readonly marker: string;
  readonly invocation: Invocation;
}

/** What its tasks saw that must never be: two of one task at once (I1), or two generations of one connector (I7). */
export class TaskMonitor {
  readonly violations: string[] = [];
  starts = 0;
  readonly #live = new Set<LiveTask>();

  started(connector: string, task: number, marker: string): LiveTask {
    const invocation = invocations.getStore();
    if (invocation === undefined) throw new Error('a task was started outside of any invocation');
    this.starts++;
    for (const other of this.#live) {
      if (other.connector !== connector || other.invocation.isDead()) continue;
      if (other.task === task)
        this.violations.push(`I1: ${connector}-${task} in ${other.invocation.id} and ${invocation.id}`);
      if (other.marker !== marker) {
        this.violations.push(`I7: ${connector}: ${other.task} of ${other.marker} beside ${task} of ${marker}`);
      }
    }
    const live = { connector, task, marker, invocation };
    this.#live.add(live);
    return live;
  }

  stopped(live: LiveTask): void {
    this.#live.delete(live);
  }
}

const recordsPerRun = 8;
/** Slow on purpose: a run must be under way when something else happens. */
const pollMs = 60;
const taskConfigsMs = 200;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A source that counts: each of its tasks continues the numbers of its own source partition, a few a run, and reports
 * to a monitor. `marker` tells one config from the next, `topic` is where the numbers go.
 */
export const monitorableSource = (monitor: TaskMonitor) =>
  definePlugin({
    kind: 'source',
    className: 'org.drover.test.MonitorableSourceConnector',
    version: '1',
    doc: 'Counts.',
    config: defineConfig({
      marker: { type: 'STRING', importance: 'HIGH', doc: 'Tells one config from the next.' },
      topic: { type: 'STRING', importance: 'HIGH', doc: 'Where the numbers go.' },
    }),
    create: () => new MonitorableSourceConnector(monitor),
  });

class MonitorableSourceConnector implements SourceConnector {
  readonly #monitor: TaskMonitor;
  #config: ConnectorConfig = {};

  constructor(monitor: TaskMonitor) {
    this.#monitor = monitor;
  }

  start(config: ConnectorConfig): void {
    this.#config = config;
  }

  async taskConfigs(maxTasks: number): Promise<ConnectorConfig[]> {
    await sleep(taskConfigsMs);
    const { marker = '', topic = '' } = this.#config;
    return Array.from({ length: maxTasks }, (_, index) => ({ marker, topic, index: String(index) }));
  }

  createTask(): SourceTask {
    return new MonitorableSourceTask(this.#monitor);
  }

  stop(): void {}
}

class MonitorableSourceTask implements SourceTask {
  readonly #monitor: TaskMonitor;
  #live: LiveTask | null = null;
  #topic = '';
  #last = 0;
  #left = recordsPerRun;

  constructor(monitor: TaskMonitor) {
    this.#monitor = monitor;
  }

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.#live = this.#monitor.started(context.connector, context.task, config.marker ?? '');
    this.#topic = config.topic ?? '';
    const offset = await context.offsetStorageReader.offset({ task: context.task });
    this.#last = Number(offset?.n ?? 0);
  }

  async poll(): Promise<SourceRecord[] | null> {
    await sleep(pollMs);
    const live = this.#live;
    if (live === null || this.#left-- <= 0) return null;
    const n = ++this.#last;
    const value = `${live.connector}/${live.task}/${n}`;
    return [
      new SourceRecord({ task: live.task }, { n }, this.#topic, null, null, null, STRING_SCHEMA, value, null, []),
    ];
  }

  stop(): void {
    if (this.#live !== null) this.#monitor.stopped(this.#live);
  }
}
