/**
 * How long from the death of a run to its next record, on the whole local stack: `npm run bench:takeover`, or
 * `node test/bench/takeover.ts [kills] [debezium]`. A file is followed into a topic, or a table of PostgreSQL by Debezium;
 * every environment of the function that runs it is killed with SIGKILL in the middle of a run, time after time. Uses the
 * stack of `npm start` when it is up, else starts one.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { homeFolder } from '../../local/folders.ts';
import { printedStep } from '../../local/progress.ts';
import { call } from '../../local/rest-client.ts';
import { localSettings } from '../../local/settings.ts';
import { type LocalStack, readStack, startStack, stopStack } from '../../local/stack.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { debeziumPostgres } from '../jars/archives.ts';
import { capturedTable } from '../jars/captured-table.ts';
import { startPostgres } from '../jars/databases.ts';
import { childrenOf, isEnvironmentOf } from '../support/processes.ts';
import { endOf, landedAt } from './landed-at.ts';
import { machine } from './races/process-cpu.ts';

const kills = Number(process.argv[2] ?? 40);
const byDebezium = process.argv[3] === 'debezium';
const giveUpMs = 200_000;
const name = `takeover-${process.pid}`;

/** Something that grows, and a source that follows it into a topic. */
interface Followed extends AsyncDisposable {
  readonly title: string;
  /** What comes every `everyMs`. */
  readonly thing: string;
  readonly config: Readonly<Record<string, string>>;
  readonly topic: string;
  readonly everyMs: number;
  append(): void;
}

function aFile(): Followed {
  const folder = mkdtempSync(join(tmpdir(), 'drover-takeover-'));
  const file = join(folder, 'lines');
  writeFileSync(file, '');
  let line = 0;
  const string = 'org.apache.kafka.connect.storage.StringConverter';
  return {
    title: 'A file is followed into a topic',
    thing: 'line',
    config: { 'connector.class': 'FileStreamSource', file, topic: name, 'value.converter': string },
    topic: name,
    everyMs: 20,
    append: () => appendFileSync(file, `line ${line++}\n`),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function aTable(): Promise<Followed> {
  const database = await startPostgres();
  await database.query('CREATE TABLE lines (id serial primary key, v text)');
  const under = new Set<Promise<unknown>>();
  return {
    title: 'A table of PostgreSQL 18 is followed by Debezium’s connector (poll.interval.ms=20)',
    thing: 'row',
    config: capturedTable(database, 'lines', name),
    topic: `${name}.public.lines`,
    everyMs: 50,
    append: () => {
      const row = database.query("INSERT INTO lines (v) VALUES ('v')").finally(() => under.delete(row));
      under.add(row);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(under);
      await database[Symbol.asyncDispose]();
    },
  };
}

async function start(): Promise<LocalStack> {
  // The folder of plugin folders.
  const javaPlugins = byDebezium ? [dirname(await debeziumPostgres())] : [];
  return await startStack({ ...localSettings(), javaPlugins, step: printedStep });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const running = readStack(homeFolder);
const stack = running ?? (await start());
const functionName = byDebezium ? stack.functions['java-task'] : stack.functions.task;
if (functionName === undefined) throw new Error('The stack that is up has no Java function: end it with npm stop');
const emulator = stack.services.find(({ name }) => name === 'AWS emulator')?.pid ?? 0;
const about = machine();
const followed = byDebezium ? await aTable() : aFile();
const { topic } = followed;
const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
const fetcher = await kafka.fetcher();
const writing = setInterval(followed.append, followed.everyMs);

const recordAt = (offset: number) => landedAt(fetcher, topic, offset, giveUpMs);

const endOffset = () => endOf(kafka, topic);

/** Its JVM ends with an environment. */
function killRun(): number {
  const processes = childrenOf(emulator).filter((pid) => isEnvironmentOf(pid, functionName!));
  for (const pid of processes) process.kill(pid, 'SIGKILL');
  return processes.length;
}

const times: number[] = [];
try {
  await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
  await call(stack.restUrl, 'POST', '/connectors', { name, config: followed.config });
  await recordAt(0);
  while (times.length < kills) {
    // Long enough for a commit, and not in step with anything.
    await sleep(1500 + Math.random() * 1500);
    if (killRun() === 0) continue;
    const killedAt = performance.now();
    // What was on its way to the broker is there in a moment.
    await sleep(50);
    times.push((await recordAt(await endOffset())) - killedAt);
    process.stderr.write(`${times.length} of ${kills}: ${Math.round(times.at(-1)!)} ms\n`);
  }
} finally {
  clearInterval(writing);
  await call(stack.restUrl, 'DELETE', `/connectors/${name}`).catch(() => {});
  await fetcher.close();
  await kafka.close();
  if (running === null) await stopStack(homeFolder);
  await followed[Symbol.asyncDispose]();
}

const sorted = times.toSorted((a, b) => a - b);
const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
console.log(`# From the death of a run to its next record

\`npm run bench:takeover -- ${process.argv.slice(2).join(' ')}\`, ${about}. ${followed.title}, a new ${followed.thing} every ${followed.everyMs} ms, with the
settings of the local stack; all environments of its function are killed with SIGKILL in mid-run, and the next record that comes
after is waited for. By itself the lease of a run ends two minutes after the run began.

| kills | p50 | p99 | longest |
| --- | --- | --- | --- |
| ${times.length} | ${at(0.5)} ms | ${at(0.99)} ms | ${at(1)} ms |`);
