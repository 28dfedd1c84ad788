import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openRunnerLab, type RunnerLab, type RunnerProcess, runnerLeaseMs, signal } from '../integration/runner-lab.ts';
import { dropTables } from '../integration/storage/dynamodb-table.ts';
import { startTestJava, type TestJava } from '../support/java-plugins.ts';
import { until } from '../support/until.ts';
import { debeziumPostgres } from './archives.ts';
import { capturedTable } from './captured-table.ts';
import { changesIn, told } from './changes.ts';
import { type Database, startPostgres } from './databases.ts';
import { longest, plainJson, wantedKills } from './lab.ts';

// Debezium's connector for PostgreSQL on the runner: what it exists for.
vi.setConfig({ testTimeout: longest });
let java: TestJava;
let database: Database;
let lab: RunnerLab;

beforeAll(async () => {
  [java, database] = await Promise.all([
    debeziumPostgres().then((found) => startTestJava([found], 256)),
    startPostgres(),
  ]);
  lab = await openRunnerLab({ java: true, plugins: java.plugins, settings: java.settings });
}, 400_000);

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  await java?.close();
  await database?.[Symbol.asyncDispose]();
  await dropTables();
});

const prefixOf = (name: string) => `${name}-${process.pid}`;
const changes = async (name: string) => told(await changesIn(lab.kafka, `${prefixOf(name)}.public.${name}`));
const insert = (name: string, from: number, count: number) =>
  database.query(`INSERT INTO ${name} SELECT i, 'v' FROM generate_series(${from}, ${from + count - 1}) i`);

const configOf = (name: string) => ({
  ...plainJson,
  ...capturedTable(database, name, prefixOf(name)),
  'drover.commit.interval.ms': '200',
});

const onRunner = { 'drover.runner': 'always' };
const state = async (name: string) => (await lab.herder.connectorStatus(name)).tasks[0];
const arrives = (name: string, line: string) =>
  until(
    `${line} is there`,
    async () => {
      const task = await state(name);
      if (task?.state === 'FAILED') throw new Error(task.trace ?? '');
      return (await changes(name)).includes(line);
    },
    { withinMs: 120_000 },
  );

test('I3: a snapshot that a function has no time for goes through on the runner, then changes stream; it is paused, and has its offsets shown, altered and reset', async () => {
  const rows = 300;
  await database.query('CREATE TABLE slow (id int primary key, v text)');
  await insert('slow', 1, rows);
  const config = {
    ...configOf('slow'),
    // A row takes its time, as a large table does: six seconds and more in all, twice as long as a lease.
    'snapshot.fetch.size': '10',
    'snapshot.select.statement.overrides': 'public.slow',
    'snapshot.select.statement.overrides.public.slow':
      'SELECT s.id, s.v FROM public.slow s, LATERAL (SELECT pg_sleep(0.02 + 0 * s.id)) AS pause ORDER BY s.id',
  };
  const name = 'slow';
  const isComplete = async (times: number) =>
    (await changes(name)).filter((line) => line.startsWith(`r ${rows} `)).length === times;

  await lab.herder.createConnector(name, { ...config, 'drover.run.max.ms': '3000' }, 'STARTED');
  const failed = await until('its snapshot was cut', async () => {
    const task = await state(name);
    return task?.state === 'FAILED' && task;
  });
  expect(failed.trace).toMatch(/snapshot of slow-0 was cut.*drover\.runner=always/s);

  const runner = lab.startRunner();
  await lab.herder.putConnectorConfig(name, { ...config, ...onRunner });
  await until('the snapshot is there', () => isComplete(1), { withinMs: 120_000 });
  const { fencingToken } = await lab.task(name);
  await insert(name, 1001, 5);
  await arrives(name, 'c 1005 v');
  // One run: it outlives many of its leases.
  expect((await lab.task(name)).fencingToken).toBe(fencingToken);
  const streamed = async () => (await changes(name)).filter((line) => line.startsWith('c '));
  expect(await streamed()).toEqual([1001, 1002, 1003, 1004, 1005].map((id) => `c ${id} v`));

  await lab.herder.setTargetState(name, 'PAUSED');
  await until('the run has let go', async () => (await lab.task(name)).leaseOwner === null);
  await insert(name, 1006, 5);
  await lab.herder.setTargetState(name, 'STARTED');
  await arrives(name, 'c 1010 v');
  expect(await streamed()).toHaveLength(10);

  await lab.herder.setTargetState(name, 'STOPPED');
  await until('it is stopped', async () => (await lab.herder.connectorReport(name)).state === 'STOPPED');
  const [stored] = await lab.herder.offsets(name);
  expect(JSON.parse(stored!.partition)).toEqual({ server: prefixOf(name) });
  const offset = JSON.parse(stored!.offset) as Record<string, unknown>;
  expect(Number(offset.lsn)).toBeGreaterThan(0);
  // Whole numbers as the REST API reads them.
  const fields = (value: object) =>
    new Map(Object.entries(value).map(([key, one]) => [key, Number.isInteger(one) ? BigInt(one) : one]));
  await lab.herder.alterOffsets(name, [
    { partition: fields(JSON.parse(stored!.partition)), offset: fields({ ...offset, altered: 1 }) },
  ]);
  await until('it is altered', async () => (await lab.herder.offsets(name))[0]?.offset.includes('altered'));
  await insert(name, 1011, 1);
  await lab.herder.setTargetState(name, 'STARTED');
  await arrives(name, 'c 1011 v');

  await lab.herder.setTargetState(name, 'STOPPED');
  await until('it is stopped', async () => (await lab.herder.connectorReport(name)).state === 'STOPPED');
  await lab.herder.resetOffsets(name);
  await until('nothing is stored', async () => (await lab.herder.offsets(name)).length === 0);
  await lab.herder.setTargetState(name, 'STARTED');
  await arrives(name, 'r 1011 v');
  expect(await isComplete(2)).toBe(true);
  await lab.herder.deleteConnector(name);
  runner.stop();
  expect(await runner.ended).toBe(0);
});

