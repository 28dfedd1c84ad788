import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { ConnectorBench, type RunOptions } from '../../src/testing/bench.ts';
import { startTestJava, type TestJava } from '../support/java-plugins.ts';
import { childrenOf } from '../support/processes.ts';
import { kafkaAddress } from '../support/services.ts';
import { until } from '../support/until.ts';

export const plainJson = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'topic.creation.default.partitions': '1',
  'topic.creation.default.replication.factor': '1',
};

/** How many kills each stress test is to come to. */
export const wantedKills = Number(process.env.DROVER_TEST_KILLS ?? 12);
/** Of a stress test: a kill took 20 s on a machine with eight times the load that it can carry. */
export const longest = 600_000 + wantedKills * 40_000;
export const seed = Number(process.env.DROVER_TEST_SEED ?? Date.now() % 100_000);

/** What a file of these tests works with, from its first test to its last. */
export interface Lab<S> {
  readonly java: TestJava;
  /** Of the Kafka that all tests share. */
  readonly kafka: KafkaClient;
  /** What the connectors read from or write to besides. */
  readonly beside: S;
  /** One connector in this process, until its test is over. */
  bench(
    kind: 'source' | 'sink',
    className: string,
    name: string,
    /** Where it reads or writes; by default the Kafka that all tests share. */
    bootstrapServers?: string,
  ): ConnectorBench;
}

/** Starts the JVM with these plugins, and what stands beside it, once for all tests of the file. */
export function openLab<S extends AsyncDisposable | null>(parts: {
  /** A folder of each, as its project publishes it. */
  readonly plugins: () => Promise<readonly string[]>;
  readonly beside: () => Promise<S>;
}): Lab<S> {
  let open: { readonly java: TestJava; readonly kafka: KafkaClient; readonly beside: S } | undefined;
  const benches: ConnectorBench[] = [];
  // Each waits for others, and says what it waits for before this is over.
  vi.setConfig({ testTimeout: 600_000 });

  beforeAll(async () => {
    const [java, beside] = await Promise.all([
      parts.plugins().then((found) => startTestJava(found, 256)),
      parts.beside(),
    ]);
    open = { java, beside, kafka: createKafkaClient({ bootstrapServers: kafkaAddress() }) };
  }, 400_000);

  afterEach(async () => {
    for (const bench of benches.splice(0)) await bench.close();
  });

  afterAll(async () => {
    await open?.kafka.close();
    await open?.java.close();
    await open?.beside?.[Symbol.asyncDispose]();
  });

  const opened = () => {
    if (open === undefined) throw new Error('The lab is open within tests');
    return open;
  };
  return {
    get java() {
      return opened().java;
    },
    get kafka() {
      return opened().kafka;
    },
    get beside() {
      return opened().beside;
    },
    bench(kind, className, name, bootstrapServers = kafkaAddress()) {
      const { java } = opened();
      const bench = new ConnectorBench(
        kind === 'source' ? java.plugin(kind, className) : java.plugin(kind, className),
        {
          bootstrapServers,
          name: `${name}-${process.pid}`,
          // Those that a config may name beside the connector.
          plugins: java.plugins.filter(({ kind }) => kind !== 'source' && kind !== 'sink'),
        },
      );
      benches.push(bench);
      return bench;
    },
  };
}

/** Run by run, until this is so; a connector that has failed ends it. */
export async function runUntil(bench: ConnectorBench, what: string, done: () => Promise<boolean>): Promise<void> {
  const hasFailed = async () => (await bench.status()).tasks.some(({ state }) => state === 'FAILED');
  const over = async () => {
    await bench.run();
    return (await hasFailed()) || done();
  };
  await until(what, over, { withinMs: 120_000 });
  await bench.throwIfFailed();
}

/** Ends the JVM that runs now, as the kernel would. */
export function killJvm(java: TestJava): boolean {
  const host = java.started.at(-1);
  if (host === undefined || !host.alive || !childrenOf(process.pid).includes(host.pid)) return false;
  process.kill(host.pid, 'SIGKILL');
  return true;
}

export const sourcePlaces = ['step polled', 'step converted', 'step produced', 'step committed'];
/** Under exactly once. */
export const transactionPlaces = [...sourcePlaces, 'step offsets-produced', 'step transaction-committed'];
export const sinkPlaces = ['step converted', 'step put', 'step pre-committed', 'step committed'];

