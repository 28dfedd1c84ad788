/**
 * What Debezium's connector for PostgreSQL takes to its first record on the deployed stack, warm, and with its function's
 * process and JVM gone before; and what an idle run costs. `npm run bench:debezium`, or `node test/bench/debezium.ts
 * [rounds]`. The connector is paused, a row is inserted, and the clock runs from the request that resumes it until a consumer
 * that waits there has the record. Starts a stack and a database of its own.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { functionLog } from '../../local/function-logs.ts';
import { environmentVariable } from '../../src/environment.ts';
import { debeziumPostgres } from '../jars/archives.ts';
import { capturedTable } from '../jars/captured-table.ts';
import { startPostgres } from '../jars/databases.ts';
import { openDeployedLab } from '../jars/deployed-lab.ts';
import { until } from '../support/until.ts';
import { minutesPerMonth, prices } from './cost/prices.ts';
import { endOf, landedAt } from './landed-at.ts';
import { median } from './median.ts';
import { machine } from './races/process-cpu.ts';

const rounds = Number(process.argv[2] ?? 10);
const idleRuns = 8;
const name = 'rows';
const topic = `${name}.public.${name}`;
/** By default. */
const functionMb = 1024;

/** How the function's JVM is started. */
const jvms = [
  { what: 'as it is by default', options: '' },
  { what: 'with `java.options: "-XX:TieredStopAtLevel=1"`', options: '-XX:TieredStopAtLevel=1' },
];

interface Run {
  readonly at: number;
  readonly durationMs: number;
  readonly records: number;
  readonly steps: Readonly<Record<string, number>>;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const about = machine();
await using database = await startPostgres();
await using lab = await openDeployedLab([await debeziumPostgres()]);
const { stack, kafka } = lab;
const javaFunction = stack.functions['java-task']!;
const lambda = new LambdaClient(stack.aws);
const fetcher = await kafka.fetcher();
let rows = 0;
const insert = () => database.query(`INSERT INTO ${name} VALUES (${rows++}, 'v')`);
const recordAt = (offset: number) => landedAt(fetcher, topic, offset, 120_000);

/** Of the connector, as the function has logged them. */
async function runsSince(since: number): Promise<Run[]> {
  const lines = await functionLog(stack, 'java-task', since);
  return lines.flatMap(({ timestamp, message }) => {
    if (!message.includes('"run.ended"')) return [];
    const line = JSON.parse(message.slice(message.indexOf('{'))) as Omit<Run, 'at'> & { readonly connector: string };
    return line.connector === name ? [{ ...line, at: timestamp }] : [];
  });
}

async function startJvmsWith(options: string): Promise<void> {
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: javaFunction }));
  const Variables = { ...Environment?.Variables, [environmentVariable('drover.java.options')]: options };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: javaFunction, Environment: { Variables } }));
}

interface Sample {
  readonly firstMs: number;
  /** From when the run was asked for until the task had started. */
  readonly startMs: number;
}

async function resumed(cold: boolean): Promise<Sample> {
  await lab.lettingGo(name, 'pause');
  if (cold) {
    for (const pid of [...stack.jvms(), ...stack.environmentsOf(javaFunction)]) process.kill(pid, 'SIGKILL');
    await until('they are gone', () => stack.environmentsOf(javaFunction).length === 0);
  }
  // Rows that a killed run had not committed are there twice.
  const end = await endOf(kafka, topic);
  await insert();
  const since = Date.now();
  const startedAt = performance.now();
  await lab.resume(name);
  const firstMs = (await recordAt(end)) - startedAt;
  const run = await until('its run is told', async () => (await runsSince(since)).find(({ records }) => records > 0));
  return { firstMs, startMs: run.steps.started ?? Number.NaN };
}

async function idle(): Promise<number[]> {
  const since = Date.now();
  const empty = async () => (await runsSince(since)).filter(({ records }) => records === 0);
  const runs = await until('runs are idle', async () => {
    const found = await empty();
    return found.length >= idleRuns && found;
  });
  return runs.map(({ durationMs }) => durationMs);
}

const range = (values: readonly number[]) =>
  `${Math.round(median(values))} (${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))})`;
const table: string[] = [];
let idleMs = 0;
try {
  await database.query(`CREATE TABLE ${name} (id int primary key, v text)`);
  await insert();
  await lab.api('PUT', '/admin/loggers/drover.worker', { level: 'DEBUG' });
  await lab.api('POST', '/connectors', { name, config: capturedTable(database, name, name) });
  await recordAt(0);
  for (const { what, options } of jvms) {
    await startJvmsWith(options);
    const samples: Record<'warm' | 'cold', Sample[]> = { warm: [], cold: [] };
    // The first one finds the function's new settings.
    await resumed(false);
    for (let round = 0; round < rounds; round++) {
      for (const arm of ['cold', 'warm'] as const) {
        const sample = await resumed(arm === 'cold');
        samples[arm].push(sample);
        process.stderr.write(`${what}, ${arm}: ${Math.round(sample.firstMs)} ms\n`);
      }
    }
    const idles = await idle();
    if (options === '') idleMs = median(idles);
    for (const [arm, taken] of Object.entries(samples)) {
      const first = taken.map(({ firstMs }) => firstMs);
      const start = taken.map(({ startMs }) => startMs);
      table.push(`| ${what} | ${arm} | ${range(first)} | ${range(start)} | ${arm === 'warm' ? range(idles) : ''} |`);
    }
  }
} finally {
  await fetcher.close();
  lambda.destroy();
}

const gbSeconds = (idleMs / 1000) * (functionMb / 1024) * minutesPerMonth;
const month = gbSeconds * prices.lambdaArmPerGbSecond + minutesPerMonth * prices.lambdaPerInvocation;
const page = `# Debezium's first record, and an idle run

\`npm run bench:debezium -- ${rounds}\`, ${about}. A table of PostgreSQL 18 and Debezium's connector (poll.interval.ms=20) on
the deployed stack, in the emulator; ${rounds} rounds each, arms in turn; median (lowest–highest), in ms. The connector is paused and a row inserted; then from the
request that resumes it until a consumer has the record. Cold: the function's process and its JVM are gone before. The task has
started (JVM, plugin, connections to PostgreSQL) that long behind the coordinator's request. An idle run is warm and has nothing to read: ${idleRuns} of
them, with the time that they give their source to settle (\`drover.java.settle.ms\`, 2 s).

| the JVM | | first record | started | an idle run |
| --- | --- | --- | --- | --- |
${table.join('\n')}

A run each minute of a month, when nothing comes: $${month.toFixed(2)} for a function of ${functionMb} MB at $${prices.lambdaArmPerGbSecond} a GB-second (${prices.asOf}), without the table.
`;
writeFileSync(join(import.meta.dirname, 'results', 'debezium.md'), page);
console.log(page);
