import type { PluginDescriptor } from '../api/plugin.ts';
import type { SinkTask } from '../api/task.ts';
import type { Settings } from '../config/config-def.ts';
import type { ConnectorBench } from './bench.ts';
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
import { type KafkaRecord, MemoryKafka } from './memory-kafka.ts';
import { ContractError, requireSequence } from './sequence.ts';

/** A target, and the config that writes to it, new for every case. */
export interface SinkArrangement {
  /** Names its topics with `topics`. */
  readonly config: Settings;
  /** In the order of their writing; they should suffice for several puts. */
  readonly records: readonly KafkaRecord[];
  /** What lies in the target by what `written` tells, if every record is there once; in the order of `records`. */
  readonly expected: readonly string[];
  /** What lies in the target now, in the order of its arrival. `tasks`: every task so far, those of killed processes too. */
  written(tasks: readonly SinkTask[]): readonly string[] | Promise<readonly string[]>;
  /** Takes the target away. */
  release?(): unknown;
}

export interface SinkContract extends ContractOptions {
  readonly plugin: PluginDescriptor<'sink'>;
  arrange(): SinkArrangement | Promise<SinkArrangement>;
  /** What is kept in order among itself only, as that of one partition. Default: all of it. */
  orderedBy?(id: string): string;
  /** A record that is there already may be written over: it lies in the target once. */
  readonly idempotent?: boolean;
  /** The target is the task's own memory, which cannot be bounded. */
  readonly keepsAll?: boolean;
}

const megabyte = 1 << 20;
const defaultMemoryBytes = 24 * megabyte;
const largeTimes = 3;
const mostLargeRecords = 200_000;
const perPut = 'consumer.override.max.poll.records';

/** With every put: what a task has not written when it is asked to flush is lost if it dies before it stops. */
const committingAtOnce = { 'drover.commit.interval.ms': '0' };

class SinkCases {
  readonly #contract: SinkContract;
  readonly #setting: Setting;

  constructor(contract: SinkContract) {
    this.#contract = contract;
    this.#setting = { plugin: contract.plugin, options: contract };
  }

