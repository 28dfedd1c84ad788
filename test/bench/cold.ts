/**
 * What a cold environment costs, function by function: `npm run bench:cold`, or
 * `node test/bench/cold.ts [rounds] [a checkout to compare with]`. Each is a fresh
 * process that loads the function out of its bundle and runs it, over the emulator's table and a real broker, beside its own warm
 * runs: REST makes connectors, the coordinator hands one on, the task function runs each and its first task, the mirror
 * writes. The ways that were looked at to make it cheaper take turns. Prints the page in results/cold.md.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { bundleFunction, FunctionName } from '../../cdk/bundle.ts';
import { projectFolder } from '../../local/folders.ts';
import { environmentVariable } from '../../src/environment.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { connectorPk, stateSk } from '../../src/storage/dynamodb/table.ts';
import { dropTables, dynamoDbClient, newTable } from '../integration/storage/dynamodb-table.ts';
import setup, { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';
import type { Life, Taken } from './cold/process.ts';
import { median } from './median.ts';
import { machine } from './races/process-cpu.ts';

const rounds = Number(process.argv[2] ?? 5);
const before = process.argv[3];
const names = ['rest', 'coordinator', 'task', 'mirror'] as const satisfies readonly FunctionName[];
type Name = (typeof names)[number];
/** The last ones of these are warm. */
const runs = 12;
const warmRuns = 5;

