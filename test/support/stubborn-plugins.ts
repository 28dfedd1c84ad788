import { appendFileSync } from 'node:fs';
import type { ConnectorConfig } from '../../src/api/connector.ts';
import { SourceRecord } from '../../src/api/record.ts';
import type { SourceTask } from '../../src/api/task.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';
import { sourceOf } from './worker-plugins.ts';

/** Never comes back from `poll`, and goes on doing things all the while. */
class StubbornTask implements SourceTask {
  start({ file = '' }: ConnectorConfig): void {
    setInterval(() => appendFileSync(file, 'still here\n'), 20);
  }

  poll(): Promise<null> {
    return new Promise(() => {});
  }

  stop(): void {}
}

/** One record, once. */
class ObedientTask implements SourceTask {
  #topic = '';
  #left = 1;

  start({ topic = '' }: ConnectorConfig): void {
    this.#topic = topic;
  }

  poll(): SourceRecord[] | null {
    if (this.#left-- <= 0) return null;
    return [new SourceRecord({}, { n: 1 }, this.#topic, null, null, null, STRING_SCHEMA, 'done')];
  }

  stop(): void {}
}

export default [sourceOf('Stubborn', () => new StubbornTask()), sourceOf('Obedient', () => new ObedientTask())];