  /** With the first half of the records there and puts of a few of them, so that there are ends to start from. */
  async #with<T>(
    work: (bench: ConnectorBench, arrangement: SinkArrangement, config: Settings) => Promise<T>,
    settings = {},
  ): Promise<T> {
    const arrangement = await this.#contract.arrange();
    const { records } = arrangement;
    const few = String(Math.max(1, Math.ceil(records.length / 8)));
    const config = { [perPut]: few, 'drover.run.max.records': few, ...arrangement.config };
    const bench = newBench(this.#setting, { settings });
    try {
      await bench.produce(records.slice(0, records.length >> 1));
      return await work(bench, arrangement, config);
    } finally {
      await bench.close();
      await arrangement.release?.();
    }
  }

  #more(bench: ConnectorBench, { records }: SinkArrangement) {
    return bench.produce(records.slice(records.length >> 1));
  }

  async #written(bench: ConnectorBench, { written }: SinkArrangement) {
    return (await written(bench.tasks as SinkTask[])).map((id) => ({ lane: '', id }));
  }

  async #require(what: string, bench: ConnectorBench, arrangement: SinkArrangement, repeats = false, from = 0) {
    const { orderedBy } = this.#contract;
    const arrivals = (await this.#written(bench, arrangement)).slice(from);
    const wanted = { ids: arrangement.expected, ...(orderedBy === undefined ? {} : { orderedBy }) };
    requireSequence(what, arrivals, wanted, repeats);
  }

  deliversAll() {
    return this.#with(async (bench, arrangement, config) => {
      await bench.configure(config);
      await this.#more(bench, arrangement);
      await bench.drain();
      await this.#require('Written in several runs', bench, arrangement);
    });
  }

  startsWhereItEnded() {
    return this.#with(async (bench, arrangement, config) => {
      await bench.configure(config);
      await bench.drain();
      await this.#more(bench, arrangement);
      await bench.drain();
      await this.#require('Run again after its end', bench, arrangement);
    });
  }

  async losesNothing() {
    const points = await this.#with(async (bench, arrangement, config) => {
      const seen: Point[] = [];
      await bench.configure({ ...config, ...committingAtOnce });
      await this.#more(bench, arrangement);
      for (let run = 0; run < 3; run++) await bench.run(tracing(seen));
      await bench.throwIfFailed();
      return seen;
    });
    const { mostKills = 80, idempotent = false } = this.#contract;
    for (const killAt of chooseKills(points, mostKills)) {
      await this.#with(async (bench, arrangement, config) => {
        await bench.configure({ ...config, ...committingAtOnce });
        await this.#more(bench, arrangement);
        let killed = false;
        for (let run = 0; run < 3 && !killed; run++) killed = (await bench.run({ killAt })).killed;
        await bench.drain();
        await this.#require(`A run ${atPoint(killAt)}`, bench, arrangement, !idempotent);
      });
    }
  }

  async endsQuickly(how: 'abort' | 'deadline') {
    const { patienceMs = 4000 } = this.#contract;
    const settings = { runMarginMs: 2 * patienceMs };
    for (const calls of [1, 3]) {
      await this.#with(async (bench, arrangement, config) => {
        await bench.configure({ ...config, 'drover.run.linger.ms': '600000', 'drover.run.max.records': '1000000000' });
        await this.#more(bench, arrangement);
        await requireQuickEnd(bench, 'task.put', calls, how, patienceMs);
        await bench.configure(config);
        await bench.drain();
        await this.#require('Ended early', bench, arrangement);
      }, settings);
    }
  }

  async boundsMemory() {
    const { memoryBytes = defaultMemoryBytes } = this.#contract;
    const arrangement = await this.#contract.arrange();
    const kafka = new MemoryKafka();
    let watch: MemoryWatch | null = null;
    const ending = new AbortController();
    const plugin = watchPuts(this.#contract.plugin, (bytes) => {
      watch?.passed(bytes);
      if ((watch?.growth ?? 0) > memoryBytes) ending.abort();
    });
    const bench = newBench({ plugin, options: this.#contract }, { kafka });
    try {
      const bytes = await fill(kafka, arrangement.records, largeTimes * memoryBytes);
      await bench.configure(arrangement.config);
      watch = new MemoryWatch(memoryBytes / 4);
      for (;;) {
        const { records } = await bench.run({ signal: ending.signal });
        await bench.throwIfFailed();
        if (records === 0 || ending.signal.aborted) break;
      }
      if (watch.growth <= memoryBytes) return;
      const [grown, all] = [watch.growth, bytes].map((size) => Math.round(size / megabyte));
      throw new ContractError(
        `Memory grew by ${grown} MB while ${all} MB were written: write on the way what put gathers`,
      );
    } finally {
      await bench.close();
      await arrangement.release?.();
    }
  }

  namesBadSettings() {
    return this.#with(async (_bench, _arrangement, config) => {
      for (const bad of this.#contract.badConfigs) {
        const kafka = new MemoryKafka();
        for (const topic of (config.topics ?? '').split(',')) if (topic !== '') kafka.createTopic(topic.trim());
        await requireRefusal(this.#setting, config, bad, kafka);
      }
    });
  }

  async pausesAndStops() {
    for (const state of ['PAUSED', 'STOPPED'] as const) {
      await this.#with(async (bench, arrangement, config) => {
        await bench.configure(config);
        let asked: Promise<unknown> | null = null;
        await bench.run({
          onPoint: ({ name }) => {
            if (name !== 'step put') return;
            asked ??= bench.setTargetState(state).then(() => bench.runConnector());
          },
        });
        await asked;
        await bench.run();
        const before = (await this.#written(bench, arrangement)).length;
        const { connector } = await bench.status();
        if (connector.state !== state) throw new ContractError(`It is ${connector.state} and not ${state}`);
        await this.#more(bench, arrangement);
        await bench.run();
        const after = (await this.#written(bench, arrangement)).length;
        if (after > before) throw new ContractError(`It goes on though it is ${state}`);
        await bench.setTargetState('STARTED');
        await bench.drain();
        await this.#require(`${state} in mid-run and started again`, bench, arrangement);
      });
    }
  }

  followsOffsets() {
    return this.#with(async (bench, arrangement, config) => {
      await bench.configure(config);
      await bench.drain();
      const early = await bench.offsets();
      const there = (await this.#written(bench, arrangement)).length;
      if (early.length === 0) throw new ContractError('After a run that wrote records there are no positions');
      await this.#more(bench, arrangement);
      await bench.drain();
      const before = (await this.#written(bench, arrangement)).length;
      await bench.alterOffsets(early);
      await bench.drain();
      const rest = { ...arrangement, expected: arrangement.expected.slice(there) };
      const known = new Set(early.map(({ partition }) => JSON.stringify(partition)));
      const isWhole = (await bench.offsets()).every(({ partition }) => known.has(JSON.stringify(partition)));
      if (isWhole && !this.#contract.idempotent) {
        await this.#require('After its offsets were altered', bench, rest, false, before);
      }
      const again = (await this.#written(bench, arrangement)).length;
      await bench.resetOffsets();
      await bench.drain();
      const from = this.#contract.idempotent ? 0 : again;
      await this.#require('After its offsets were reset', bench, arrangement, false, from);
    });
  }
}

/** The records over and over, until they are so many bytes. */
async function fill(kafka: MemoryKafka, records: readonly KafkaRecord[], atLeast: number): Promise<number> {
  const sizes = records.map(({ key, value }) => roughSize({ key, value }));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const times = Math.ceil(Math.min(atLeast / bytes, mostLargeRecords / records.length));
  for (let time = 0; time < times; time++) await kafka.produce(records);
  return times * bytes;
}

function watchPuts(plugin: PluginDescriptor<'sink'>, seen: (bytes: number) => void): PluginDescriptor<'sink'> {
  const create = async () => {
    const connector = await plugin.create();
    const createTask = connector.createTask.bind(connector);
    connector.createTask = () => {
      const task = createTask();
      const put = task.put.bind(task);
      task.put = async (records) => {
        const bytes = records.reduce((sum, record) => sum + roughSize(record), 0);
        await put(records);
        seen(bytes);
      };
      return task;
    };
    return connector;
  };
  return { ...plugin, create };
}

/** What every sink connector is held to; each case has a target, a table and a Kafka of its own. */
export function sinkContract(contract: SinkContract): ContractCase[] {
  const cases = new SinkCases(contract);
  const bounded = caseOf('writes any amount in bounded memory', () => cases.boundsMemory());
  return [
    caseOf('delivers everything once and in order', () => cases.deliversAll()),
    caseOf('starts where it ended', () => cases.startsWhereItEnded()),
    caseOf('killed anywhere, loses nothing', () => cases.losesNothing()),
    caseOf('ends when the run is aborted', () => cases.endsQuickly('abort')),
    caseOf('ends before the deadline', () => cases.endsQuickly('deadline')),
    ...(contract.keepsAll === true ? [] : [bounded]),
    caseOf('names the setting that is wrong', () => cases.namesBadSettings()),
    caseOf('pauses, stops and goes on', () => cases.pausesAndStops()),
    caseOf('follows altered and reset offsets', () => cases.followsOffsets()),
  ];
}
