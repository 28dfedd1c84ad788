/**
 * Many connectors get one record each, all at one moment: `npm run bench:burst`, or `node test/bench/burst.ts [connectors]
 * [rounds] [connectors of Java's worker, 0: none]`. The coordinator and the environments are processes out of a bundle, the
 * broker is a real one, the table (table-in-memory.ts) is in memory behind DynamoDB's protocol; this process is Lambda: it hands what the coordinator has invoked to environments,
 * `runsInFlight` at most at a time. BURST_PROFILE=<folder> writes CPU profiles of each round. Prints the page in results/burst.md.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleProgram } from '../../cdk/bundle.ts';
import type { Settings } from '../../src/config/config-def.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import setup, { kafkaAddress } from '../support/services.ts';
import { type AskedChild, startAskedChild } from './asked-child.ts';
import type { BurstAnswer, BurstInvoked, BurstRequest, BurstRole } from './burst/arm.ts';
import { median } from './median.ts';
import { javaArm } from './races/arms.ts';
import { childrenOf, cpuSeconds, machine } from './races/process-cpu.ts';
import { startTableInMemory } from './table-in-memory.ts';

const [connectors = 1000, rounds = 5, javaConnectors = 200] = process.argv.slice(2).map(Number);
/** The default of `drover.runs.in.flight.max`; an app says its own by `limits.runsInFlight`. */
const runsInFlight = 100;
const goalMs = 2000;
const giveUpMs = 60_000;
const string = 'org.apache.kafka.connect.storage.StringConverter';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const table = await startTableInMemory();
process.env.DROVER_TEST_DYNAMODB = table.endpoint;
const teardown = await setup();
const about = machine();
const folder = mkdtempSync(join(tmpdir(), 'drover-burst-'));
const client = createKafkaClient({ bootstrapServers: kafkaAddress(), apiTimeoutMs: 120_000 });
const brokerPids = childrenOf(process.pid).filter((pid) => pid !== table.pid);
const run = `burst-${process.pid}`;

interface Round {
  /** Milliseconds until each record was on its topic, by the broker's clock; sorted. */
  readonly landedMs: readonly number[];
  readonly cpu: Readonly<Record<string, number>>;
  readonly requests: Readonly<Record<string, number>>;
  /** Runs at a time, and runs handed out and not over. */
  readonly most: number;
  readonly mostHandedOut: number;
}

const nameOf = (who: string, n: number) => `${run}-${who}-${String(n).padStart(4, '0')}`;
const fileOf = (name: string) => join(folder, `${name}.txt`);
const configOf = (name: string): Settings => ({
  'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
  'tasks.max': '1',
  file: fileOf(name),
  topic: name,
  'key.converter': string,
  'value.converter': string,
});

/** The broker says when a record was appended. */
async function createTopics(names: readonly string[]): Promise<void> {
  const configs = { 'message.timestamp.type': 'LogAppendTime' };
  for (let from = 0; from < names.length; from += 50) {
    const topics = names.slice(from, from + 50);
    await client.admin.createTopics(topics.map((topic) => ({ topic, partitions: 1, replicationFactor: 1, configs })));
  }
  for (const name of names) writeFileSync(fileOf(name), '');
}

/** When each topic's record of that round was appended, in milliseconds after `since`; waits until all are there. */
async function appended(names: readonly string[], round: number, since: number): Promise<number[]> {
  const giveUpAt = Date.now() + giveUpMs;
  const missing = new Set(names);
  const found: number[] = [];
  const fetcher = await client.fetcher();
  while (missing.size > 0) {
    if (Date.now() > giveUpAt) throw new Error(`${missing.size} of ${names.length} records are not on their topics`);
    const positions = [...missing].map((topic) => ({ topic, partition: 0, offset: round }));
    const options = { minBytes: 1, maxWaitMs: 200, maxBytes: 16 << 20, maxPartitionBytes: 1 << 10 };
    for (const { topic, cursor } of await fetcher.fetch(positions, {
      ...options,
      isolationLevel: 'read_uncommitted',
    })) {
      if (cursor === null || !cursor.next()) continue;
      missing.delete(topic);
      found.push(Math.max(0, cursor.timestamp - since));
    }
  }
  await fetcher.close();
  return found.sort((one, other) => one - other);
}

