/**
 * How much memory a run takes, and what a smaller function would do to it: each workload in a fresh process, told of the
 * function's size as Lambda's Node runtime is. `npm run bench:memory`, or
 * `node test/bench/memory.ts [sizes, default 256,512,1024,2048] [part of a title]`. The default in cdk/props.ts is chosen from it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../../src/config/config-def.ts';
import { tuneGarbageCollection } from '../../src/worker/garbage-collection.ts';
import setup, { kafkaAddress } from '../support/services.ts';
import { createHarness, realKafka, uniqueName } from '../support/worker-harness.ts';
import { functionOptions } from './asked-child.ts';
import { races } from './races/definitions.ts';
import { cpuSeconds, machine, peakMemoryMb } from './races/process-cpu.ts';

interface Workload {
  readonly title: string;
  readonly type: 'source' | 'sink';
  readonly lineBytes: number;
  readonly lines: number;
  readonly settings: Settings;
}

/** What a child is told. */
interface Job {
  readonly type: 'source' | 'sink' | 'nothing';
  readonly settings: Settings;
}

interface Outcome {
  /** Null: the process died. */
  readonly peakMb: number | null;
  readonly cpu: number;
}

const kb = 1024;
const million = 1_000_000;
const settingsOf = (part: string): Settings => races.find(({ title }) => title.startsWith(part))!.settings;
const strings = settingsOf('FileStreamSource');
const workloads: readonly Workload[] = [
  { title: 'source, strings of 70 bytes', type: 'source', lineBytes: 70, lines: million, settings: strings },
  { title: 'sink, strings of 70 bytes', type: 'sink', lineBytes: 70, lines: million, settings: strings },
  {
    title: 'source, four transformations, JSON with schemas',
    type: 'source',
    lineBytes: 70,
    lines: million,
    settings: settingsOf('source + HoistField, InsertField (static, topic)'),
  },
  {
    title: 'sink, JSON with schemas and extraction',
    type: 'sink',
    lineBytes: 70,
    lines: million,
    settings: { ...settingsOf('sink, JsonConverter'), 'transforms.extract.field': 'text' },
  },
  { title: 'source, strings of 900 kB', type: 'source', lineBytes: 900 * kb, lines: 300, settings: strings },
  { title: 'sink, strings of 900 kB', type: 'sink', lineBytes: 900 * kb, lines: 300, settings: strings },
];

async function child(job: Job): Promise<void> {
  tuneGarbageCollection();
  const harness = createHarness({ kafka: realKafka(kafkaAddress()), budgetMs: 300_000 });
  const cpuBefore = cpuSeconds([process.pid]);
  let records = 0;
  if (job.type !== 'nothing') {
    const name = uniqueName('memory');
    const kind = job.type === 'source' ? 'FileStreamSource' : 'FileStreamSink';
    await harness.create(name, { 'connector.class': kind, ...job.settings });
    for (;;) {
      const report = await harness.runTask(name);
      records += report.records;
      if (report.reason === 'drained') break;
      if (report.reason !== 'backlog') throw new Error(JSON.stringify(harness.events.at(-1)));
    }
  }
  const result = { records, peakMb: peakMemoryMb([process.pid]), cpu: cpuSeconds([process.pid]) - cpuBefore };
  process.send?.(result, () => process.exit(0));
}

async function runIn(size: number, job: Job, expected: number): Promise<Outcome> {
  const path = import.meta.filename;
  const running = fork(path, ['child', JSON.stringify(job)], {
    execArgv: [...functionOptions(size)],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let said = '';
  running.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [message] = (await Promise.race([once(running, 'message'), once(running, 'close').then(() => [null])])) as [
    { records: number; peakMb: number; cpu: number } | null,
  ];
  if (message === null) {
    if (!said.includes('heap out of memory')) throw new Error(`A run ended early: ${said}`);
    return { peakMb: null, cpu: 0 };
  }
  if (message.records !== expected)
    throw new Error(`${message.records} of ${expected} records: ${JSON.stringify(job)}`);
  return message;
}

async function main(): Promise<void> {
  const sizes = (process.argv[2] ?? '256,512,1024,2048').split(',').map(Number);
  const wanted = process.argv[3] ?? '';
  const about = machine();
  const teardown = await setup();
  const folder = mkdtempSync(join(tmpdir(), 'drover-memory-'));
  const rows: string[] = [];
  const row = (title: string, outcomes: readonly Outcome[]) => {
    const cells = outcomes.map(({ peakMb, cpu }) => (peakMb === null ? 'dies' : `${peakMb} MB, ${cpu.toFixed(1)} s`));
    rows.push(`| ${title} | ${cells.join(' | ')} |`);
    console.log(rows.at(-1));
  };
  try {
    const nothing: Outcome[] = [];
    for (const size of sizes) nothing.push(await runIn(size, { type: 'nothing', settings: {} }, 0));
    row('nothing: the worker is loaded', nothing);
    // A sink reads what the source before it wrote.
    let topic = '';
    for (const { title, type, lineBytes, lines, settings } of workloads) {
      const file = join(folder, 'lines.txt');
      if (type === 'source') {
        const line = (index: number) => `${index} `.padEnd(lineBytes, 'abcdefghijklmnopqrstuvwxyz');
        writeFileSync(file, '');
        for (let from = 0; from < lines; from += 1000) {
          const count = Math.min(1000, lines - from);
          writeFileSync(file, `${Array.from({ length: count }, (_, i) => line(from + i)).join('\n')}\n`, { flag: 'a' });
        }
      }
      if (!title.includes(wanted)) continue;
      const outcomes: Outcome[] = [];
      for (const size of sizes) {
        if (type === 'source') topic = uniqueName('memory');
        const place = type === 'source' ? { file, topic } : { file: join(folder, 'out.txt'), topics: topic };
        rmSync(join(folder, 'out.txt'), { force: true });
        outcomes.push(await runIn(size, { type, settings: { 'tasks.max': '1', ...settings, ...place } }, lines));
      }
      row(title, outcomes);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await teardown();
  }
  const page = `# Memory of a run

${new Date().toISOString().slice(0, 10)}, ${about}.

Peak resident memory and CPU of one run from a cold start, each in a fresh process with the worker's modules, over Kafka and a table in memory, by the
memory of the function. Node is told of the size as on Lambda, and collects garbage later the more it has. A Lambda function is
killed when it needs more than its size; its share of a vCPU is its size over 1769 MB.

No workload needs 300 MB, and 256 MB would be tight, so the task function's default of 1024 MB is three times what was seen: room
for plugins, for larger records (a line of FileStreamSource may have 64 MiB) and for the 0.58 vCPU that come with it. Where a run computes, its price hardly
depends on the size; where it waits, a smaller one (512 MB) costs less.

| workload | ${sizes.map((size) => `${size} MB`).join(' | ')} |
| --- |${' --- |'.repeat(sizes.length)}
${rows.join('\n')}
`;
  if (wanted !== '') return;
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results', 'memory.md'), page);
}

if (process.argv[2] === 'child') await child(JSON.parse(process.argv[3] ?? '') as Job);
else await main();
