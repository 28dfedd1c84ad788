import type { ConnectorBench, RunOptions } from '../../src/testing/bench.ts';
import type { TestJava } from '../support/java-plugins.ts';
import { childrenOf } from '../support/processes.ts';

export const plainJson = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'topic.creation.default.partitions': '1',
  'topic.creation.default.replication.factor': '1',
};

/** How many kills a stress test is to come to. */
export const wantedKills = Number(process.env.DROVER_TEST_KILLS ?? 12);

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

/** What one run is killed by, drawn. */
export type Death = 'jvm' | 'function' | 'none';

/** How often each process under test has come by each place: they are counted for as long as it lives. */
const passed = new WeakMap<ConnectorBench, Map<string, number>>();

/**
 * One run that dies at a place drawn by `random`: of its JVM, or of the function with its JVM. True where it came to that.
 */
export async function dyingRun(
  bench: ConnectorBench,
  java: TestJava,
  death: Death,
  random: () => number,
  options: RunOptions = {},
  places: readonly string[] = sourcePlaces,
): Promise<boolean> {
  const before = passed.get(bench) ?? new Map<string, number>();
  passed.set(bench, before);
  const name = places[Math.floor(random() * places.length)]!;
  const at = { name, time: (before.get(name) ?? 0) + 1 + Math.floor(random() * 3) };
  let killed = false;
  const result = await bench.run({
    ...options,
    ...(death === 'function' ? { killAt: at } : {}),
    onPoint: (point) => {
      options.onPoint?.(point);
      before.set(point.name, point.time);
      if (killed || death !== 'jvm' || point.name !== at.name || point.time !== at.time) return;
      killed = killJvm(java);
    },
  });
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
