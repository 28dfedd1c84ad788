import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import type { RunReport } from '../../src/worker/run/run-report.ts';
import { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';
import type { EnvironmentOrder } from '../support/task-environment-child.ts';
import { uniqueName } from '../support/worker-harness.ts';
import { dropTables, dynamoDbClient, newTable, tableRequests } from './storage/dynamodb-table.ts';

/** Plugin code that has to be cut must not live on beside the next run: its environment, a process, ends. */
const folder = mkdtempSync(join(tmpdir(), 'drover-environment-'));
const db = dynamoDbClient();
let tableName: string;
let stores: Stores;
const children: ChildProcess[] = [];

beforeAll(async () => {
  tableName = await newTable(db);
  stores = createDynamoDbStores({ requests: tableRequests(), tableName });
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await dropTables();
  db.destroy();
  rmSync(folder, { recursive: true, force: true });
});

async function newEnvironment() {
  const child = fork(join(import.meta.dirname, '../support/task-environment-child.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDbEndpoint(),
      DROVER_TABLE_NAME: tableName,
      DROVER_BOOTSTRAP_SERVERS: kafkaAddress(),
      DROVER_RUN_LINGER_MS: '0',
    },
  });
  children.push(child);
  await once(child, 'message');
  return {
    /** Its answer, or the code it exits with. */
    async invoke(request: RunRequest, budgetMs = 20_000): Promise<RunReport | number> {
      const exited = once(child, 'exit').then(([code]) => code as number);
      const answered = once(child, 'message').then(([{ report }]) => report as RunReport);
      child.send({ request, budgetMs } satisfies EnvironmentOrder);
      return Promise.race([exited, answered]);
    },
  };
}

async function create(name: string, config: Settings): Promise<void> {
  const strings = { 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' };
  await stores.config.putConnectorConfig(name, 'source', { name, ...strings, ...config }, Date.now());
}

it('an environment runs one task after the other while plugins come back when they should', async () => {
  const environment = await newEnvironment();
  for (const name of [uniqueName('obedient'), uniqueName('obedient')]) {
    await create(name, { 'connector.class': 'Obedient', topic: name });
    const report = await environment.invoke({ kind: 'connector', connector: name });
    expect(report).toMatchObject({ ran: true, reason: 'drained', records: 1, tainted: false });
  }
});

it('an environment in which a plugin had to be cut ends, and what the plugin was doing with it', async () => {
  const [stubborn, obedient, another] = [uniqueName('stubborn'), uniqueName('obedient'), uniqueName('obedient')];
  const file = join(folder, 'log');
  await create(stubborn, { 'connector.class': 'Stubborn', file });
  const first = await newEnvironment();
  // Warm: the connector's own run leaves its task more than half of the time.
  await create(obedient, { 'connector.class': 'Obedient', topic: obedient });
  await first.invoke({ kind: 'connector', connector: obedient });
  expect(await first.invoke({ kind: 'connector', connector: stubborn }, 3000)).toBe(1);
  // In order: the lease is given back and the status says what happened.
  const task = (await stores.config.getTask(stubborn, 0))!;
  expect(task).toMatchObject({ state: 'RUNNING', leaseOwner: null, counters: { consecutiveFailures: 1 } });
  expect(task.trace).toContain('did not return from poll');
  expect(existsSync(file)).toBe(true);
  const said = readFileSync(file, 'utf8');

  await create(another, { 'connector.class': 'Obedient', topic: another });
  const second = await newEnvironment();
  expect(await second.invoke({ kind: 'connector', connector: another })).toMatchObject({ records: 1 });
  expect(readFileSync(file, 'utf8')).toBe(said);
});
