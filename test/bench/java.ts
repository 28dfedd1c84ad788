/**
 * Apache's file connectors out of their jar: under Drover with the JVM beside it, against Apache's own worker, on the same
 * machine and broker; and what a start costs. `npm run bench:java`, or `node test/bench/java.ts [rounds] [records]`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { javaHost, writeJavaManifest } from '../../local/java-host.ts';
import { kafkaVersion } from '../../local/kafka.ts';
import { jars } from '../../local/maven.ts';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import type { SourceTaskContext } from '../../src/api/task.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { HostProcess } from '../../src/java-host/host-process.ts';
import { javaPlugins } from '../../src/java-host/hosted-plugins.ts';
import { parseJavaManifest } from '../../src/java-host/manifest.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { dynamoDbClient, newTable } from '../integration/storage/dynamodb-table.ts';
import setup, { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';
import { functionMb } from './asked-child.ts';
import { mbPerVcpu, minutesPerMonth, prices } from './cost/prices.ts';
import { median } from './median.ts';
import { type Arm, droverArm, javaArm } from './races/arms.ts';
import { digestOf, digestOfFile, digestOfTopic, watchFile, watchTopics } from './races/observe.ts';
import { cpuSeconds, machine, memoryMb, peakMemoryMb } from './races/process-cpu.ts';

const rounds = Number(process.argv[2] ?? 3);
const records = Number(process.argv[3] ?? 1_000_000);
const starts = 15;
const lineBytes = 70;
const settleMs = 1500;
const idleRuns = 10;
/** What the function has as it comes. */
const jvmOptions = [`-XX:MaxRAM=${functionMb}m`];
const className = (type: string) =>
  `org.apache.kafka.connect.file.FileStream${type === 'source' ? 'Source' : 'Sink'}Connector`;
const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const about = machine();
const folder = mkdtempSync(join(tmpdir(), 'drover-java-bench-'));
const input = join(folder, 'input.txt');
const pluginPath = [await jars('connect-file', [`org.apache.kafka:connect-file:${kafkaVersion}`])];
const manifest = join(folder, 'java-plugins.json');
await writeJavaManifest(manifest, pluginPath);
const java = { manifest, jars: await javaHost(), pluginPath };

function* lines(): Generator<string> {
  for (let i = 0; i < records; i++) yield `${i} `.padEnd(lineBytes, 'abcdefghijklmnopqrstuvwxyz');
}
writeFileSync(input, `${[...lines()].join('\n')}\n`);
const expected = digestOf(lines());

interface Start {
  /** From nothing, or from a warm JVM, to the first record of a poll. */
  readonly firstMs: number;
  readonly stopMs: number;
}

/** One task, started, polled until it brings something, stopped. */
async function startOnce(plugin: AnyPlugin): Promise<Start> {
  if (plugin.kind !== 'source') throw new Error('This is no source');
  const context: Partial<SourceTaskContext> = {
    offsetStorageReader: { offset: async () => null, offsets: async (partitions) => partitions.map(() => null) },
    signal: new AbortController().signal,
    deadlineAt: Date.now() + 60_000,
    warn: () => {},
  };
  const from = performance.now();
  const task = (await plugin.create()).createTask();
  const taskClass = 'org.apache.kafka.connect.file.FileStreamSourceTask';
  await task.start(
    { file: input, topic: 't', 'task.class': taskClass, 'batch.size': '100' },
    context as SourceTaskContext,
  );
  while (((await task.poll()) ?? []).length === 0);
  const firstMs = performance.now() - from;
  const stopping = performance.now();
  await task.stop();
  return { firstMs, stopMs: performance.now() - stopping };
}