/** A line for each, and when the last was written. */
function appendLines(names: readonly string[]): number {
  for (const name of names)
    appendFileSync(fileOf(name), 'a line of a burst, as long as lines of the other races are, 70 bytes..\n');
  return Date.now();
}

const outdir = join(folder, 'bundle');

type Child = AskedChild<BurstRequest, BurstAnswer>;

function start(role: BurstRole, onInvoked: (request: RunRequest) => void): Promise<Child> {
  return startAskedChild<BurstRequest, BurstAnswer, BurstInvoked>(
    role,
    join(outdir, 'dist', 'burst.mjs'),
    { args: [role, 'burst', String(runsInFlight)] },
    ({ invoked }) => onInvoked(invoked),
  );
}

/** Lambda: what was invoked waits for an environment, of which there are so many; the processes share them. */
class Environments {
  readonly #children: readonly Child[];
  readonly #waiting: RunRequest[] = [];
  #turn = 0;
  #running = 0;
  #failure: unknown = null;
  done = 0;
  most = 0;
  mostHandedOut = 0;

  constructor(children: readonly Child[]) {
    this.#children = children;
  }

  invoke(request: RunRequest): void {
    this.#waiting.push(request);
    this.mostHandedOut = Math.max(this.mostHandedOut, this.#waiting.length + this.#running);
    this.#next();
  }

  #next(): void {
    while (this.#running < runsInFlight) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      this.most = Math.max(this.most, ++this.#running);
      const child = this.#children[this.#turn++ % this.#children.length]!;
      child.ask({ kind: 'run', request }).then(
        () => this.#ended(),
        (error) => {
          this.#failure ??= error;
          this.#ended();
        },
      );
    }
  }

  #ended(): void {
    this.#running--;
    this.done++;
    this.#next();
  }

  async all(runs: number): Promise<void> {
    while (this.done < runs && this.#failure === null) await sleep(5);
    if (this.#failure !== null) throw this.#failure;
  }

  reset(): void {
    this.done = 0;
    this.most = 0;
    this.mostHandedOut = 0;
  }
}

function sum(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const counts of all) for (const [kind, n] of Object.entries(counts)) total[kind] = (total[kind] ?? 0) + n;
  return total;
}

async function drover(): Promise<Round[]> {
  bundleProgram('burst', join(import.meta.dirname, 'burst', 'arm.ts'), { outdir });
  const names = Array.from({ length: connectors }, (_, n) => nameOf('drover', n));
  await createTopics(names);
  let environments: Environments | null = null;
  const coordinator = await start('coordinator', (request) => environments?.invoke(request));
  const children = await Promise.all(
    Array.from({ length: availableParallelism() }, () => start('environments', () => {})),
  );
  environments = new Environments(children);
  for (let from = 0; from < names.length; from += 20)
    await Promise.all(
      names.slice(from, from + 20).map((name, n) => {
        return children[n % children.length]!.ask({ kind: 'create', name, config: configOf(name) });
      }),
    );
  const all = [coordinator, ...children];
  const groups = {
    coordinator: [coordinator.pid],
    environments: children.map(({ pid }) => pid),
    table: [table.pid],
    broker: brokerPids,
  };
  const cpuOf = () => Object.entries(groups).map(([who, pids]) => [who, cpuSeconds(pids)] as const);
  const measured: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    await sleep(1500);
    environments.reset();
    await Promise.all(all.map((one) => one.ask({ kind: 'counts' })));
    const before = new Map(cpuOf());
    const since = appendLines(names);
    await Promise.all([coordinator.ask({ kind: 'wake', names }), environments.all(names.length)]);
    const cpu = Object.fromEntries(cpuOf().map(([who, seconds]) => [who, seconds - before.get(who)!]));
    const told = await Promise.all(all.map((one) => one.ask({ kind: 'counts' })));
    const requests = sum(told.map(({ counts = {} }) => counts));
    const landedMs = await appended(names, round, since);
    const { most, mostHandedOut } = environments;
    if (most > runsInFlight) throw new Error(`${most} runs at a time, ${runsInFlight} are allowed`);
    tell('Drover', round, { landedMs, cpu, requests, most, mostHandedOut });
    if (round > 0) measured.push({ landedMs, cpu, requests, most, mostHandedOut });
  }
  await Promise.all(all.map((one) => one.stop()));
  return measured;
}

