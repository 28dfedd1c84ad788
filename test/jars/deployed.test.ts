import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { readTopic } from '../support/kafka-records.ts';
import { type PrivateBroker, startPrivateBroker } from '../support/services.ts';
import { until } from '../support/until.ts';
import { debeziumJdbc, debeziumPostgres, mirrorMaker } from './archives.ts';
import { capturedTable } from './captured-table.ts';
import { changesIn } from './changes.ts';
import { type Database, startPostgres } from './databases.ts';
import { type DeployedLab, type OffsetEntry, openDeployedLab } from './deployed-lab.ts';
import { longest, plainJson, wantedKills } from './lab.ts';
import { eachSecond, mirrorConfig, newTopic, produceNumbered } from './mirror.ts';
import { sendRows, upsertsInto } from './upserts.ts';

// Connectors of others, as their archives come, on the stack as it is deployed: out of the bundle, over REST.
vi.setConfig({ testTimeout: longest });
let lab: DeployedLab;
let database: Database;
let far: PrivateBroker;
let source: KafkaClient;
const alias = 'far';

beforeAll(async () => {
  const plugins = await Promise.all([debeziumPostgres(), mirrorMaker(), debeziumJdbc()]);
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

const often = { 'drover.commit.interval.ms': '200' };
const ways = () => ({ alias, source: far.bootstrapServers, target: lab.stack.bootstrapServers });

/** Things that a connector moves, by their numbers from 0. */
interface Moved {
  readonly name: string;
  open(): Promise<unknown>;
  config(): Readonly<Record<string, string>>;
  add(from: number, count: number): Promise<unknown>;
  /** Numbers as often and in the order in which they have landed. */
  landed(): Promise<number[]>;
  /** While it is stopped, with all that was added moved; resolves when the effect is seen. */
  alter(shown: OffsetEntry, added: number): Promise<unknown>;
  /** The same: it begins anew. */
  reset(added: number): Promise<unknown>;
}

const debezium: Moved = {
  name: 'captured',
  open: () => database.query('CREATE TABLE captured (id int primary key, v text)'),
  config: () => ({ ...plainJson, ...capturedTable(database, 'captured', 'shop'), ...often }),
  add: (from, count) =>
    database.query(`INSERT INTO captured SELECT i, 'v' FROM generate_series(${from}, ${from + count - 1}) i`),
  landed: async () => (await changesIn(lab.kafka, 'shop.public.captured')).map(({ after }) => Number(after?.id)),
  alter: async ({ partition, offset }, added) => {
    expect(partition).toEqual({ server: 'shop' });
    // PostgreSQL gives nothing again that was confirmed, but it does leave out what lies in front of an offset.
    await debezium.add(added, 5);
    const [at] = await database.query("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS lsn");
    // What begins there is the next one's.
    const lsn = Number(at?.lsn) - 1;
    await debezium.add(added + 5, 5);
    const altered = { ...offset, lsn, lsn_proc: lsn, lsn_commit: lsn };
    expect(await lab.alterOffsets('captured', [{ partition, offset: altered }])).toMatch(/altered/);
    await lab.resume('captured');
    await lab.reaches('captured', 'what is behind the offset', async () =>
      (await debezium.landed()).includes(added + 9),
    );
    expect((await debezium.landed()).filter((one) => one >= added)).toEqual([5, 6, 7, 8, 9].map((n) => added + n));
  },
  reset: async (added) => {
    const before = (await debezium.landed()).length;
    await lab.resume('captured');
    // The table's first copy again, with what the offset had left out.
    await lab.reaches(
      'captured',
      'every row again',
      async () => (await debezium.landed()).length >= before + added + 10,
    );
    const again = (await changesIn(lab.kafka, 'shop.public.captured')).slice(before);
    expect(again.map(({ op, after }) => `${op} ${after?.id}`)).toEqual(
      Array.from({ length: added + 10 }, (_, id) => `r ${id}`),
    );
  },
};

const mirror: Moved = {
  name: 'mirrored',
  open: () => newTopic(source, 'mirrored'),
  config: () => ({ ...mirrorConfig('MirrorSourceConnector', ways()), topics: 'mirrored', ...often }),
  add: (from, count) => produceNumbered(source, 'mirrored', from, count),
  landed: async () => (await readTopic(lab.kafka, `${alias}.mirrored`)).map(({ value }) => Number(value?.slice(1))),
  alter: async ({ partition, offset }, added) => {
    expect([partition, offset]).toEqual([{ cluster: alias, topic: 'mirrored', partition: 0 }, { offset: added - 1 }]);
    await expect(lab.alterOffsets('mirrored', [{ partition, offset: { offset: -5 } }])).rejects.toThrow(/offset/);
    const before = await mirror.landed();
    expect(await lab.alterOffsets('mirrored', [{ partition, offset: { offset: added - 4 } }])).toBe(
      'The offsets for this connector have been altered successfully',
    );
    await lab.resume('mirrored');
    await lab.reaches(
      'mirrored',
      'the last three again',
      async () => (await mirror.landed()).length > before.length + 2,
    );
    expect(await mirror.landed()).toEqual([...before, added - 3, added - 2, added - 1]);
  },
  reset: async (added) => {
    const before = await mirror.landed();
    await lab.resume('mirrored');
    await lab.reaches('mirrored', 'all again', async () => (await mirror.landed()).length >= before.length + added);
    expect(await mirror.landed()).toEqual([...before, ...Array.from({ length: added }, (_, n) => n)]);
  },
};

const jdbc: Moved = {
  name: 'filled',
  open: () => newTopic(lab.kafka, 'filled'),
  config: () => ({ ...upsertsInto(database, 'filled', 'filled'), ...often }),
  add: (from, count) =>
    sendRows(
      lab.kafka,
      'filled',
      Array.from({ length: count }, (_, n) => [from + n, `v${n}`]),
    ),
  landed: async () => {
    const [table] = await database.query("SELECT to_regclass('filled') AS name");
    if (table?.name === null) return [];
    return (await database.query('SELECT id FROM filled ORDER BY id')).map(({ id }) => Number(id));
  },
  alter: async ({ partition, offset }, added) => {
    expect([partition, offset]).toEqual([{ kafka_topic: 'filled', kafka_partition: 0 }, { kafka_offset: added }]);
    await database.query('TRUNCATE filled');
    expect(await lab.alterOffsets('filled', [{ partition, offset: { kafka_offset: added - 3 } }])).toMatch(/altered/);
    await lab.resume('filled');
    await lab.reaches('filled', 'the last three again', async () => (await jdbc.landed()).includes(added - 1));
    expect(await jdbc.landed()).toEqual([added - 3, added - 2, added - 1]);
  },
  reset: async (added) => {
    await lab.resume('filled');
    await lab.reaches('filled', 'all again', async () => (await jdbc.landed()).length === added);
  },
};

describe.each([
  ["Debezium's connector for PostgreSQL", debezium],
  ["MirrorMaker's source", mirror],
  ["Debezium's JDBC sink", jdbc],
])('%s', (title, moved) => {
  const { name } = moved;
  let added = 0;
  const add = async (count: number) => {
    await moved.add(added, count);
    added += count;
  };
  const hasLanded = (number: number) => async () => (await moved.landed()).includes(number);

  test('is created, and moves what is there and what comes, in bounded runs', async () => {
    await moved.open();
    await add(5);
    await lab.api('POST', '/connectors', { name, config: moved.config() });
    await lab.reaches(name, 'what was there', hasLanded(4));
    expect(await moved.landed()).toEqual([0, 1, 2, 3, 4]);
    await until('its run is over', async () => !(await lab.task(name)).running);
    const { runs } = await lab.task(name);
    await add(5);
    await lab.reaches(name, 'what came', hasLanded(9));
    expect(await moved.landed()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await until('another run has moved it', async () => (await lab.task(name)).runs > runs);
    const workers = `${lab.stack.functions['java-task']}:`;
    expect(await lab.state(name)).toMatchObject({
      connector: { state: 'RUNNING', worker_id: expect.stringContaining(workers) },
      tasks: [{ state: 'RUNNING', worker_id: expect.stringContaining(workers) }],
    });
  });

  test('L1: with its function and its JVM killed in the middle of runs none is missing', async () => {
    for (let round = 0; round < wantedKills; round++) {
      const first = added;
      await add(20);
      // By turns at once, when some has landed, and when all has.
      if (round % 3 === 1) await lab.reaches(name, 'the first of them', hasLanded(first));
      if (round % 3 === 2) await lab.reaches(name, 'the last of them', hasLanded(added - 1));
      await lab.kill(name, round % 2 === 0 ? 'function' : 'jvm');
      await add(20);
      await lab.reaches(name, 'what came behind it', hasLanded(added - 1));
    }
    const landed = await moved.landed();
    expect([...new Set(landed)]).toEqual(Array.from({ length: added }, (_, number) => number));
    console.log(`${title}, deployed: ${wantedKills} kills, ${added} in all, ${landed.length - added} of them again`);
  });

  test('paused nothing of it runs; resumed, what came meanwhile arrives', async () => {
    await lab.lettingGo(name, 'pause');
    const before = await lab.task(name);
    await add(5);
    await lab.othersRun();
    expect(await lab.task(name)).toMatchObject({ running: false, runs: before.runs });
    expect(await moved.landed()).not.toContain(added - 5);
    await lab.resume(name);
    await lab.reaches(name, 'what came meanwhile', hasLanded(added - 1));
  });

  test('its offsets are shown, altered and reset, and it goes on from there', async () => {
    await lab.lettingGo(name, 'stop');
    const [shown] = await lab.offsets(name);
    await moved.alter(shown!, added);
    await lab.lettingGo(name, 'stop');
    expect(await lab.resetOffsets(name)).toMatch(/reset/);
    expect(await lab.offsets(name)).toEqual([]);
    await moved.reset(added);
  });

  test('is deleted, and nothing of it runs on', async () => {
    await lab.api('DELETE', `/connectors/${name}`);
    await expect(lab.state(name)).rejects.toThrow(/404/);
    let next = added + 100;
    await until(
      'what comes is moved no more',
      async () => {
        const before = (await moved.landed()).length;
        await moved.add(next++, 1);
        await lab.othersRun();
        return (await moved.landed()).length === before;
      },
      { withinMs: 60_000 },
    );
  });
});

test("MirrorMaker's heartbeats and checkpoints are written through kills and a pause, and have their offsets altered and reset", async () => {
  const [copier, beats, checks] = ['copier', 'beats', 'checks'];
  const created = (name: string, config: object) => lab.api('POST', '/connectors', { name, config });
  const beating = async () => (await readTopic(lab.kafka, 'heartbeats')).length;
  const checked = async () => (await readTopic(lab.kafka, `${alias}.checkpoints.internal`)).length;
  const standsAt = (offset: bigint) => async () =>
    (await lab.kafka.admin.groupOffsets('readers')).get(`${alias}.read`)?.get(0) === offset;
  let produced = 0;
  /** Of the group, to the end of its topic; resolves when that is copied. */
  const goesOn = async () => {
    await produceNumbered(source, 'read', produced, 20);
    produced += 20;
    const isCopied = async () => (await readTopic(lab.kafka, `${alias}.read`)).length >= produced;
    await lab.reaches(copier, 'all are copied', isCopied);
    await source.admin.commitGroupOffsets('readers', [{ topic: 'read', partition: 0, offset: BigInt(produced) }]);
  };
  await newTopic(source, 'read');
  await created(copier, {
    ...mirrorConfig('MirrorSourceConnector', ways()),
    topics: 'read',
    'offset.lag.max': '0',
  });
  await goesOn();
  await created(beats, mirrorConfig('MirrorHeartbeatConnector', ways()));
  await created(checks, {
    ...mirrorConfig('MirrorCheckpointConnector', ways()),
    topics: 'read',
    groups: 'readers',
    ...eachSecond,
  });
  await lab.reaches(beats, 'a heartbeat', async () => (await beating()) > 0);
  await lab.reaches(checks, 'a checkpoint', async () => (await checked()) > 0);
  await lab.reaches(checks, 'the group stands here where it stands there', standsAt(BigInt(produced)));

  for (const what of ['function', 'jvm'] as const) {
    await lab.kill(checks, what);
    await goesOn();
    const before = await beating();
    await lab.reaches(checks, `the group stands there again, its ${what} killed`, standsAt(BigInt(produced)));
    await lab.reaches(beats, `another heartbeat, its ${what} killed`, async () => (await beating()) > before);
  }

  for (const name of [beats, checks]) await lab.lettingGo(name, 'pause');
  const stood = BigInt(produced);
  await goesOn();
  const [beatsBefore, checkedBefore] = [await beating(), await checked()];
  await lab.othersRun();
  expect([await beating(), await checked(), await standsAt(stood)()]).toEqual([beatsBefore, checkedBefore, true]);
  for (const name of [beats, checks]) await lab.resume(name);
  await lab.reaches(checks, 'the group has come after', standsAt(BigInt(produced)));
  await lab.reaches(beats, 'another heartbeat', async () => (await beating()) > beatsBefore);

  const partitions = {
    [beats]: { sourceClusterAlias: alias, targetClusterAlias: 'near' },
    [checks]: { group: 'readers', topic: `${alias}.read`, partition: 0 },
  };
  for (const [name, partition] of Object.entries(partitions)) {
    await lab.lettingGo(name, 'stop');
    expect(await lab.offsets(name)).toEqual([{ partition, offset: { offset: 0 } }]);
    await expect(lab.alterOffsets(name, [{ partition, offset: { offset: 7 } }])).rejects.toThrow(/offset/);
    expect(await lab.alterOffsets(name, [{ partition, offset: { offset: 0 } }])).toMatch(/altered successfully/);
    expect(await lab.resetOffsets(name)).toMatch(/reset successfully/);
    expect(await lab.offsets(name)).toEqual([]);
    const [beat, check] = [await beating(), await checked()];
    await lab.resume(name);
    // Checkpoints that its topic has already are not written again, reset or not.
    if (name === checks) await goesOn();
    await lab.reaches(name, 'it goes on', async () =>
      name === beats ? (await beating()) > beat : (await checked()) > check,
    );
  }
  for (const name of [checks, beats, copier]) await lab.api('DELETE', `/connectors/${name}`);
  await until('heartbeats come no more', async () => {
    const left = await beating();
    await lab.othersRun();
    return (await beating()) === left;
  });
});
