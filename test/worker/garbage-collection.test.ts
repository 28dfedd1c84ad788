import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const file = join(import.meta.dirname, '../../src/worker/garbage-collection.ts');

interface Seen {
  /** Of the young generation, at its largest. */
  readonly youngMb: number;
  /** Collections of it, before and after V8 has made it small. */
  readonly young: readonly [number, number];
}

/** Rounds of records of which each outlives the collections of its round, as batches under way do. */
const program = (tuned: boolean) => `
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
${tuned ? `(await import(${JSON.stringify(file)})).tuneGarbageCollection();` : ''}
const size = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20;
let collections = 0;
const observer = new PerformanceObserver((list) => {
  collections += list.getEntries().filter(({ detail }) => detail.kind === 1).length;
});
observer.observe({ entryTypes: ['gc'] });
let youngMb = 0;
async function work() {
  const before = collections;
  for (let round = 0; round < 60; round++) {
    globalThis.kept = Array.from({ length: 60_000 }, (_, at) => ({ at, text: 'x' + at }));
    youngMb = Math.max(youngMb, size());
    await new Promise(setImmediate);
  }
  return collections - before;
}
const first = await work();
gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
await new Promise(setImmediate);
console.log(JSON.stringify({ youngMb, young: [first, await work()] }));
`;

async function seen(tuned: boolean): Promise<Seen> {
  const options = ['--expose-gc', '--max-semi-space-size=51', '--input-type=module', '--eval', program(tuned)];
  return JSON.parse((await promisify(execFile)(process.execPath, options)).stdout);
}

test('V8’s young generation stays below what Lambda lets it have, and grows again where V8 has made it small', async () => {
  expect((await seen(false)).youngMb).toBeGreaterThan(64);
  const { youngMb, young } = await seen(true);
  expect(youngMb).toBeLessThanOrEqual(64);
  const [first, again] = young;
  expect(again).toBeLessThan(2 * first);
}, 60_000);
