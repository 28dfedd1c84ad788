/**
 * The record path raced against Apache's own Connect worker: same work, machine, broker and run. `npm run bench`, or
 * `node test/bench/record-path.ts [part of a title] [rounds] [records]`. Arms alternate; a second Drover arm is the A/A control;
 * the first round warms up and is checked byte for byte, not counted. CPU is that of the whole process, from /proc.
 * RACE_PROCESSES=<n> divides a race's connectors among so many Drover processes, not one a core, RACE_AT_ONCE=<n> has each run so many at a time, not 4; RACE_PROFILE=<folder> writes a CPU profile
 * of each round of Drover's arms; RACE_SOURCE=1 runs them from the source instead of a bundle; RACE_DROVER_ONLY=1 leaves Java's
 * out, and the page as it is.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { dynamoDbClient, newTable } from '../integration/storage/dynamodb-table.ts';
import { apicurioConverters } from '../jars/archives.ts';
import setup, { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';
import { median } from './median.ts';
import { type Arm, droverArm, javaArm } from './races/arms.ts';
import { type Race, races } from './races/definitions.ts';
import {
  digestOf,
  digestOfFile,
  digestOfTopic,
  type Landing,
  watchCommitted,
  watchFile,
  watchTopics,
} from './races/observe.ts';
import { peerArms } from './races/peers.ts';
import { cpuSeconds, machine, peakMemoryMb } from './races/process-cpu.ts';
import { startRaceRegistry } from './races/registry.ts';
import { startTableInMemory } from './table-in-memory.ts';

const [wanted = '', roundsText = '5', recordsText] = process.argv.slice(2);
const rounds = Number(roundsText);
const lineBytes = 70;
const droverOnly = process.env.RACE_DROVER_ONLY === '1';

interface Measured {
  readonly landing: Landing;
  readonly cpu: number;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const teardown = await setup();
const about = machine();
const kafka = kafkaAddress();
const client = createKafkaClient({ bootstrapServers: kafka });
const folder = mkdtempSync(join(tmpdir(), 'drover-races-'));
const db = dynamoDbClient();
const table = await newTable(db);
const registry = await startRaceRegistry();
const run = `race-${process.pid}-${Date.now()}`;

const text = (index: number) => `${index} `.padEnd(lineBytes, 'abcdefghijklmnopqrstuvwxyz');

function* lines(from: number, to: number): Generator<string> {
  for (let index = from; index < to; index++) yield text(index);
}

function writeLines(file: string, from: number, to: number): void {
  writeFileSync(file, `${[...lines(from, to)].join('\n')}\n`);
}

/** The topic that a sink race reads, filled once for all arms and rounds. */
async function fillTopic(race: Race, topic: string): Promise<void> {
  await client.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
  const transactional = race.exactlyOnce ? await client.transactionalProducer(topic) : null;
  await transactional?.init();
  const producer = transactional ?? (await client.producer());
  const batch = producer.newBatch();
  const header = race.registry ? framing(registry.register(`${topic}-value`, race.registry.schema)) : null;
  const framed = (line: string) => {
    const value = race.valueOf(line, topic);
    return header === null ? value : Buffer.concat([header, Buffer.from(value)]);
  };
  for (let from = 0; from < race.records; from += 10_000) {
    batch.clear();
    for (const line of lines(from, from + 10_000)) batch.append(topic, 0, null, framed(line), null, null);
    transactional?.begin();
    await producer.send(batch);
    await transactional?.commit();
  }
  await producer.close();
}

/** What stands before the payload: a zero, and the schema's id. */
function framing(id: number): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return header;
}

