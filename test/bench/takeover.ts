/**
 * How long from the death of a run to its next record, on the whole local stack: `npm run bench:takeover`, or
 * `node test/bench/takeover.ts [kills]`. A file is followed into a topic; every environment of the task function is killed
 * with SIGKILL in the middle of a run, time after time. Uses the stack of `npm start` when it is up, else starts one.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { homeFolder } from '../../local/folders.ts';
import { printedStep } from '../../local/progress.ts';
import { call } from '../../local/rest-client.ts';
import { localSettings } from '../../local/settings.ts';
import { type LocalStack, readStack, startStack, stopStack } from '../../local/stack.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { childrenOf, isEnvironmentOf } from '../support/processes.ts';
import { landedAt } from './landed-at.ts';
import { machine } from './races/process-cpu.ts';

const kills = Number(process.argv[2] ?? 40);
const giveUpMs = 200_000;
/** Between two lines of the file. */
const everyMs = 20;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const running = readStack(homeFolder);
const stack: LocalStack = running ?? (await startStack({ ...localSettings(), step: printedStep }));
const emulator = stack.services.find(({ name }) => name === 'AWS emulator')?.pid ?? 0;
const about = machine();
const folder = mkdtempSync(join(tmpdir(), 'drover-takeover-'));
const file = join(folder, 'lines');
const name = `takeover-${process.pid}`;
const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
const fetcher = await kafka.fetcher();

let line = 0;
const append = () => appendFileSync(file, `line ${line++}\n`);
writeFileSync(file, '');
const writing = setInterval(append, everyMs);

const recordAt = (offset: number) => landedAt(fetcher, name, offset, giveUpMs);

async function endOffset(): Promise<number> {
  const ends = await kafka.admin.endOffsets([{ topic: name, partition: 0 }]);
  return Number(ends.get(name)!.get(0)!);
}

function killRun(): number {
  const processes = childrenOf(emulator).filter((pid) => isEnvironmentOf(pid, stack.functions.task));
  for (const pid of processes) process.kill(pid, 'SIGKILL');
  return processes.length;
}

const times: number[] = [];
try {
  await kafka.admin.createTopics([{ topic: name, partitions: 1, replicationFactor: 1, configs: {} }]);
  const string = 'org.apache.kafka.connect.storage.StringConverter';
  const config = { 'connector.class': 'FileStreamSource', file, topic: name, 'value.converter': string };
  await call(stack.restUrl, 'POST', '/connectors', { name, config });
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
  rmSync(folder, { recursive: true, force: true });
}

const sorted = times.toSorted((a, b) => a - b);
const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
console.log(`# From the death of a run to its next record

\`npm run bench:takeover -- ${kills}\`, ${about}. A file that gets a line every ${everyMs} ms is followed into a topic, with the
settings of the local stack; all environments of the task function are killed with SIGKILL in mid-run, and the next record that comes
after is waited for. By itself the lease of a run ends two minutes after the run began.

| kills | p50 | p99 | longest |
| --- | --- | --- | --- |
| ${times.length} | ${at(0.5)} ms | ${at(0.99)} ms | ${at(1)} ms |`);
