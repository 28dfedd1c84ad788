import { describe, expect, it } from 'vitest';
import {
  type ConnectorConfig,
  defineConfig,
  definePlugin,
  type PluginDescriptor,
  parseConfig,
  type SinkRecord,
  type SinkTask,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '../../src/api/index.ts';
import { type ContractCase, sinkContract, sourceContract } from '../../src/testing/index.ts';

// A contract that nobody can break proves nothing: each fault here must fail its own case, and the connector without one none.

const converters = { 'key.converter': 'StringConverter', 'value.converter': 'StringConverter' };
const values = Array.from({ length: 24 }, (_, number) => `r${number}`);
const patienceMs = 300;
const memoryBytes = 16 << 20;

const sourceConfig = defineConfig({
  topic: { type: 'STRING', importance: 'HIGH', doc: 'Where the records go.' },
  'batch.size': { type: 'INT', default: 2, importance: 'LOW', doc: 'Records in one poll.' },
  'value.bytes': { type: 'INT', default: 0, importance: 'LOW', doc: 'How long each value is made.' },
  count: { type: 'INT', default: 24, importance: 'LOW', doc: 'Records in all.' },
});

/** A source that is right, in parts that a fault can replace. */
class ListTask implements SourceTask {
  readonly partition = { list: 'a' };
  values!: { topic: string; 'batch.size': number; 'value.bytes': number; count: number };
  context!: SourceTaskContext;
  next = 0;

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.values = parseConfig(sourceConfig, config);
    this.context = context;
    this.next = await this.begin();
  }

  async begin(): Promise<number> {
    const offset = await this.context.offsetStorageReader.offset(this.partition);
    return Number(offset?.next ?? 0);
  }

  get left(): number {
    return this.values.count - this.next;
  }

  record(number: number, next = number + 1): SourceRecord {
    const bytes = this.values['value.bytes'];
    const value = bytes === 0 ? `r${number}` : `r${number} ${Buffer.alloc(bytes, 'x').toString('latin1')}`;
    return new SourceRecord(this.partition, { next }, this.values.topic, null, null, null, null, value);
  }

  poll(): SourceRecord[] | null | Promise<SourceRecord[] | null> {
    const size = Math.min(this.values['batch.size'], this.left);
    if (size === 0) return null;
    return Array.from({ length: size }, () => this.record(this.next++));
  }

  stop(): void | Promise<void> {}
}

function sourceOf(Task: new () => ListTask, config = sourceConfig): PluginDescriptor<'source'> {
  return definePlugin({
    kind: 'source',
    className: 'test.ListSource',
    version: '1',
    doc: 'Gives a list.',
    config: config as typeof sourceConfig,
    create() {
      let settings: ConnectorConfig = {};
      return {
        start: (given) => {
          settings = given;
        },
        taskConfigs: () => [settings],
        createTask: () => new Task(),
        stop() {},
      };
    },
  });
}

const config = { 'connector.class': 'test.ListSource', topic: 't', ...converters };
const casesOf = (plugin: PluginDescriptor<'source'>) =>
  sourceContract({
    plugin,
    patienceMs,
    memoryBytes,
    mostKills: 30,
    arrange: () => ({ config, expected: values }),
    arrangeLarge: (bytes) => ({
      config: { ...config, 'value.bytes': '10000', count: String(Math.ceil(bytes / 10_000)), 'batch.size': '20' },
    }),
    badConfigs: [{ change: { 'batch.size': 'many' }, key: 'batch.size' }],
  });

