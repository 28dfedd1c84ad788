import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { jars } from '../../local/maven.ts';
import { distinct, type Workload, workloads } from './converter-workloads.ts';

/**
 * Records per second and CPU time per record of each converter, with Java Connect's own beside it, one after the
 * other on this machine: `node test/bench/converters.ts [--seconds 2] [--no-java]`.
 */
interface Result {
  readonly name: string;
  readonly recordsPerSecond: number;
  readonly cpuMicros: number;
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '2' }, java: { type: 'boolean', default: true } },
  allowNegative: true,
});
const milliseconds = Number(values.seconds) * 1000;

/** What the steps gave, so that no compiler can leave them out. */
let total = 0;

/** On a busy machine time alone would not let the compilers finish. */
const warmUpRecords = 500_000;

function run(workload: Workload, ms: number, atLeast: number): number {
  const end = performance.now() + ms;
  let records = 0;
  while (performance.now() < end || records < atLeast) {
    for (let i = 0; i < distinct; i++) total += workload.step(i);
    records += distinct;
  }
  return records;
}

function race(workload: Workload): Result {
  run(workload, milliseconds, warmUpRecords);
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const records = run(workload, milliseconds, 0);
  const seconds = (performance.now() - start) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    name: workload.name,
    recordsPerSecond: records / seconds,
    cpuMicros: (cpu.user + cpu.system) / records,
  };
}

async function javaResults(): Promise<Map<string, Result>> {
  const version = '4.3.0';
  const folder = await jars('converter-bench', [
    `org.apache.kafka:connect-runtime:${version}`,
    `org.apache.kafka:connect-json:${version}`,
  ]);
  const program = fileURLToPath(new URL('./java/ConverterBench.java', import.meta.url));
  const output = execFileSync('java', ['-cp', `${folder}/*`, program, String(milliseconds)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const results = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Result);
  return new Map(results.map((result) => [result.name, result]));
}

const java = values.java ? await javaResults() : new Map<string, Result>();
const thousands = (value: number) => Math.round(value).toLocaleString('en').padStart(12);
console.log('converter                            records/s    CPU µs         Java    CPU µs   CPU Java/ours');
for (const workload of workloads()) {
  const ours = race(workload);
  const theirs = java.get(ours.name);
  const beside =
    theirs === undefined
      ? ''
      : ` ${thousands(theirs.recordsPerSecond)} ${theirs.cpuMicros.toFixed(3).padStart(9)} ${(theirs.cpuMicros / ours.cpuMicros).toFixed(2).padStart(14)}`;
  console.log(
    `${ours.name.padEnd(32)} ${thousands(ours.recordsPerSecond)} ${ours.cpuMicros.toFixed(3).padStart(9)}${beside}`,
  );
}
if (total < 0) throw new Error('Nothing was converted');