test('I3: none is missing, whether runners or their runs are killed; how long until the next record', async () => {
  const name = 'killed';
  await database.query(`CREATE TABLE ${name} (id int primary key, v text)`);
  await insert(name, 0, 1);
  const runners = [lab.startRunner(), lab.startRunner()];
  await lab.herder.createConnector(name, { ...configOf(name), ...onRunner }, 'STARTED');
  await arrives(name, 'r 0 v');
  const took = { runner: [] as number[], run: [] as number[] };
  let next = 1;
  const more = async () => {
    await insert(name, next, 20);
    next += 20;
  };
  const kill = (what: keyof typeof took): number => {
    const at = runners.findIndex((runner: RunnerProcess) => runner.runs().length > 0);
    const killedAt = Date.now();
    if (what === 'run') signal(runners[at]!.runs()[0]!, 'SIGKILL');
    else {
      runners[at]!.kill();
      runners[at] = lab.startRunner();
    }
    return killedAt;
  };
  for (let round = 0; round < wantedKills; round++) {
    const what = round % 2 === 0 ? 'runner' : 'run';
    await more();
    const { leaseExpiresAt } = await lab.task(name);
    const killedAt = kill(what);
    const last = next;
    await more();
    await arrives(name, `c ${last} v`);
    // Of a runner, the lease must be over first.
    took[what].push(Date.now() - (what === 'runner' ? Math.max(killedAt, leaseExpiresAt) : killedAt));
    await arrives(name, `c ${next - 1} v`);
  }
  const seen = (await changes(name)).filter((line) => line.startsWith('c '));
  expect([...new Set(seen)]).toEqual(Array.from({ length: next - 1 }, (_, index) => `c ${index + 1} v`));
  for (const [what, times] of Object.entries(took)) {
    const sorted = times.sort((one, other) => one - other);
    console.log(
      `Debezium on the runner: ${times.length} kills of a ${what}, next record ${what === 'runner' ? 'beyond its lease ' : ''}after ` +
        `p50 ${sorted[Math.floor(sorted.length / 2)]} ms, longest ${sorted.at(-1)} ms; a lease is ${runnerLeaseMs} ms; ` +
        `${seen.length - next + 1} of ${next - 1} rows again`,
    );
  }
  await lab.herder.deleteConnector(name);
});
