import type { PluginDescriptor } from '../api/plugin.ts';
import type { SourceRecord } from '../api/record.ts';
import type { Settings } from '../config/config-def.ts';
import { requiresExactlyOnce } from '../config/connector-config.ts';
import type { ConnectorBench, TestOffset } from './bench.ts';
import {
  atPoint,
  type ContractCase,
  type ContractOptions,
  caseOf,
  chooseKills,
  newBench,
  requireQuickEnd,
  requireRefusal,
  type Setting,
  tracing,
} from './contract.ts';
import { MemoryWatch, roughSize } from './heap.ts';
import type { Point } from './life.ts';
import { MemoryKafka } from './memory-kafka.ts';
import type { TestRecord } from './read-records.ts';
import { ContractError, requireSequence, type Wanted } from './sequence.ts';

/** An input and the config that reads it, new for every case. */
export interface SourceArrangement {
  readonly config: Settings;
  /** What `identify` gives of every record of the input, in the order of the source; no two alike. */
  readonly expected: readonly string[];
  /** Adds to the input; answers what is expected of that, likewise. Left out: the input never grows. */
  extend?(): readonly string[] | Promise<readonly string[]>;
  /** Takes the input away. */
  release?(): unknown;
}

export interface SourceContract extends ContractOptions {
  readonly plugin: PluginDescriptor<'source'>;
  arrange(): SourceArrangement | Promise<SourceArrangement>;
  /** A config with so many bytes to read, or without end. */
  arrangeLarge(
    bytes: number,
  ): Pick<SourceArrangement, 'config' | 'release'> | Promise<Pick<SourceArrangement, 'config' | 'release'>>;
  /** By what a record is known. Default: its value, as text. */
  identify?(record: TestRecord): string;
  /** Records that are kept in order among themselves only, as those of one source partition. Default: all of them. */
  orderedBy?(id: string): string;
  /** The source never ends: `expected` are its first records. */
  readonly endless?: boolean;
}

const megabyte = 1 << 20;
const defaultMemoryBytes = 24 * megabyte;
/** Inputs so many times as large as what memory may grow by. */
const largeTimes = 3;

const textOf = ({ valueBytes }: TestRecord) => valueBytes?.toString() ?? 'null';

class SourceCases {
  readonly #contract: SourceContract;
  readonly #setting: Setting;

  constructor(contract: SourceContract) {
    this.#contract = contract;
    this.#setting = { plugin: contract.plugin, options: contract };
  }