async function java(): Promise<Round[]> {
  const names = Array.from({ length: javaConnectors }, (_, n) => nameOf('java', n));
  await createTopics(names);
  const arm = await javaArm('Java Connect 4.3', kafkaAddress());
  await arm.prepare(names, 'source', configOf);
  const measured: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    await sleep(1500);
    const before = cpuSeconds(arm.pids);
    const since = appendLines(names);
    const landedMs = await appended(names, round, since);
    const one = { landedMs, cpu: { worker: cpuSeconds(arm.pids) - before }, requests: {}, most: 0, mostHandedOut: 0 };
    tell('Java', round, one);
    if (round > 0) measured.push(one);
  }
  await arm.stop();
  return measured;
}

const part = ({ landedMs }: Round, share: number) => landedMs[Math.ceil(landedMs.length * share) - 1] ?? 0;
const middle = (all: readonly Round[], of: (round: Round) => number) => median(all.map(of));
const range = (all: readonly Round[], of: (round: Round) => number) =>
  `${Math.round(middle(all, of))} (${Math.round(Math.min(...all.map(of)))}–${Math.round(Math.max(...all.map(of)))})`;

function tell(who: string, round: number, one: Round): void {
  const cpu = Object.entries(one.cpu).map(([of, seconds]) => `${of} ${seconds.toFixed(2)} s`);
  const requests = Object.entries(one.requests).map(([kind, count]) => `${count} ${kind}`);
  console.log(
    `${who}, round ${round}: p50 ${part(one, 0.5)} ms, p99 ${part(one, 0.99)} ms, all ${part(one, 1)} ms; CPU ${cpu.join(', ')}; ` +
      `${requests.join(', ')}; ${one.most} runs at a time, ${one.mostHandedOut} handed out`,
  );
}

function line(who: string, count: number, all: readonly Round[]): string {
  const cpu = Object.keys(all[0]!.cpu).map((of) => `${of} ${middle(all, (one) => one.cpu[of]!).toFixed(2)}`);
  const times = [0.5, 0.99, 1].map((share) => range(all, (one) => part(one, share)));
  return `| ${who} | ${count.toLocaleString('en')} | ${times.join(' | ')} | ${cpu.join(', ')} |`;
}

try {
  const ours = await drover();
  const theirs = javaConnectors > 0 ? await java() : [];
  const last = middle(ours, (one) => part(one, 1));
  const counts = Object.entries(ours[0]!.requests)
    .map(([kind, count]) => `${(count / connectors).toFixed(2)} ${kind}`)
    .join(', ');
  const page = `# One record for each of many connectors, at one moment

Printed by \`npm run bench:burst\`, ${new Date().toISOString().slice(0, 10)}. ${about}.

File sources with StringConverter, one task each, whose files all get one line; then one wake-up names all of them, as an event does.
The coordinator marks their tasks due and invokes; at most ${runsInFlight} runs at a time (\`limits.runsInFlight\` as it is by default), in a process for
each core, out of a bundle, warm. Lambda is played by the benchmark, and an environment does not keep to its connectors. Broker and table
(in memory, behind DynamoDB's protocol: the emulator would be all that there is to measure) share the machine. When a record was on its topic says the broker (LogAppendTime), in milliseconds after the last line was
written; ${rounds} rounds after one that is not counted, median (lowest–highest). Java's worker is one process with a task a connector, which all look
once a second.

| | connectors | half on their topics, ms | 99 %, ms | all, ms | CPU, s |
| --- | --- | --- | --- | --- | --- |
${line('Drover', connectors, ours)}
${theirs.length === 0 ? '' : `${line('Java Connect 4.3', javaConnectors, theirs)}\n`}
All on their topics after ${Math.round(last)} ms (goal ${goalMs}: ${last <= goalMs ? 'met' : 'missed'}). Table requests a connector: ${counts}. Runs at a time: ${middle(ours, ({ most }) => most)} at
most; handed out and not over: ${middle(ours, ({ mostHandedOut }) => mostHandedOut)}.
`;
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results', 'burst.md'), page);
  console.log(page);
} finally {
  await client.close();
  table.stop();
  rmSync(folder, { recursive: true, force: true });
  await teardown();
}
