import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { runDeathsMetric } from '../../src/telemetry/events.ts';
import { dynamoDbClient, newTable, tableRequests } from '../integration/storage/dynamodb-table.ts';
import { readTopic } from '../support/kafka-records.ts';
import { createMemoryRest, type MemoryRest } from '../support/memory-rest.ts';
import { deathsIn, mortalClass, mortalPlugins } from '../support/mortal-plugins.ts';
import { kafkaAddress } from '../support/services.ts';
import { uniqueName } from '../support/worker-harness.ts';
import { CrashLab } from './crash-lab.ts';

vi.setConfig({ testTimeout: 300_000 });

/** Long enough for a run to get going, short enough to be waited for several times. */
const budgetMs = 6000;

const folder = mkdtempSync(join(tmpdir(), 'drover-deaths-'));
const db = dynamoDbClient();
let tableName: string;
let stores: Stores;
let kafka: KafkaClient;

beforeAll(async () => {
  tableName = await newTable(db);
  stores = createDynamoDbStores({ requests: tableRequests(), tableName });
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});

afterAll(async () => {
  await kafka.close();
  db.destroy();
  rmSync(folder, { recursive: true, force: true });
});

interface Deaths {
  readonly in_row: number;
  readonly without_commit: number;
}

describe('a plugin whose runs are killed', () => {
  let name: string;
  let logFile: string;
  let lab: CrashLab;
  let rest: MemoryRest;
  beforeEach(() => {
    name = uniqueName('mortal');
    logFile = join(folder, `${name}.log`);
    writeFileSync(logFile, '');
    lab = new CrashLab(tableName, logFile);
    const clock = { now: () => lab.now(), sleep: () => Promise.reject(new Error('nothing here waits')) };
    rest = createMemoryRest({ stores, plugins: mortalPlugins, clock });
  });
  afterEach(() => lab.close());

  const request = () => ({ kind: 'task', connector: name, task: 0 }) as const;
  const killed = { killed: true };
  const status = async () =>
    (await rest.call('GET', `/connectors/${name}/status`)).body as {
      connector: { state: string; trace?: string };
      tasks: { state: string; trace?: string }[];
    };
  const report = async () =>
    (await rest.call('GET', `/drover/connectors/${name}`)).body as { deaths: Deaths; tasks: { deaths: Deaths }[] };
  /** What the alarm looks at, death by death. */
  const metric = () =>
    readFileSync(logFile, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === 'run.died')
      .map((line) => ({ connector: line.connector, value: line[runDeathsMetric], emf: '_aws' in line }));

  async function create(config: Settings): Promise<void> {
    const strings = { 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' };
    const all = { name, 'connector.class': mortalClass, 'tasks.max': '1', topic: name, ...strings, ...config };
    await stores.config.putConnectorConfig(name, 'source', all, lab.now());
  }

  it('L1: at its deadline, five times: each is told, and the sixth run FAILS the task instead of dying too', async () => {
    const tally = join(folder, `${name}.tally`);
    await create({ death: 'deadline', tally });
    await lab.run({ kind: 'connector', connector: name });
    for (let death = 1; death <= 5; death++) {
      expect(await lab.runToDeadline(request(), budgetMs)).toEqual(killed);
      const times = death === 1 ? '' : `, ${death} times in a row`;
      expect((await status()).tasks[0]).toMatchObject({
        state: 'RUNNING',
        trace: expect.stringContaining(`The last run ended without a word${times}: killed at its deadline`),
      });
      expect((await report()).tasks[0]!.deaths).toMatchObject({ in_row: death, without_commit: death });
    }
    expect(await lab.runToDeadline(request(), budgetMs)).toMatchObject({ killed: false, report: { reason: 'failed' } });
    expect(deathsIn(tally)).toBe(5);
    expect((await status()).tasks[0]).toMatchObject({
      state: 'FAILED',
      trace: expect.stringMatching(/given up after 5 runs without a commit.*5 times in a row/),
    });
    expect((await report()).tasks[0]).toMatchObject({
      next_due_at: null,
      deaths: { in_row: 5, without_commit: 5, last_at: expect.any(String), last_worker_id: expect.any(String) },
    });
    expect(metric()).toEqual([1, 2, 3, 4, 5].map((value) => ({ connector: name, value, emf: true })));

    // Mended and restarted, it runs as if nothing had been.
    const cure = join(folder, `${name}.cure`);
    await create({ death: 'deadline', cure });
    writeFileSync(cure, '');
    await lab.run({ kind: 'connector', connector: name });
    expect(await lab.run(request())).toMatchObject({ report: { reason: 'drained' } });
    expect((await status()).tasks[0]).toMatchObject({ state: 'RUNNING' });
    expect((await status()).tasks[0]!.trace).toBeUndefined();
    expect((await report()).tasks[0]!.deaths.in_row).toBe(0);
  });

  it('behind a commit in each run: told, and never FAILED', async () => {
    await create({ death: 'exit', records: '2', 'drover.commit.interval.ms': '0', 'drover.deaths.max': '2' });
    await lab.run({ kind: 'connector', connector: name });
    for (let death = 1; death <= 4; death++) expect(await lab.run(request())).toEqual(killed);
    expect((await status()).tasks[0]).toMatchObject({
      state: 'RUNNING',
      trace: expect.stringContaining('4 times in a row'),
    });
    expect((await report()).tasks[0]!.deaths).toMatchObject({ in_row: 4, without_commit: 0 });
    expect(metric().map(({ value }) => value)).toEqual([1, 2, 3]);
    const values = (await readTopic(kafka, name)).map(({ value }) => Number(value));
    expect(Math.max(...values)).toBeGreaterThanOrEqual(4);
  });

  it.each(['exit', 'memory'])('by its own hand (%s): told and counted alike', async (death) => {
    await create({ death, 'drover.deaths.max': '2' });
    await lab.run({ kind: 'connector', connector: name });
    for (let run = 1; run <= 2; run++) expect(await lab.run(request())).toEqual(killed);
    expect(await lab.run(request())).toMatchObject({ killed: false, report: { reason: 'failed' } });
    expect((await status()).tasks[0]).toMatchObject({
      state: 'FAILED',
      trace: expect.stringMatching(/2 times in a row/),
    });
    expect(metric().map(({ value }) => value)).toEqual([1, 2]);
  });

  it('in the connector itself: told, FAILED, and deleted all the same', async () => {
    const connector = { kind: 'connector', connector: name } as const;
    await create({ 'start.death': 'deadline', 'drover.deaths.max': '2' });
    for (let run = 1; run <= 2; run++) {
      expect(await lab.runToDeadline(connector, budgetMs)).toEqual(killed);
      expect((await status()).connector.trace).toContain('The last run ended without a word');
      expect((await report()).deaths).toMatchObject({ in_row: run, without_commit: run });
    }
    expect(await lab.runToDeadline(connector, budgetMs)).toMatchObject({ report: { reason: 'failed' } });
    expect((await status()).connector).toMatchObject({ state: 'FAILED', trace: expect.stringContaining('given up') });
    await rest.call('DELETE', `/connectors/${name}`);
    expect(await lab.runToDeadline(connector, budgetMs)).toMatchObject({ killed: false });
    expect(await stores.config.getConnector(name, { evenDeleting: true })).toBeUndefined();
  });
});
