import type { AnyPlugin, PluginDescriptor } from '../api/plugin.ts';
import type { Settings } from '../config/config-def.ts';
import type { WorkerSettings } from '../worker/worker-settings.ts';
import { type BenchEvent, ConnectorBench, type RunOptions } from './bench.ts';
import type { Point } from './life.ts';
import type { MemoryKafka } from './memory-kafka.ts';
import { ContractError } from './sequence.ts';

/** One promise that a connector is held to. Give it to whatever runs your tests: `test(name, run)`. */
export interface ContractCase {
  readonly name: string;
  /** Rejects with ContractError, which says what is wrong. */
  readonly run: () => Promise<void>;
}

/** A config that must be refused, and the setting that the refusal must name. */
export interface BadConfig {
  /** Changes to the config; null removes a setting. */
  readonly change: Readonly<Record<string, string | null>>;
  readonly key: string;
}

export interface ContractOptions {
  /** Converters and transformations of your own that the config names. */
  readonly plugins?: readonly AnyPlugin[];
  readonly badConfigs: readonly BadConfig[];
  /** How long, in milliseconds, a task may take to return once its signal aborts. Default: 4000. */
  readonly patienceMs?: number;
  /** So many places, spread over all of a run's, are where it is killed. Default: 80. */
  readonly mostKills?: number;
  /** Bytes that memory may grow by, however much is read. Default: 24 MiB. */
  readonly memoryBytes?: number;
}

/** What the cases need to have a bench made. */
export interface Setting {
  readonly plugin: PluginDescriptor<'source'> | PluginDescriptor<'sink'>;
  readonly options: ContractOptions;
}

export interface BenchNeeds {
  readonly settings?: Partial<WorkerSettings>;
  readonly kafka?: MemoryKafka;
  readonly onEvent?: (event: BenchEvent) => void;
}

export function newBench({ plugin, options }: Setting, needs: BenchNeeds = {}): ConnectorBench {
  const { plugins } = options;
  return new ConnectorBench(plugin, { ...(plugins === undefined ? {} : { plugins }), ...needs });
}

/** One name for one place, whatever else is said of it. */
const nameOf = ({ name, time }: Point) => `${name} (${time})`;

/** Where the runs that drain a connector come by: at most so many places, every kind of place among them. */
export function chooseKills(points: readonly Point[], most: number): Point[] {
  const all = [...new Map(points.map((point) => [nameOf(point), point])).values()];
  const firsts = all.filter(({ time }) => time === 1);
  const others = all.filter(({ time }) => time > 1);
  const room = Math.max(0, most - firsts.length);
  const stride = Math.max(1, Math.ceil(others.length / Math.max(1, room)));
  return [...firsts, ...(room === 0 ? [] : others.filter((_, index) => index % stride === 0))];
}

/** The points of runs, as they come. */
export function tracing(into: Point[]): RunOptions {
  return { onPoint: (point) => void into.push(point) };
}

export const atPoint = ({ name, time }: Point) => `killed ${name}${time > 1 ? `, the time ${time}` : ''}`;

const withChange = (config: Settings, change: BadConfig['change']): Settings =>
  Object.fromEntries(
    Object.entries({ ...config, ...change }).filter((entry): entry is [string, string] => entry[1] !== null),
  );

/** Refused for the right setting: by the checks before a connector is stored, or by its first run. */
export async function requireRefusal(setting: Setting, config: Settings, bad: BadConfig, kafka?: MemoryKafka) {
  await using bench = newBench(setting, kafka === undefined ? {} : { kafka });
  const wrong = withChange(config, bad.change);
  const about = `The config with ${JSON.stringify(bad.change)}`;
  const errors = await bench.validate(wrong);
  if (errors.has(bad.key)) return;
  if (errors.size > 0) {
    throw new ContractError(`${about} is refused for ${[...errors.keys()].join(', ')}, and not for ${bad.key}`);
  }
  await bench.configure(wrong);
  await bench.run();
  const { connector, tasks } = await bench.status();
  const failed = [connector, ...tasks].filter(({ state }) => state === 'FAILED');
  if (failed.length === 0) throw new ContractError(`${about} is not refused: ${bad.key} is wrong in it`);
  // What is said, and not where in the code.
  const said = failed.flatMap(({ trace }) => (trace ?? '').split('\n').filter((line) => !line.startsWith('\t')));
  if (said.some((line) => line.includes(bad.key))) return;
  throw new ContractError(`${about} fails without a word of ${bad.key}:\n${said.join('\n')}`);
}

const beforeTheEndMs = 2;

/**
 * Ends a run while a call of the task is under way, and sees that the call comes back. `calls`: in the how many-th one.
 * `how`: by the run's signal, or since its deadline comes near.
 */
export async function requireQuickEnd(
  bench: ConnectorBench,
  call: string,
  calls: number,
  how: 'abort' | 'deadline',
  patienceMs: number,
): Promise<void> {
  const ending = new AbortController();
  const cutInMs = bench.deadlineMs - patienceMs;
  let over = false;
  let ended = false;
  const done = Promise.withResolvers<void>();
  const end = async () => {
    if (how === 'abort') ending.abort(new Error('the run is asked to end'));
    else bench.clock.advance(cutInMs - patienceMs + beforeTheEndMs);
    const late = new AbortController();
    done.promise.then(() => late.abort());
    await bench.clock.sleep(patienceMs, late.signal).catch(() => {});
    // It has had its time: what is left of the run's is spared.
    if (!over) bench.clock.advance(cutInMs);
  };
  const result = await bench.run({
    signal: ending.signal,
    onPoint: ({ name, time }) => {
      if (ended || name !== `before ${call}` || time % calls !== 0) return;
      ended = true;
      setImmediate(() => void end());
    },
  });
  over = true;
  done.resolve();
  if (!ended && calls === 1) throw new ContractError(`${call} was never called: there is nothing to end`);
  const why = how === 'abort' ? 'the run was asked to end' : "the run's deadline had come";
  if (result.tasks.some(({ tainted }) => tainted)) {
    throw new ContractError(
      `${call} did not return within ${patienceMs} ms after ${why}: wait with the context's signal, and return what you have`,
    );
  }
  await bench.throwIfFailed();
}

export function caseOf(name: string, run: () => Promise<void>): ContractCase {
  return { name, run };
}
