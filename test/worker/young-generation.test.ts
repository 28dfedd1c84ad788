import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const file = join(import.meta.dirname, '../../src/worker/young-generation.ts');

/** Rounds of records of which each outlives the collections of its round, as batches under way do. */
const program = (bounded: boolean) => `
import { getHeapSpaceStatistics } from 'node:v8';
${bounded ? `(await import(${JSON.stringify(file)})).boundYoungGeneration();` : ''}
const size = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size;
let most = 0;
for (let round = 0; round < 60; round++) {
  globalThis.kept = Array.from({ length: 60_000 }, (_, at) => ({ at, text: 'x' + at }));
  most = Math.max(most, size());
  await new Promise(setImmediate);
}
console.log(most / 2 ** 20);
`;

async function grownMb(bounded: boolean): Promise<number> {
  const options = ['--max-semi-space-size=51', '--input-type=module', '--eval', program(bounded)];
  return Number((await promisify(execFile)(process.execPath, options)).stdout);
}

test('V8’s young generation stays below what Lambda lets it have', { timeout: 60_000 }, async () => {
  expect(await grownMb(false)).toBeGreaterThan(64);
  expect(await grownMb(true)).toBeLessThanOrEqual(64);
});