export interface Killing {
  readonly places: readonly string[];
  readonly random: () => number;
  /** Gives the next run something to do. */
  readonly more: () => Promise<void>;
  /** Ends something else in the middle of a run, in every fifth. */
  readonly other?: (run: () => Promise<unknown>) => Promise<void>;
}

/** Run after run that dies, of its JVM or its function by turns, up to as many kills as are wanted. */
export async function killAgainAndAgain(bench: ConnectorBench, java: TestJava, killing: Killing): Promise<number> {
  const { more, other } = killing;
  let kills = 0;
  for (let round = 0; kills < wantedKills; round++) {
    await more();
    if (other !== undefined && round % 5 === 4) {
      await other(() => bench.run());
      kills++;
    } else if (await dyingRun(bench, java, round % 2 === 0 ? 'jvm' : 'function', killing)) kills++;
    await bench.throwIfFailed();
    if (round > wantedKills * 4 + 8) throw new Error(`Only ${kills} kills in ${round} runs, seed ${seed}`);
  }
  return kills;
}

/** Things that a source copies, by their numbers. */
export interface Numbered {
  readonly what: string;
  /** The number of the first that is added. */
  readonly from: number;
  /** How many are added for each run. */
  readonly each: number;
  readonly places: readonly string[];
  readonly other?: Killing['other'];
  add(from: number, count: number): Promise<void>;
  /** Numbers in the order in which they stand in the topic; from `from` on. */
  landed(): Promise<number[]>;
}

/**
 * Adds things while runs die, then runs until all have landed: each for the first time in the order in which it was added.
 * Resolves with the numbers that landed again.
 */
export async function copyUnderKills(bench: ConnectorBench, java: TestJava, things: Numbered): Promise<number[]> {
  const { what, from, each, places, other } = things;
  let next = from;
  const more = async () => {
    await things.add(next, each);
    next += each;
  };
  const random = seeded(seed);
  const kills = await killAgainAndAgain(bench, java, {
    places,
    random,
    more,
    ...(other === undefined ? {} : { other }),
  });
  const missing = async () => {
    const landed = new Set(await things.landed());
    return Array.from({ length: next - from }, (_, i) => from + i).filter((one) => !landed.has(one));
  };
  await runUntil(bench, 'all are there', async () => (await missing()).length === 0).catch(async (error) => {
    throw new Error(`${what}: seed ${seed}, ${kills} kills, missing: ${await missing()}; ${await bench.traces()}`, {
      cause: error,
    });
  });
  const landed = await things.landed();
  const again = landed.filter((one, i) => landed.indexOf(one) < i);
  console.log(`${what}: seed ${seed}, ${kills} kills, ${next - from} in all, ${again.length} of them again`);
  expect([...new Set(landed)]).toEqual(Array.from({ length: next - from }, (_, i) => from + i));
  return again;
}

/** How often each process under test has come by each place: they are counted for as long as it lives. */
const passed = new WeakMap<ConnectorBench, Map<string, number>>();

/**
 * One run that dies at a place drawn by `random`: of its JVM, or of the function with its JVM. True where it came to that.
 */
async function dyingRun(
  bench: ConnectorBench,
  java: TestJava,
  death: 'jvm' | 'function',
  { places, random }: Pick<Killing, 'places' | 'random'>,
): Promise<boolean> {
  const before = passed.get(bench) ?? new Map<string, number>();
  passed.set(bench, before);
  const name = places[Math.floor(random() * places.length)]!;
  // Most often the next time: a run does not come by each place often.
  const at = { name, time: (before.get(name) ?? 0) + 1 + Math.floor(random() ** 2 * 3) };
  let killed = false;
  const options: RunOptions = {
    ...(death === 'function' ? { killAt: at } : {}),
    onPoint: (point) => {
      before.set(point.name, point.time);
      if (killed || death !== 'jvm' || point.name !== at.name || point.time !== at.time) return;
      killed = killJvm(java);
    },
  };
  const result = await bench.run(options);
  // The JVM ends with the process that has started it.
  if (result.killed) {
    killJvm(java);
    before.clear();
  }
  return killed || result.killed;
}

/** Numbers from 0 to 1 that a seed repeats. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