async function measureStarts() {
  const cold: Start[] = [];
  const warm: Start[] = [];
  let jvmMb = 0;
  for (let i = 0; i < starts; i++) {
    const host: HostProcess[] = [];
    const { plugins, host: warmHost } = javaPlugins({
      manifest: parseJavaManifest(readFileSync(manifest, 'utf8')),
      startHost: async () => {
        host.push(await HostProcess.start({ java: 'java', jars: java.jars, pluginPath, options: jvmOptions }));
        return host[0]!;
      },
    });
    const plugin = plugins.find((one) => one.className === className('source'))!;
    cold.push(await startOnce(plugin));
    for (let more = 0; more < 3; more++) warm.push(await startOnce(plugin));
    jvmMb = Math.max(jvmMb, memoryMb(host[0]!.pid));
    await warmHost.end();
  }
  return { cold, warm, jvmMb };
}

interface Round {
  readonly rate: number;
  readonly cpu: number;
}

const began = await measureStarts();
const teardown = await setup();
const kafka = kafkaAddress();
const client = createKafkaClient({ bootstrapServers: kafka });
const db = dynamoDbClient();
const table = await newTable(db);
const run = `java-race-${process.pid}-${Date.now()}`;

function configOf(arm: Arm, type: 'source' | 'sink', name: string, topic: string, file: string): Settings {
  return {
    ...strings,
    name,
    'connector.class': className(type),
    'tasks.max': '1',
    file,
    ...(type === 'source' ? { topic } : { topics: topic }),
    ...(arm.side === 'drover' ? { 'drover.plugin.runtime': 'java', 'drover.java.settle.ms': String(settleMs) } : {}),
  };
}

/** `from`: what a sink reads; a source writes into a topic of its own. */
async function measure(arm: Arm, type: 'source' | 'sink', name: string, from: string): Promise<Round> {
  const topic = type === 'source' ? `t-${name}` : from;
  const file = type === 'source' ? input : join(folder, `${name}.txt`);
  if (type === 'source') await client.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
  const config = () => configOf(arm, type, name, topic, file);
  const before = cpuSeconds(arm.pids);
  const landing = type === 'source' ? watchTopics(client, [topic], records) : watchFile(file, records, lineBytes + 1);
  const [landed] = await Promise.all([landing, arm.go([name], type, config)]);
  const cpu = cpuSeconds(arm.pids) - before;
  const found = type === 'source' ? (await digestOfTopic(client, topic, 0)).digest : digestOfFile(file);
  if (found !== expected) throw new Error(`${arm.label}: what landed is not what went in (${type})`);
  await arm.clear([name]);
  const inMs = landed.lastMs - landed.firstMs;
  return { rate: inMs <= 0 ? records / (landed.lastMs / 1000) : (records - landed.firstCount) / (inMs / 1000), cpu };
}

/** What runs of a source that has nothing more take beyond the time that they give it to settle, in ms. */
async function measureIdle(arm: Arm, name: string): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < idleRuns; i++) {
    const from = performance.now();
    await arm.go([name], 'source', () => configOf(arm, 'source', name, `t-${name}`, input));
    took.push(performance.now() - from - settleMs);
  }
  return took;
}

const dollars = (gbSeconds: number) => (gbSeconds * prices.lambdaArmPerGbSecond).toPrecision(2);
const middle = (values: readonly number[], digits: number) =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

