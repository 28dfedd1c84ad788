/**
 * What a small run takes: `npm run bench:small-runs`, or `node test/bench/small-runs.ts [runs a case] [rounds]`. A function's process,
 * out of a bundle, does warm runs of a source one after the other over the emulator's table and a real broker: with no
 * record, one, ten thousand; by the way that functions have to the table and by the AWS SDK, alternated. Beside it what two bare
 * writes take by either way. Prints the page in results/small-runs.md.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleProgram } from '../../cdk/bundle.ts';
import { dropTables, dynamoDbClient, newTable } from '../integration/storage/dynamodb-table.ts';
import setup, { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';
import { median } from './median.ts';
import { machine } from './races/process-cpu.ts';
import type { SmallRun, Way } from './runs/arm.ts';

const [runs = 300, rounds = 5] = process.argv.slice(2).map(Number);
const ways: Readonly<Record<Way, string>> = { signed: 'as functions ask', sdk: 'by the AWS SDK' };

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const teardown = await setup();
const about = machine();
const folder = mkdtempSync(join(tmpdir(), 'drover-small-runs-'));
const db = dynamoDbClient();
const measured = new Map<Way, SmallRun[]>([
  ['signed', []],
  ['sdk', []],
]);
try {
  const table = await newTable(db);
  bundleProgram('arm', join(import.meta.dirname, 'runs', 'arm.ts'), { outdir: join(folder, 'bundle') });
  const run = promisify(execFile);
  for (let round = 0; round < rounds; round++) {
    for (const [way, found] of measured) {
      const given = [join(folder, 'bundle', 'dist', 'arm.mjs'), folder, table, String(runs), way];
      const env = { ...process.env, DROVER_TEST_KAFKA: kafkaAddress(), DROVER_TEST_DYNAMODB: dynamoDbEndpoint() };
      const { stdout } = await run(process.execPath, given, { env });
      found.push(
        ...stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as SmallRun),
      );
    }
  }
  await dropTables();
} finally {
  db.destroy();
  rmSync(folder, { recursive: true, force: true });
  await teardown();
}

const cases = [...new Set(measured.get('signed')!.map(({ what }) => what))];
const of = (way: Way, what: string, figure: 'cpuMs' | 'wallMs' | 'requests') =>
  median(
    measured
      .get(way)!
      .filter((one) => one.what === what)
      .map((one) => one[figure]),
  );
const cell = (way: Way, what: string) => `${of(way, what, 'cpuMs').toFixed(2)} / ${of(way, what, 'wallMs').toFixed(2)}`;
const lines = cases.map(
  (what) =>
    `| ${what} | ${of('signed', what, 'requests').toFixed(1)} | ${cell('signed', what)} | ${cell('sdk', what)} | ` +
    `${(of('sdk', what, 'cpuMs') / of('signed', what, 'cpuMs')).toFixed(1)}× |`,
);
const page = `# What a small run takes

Printed by \`npm run bench:small-runs\`, ${new Date().toISOString().slice(0, 10)}. ${about}. Warm runs of a file source with
StringConverter, linger 0, in a process out of a bundle; ${rounds} rounds of ${runs} runs a case (a fifth of that with 10,000 records) after as many
that are not counted, the two ways to the table alternated. Medians of the rounds' means of CPU (all threads, user and system) and medians of wall time, ms.

| one run | table requests | CPU / wall, ${ways.signed} | CPU / wall, ${ways.sdk} | CPU, SDK to ours |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
writeFileSync(join(import.meta.dirname, 'results', 'small-runs.md'), page);
console.log(page);
process.exit(0);
