/**
 * A function's process that does small runs one after the other, warm, and tells what each takes. Out of a bundle, as
 * functions are. Prints one JSON line for each case.
 */
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRegistry } from '../../../functions/builtin-plugins.ts';
import { systemClock } from '../../../src/clock.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { AwsTableClient } from '../../../src/storage/dynamodb/aws-table-client.ts';
import { SdkRequests } from '../../../src/storage/dynamodb/sdk-requests.ts';
import { storesOver } from '../../../src/storage/dynamodb/stores-over.ts';
import { Secrets } from '../../../src/telemetry/redaction.ts';
import { createWorker } from '../../../src/worker/worker.ts';
import { defaultWorkerSettings } from '../../../src/worker/worker-settings.ts';
import { dynamoDbClient, tableRequests } from '../../integration/storage/dynamodb-table.ts';
import { median } from '../median.ts';

export type Way = 'signed' | 'sdk';

/** A line of what it prints: what one run takes on average, wall time in the middle. */
export interface SmallRun {
  readonly what: string;
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly requests: number;
}

const [folder = '', table = '', rounds = '300', way = 'signed'] = process.argv.slice(2);
const environment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

let asked = 0;
const requests = way === ('sdk' satisfies Way) ? new SdkRequests(dynamoDbClient()) : tableRequests();
const client = new AwsTableClient({ tableName: table, requests });
for (const method of ['update', 'transact', 'get', 'writeMany', 'getMany', 'queryPage', 'queryIndex'] as const) {
  const plain = client[method].bind(client) as (...given: unknown[]) => unknown;
  Object.assign(client, {
    [method]: (...given: unknown[]) => {
      asked++;
      return plain(...given);
    },
  });
}
let nonces = 0;
const stores = storesOver(client, () => `${process.pid}-${++nonces}`);
let ahead = 0;
const clock = { ...systemClock, now: () => Date.now() + ahead };
const failures: string[] = [];
const worker = createWorker({
  stores,
  kafka: async () => createKafkaClient({ bootstrapServers: environment('DROVER_TEST_KAFKA') }),
  plugins: createRegistry(),
  settings: { ...defaultWorkerSettings, runLingerMs: 0 },
  telemetry: {
    secrets: new Secrets(),
    setLevels: () => {},
    emit: (event, facts) => {
      if (event === 'run.failed') failures.push(JSON.stringify(facts));
    },
  },
  clock,
  configProviders: new Map(),
});
let runs = 0;
const budget = () => ({ deadlineAt: clock.now() + 60_000, workerId: `runs-${process.pid}-${++runs}` });
const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

async function measured(what: string, times: number, before: () => void, work: () => Promise<unknown>): Promise<void> {
  const walls: number[] = [];
  let cpu = 0;
  let total = 0;
  for (let round = -times; round < times; round++) {
    before();
    const cpuBefore = process.cpuUsage();
    const askedBefore = asked;
    const startedAt = performance.now();
    await work();
    const wall = performance.now() - startedAt;
    const used = process.cpuUsage(cpuBefore);
    if (round < 0) continue;
    walls.push(wall);
    cpu += (used.user + used.system) / 1000;
    total += asked - askedBefore;
  }
  const run: SmallRun = { what, cpuMs: cpu / times, wallMs: median(walls), requests: total / times };
  console.log(JSON.stringify(run));
}

const times = Number(rounds);
for (const [records, share] of [
  [0, 1],
  [1, 1],
  [10_000, 0.2],
] as const) {
  const name = `runs-${process.pid}-${records}`;
  const file = join(folder, name);
  writeFileSync(file, '');
  const config = { name, 'connector.class': 'FileStreamSource', file, topic: name, ...strings };
  await stores.config.putConnectorConfig(name, 'source', config, clock.now());
  await worker.run({ kind: 'connector', connector: name }, budget());
  const lines = `${'x'.repeat(69)}\n`.repeat(records);
  await measured(
    records === 1 ? '1 record' : `${records === 0 ? 'no' : records.toLocaleString('en')} records`,
    times * share,
    () => {
      ahead += 60_000;
      if (records > 0) appendFileSync(file, lines);
    },
    async () => {
      const report = await worker.run({ kind: 'task', connector: name, task: 0 }, budget());
      if (!report.ran || report.records !== records)
        throw new Error(`${JSON.stringify(report)} ${failures.join('\n')}`);
    },
  );
  rmSync(file);
}
await measured(
  'two bare writes',
  times,
  () => {},
  async () => {
    for (let i = 0; i < 2; i++) {
      await client.update({
        key: { pk: 'C#bare', sk: 'STATE' },
        what: 'a bare update',
        set: { text: { S: 'x'.repeat(200) }, now: { N: String(Date.now()) } },
        condition: 'attribute_not_exists(#gone)',
      });
    }
  },
);
process.exit(0);