async function measure(race: Race, arm: Arm, round: number, id: string, check: boolean): Promise<Measured> {
  const share = race.records / race.connectors;
  const names = Array.from({ length: race.connectors }, (_, index) =>
    `${id}-${arm.label}-${round}-${index}`.replace(/[^\w-]/g, ''),
  );
  const topics = race.type === 'source' ? names.map((name) => `t-${name}`) : [id];
  // Files that arrive at once come with their folder, under its name.
  const arrival = join(folder, 'arriving', `${arm.label}-${round}`.replace(/[^\w-]/g, ''));
  const fileOf = (name: string) => {
    if (race.connectors > 1) return join(arrival, `${name}.txt`);
    return race.type === 'source' ? join(folder, 'input.txt') : join(folder, `${name}.txt`);
  };
  const kind = race.type === 'source' ? 'FileStreamSource' : 'FileStreamSink';
  const configOf = (name: string) => ({
    name,
    'connector.class': `org.apache.kafka.connect.file.${kind}Connector`,
    'tasks.max': '1',
    file: fileOf(name),
    ...(race.type === 'source' ? { topic: `t-${name}` } : { topics: id }),
    ...race.settings,
    ...(arm.side === 'peer' ? {} : race.registry?.[arm.side](registry)),
  });
  if (race.type === 'source') {
    await client.admin.createTopics(
      topics.map((topic) => ({ topic, partitions: 1, replicationFactor: 1, configs: {} })),
    );
    if (race.connectors === 1) writeLines(fileOf(names[0]!), 0, race.records);
  }
  const staged = `${arrival}-staged`;
  if (race.connectors > 1) {
    mkdirSync(staged, { recursive: true });
    names.forEach((name, index) => void writeLines(join(staged, `${name}.txt`), index * share, (index + 1) * share));
    await arm.prepare(names, race.type, configOf);
    await sleep(2000);
  }

  const cpuBefore = cpuSeconds(arm.pids);
  if (race.connectors > 1) renameSync(staged, arrival);
  const landing =
    race.type === 'sink'
      ? watchFile(fileOf(names[0]!), race.records, lineBytes + 1)
      : race.exactlyOnce
        ? watchCommitted(client, topics[0]!, race.records)
        : watchTopics(client, topics, race.records);
  const [landed] = await Promise.all([landing, arm.go(names, race.type, configOf)]);
  const cpu = cpuSeconds(arm.pids) - cpuBefore;

  for (const [index, name] of check ? names.entries() : []) {
    const topic = topics[index]!;
    const expected = digestOf(
      (function* () {
        for (const line of lines(index * share, (index + 1) * share))
          yield race.type === 'sink' ? line : race.valueOf(line, topic);
      })(),
    );
    const found =
      race.type === 'sink'
        ? digestOfFile(fileOf(name))
        : (await digestOfTopic(client, topic, race.registry ? 5 : 0)).digest;
    if (found !== expected) throw new Error(`${arm.label}: what landed is not what went in (${race.title})`);
  }
  await arm.clear(names);
  for (const name of names) if (fileOf(name) !== join(folder, 'input.txt')) rmSync(fileOf(name), { force: true });
  return { landing: landed, cpu };
}

/** From the first records seen to the last, start-up and group join left out: the rate of the path itself. */
function rate(race: Race, { landing }: Measured): number {
  if (race.connectors > 1 || landing.lastMs <= landing.firstMs) return race.records / (landing.lastMs / 1000);
  return (race.records - landing.firstCount) / ((landing.lastMs - landing.firstMs) / 1000);
}

const spread = (values: readonly number[], digits: number) =>
  `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`;
const thousands = (value: number) => Math.round(value / 1000).toLocaleString('en');

const rows: string[] = [];
const verdicts: string[] = [];
const memory = new Map<string, number>();
/** Peers that could not be built, and why. */
const absent = new Set<string>();

async function runRace(race: Race): Promise<void> {
  console.log(`\n${race.title}`);
  const id = `${run}-${races.findIndex(({ title }) => title === race.title)}`;
  if (race.type === 'sink') await fillTopic(race, id);
  // A run's requests weigh little beside a million records, but not beside ten thousand.
  const inMemory = race.connectors > 1 ? await startTableInMemory() : null;
  const dynamoDb = inMemory?.endpoint ?? dynamoDbEndpoint();
  const environment = { kafka, dynamoDb, table, offsetsTopic: `${run}-offsets` };
  const transactional: Record<string, string> =
    race.exactlyOnce && race.type === 'source' ? { 'exactly.once.source.support': 'enabled' } : {};
  const plugins = race.registry ? [await apicurioConverters()] : [];
  const processes = Number(process.env.RACE_PROCESSES ?? Math.min(race.connectors, availableParallelism()));
  const arms = [await droverArm('Drover', environment, processes)];
  if (!droverOnly) {
    arms.unshift(await javaArm('Java Connect 4.3', kafka, transactional, plugins));
    arms.push(await droverArm('Drover again (A/A)', environment));
  }
  if (race.peers && !droverOnly) {
    const peers = await peerArms(kafka, race.records);
    arms.push(...peers.arms);
    for (const one of peers.missing) {
      console.log(`  without ${one}`);
      absent.add(one);
    }
  }
  const results = new Map<string, Measured[]>(arms.map(({ label }) => [label, []]));
  const fresh = new Map<string, Measured>();
  try {
    for (let round = 0; round <= rounds; round++) {
      // Each round in another order.
      const order = arms.map((_, index) => arms[(index + round) % arms.length]!);
      for (const arm of order) {
        const measured = await measure(race, arm, round, id, round === 0);
        if (round > 0) results.get(arm.label)!.push(measured);
        else fresh.set(arm.label, measured);
        const { landing, cpu } = measured;
        console.log(
          `  round ${round} ${arm.label.padEnd(20)} first ${Math.round(landing.firstMs)} ms, all ${Math.round(landing.lastMs)} ms, ` +
            `${thousands(rate(race, measured))} k/s, ${cpu.toFixed(2)} s CPU`,
        );
      }
    }
    for (const arm of arms) memory.set(arm.label, Math.max(memory.get(arm.label) ?? 0, peakMemoryMb(arm.pids)));
  } finally {
    for (const arm of arms) await arm.stop();
    inMemory?.stop();
  }
  if (droverOnly) return;
  const summary = new Map(
    [...results].map(([label, list]) => [
      label,
      {
        rates: list.map((one) => rate(race, one)),
        cpus: list.map(({ cpu }) => cpu),
        all: list.map(({ landing }) => landing.lastMs / 1000),
        fresh: rate(race, fresh.get(label)!),
      },
    ]),
  );
  const java = summary.get('Java Connect 4.3')!;
  for (const [label, { rates, cpus, all, fresh: first }] of summary) {
    const faster = median(rates) / median(java.rates);
    const cpuPart = median(java.cpus) / median(cpus);
    rows.push(
      `| ${label === 'Java Connect 4.3' ? race.title : ''} | ${label} | ${thousands(median(rates))} (${rates.length > 1 ? `${thousands(Math.min(...rates))}–${thousands(Math.max(...rates))}` : ''}) | ` +
        `${thousands(first)} | ${median(all).toFixed(2)} (${spread(all, 2)}) | ${median(cpus).toFixed(2)} (${spread(cpus, 2)}) | ${faster.toFixed(1)}× | 1/${cpuPart.toFixed(1)} |`,
    );
  }
  const drover = summary.get('Drover')!;
  const faster = median(drover.rates) / median(java.rates);
  const cpuPart = median(drover.cpus) / median(java.cpus);
  const besides = [...summary].filter(([label]) => arms.some((arm) => arm.label === label && arm.side === 'peer'));
  const { goal } = race;
  verdicts.push(
    `- ${race.title}: ${faster.toFixed(1)}× the rate (goal ${goal.rate}×: ${faster >= goal.rate ? 'met' : 'missed'})` +
      (goal.cpu === null
        ? `, 1/${(1 / cpuPart).toFixed(1)} of the CPU`
        : `, 1/${(1 / cpuPart).toFixed(1)} of the CPU (goal 1/${Math.round(1 / goal.cpu)}: ${cpuPart <= goal.cpu ? 'met' : 'missed'})`),
  );
  for (const [label, { rates, cpus }] of besides) {
    verdicts.push(
      `- ${race.title}: Drover has ${(median(drover.rates) / median(rates)).toFixed(2)}× the rate of ${label} and ` +
        `${(median(drover.cpus) / median(cpus)).toFixed(2)}× its CPU`,
    );
  }
  report();
}