  /** In small runs: four of them for the input, so that there are ends to start from. */
  async #with<T>(
    work: (bench: ConnectorBench, arrangement: SourceArrangement, config: Settings) => Promise<T>,
    settings = {},
  ): Promise<T> {
    const arrangement = await this.#contract.arrange();
    const most = String(Math.max(1, Math.ceil(arrangement.expected.length / 4)));
    const config = { 'drover.run.max.records': most, ...arrangement.config };
    const bench = newBench(this.#setting, { settings });
    try {
      return await work(bench, arrangement, config);
    } finally {
      await bench.close();
      await arrangement.release?.();
    }
  }

  async #ids(bench: ConnectorBench) {
    const identify = this.#contract.identify ?? textOf;
    return (await bench.records()).map((record) => ({
      lane: `${record.topic}-${record.partition}`,
      id: identify(record),
    }));
  }

  /** All that is expected, and for an endless source as much as that. */
  async #drain(bench: ConnectorBench, expected: readonly string[]): Promise<void> {
    const { endless = false } = this.#contract;
    const wanted = new Set(expected);
    await bench.drain(async () => {
      if (!endless) return false;
      const seen = new Set((await this.#ids(bench)).map(({ id }) => id).filter((id) => wanted.has(id)));
      return seen.size === wanted.size;
    });
  }

  #wanted(ids: readonly string[]): Wanted {
    const { orderedBy, endless = false } = this.#contract;
    return { ids, endless, ...(orderedBy === undefined ? {} : { orderedBy }) };
  }

  async #require(what: string, bench: ConnectorBench, expected: readonly string[], repeats = false, from = 0) {
    const arrivals = (await this.#ids(bench)).slice(from);
    requireSequence(what, arrivals, this.#wanted(expected), repeats);
  }

  deliversAll() {
    return this.#with(async (bench, { expected }, config) => {
      await bench.configure(config);
      await this.#drain(bench, expected);
      await this.#require('Read in several runs', bench, expected);
    });
  }

  startsWhereItEnded() {
    return this.#with(async (bench, arrangement, config) => {
      await bench.configure(config);
      await this.#drain(bench, arrangement.expected);
      const more = (await arrangement.extend?.()) ?? [];
      const all = [...arrangement.expected, ...more];
      if (this.#contract.endless) await bench.run();
      else await bench.drain();
      await this.#require('Run again after its end', bench, all);
    });
  }

  async losesNothing() {
    const points = await this.#with(async (bench, { expected }, config) => {
      const seen: Point[] = [];
      await bench.configure(config);
      for (let run = 0; run < 3; run++) await bench.run(tracing(seen));
      await bench.throwIfFailed();
      await this.#drain(bench, expected);
      return seen;
    });
    const { mostKills = 80 } = this.#contract;
    for (const killAt of chooseKills(points, mostKills)) await this.#killedAt(killAt);
  }

  #killedAt(killAt: Point) {
    return this.#with(async (bench, { expected }, config) => {
      await bench.configure(config);
      let killed = false;
      for (let run = 0; run < 3 && !killed; run++) killed = (await bench.run({ killAt })).killed;
      const committed = await bench.committedRecords();
      const before = (await this.#ids(bench)).length;
      await this.#drain(bench, expected);
      const repeats = !requiresExactlyOnce(config);
      await this.#require(`A run ${atPoint(killAt)}`, bench, expected, repeats);
      const ids = (await this.#ids(bench)).map(({ id }) => id);
      const repeated = ids.length - new Set(ids).size;
      // Of records that a transformation drops none arrives, but they are committed.
      if (committed <= before && repeated > before - committed) {
        throw new ContractError(
          `A run ${atPoint(killAt)}: ${repeated} records came again, though only ${before - committed} were not committed`,
        );
      }
    });
  }

  async endsQuickly(how: 'abort' | 'deadline') {
    const { patienceMs = 4000 } = this.#contract;
    const settings = { runMarginMs: 2 * patienceMs };
    // One without end has nothing more to show after so many.
    const most = this.#isEndless ? '20000' : '1000000000';
    // While it reads and, as the run lingers, where there is nothing more to read.
    for (const calls of [1, 3, 8]) {
      await this.#with(async (bench, { expected }, config) => {
        await bench.configure({ ...config, 'drover.run.linger.ms': '600000', 'drover.run.max.records': most });
        await requireQuickEnd(bench, 'task.poll', calls, how, patienceMs);
        await bench.configure(config);
        await this.#drain(bench, expected);
        await this.#require('Ended early', bench, expected);
      }, settings);
    }
  }

  async boundsMemory() {
    const { memoryBytes = defaultMemoryBytes } = this.#contract;
    const bytes = largeTimes * memoryBytes;
    const { config, release } = await this.#contract.arrangeLarge(bytes);
    const kafka = new MemoryKafka({ keepRecords: false });
    let passed = 0;
    let watch: MemoryWatch | null = null;
    const ending = new AbortController();
    const plugin = watchPolls(this.#contract.plugin, (records) => {
      const polled = records.reduce((sum, record) => sum + roughSize(record), 0);
      passed += polled;
      watch?.passed(polled);
      if (passed >= bytes || (watch?.growth ?? 0) > memoryBytes) ending.abort();
    });
    const bench = newBench({ plugin, options: this.#contract }, { kafka });
    try {
      await bench.configure(config);
      watch = new MemoryWatch(memoryBytes / 4);
      for (;;) {
        const { records } = await bench.run({ signal: ending.signal });
        await bench.throwIfFailed();
        if (records === 0 || ending.signal.aborted) break;
      }
      if (watch.growth > memoryBytes) {
        throw new ContractError(
          `Memory grew by ${mb(watch.growth)} MB while ${mb(passed)} MB were read: give back a bounded part with each poll, and keep none`,
        );
      }
      if (passed < bytes / 2) {
        throw new ContractError(`arrangeLarge gave ${mb(passed)} MB to read where ${mb(bytes)} MB were asked for`);
      }
    } finally {
      await bench.close();
      await release?.();
    }
  }

  namesBadSettings() {
    return this.#with(async (_bench, _arrangement, config) => {
      for (const bad of this.#contract.badConfigs) await requireRefusal(this.#setting, config, bad);
    });
  }

  async pausesAndStops() {
    for (const state of ['PAUSED', 'STOPPED'] as const) {
      await this.#with(async (bench, { expected }, config) => {
        await bench.configure(config);
        let asked: Promise<unknown> | null = null;
        await bench.run({
          onPoint: ({ name }) => {
            if (name !== 'step polled') return;
            asked ??= bench.setTargetState(state).then(() => bench.runConnector());
          },
        });
        await asked;
        await bench.run();
        const before = (await this.#ids(bench)).length;
        const { connector } = await bench.status();
        if (connector.state !== state) throw new ContractError(`It is ${connector.state} and not ${state}`);
        await bench.run();
        if ((await this.#ids(bench)).length > before) throw new ContractError(`It goes on though it is ${state}`);
        await bench.setTargetState('STARTED');
        await this.#drain(bench, expected);
        await this.#require(`${state} in mid-run and started again`, bench, expected);
      });
    }
  }

  followsOffsets() {
    return this.#with(async (bench, { expected }, config) => {
      await bench.configure(config);
      await bench.run();
      await bench.throwIfFailed();
      const early: TestOffset[] = await bench.offsets();
      const first = new Set((await this.#ids(bench)).map(({ id }) => id));
      await this.#drain(bench, expected);
      if (early.length === 0) throw new ContractError('After a run that gave records there are no offsets');
      const before = (await this.#ids(bench)).length;
      // What began only later has no offset as of then.
      const known = new Set(early.map(({ partition }) => JSON.stringify(partition)));
      const later = (await bench.offsets()).filter(({ partition }) => !known.has(JSON.stringify(partition)));
      await bench.alterOffsets([...early, ...later.map(({ partition }) => ({ partition, offset: null }))]);
      await bench.drain(
        async () => (await this.#ids(bench)).length >= before + expected.length - first.size && this.#isEndless,
      );
      const rest = expected.filter((id) => !first.has(id));
      await this.#require('After its offsets were altered', bench, rest, false, before);
      const again = (await this.#ids(bench)).length;
      await bench.resetOffsets();
      await bench.drain(async () => (await this.#ids(bench)).length >= again + expected.length && this.#isEndless);
      await this.#require('After its offsets were reset', bench, expected, false, again);
    });
  }

  get #isEndless(): boolean {
    return this.#contract.endless ?? false;
  }
}

const mb = (bytes: number) => Math.round(bytes / megabyte);

/** The plugin, with somebody who is told of every poll's records. */
function watchPolls(
  plugin: PluginDescriptor<'source'>,
  seen: (records: readonly SourceRecord[]) => void,
): PluginDescriptor<'source'> {
  const create = async () => {
    const connector = await plugin.create();
    const createTask = connector.createTask.bind(connector);
    connector.createTask = () => {
      const task = createTask();
      const poll = task.poll.bind(task);
      task.poll = async () => {
        const records = await poll();
        if (records !== null) seen(records);
        return records;
      };
      return task;
    };
    return connector;
  };
  return { ...plugin, create };
}

/** What every source connector is held to; each case has an input, a table and a Kafka of its own. */
export function sourceContract(contract: SourceContract): ContractCase[] {
  const cases = new SourceCases(contract);
  return [
    caseOf('delivers everything once and in order', () => cases.deliversAll()),
    caseOf('starts where it ended', () => cases.startsWhereItEnded()),
    caseOf('killed anywhere, loses nothing', () => cases.losesNothing()),
    caseOf('ends when the run is aborted', () => cases.endsQuickly('abort')),
    caseOf('ends before the deadline', () => cases.endsQuickly('deadline')),
    caseOf('reads any amount in bounded memory', () => cases.boundsMemory()),
    caseOf('names the setting that is wrong', () => cases.namesBadSettings()),
    caseOf('pauses, stops and goes on', () => cases.pausesAndStops()),
    caseOf('follows altered and reset offsets', () => cases.followsOffsets()),
  ];
}