const caseNamed = (cases: readonly ContractCase[], name: string) => {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no case ${name}`);
  return found;
};

describe('a source that is right', () => {
  it.each(casesOf(sourceOf(ListTask)))('$name', ({ run }) => run());
});

describe('a source with a fault fails the case that is about it', () => {
  it('a poll with a record that is never given', async () => {
    class Losing extends ListTask {
      override poll() {
        if (this.next === 6) this.next++;
        return super.poll();
      }
    }
    const { run } = caseNamed(casesOf(sourceOf(Losing)), 'delivers everything once and in order');
    await expect(run()).rejects.toThrow('r6 never came');
  });

  it('two records in the wrong order', async () => {
    class Swapping extends ListTask {
      override poll() {
        return (super.poll() as SourceRecord[] | null)?.reverse() ?? null;
      }
    }
    const { run } = caseNamed(casesOf(sourceOf(Swapping)), 'delivers everything once and in order');
    await expect(run()).rejects.toThrow('r1 came before r0, which belongs in front of it');
  });

  it('every run from the start', async () => {
    class Restarting extends ListTask {
      override async begin() {
        return 0;
      }
    }
    const cases = casesOf(sourceOf(Restarting));
    await expect(caseNamed(cases, 'starts where it ended').run()).rejects.toThrow(/come|more to do/);
    await expect(caseNamed(cases, 'follows altered and reset offsets').run()).rejects.toThrow();
  });

  it('an offset that is ahead of its record', async () => {
    class Early extends ListTask {
      override record(number: number) {
        return super.record(number, number + 2);
      }
    }
    const { run } = caseNamed(casesOf(sourceOf(Early)), 'killed anywhere, loses nothing');
    await expect(run()).rejects.toThrow('never came');
  });

  it('its place kept elsewhere, before the records are in Kafka', async () => {
    let place = 0;
    class Elsewhere extends ListTask {
      override async begin() {
        return place;
      }
      override async poll() {
        const polled = await super.poll();
        place = this.next;
        return polled;
      }
    }
    const cases = sourceContract({
      plugin: sourceOf(Elsewhere),
      arrange: () => {
        place = 0;
        return { config, expected: values };
      },
      arrangeLarge: () => ({ config }),
      badConfigs: [],
    });
    await caseNamed(cases, 'delivers everything once and in order').run();
    await expect(caseNamed(cases, 'killed anywhere, loses nothing').run()).rejects.toThrow('never came');
    await expect(caseNamed(cases, 'follows altered and reset offsets').run()).rejects.toThrow('never came');
  });

  it('offsets that go back further than they need', async () => {
    class Coarse extends ListTask {
      override record(number: number) {
        return super.record(number, number + 1 - ((number + 1) % 4));
      }
    }
    const { run } = caseNamed(casesOf(sourceOf(Coarse)), 'delivers everything once and in order');
    await expect(run()).rejects.toThrow('came again');
  });

  it('a poll that waits and does not look at its signal', async () => {
    class Deaf extends ListTask {
      override async poll() {
        const polled = await super.poll();
        if (polled === null) await new Promise((resolve) => setTimeout(resolve, 8 * patienceMs));
        return polled;
      }
    }
    const cases = casesOf(sourceOf(Deaf));
    for (const name of ['ends when the run is aborted', 'ends before the deadline']) {
      await expect(caseNamed(cases, name).run(), name).rejects.toThrow(/did not return within/);
    }
  });

  it('everything read at once', async () => {
    class Hoarding extends ListTask {
      readonly #all: SourceRecord[] = [];
      override poll() {
        while (this.left > 0) this.#all.push(this.record(this.next++));
        const part = this.#all.splice(0, this.values['batch.size']);
        return part.length === 0 ? null : part;
      }
    }
    const { run } = caseNamed(casesOf(sourceOf(Hoarding)), 'reads any amount in bounded memory');
    await expect(run()).rejects.toThrow(/Memory grew by \d+ MB/);
  });

  it('a setting that nobody checks', async () => {
    const lax = defineConfig({ 'batch.size': { type: 'STRING', default: '2', importance: 'LOW', doc: 'Any text.' } });
    class Lax extends ListTask {
      override async start(given: ConnectorConfig, context: SourceTaskContext) {
        await super.start({ ...given, 'batch.size': '2' }, context);
      }
    }
    const plugin = sourceOf(Lax, lax as unknown as typeof sourceConfig);
    const { run } = caseNamed(casesOf(plugin), 'names the setting that is wrong');
    await expect(run()).rejects.toThrow('is not refused: batch.size is wrong in it');
  });

  it('a refusal that does not say for what', async () => {
    const lax = defineConfig({ 'batch.size': { type: 'STRING', default: '2', importance: 'LOW', doc: 'Any text.' } });
    class Mute extends ListTask {
      override async start(given: ConnectorConfig, context: SourceTaskContext) {
        if (given['batch.size'] !== undefined) throw new Error('Something is wrong');
        await super.start(given, context);
      }
    }
    const plugin = sourceOf(Mute, lax as unknown as typeof sourceConfig);
    const { run } = caseNamed(casesOf(plugin), 'names the setting that is wrong');
    await expect(run()).rejects.toThrow('fails without a word of batch.size');
  });

  it('a stop that forgets where it is', async () => {
    const places = new Map<string, number>();
    class Forgetful extends ListTask {
      override async begin() {
        return Math.max(await super.begin(), places.get('a') ?? 0);
      }
      override stop() {
        places.set('a', this.next + 1);
      }
    }
    const cases = sourceContract({
      plugin: sourceOf(Forgetful),
      arrange: () => {
        places.clear();
        return { config, expected: values };
      },
      arrangeLarge: () => ({ config }),
      badConfigs: [],
    });
    await expect(caseNamed(cases, 'pauses, stops and goes on').run()).rejects.toThrow('never came');
  });
});

class TableTask implements SinkTask {
  readonly #table: string[];
  signal!: AbortSignal;

  constructor(table: string[]) {
    this.#table = table;
  }

  start(_config: ConnectorConfig, context: { readonly signal: AbortSignal }): void {
    this.signal = context.signal;
  }

  put(records: SinkRecord[]): void | Promise<void> {
    this.write(records);
  }

  write(records: readonly SinkRecord[]): void {
    for (const { value } of records) this.#table.push(String(value));
  }

  flush(): void | Promise<void> {}
  stop(): void | Promise<void> {}
}

function sinkCases(Task: new (table: string[]) => TableTask, large = false) {
  let table: string[] = [];
  const plugin = definePlugin({
    kind: 'sink',
    className: 'test.TableSink',
    version: '1',
    doc: 'Fills a table.',
    config: defineConfig({ limit: { type: 'INT', default: 1, importance: 'LOW', doc: 'Nothing.' } }),
    create: () => ({
      start() {},
      taskConfigs: () => [{}],
      createTask: () => new Task(table),
      stop() {},
    }),
  });
  return sinkContract({
    plugin,
    patienceMs,
    memoryBytes,
    mostKills: 30,
    keepsAll: !large,
    arrange() {
      table = [];
      const own = table;
      return {
        config: { 'connector.class': 'test.TableSink', topics: 't', ...converters },
        records: values.map((value) => ({ topic: 't', value: large ? `${value} `.padEnd(10_000, 'x') : value })),
        expected: values,
        written: () => own,
      };
    },
    badConfigs: [{ change: { limit: 'much' }, key: 'limit' }],
  });
}

describe('a sink that is right', () => {
  it.each(sinkCases(TableTask))('$name', ({ run }) => run());

  it('writes any amount in bounded memory', async () => {
    class Counting extends TableTask {
      override write() {}
    }
    await caseNamed(sinkCases(Counting, true), 'writes any amount in bounded memory').run();
  });
});

describe('a sink with a fault fails the case that is about it', () => {
  const killed = 'killed anywhere, loses nothing';

  it('records that are written only when it stops', async () => {
    class Late extends TableTask {
      readonly #held: SinkRecord[] = [];
      override put(records: SinkRecord[]) {
        this.#held.push(...records);
      }
      override stop() {
        this.write(this.#held.splice(0));
      }
    }
    const cases = sinkCases(Late);
    await caseNamed(cases, 'delivers everything once and in order').run();
    await expect(caseNamed(cases, killed).run()).rejects.toThrow('never came');
  });

  it('a flush that does not wait for its write', async () => {
    class Hasty extends TableTask {
      readonly #held: SinkRecord[] = [];
      override put(records: SinkRecord[]) {
        this.write(this.#held.splice(0));
        this.#held.push(...records);
      }
      override stop() {
        this.write(this.#held.splice(0));
      }
    }
    await expect(caseNamed(sinkCases(Hasty), killed).run()).rejects.toThrow('never came');
  });

  it('a record that is left out', async () => {
    class Choosy extends TableTask {
      override write(records: readonly SinkRecord[]) {
        super.write(records.filter(({ value }) => value !== 'r7'));
      }
    }
    const { run } = caseNamed(sinkCases(Choosy), 'delivers everything once and in order');
    await expect(run()).rejects.toThrow('r7 never came');
  });

  it('positions that are never committed', async () => {
    class Stuck extends TableTask {
      preCommit() {
        return new Map();
      }
    }
    const { run } = caseNamed(sinkCases(Stuck), 'starts where it ended');
    await expect(run()).rejects.toThrow();
  });

  it('a put that waits and does not look at its signal', async () => {
    class Deaf extends TableTask {
      override async put(records: SinkRecord[]) {
        await new Promise((resolve) => setTimeout(resolve, 8 * patienceMs));
        this.write(records);
      }
    }
    const cases = sinkCases(Deaf);
    for (const name of ['ends when the run is aborted', 'ends before the deadline']) {
      await expect(caseNamed(cases, name).run(), name).rejects.toThrow(/did not return within/);
    }
  });

  it('everything kept', async () => {
    const { run } = caseNamed(sinkCases(TableTask, true), 'writes any amount in bounded memory');
    await expect(run()).rejects.toThrow(/Memory grew by \d+ MB/);
  });
});