function report(): void {
  const page = `# The record path against Java Connect 4.3

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${about}.

${Number(recordsText ?? 1_000_000).toLocaleString('en')} records of ${lineBytes} bytes, one partition, acks=all, offsets committed; ${rounds} rounds after a warm-up round that is
checked byte for byte; arms alternate; median (lowest–highest). *Rate* is from the first records seen landed to the last, so
neither start-up nor a consumer group's join counts; with many connectors it is from their arrival. *All landed* is from the
request on, both included. *Fresh* is the rate of the warm-up round, from a process that has done nothing yet. *CPU* is the whole process's, from the request until all have landed and, for Drover, the run has
committed and ended. Drover's arm is a Node process running the worker over the AWS emulator's table; Java's has a heap of 1 GB.

The hundred sources of the last race are there and RUNNING before their files appear, all in one moment. Java's tasks look for
them each second; Drover's are made due at that moment, as by an event's wake-up, table requests included, and run in
one Node process a core (\`RACE_PROCESSES\`: how many), four at a time (\`RACE_AT_ONCE\`), where on Lambda each has an environment of its own. Their table is one in memory
behind DynamoDB's protocol, on the same two cores: the emulator's milliseconds for each request would be most of what is measured.

Avro: both arms write Confluent's wire format, by one registry in the same process as the clock. Confluent's own converter is not in Maven's
central repository: Java's is Apicurio's 2.6.13, which prints the schema's text anew for each record it writes. What
mapping and encoding take without that is in \`npm run bench:registry\`.
Drover's arm runs out of a bundle like those of its functions: checksums are in WebAssembly, since a bundle leaves native modules
out. \`RACE_SOURCE=1\` runs it from the source, with native checksums.

Beside them, where bytes go as they are, two that are no Connect. *librdkafka (C)* is the limit: a small C program around the
library's batch calls, lines of a mapped file handed over without a copy, batches of 1 MB; nothing is kept of where a source stands.
*Benthos (Go)* is the engine of Redpanda Connect and Bento with franz-go, the client of both, a thousand records in a batch; *at best*
its file is read in one piece, and written ten thousand lines at a time, where its own inputs and outputs take line by line.
${[...absent].map((one) => `Left out, since it could not be built: ${one}.\n`).join('')}
| race | arm | k records/s | fresh | all landed, s | CPU, s | rate, to Java's | CPU, to Java's |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

${verdicts.join('\n')}

Peak memory: ${[...memory].map(([label, mb]) => `${label} ${mb} MB`).join(', ')}.
`;
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results', wanted === '' ? 'record-path.md' : 'record-path-part.md'), page);
}

try {
  for (const race of races) {
    if (!race.title.includes(wanted)) continue;
    await runRace(recordsText === undefined ? race : { ...race, records: Number(recordsText) });
  }
  console.log(`\n${verdicts.join('\n')}`);
} finally {
  await client.close();
  await registry.stop();
  db.destroy();
  rmSync(folder, { recursive: true, force: true });
  await teardown();
}