try {
  const arms = [
    await javaArm('Java Connect 4.3', kafka),
    await droverArm('Drover, the jar in its JVM', {
      kafka,
      dynamoDb: dynamoDbEndpoint(),
      table,
      offsetsTopic: `${run}-offsets`,
      java,
    }),
  ];
  const rows: string[] = [];
  const peaks = new Map<string, string>();
  let filled = '';
  let idle: number[] = [];
  const cpuPerMillion = new Map<string, number>();
  try {
    for (const type of ['source', 'sink'] as const) {
      const results = new Map<Arm, Round[]>(arms.map((arm) => [arm, []]));
      for (let round = 0; round <= rounds; round++) {
        for (const [at] of arms.entries()) {
          const arm = arms[(at + round) % arms.length]!;
          const name = `${run}-${type}-${arm.side}-${round}`;
          const measured = await measure(arm, type, name, filled);
          if (type === 'source') filled = `t-${name}`;
          // The first round warms up.
          if (round > 0) results.get(arm)!.push(measured);
          console.log(
            `${type} ${round} ${arm.label}: ${Math.round(measured.rate)} records/s, ${measured.cpu.toFixed(2)} s CPU`,
          );
        }
      }
      if (type === 'source') idle = await measureIdle(arms[1]!, `${run}-source-drover-${rounds}`);
      const peer = results.get(arms[0]!)!;
      for (const [{ label }, list] of results) {
        const rates = list.map(({ rate }) => rate / 1000);
        const cpus = list.map(({ cpu }) => cpu);
        const faster = median(rates) / median(peer.map(({ rate }) => rate / 1000));
        const part = median(peer.map(({ cpu }) => cpu)) / median(cpus);
        if (label !== arms[0]!.label) cpuPerMillion.set(type, (median(cpus) / records) * 1e6);
        rows.push(
          `| ${type} | ${label} | ${middle(rates, 0)} | ${middle(cpus, 2)} | ${faster.toFixed(1)}× | 1/${part.toFixed(1)} |`,
        );
      }
    }
    for (const arm of arms) peaks.set(arm.label, arm.pids.map((pid) => `${peakMemoryMb([pid])} MB`).join(' and '));
  } finally {
    for (const arm of arms) await arm.stop();
  }
  const page = `# Java plugins

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${about}. \`npm run bench:java\`.

Apache's file connectors of the jar \`connect-file\` ${kafkaVersion}, with StringConverter: ${records.toLocaleString('en')} lines of ${lineBytes} bytes, one partition,
acks=all, offsets committed; ${rounds} rounds after one that warms up, arms alternate, each round checked line by line; median
(lowest–highest). The rate is from the first records seen landed to the last. CPU is that of all processes of an arm, from the request until all
have landed and, for Drover, the run has committed, settled and ended; Drover's are Node, out of a bundle, and its JVM. Converters are TypeScript on Drover's side.

| file | arm | k records/s | CPU, s | rate, to Java's | CPU, to Java's |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Peak memory: ${[...peaks].map(([label, mb]) => `${label} ${mb}`).join('; ')} (Node and JVM, which sees 1024 MB, as in the function by default).

What a task costs, ${starts} JVMs started anew, with the archive of the host's classes, and ${starts * 3} tasks in warm ones, from asking for it to its first records and for its stop:

| | ms |
| --- | --- |
| first records, JVM and all | ${middle(
    began.cold.map(({ firstMs }) => firstMs),
    0,
  )} |
| first records, warm JVM | ${middle(
    began.warm.map(({ firstMs }) => firstMs),
    1,
  )} |
| stop | ${middle(
    began.warm.map(({ stopMs }) => stopMs),
    1,
  )} |
| an idle run, beyond the time that it gives its source to settle | ${middle(idle, 0)} |

The JVM held ${began.jvmMb} MB then.

What that costs in a function of ${functionMb} MB, at $${prices.lambdaArmPerGbSecond} a GB-second (${prices.asOf}), by the CPU of the races: a million records of the source
$${[...cpuPerMillion.values()].map((cpu) => dollars(((cpu * mbPerVcpu) / functionMb) * (functionMb / 1024))).join(', of the sink $')}. A source that has nothing, run each minute of a month with the settle time as it comes (2 s):
$${((median(idle) / 1000 + 2) * (functionMb / 1024) * prices.lambdaArmPerGbSecond * minutesPerMonth + minutesPerMonth * prices.lambdaPerInvocation).toFixed(2)}, without the table.
`;
  writeFileSync(join(import.meta.dirname, 'results', 'java.md'), page);
  console.log(page);
} finally {
  await client.close();
  db.destroy();
  rmSync(folder, { recursive: true, force: true });
  await teardown();
}