interface Way {
  readonly label: string;
  readonly checkout?: string;
  readonly bundle?: 'all';
  readonly flags?: readonly string[];
  /** Of V8's code, kept from one process to the next. */
  readonly cache?: string;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const teardown = await setup();
const about = machine();
const folder = mkdtempSync(join(tmpdir(), 'drover-cold-'));
const ways: readonly Way[] = [
  { label: 'as deployed' },
  ...(before === undefined ? [] : [{ label: 'before', checkout: before }]),
  { label: "with V8's code kept (compile cache, hit)", cache: join(folder, 'cache') },
  { label: 'with minified names', bundle: 'all' as const },
  { label: '`--max-lazy`', flags: ['--max-lazy'] },
  { label: '`--no-opt`', flags: ['--no-opt'] },
  { label: '`--single-threaded`', flags: ['--single-threaded'] },
];
const bundleOf = ({ checkout = projectFolder, bundle }: Way) =>
  join(folder, checkout === projectFolder ? (bundle ?? 'whitespace') : 'before');
const lives = new Map(ways.map((way) => [way, new Map<Name, Life[]>(names.map((name) => [name, []]))]));
const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
const db = dynamoDbClient();
/** Takes what the coordinator hands on. */
const lambda = createServer((request, response) => {
  request.resume();
  request.on('end', () => response.writeHead(202).end());
});
await new Promise<void>((resolve) => lambda.listen(0, '127.0.0.1', resolve));

const topic = `cold-${process.pid}`;
const file = join(folder, 'lines.txt');
const string = 'org.apache.kafka.connect.storage.StringConverter';

const posted = (name: string) => ({
  rawPath: '/connectors',
  headers: { 'content-type': 'application/json' },
  requestContext: { domainName: 'host', http: { method: 'POST' } },
  body: JSON.stringify({
    name,
    config: {
      'connector.class': 'FileStreamSource',
      'tasks.max': '1',
      file,
      topic,
      'key.converter': string,
      'value.converter': string,
    },
  }),
});

/** As the table's stream tells of a new connector. */
async function streamed(table: string, name: string) {
  const Keys = { pk: { S: connectorPk(name) }, sk: { S: stateSk } };
  const { Item: NewImage } = await db.send(new GetItemCommand({ TableName: table, Key: Keys }));
  if (NewImage === undefined) throw new Error(`There is no connector ${name}`);
  const record = {
    eventSource: 'aws:dynamodb',
    eventName: 'INSERT',
    dynamodb: { Keys, NewImage, SequenceNumber: '1' },
  };
  return { Records: [record] };
}

const run = promisify(execFile);
/** Without its types, or the process would load what takes them off. */
const program = join(folder, 'process.mjs');
writeFileSync(program, stripTypeScriptTypes(readFileSync(join(import.meta.dirname, 'cold', 'process.ts'), 'utf8')));

async function live(table: string, way: Way, name: Name, events: readonly unknown[]): Promise<Life> {
  const eventsFile = join(folder, 'events.json');
  writeFileSync(eventsFile, JSON.stringify(events));
  const { AWS_PROFILE: _, ...given } = process.env;
  const env = {
    ...given,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDbEndpoint(),
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${(lambda.address() as AddressInfo).port}`,
    [environmentVariable('drover.table.name')]: table,
    [environmentVariable('bootstrap.servers')]: kafkaAddress(),
    [environmentVariable('drover.task.function')]: 'task',
    [environmentVariable('drover.run.linger.ms')]: '0',
    [environmentVariable('config.storage.replication.factor')]: '1',
    [environmentVariable('offset.storage.replication.factor')]: '1',
    [environmentVariable('status.storage.replication.factor')]: '1',
    [environmentVariable('drover.file.folders')]: folder,
    ...(way.cache === undefined ? {} : { NODE_COMPILE_CACHE: way.cache }),
  };
  const entry = join(bundleOf(way), name, 'dist', `${name}.mjs`);
  const { stdout } = await run(process.execPath, [...(way.flags ?? []), program, entry, eventsFile], { env });
  return JSON.parse(/^LIFE (.*)$/m.exec(stdout)![1]!) as Life;
}

async function round(table: string, way: Way, id: string, counts: boolean): Promise<void> {
  const connectors = Array.from({ length: runs }, (_, index) => `cold-${id}-${index}`);
  const note = (name: Name, life: Life) => {
    if (counts) lives.get(way)!.get(name)!.push(life);
  };
  note('rest', await live(table, way, 'rest', connectors.map(posted)));
  const changes = await Promise.all(connectors.map((name) => streamed(table, name)));
  note('coordinator', await live(table, way, 'coordinator', changes));
  note(
    'task',
    await live(
      table,
      way,
      'task',
      connectors.map((connector) => ({ kind: 'connector', connector })),
    ),
  );
  note('mirror', await live(table, way, 'mirror', changes));
}

try {
  const table = await newTable(db);
  writeFileSync(file, 'a line\n');
  await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
  for (const way of new Map(ways.map((one) => [bundleOf(one), one])).values()) {
    const bundler: { readonly bundleFunction: typeof bundleFunction } = await import(
      join(way.checkout ?? projectFolder, 'cdk', 'bundle.ts')
    );
    const minify = way.bundle === undefined ? {} : { minify: way.bundle };
    for (const name of names) bundler.bundleFunction({ name, outdir: join(bundleOf(way), name), ...minify });
  }
  // In turns, so that what else the machine does falls on all alike; the first round fills what is kept.
  for (let number = 0; number <= rounds; number++) {
    for (const [index, way] of ways.entries()) await round(table, way, `${number}-${index}`, number > 0);
  }
  await dropTables();
} finally {
  await kafka.close();
  db.destroy();
  lambda.closeAllConnections();
  lambda.close();
  rmSync(folder, { recursive: true, force: true });
  await teardown();
}

type Step = (life: Life) => Taken;
const sum = (all: readonly Taken[]): Taken => ({
  ms: all.reduce((total, { ms }) => total + ms, 0),
  cpuMs: all.reduce((total, { cpuMs }) => total + cpuMs, 0),
});
const start: Step = (life) => life.start;
const load: Step = (life) => life.load;
const first: Step = (life) => life.runs[0]!;
const cold: Step = (life) => sum([life.load, life.runs[0]!]);
const warm: Step = ({ runs: all }) => {
  const last = all.slice(-warmRuns);
  return { ms: median(last.map(({ ms }) => ms)), cpuMs: sum(last).cpuMs / last.length };
};
const of = (way: Way, name: Name, step: Step): Taken => {
  const all = lives.get(way)!.get(name)!.map(step);
  return { ms: median(all.map(({ ms }) => ms)), cpuMs: median(all.map(({ cpuMs }) => cpuMs)) };
};
const digits = (value: number) => (value < 20 ? value.toFixed(1) : value.toFixed(0));
const cell = ({ ms, cpuMs }: Taken) => `${digits(ms)} (${digits(cpuMs)})`;
const deployed = ways[0]!;
const rows = names.map(
  (name) => `| ${[name, ...[start, load, first, warm].map((step) => cell(of(deployed, name, step)))].join(' | ')} |`,
);
const compared = ways.map((way) => {
  const cells = names.map((name) => {
    const [its, ours] = [of(way, name, cold), of(deployed, name, cold)];
    return way === deployed ? cell(its) : `${cell(its)}, ${(its.ms / ours.ms).toFixed(2)}×`;
  });
  return `| ${[way.label, ...cells].join(' | ')} |`;
});
const page = `# A cold environment

Printed by \`npm run bench:cold\`, ${new Date().toISOString().slice(0, 10)}. ${about}. Fresh processes that load a function out
of its bundle and run it, over the emulator's table and a real broker; medians of ${rounds} of them, ms (CPU ms of all threads in brackets). A run of
\`rest\` makes a connector, of \`coordinator\` hands it on, of \`task\` starts it and runs its first task to the record, without lingering,
and of \`mirror\` writes a change of it. *Warm*: the last ${warmRuns} of ${runs} runs in the same process. *Node*: until it comes to its first module.

| function | Node | import | first run | a warm run |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Import and first run together, by what could be done about it, and to what is deployed:

| | ${names.join(' | ')} |
| --- | ${names.map(() => '---').join(' | ')} |
${compared.join('\n')}

What of it is done, and why not the rest: [0024](../../../docs/decisions/0024-a-cold-start-loads-what-it-runs.md).
`;
writeFileSync(join(import.meta.dirname, 'results', 'cold.md'), page);
console.log(page);
process.exit(0);
