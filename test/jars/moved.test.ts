import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { projectFolder } from '../../local/folders.ts';
import { call } from '../../local/rest-client.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { readCluster } from '../../src/mirror/import.ts';
import { readTopic } from '../support/kafka-records.ts';
import { type PrivateBroker, startJavaConnectPeer, startPrivateBroker } from '../support/services.ts';
import { until } from '../support/until.ts';
import { debeziumPostgres, mirrorMaker } from './archives.ts';
import { capturedTable } from './captured-table.ts';
import { changesIn } from './changes.ts';
import { type Database, startPostgres } from './databases.ts';
import { type DeployedLab, type OffsetEntry, openDeployedLab } from './deployed-lab.ts';
import { plainJson } from './lab.ts';
import { mirrorConfig, newTopic, produceNumbered } from './mirror.ts';

// A Java worker's connectors go on in Drover, as it is deployed, and back in a Java worker, by the topics of both.
vi.setConfig({ testTimeout: 900_000 });
let lab: DeployedLab;
let plugins: readonly string[];
let database: Database;
let far: PrivateBroker;
let source: KafkaClient;
const patience = { withinMs: 240_000 };

beforeAll(async () => {
  plugins = await Promise.all([debeziumPostgres(), mirrorMaker()]);
  [database, far] = await Promise.all([startPostgres(), startPrivateBroker()]);
  source = createKafkaClient({ bootstrapServers: far.bootstrapServers });
  lab = await openDeployedLab(plugins);
}, 400_000);

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  await source?.close();
  await far?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

interface Moved {
  config(): Readonly<Record<string, string>>;
  add(from: number, count: number): Promise<unknown>;
  landed(): Promise<number[]>;
  /** Those of them that this offset has behind it. */
  committed(offset: OffsetEntry['offset']): Promise<number[]>;
}

const rows = () => changesIn(lab.kafka, 'shop.public.moved');
const all: Readonly<Record<string, Moved>> = {
  'moved-table': {
    config: () => ({ ...plainJson, ...capturedTable(database, 'moved', 'shop') }),
    add: (from, count) =>
      database.query(`INSERT INTO moved SELECT i, 'v' FROM generate_series(${from}, ${from + count - 1}) i`),
    landed: async () => (await rows()).map(({ after }) => Number(after?.id)),
    committed: async (offset) =>
      (await rows())
        .filter(({ source: { lsn } }) => Number(lsn) <= Number(offset?.lsn))
        .map(({ after }) => Number(after?.id)),
  },
  'moved-topic': {
    config: () => ({
      ...mirrorConfig('MirrorSourceConnector', {
        alias: 'far',
        source: far.bootstrapServers,
        target: lab.stack.bootstrapServers,
      }),
      topics: 'moved',
    }),
    add: (from, count) => produceNumbered(source, 'moved', from, count),
    landed: async () => (await readTopic(lab.kafka, 'far.moved')).map(({ value }) => Number(value?.slice(1))),
    committed: async (offset) => Array.from({ length: Number(offset?.offset) + 1 }, (_, number) => number),
  },
};
const names = Object.keys(all);

/** What the program says, called beside the stack. */
const drover = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [join(projectFolder, 'cli', 'main.ts'), ...args], {
    env: { ...process.env, DROVER_HOME: lab.stack.folder },
  });

/** A worker of the group and the topics that the stack has too. */
const startWorker = () =>
  startJavaConnectPeer({
    bootstrapServers: lab.stack.bootstrapServers,
    groupId: lab.stack.groupId,
    topicPrefix: 'connect-',
    plugins,
    // A killed one is gone soon.
    settings: { 'session.timeout.ms': '6000', 'heartbeat.interval.ms': '2000' },
  });

/** While a worker is at its rebalance it is asked again. */
const patient = (ask: () => Promise<unknown>) => until('the worker answers', () => ask().then(() => true), patience);

let added = 0;
const add = async (count: number) => {
  for (const name of names) await all[name]!.add(added, count);
  added += count;
};
/** Resolves when each has moved this one. */
const haveLanded = async (number: number) => {
  for (const name of names) {
    await until(`${name} has moved ${number}`, async () => (await all[name]!.landed()).includes(number), patience);
  }
};

test("Debezium's and MirrorMaker's sources go on in Drover where a killed Java worker had committed, and in a Java worker where they were stopped", async () => {
  await database.query('CREATE TABLE moved (id int primary key, v text)');
  await newTopic(source, 'moved');
  await add(20);
  const before = new Map<string, { readonly landed: readonly number[]; readonly committed: ReadonlySet<number> }>();
  {
    await using java = await startWorker();
    for (const name of names) {
      await patient(() => call(java.url, 'PUT', `/connectors/${name}/config`, all[name]!.config()));
    }
    await haveLanded(19);
    await add(60);
    await haveLanded(79);
    await add(60);
    await haveLanded(90);
    await java.kill();
  }
  const { configs, offsets } = lab.stack.mirrorTopics;
  const cluster = await readCluster(lab.kafka, { configs, offsets });
  for (const name of names) {
    const [stored] = cluster.sourceOffsets.get(name) ?? [];
    const offset = JSON.parse(stored?.offset ?? 'null') as OffsetEntry['offset'];
    const { landed, committed } = all[name]!;
    before.set(name, { landed: await landed(), committed: new Set(await committed(offset)) });
  }

  // Refused for as long as the worker counts as one that runs.
  await until('they are imported', () => drover('import', '--from-topics', '--start', 'as-was'), patience);
  await haveLanded(added - 1);
  await add(60);
  await haveLanded(added - 1);
  await add(60);
  await drover('export', '--wait', '--yes');
  const left = new Map(await Promise.all(names.map(async (name) => [name, await lab.offsets(name)] as const)));
  const stopped = new Map(await Promise.all(names.map(async (name) => [name, await all[name]!.landed()] as const)));

  {
    await using java = await startWorker();
    for (const name of names) {
      const seen = await call<{ offsets: OffsetEntry[] }>(java.url, 'GET', `/connectors/${name}/offsets`);
      expect(seen.offsets).toEqual(left.get(name));
      await patient(() => call(java.url, 'PUT', `/connectors/${name}/resume`));
    }
    await haveLanded(added - 1);
    await add(60);
    await haveLanded(added - 1);
  }
  for (const name of names) {
    const landed = await all[name]!.landed();
    expect([...new Set(landed)], name).toEqual(Array.from({ length: added }, (_, number) => number));
    const again = landed.filter((number, index) => landed.indexOf(number) < index);
    const { landed: landedBefore, committed } = before.get(name)!;
    const mayComeAgain = landedBefore.filter((number) => !committed.has(number));
    const handed = stopped.get(name)!.length;
    console.log(
      `${name}: Java, killed with ${landedBefore.length} moved and ${committed.size} committed, Drover to ${handed}, Java ` +
        `to ${landed.length}; ${again.length} again, of ${mayComeAgain.length} that might be`,
    );
    expect(mayComeAgain, name).toEqual(expect.arrayContaining(again));
    expect(new Set(again).size, name).toBe(again.length);
  }
});
