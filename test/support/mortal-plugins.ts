import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ConnectorConfig, SourceConnector } from '../../src/api/connector.ts';
import { definePlugin } from '../../src/api/plugin.ts';
import { SourceRecord } from '../../src/api/record.ts';
import type { SourceTask, SourceTaskContext } from '../../src/api/task.ts';
import { noConfig } from '../../src/config/config-def.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';

/** Ways of a plugin to end its process such that it can tell nobody. */
const deaths: Readonly<Record<string, () => void>> = {
  /** Blocks the only thread there is, at rest: whoever has the deadline must kill it. */
  deadline: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  exit: () => process.exit(3),
  memory: () => {
    const kept: number[][] = [];
    for (;;) kept.push(new Array<number>(1_000_000).fill(1));
  },
};

function die(how: string | undefined): void {
  deaths[how ?? '']?.();
}

/**
 * Dies as its config says: in the connector's start (`start.death`), in the task's poll or, if that gives some (`records`),
 * when these are committed; or not at all, once the file `cure` is there.
 */
class MortalConnector implements SourceConnector {
  #config: ConnectorConfig = {};

  start(config: ConnectorConfig): void {
    this.#config = config;
    if (!isCured(config)) die(config['start.death']);
  }

  taskConfigs = () => [this.#config];
  createTask = () => new MortalTask();
  stop(): void {}
}

class MortalTask implements SourceTask {
  #config: ConnectorConfig = {};
  #next = 0;
  #left = 0;

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.#config = config;
    this.#left = Number(config.records ?? 0);
    this.#next = Number((await context.offsetStorageReader.offset({ source: 'mortal' }))?.n ?? 0);
  }

  poll(): SourceRecord[] | null {
    if (this.#left-- > 0) {
      const { topic = '' } = this.#config;
      const n = ++this.#next;
      return [new SourceRecord({ source: 'mortal' }, { n }, topic, null, null, null, STRING_SCHEMA, String(n))];
    }
    if (this.#config.records === undefined) this.#die();
    return null;
  }

  /** Called when offsets have been committed. */
  commit(): void {
    this.#die();
  }

  #die(): void {
    if (isCured(this.#config)) return;
    tally(this.#config);
    die(this.#config.death);
  }

  stop(): void {}
}

const isCured = ({ cure = '' }: ConnectorConfig) => cure !== '' && existsSync(cure);

/** Counts in the file `tally` how often the plugin went to its death. */
function tally({ tally: file = '' }: ConnectorConfig): void {
  if (file !== '') writeFileSync(file, String(deathsIn(file) + 1));
}

export const deathsIn = (file: string): number => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);

export const mortalClass = 'org.drover.test.MortalConnector';

export const mortalPlugins = [
  definePlugin({
    kind: 'source',
    className: mortalClass,
    version: '1',
    doc: 'For tests.',
    config: noConfig,
    create: () => new MortalConnector(),
  }),
];

export default mortalPlugins;
