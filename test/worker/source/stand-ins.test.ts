import { describe, expect, it } from 'vitest';
import {
  type ConnectorConfig,
  DataError,
  definePlugin,
  noConfig,
  type SourceConnector,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '../../../src/api/index.ts';
import { ConnectorBench } from '../../../src/testing/index.ts';

const partition = { list: 'one' };

/** `x`: cannot be read. `-`: moves the offset on and is nothing. */
class ListTask implements SourceTask {
  readonly #items: readonly string[];
  #next = 0;

  constructor(items: readonly string[]) {
    this.#items = items;
  }

  async start(_config: ConnectorConfig, context: SourceTaskContext) {
    this.#next = Number((await context.offsetStorageReader.offset(partition))?.next ?? 0);
  }

  poll() {
    const records = this.#items.slice(this.#next).map((item) => {
      const offset = { next: ++this.#next };
      if (item === '-') return SourceRecord.mark(partition, offset);
      if (item !== 'x') return new SourceRecord(partition, offset, 'items', null, null, null, null, item);
      const error = new DataError(`Item ${this.#next} cannot be read`);
      return SourceRecord.unreadable(error, partition, offset, 'items', 'a key', 'raw', [
        { key: 'at', schema: null, value: '7' },
      ]);
    });
    return records.length > 0 ? records : null;
  }

  stop() {}
}

const listSource = (items: readonly string[]) =>
  definePlugin({
    kind: 'source',
    className: 'org.example.ListSource',
    version: '1',
    doc: 'A list.',
    config: noConfig,
    create: (): SourceConnector => ({
      start() {},
      taskConfigs: () => [{}],
      createTask: () => new ListTask(items),
      stop() {},
    }),
  });

const text = { 'key.converter': 'StringConverter', 'value.converter': 'StringConverter' };
const config = { 'connector.class': 'org.example.ListSource', ...text };
const tolerant = { 'errors.tolerance': 'all', 'drover.errors.deadletterqueue.topic.name': 'letters' };

describe('what stands in the place of a record', () => {
  it('a mark moves the offset on, is not sent and is not counted', async () => {
    await using bench = new ConnectorBench(listSource(['a', '-', 'b', '-']));
    await bench.configure(config);
    await bench.drain();
    expect((await bench.records()).map(({ value }) => value)).toEqual(['a', 'b']);
    expect(await bench.offsets()).toEqual([{ partition, offset: { next: 4 } }]);
    expect(await bench.committedRecords()).toBe(2);
  });

  it('marks alone are committed as well', async () => {
    await using bench = new ConnectorBench(listSource(['-']));
    await bench.configure(config);
    await bench.drain();
    expect(await bench.offsets()).toEqual([{ partition, offset: { next: 1 } }]);
  });

  it('an unreadable one fails the task by name, and what lies in front of it is committed (I3)', async () => {
    await using bench = new ConnectorBench(listSource(['a', 'x', 'b']));
    await bench.configure(config);
    await bench.run();
    const { tasks } = await bench.status();
    expect(tasks[0]).toMatchObject({ state: 'FAILED' });
    expect(tasks[0]?.trace).toContain('Item 2 cannot be read');
    expect((await bench.records()).map(({ value }) => value)).toEqual(['a']);
    expect(await bench.offsets()).toEqual([{ partition, offset: { next: 1 } }]);
  });

  it('an unreadable one is skipped and becomes a dead letter where that is asked for', async () => {
    await using bench = new ConnectorBench(listSource(['a', 'x', 'b']));
    await bench.configure({ ...config, ...tolerant });
    await bench.drain();
    expect((await bench.records('items')).map(({ value }) => value)).toEqual(['a', 'b']);
    const [letter, ...others] = await bench.deadLetters();
    expect(others).toEqual([]);
    expect(letter?.keyBytes?.toString()).toBe('a key');
    expect(letter?.valueBytes?.toString()).toBe('raw');
    expect(await bench.offsets()).toEqual([{ partition, offset: { next: 3 } }]);
  });
});
