import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTopic } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';
import { camel, debeziumJdbc, debeziumMariaDb, debeziumPostgres, mirrorMaker } from './archives.ts';
import { capturedTable, historyTopic } from './captured-table.ts';
import { changesIn, statementsIn } from './changes.ts';
import { type OffsetEntry, patience } from './deployed-lab.ts';
import { plainJson, wantedKills } from './lab.ts';
import { eachSecond, mirrorConfig, newTopic, produceNumbered } from './mirror.ts';
import {
  appendedLines,
  capturedGoods,
  capturedRows,
  farAlias,
  type Moving,
  mirroredTopic,
  upsertedRows,
  waysOf,
} from './moving.ts';
import { openWholeLab } from './whole-lab.ts';

// Connectors of others, as their archives come, on the stack as it is deployed: out of the bundle, over REST.
const lab = openWholeLab([debeziumPostgres, debeziumMariaDb, mirrorMaker, debeziumJdbc, camel]);
const often = { 'drover.commit.interval.ms': '200' };
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

/** While it is stopped, with all that was added moved. */
interface Moved extends Moving {
  /** Resolves when the effect is seen. */
  alter(shown: OffsetEntry, added: number): Promise<unknown>;
  /** The same: it begins anew. */
  reset(added: number): Promise<unknown>;
  /** Something else that is to come through the kill behind it. */
  readonly beforeKill?: (added: number) => Promise<unknown>;
  readonly afterKills?: () => Promise<void>;
}

/** Resumed, it moves these behind what has landed, and nothing else. */
async function comeAgain({ name, landed }: Moving, numbers: readonly number[]): Promise<void> {
  const before = await landed();
  await lab.resume(name);
  const all = before.length + numbers.length;
  await lab.reaches(name, `${numbers.length} come again`, async () => (await landed()).length >= all);
  expect(await landed()).toEqual([...before, ...numbers]);
}

/** Deletes it, and resolves when it moves nothing any more of what `more` gives it to move. */
async function isDeleted(name: string, moved: () => Promise<number>, more?: () => Promise<unknown>): Promise<void> {
  await lab.api('DELETE', `/connectors/${name}`);
  await expect(lab.state(name)).rejects.toThrow(/404/);
  const movesNothing = async () => {
    const before = await moved();
    await more?.();
    await lab.othersRun();
    return (await moved()) === before;
  };
  await until(`${name} moves nothing any more`, movesNothing, patience);
}

const lastThree = (added: number) => [added - 3, added - 2, added - 1];

const rows = capturedRows(lab, 'captured');
const debezium: Moved = {
  ...rows,
  alter: async ({ partition, offset }, added) => {
    expect(partition).toEqual({ server: 'shop' });
    // PostgreSQL gives nothing again that was confirmed, but it does leave out what lies in front of an offset.
    await rows.add(added, 5);
    const [at] = await lab.postgres.query("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS lsn");
    // What begins there is the next one's.
    const lsn = Number(at?.lsn) - 1;
    await rows.add(added + 5, 5);
    const altered = { ...offset, lsn, lsn_proc: lsn, lsn_commit: lsn };
    expect(await lab.alterOffsets(rows.name, [{ partition, offset: altered }])).toMatch(/altered/);
    await comeAgain(
      rows,
      [5, 6, 7, 8, 9].map((n) => added + n),
    );
  },
  // The table's first copy again, with what the offset had left out.
  reset: async (added) => {
    const before = (await rows.landed()).length;
    await comeAgain(rows, upTo(added + 10));
    const again = (await changesIn(lab.kafka, 'shop.public.captured')).slice(before);
    expect(new Set(again.map(({ op }) => op))).toEqual(new Set(['r']));
  },
};

const goods = capturedGoods(lab, 'goods');
/** Of each column that was added, the first row that has it. */
const columns: number[] = [];
/** How often the first copy told the history of its table: more than once where it was cut and began anew. */
let told = 0;
const creations = async () =>
  (await statementsIn(lab.kafka, historyTopic('goods'))).filter((ddl) => /^create table/i.test(ddl)).length;
const mariaDb: Moved = {
  ...goods,
  beforeKill: async (added) => {
    if (columns.length === 0) told = await creations();
    await lab.mariaDb.query(`ALTER TABLE goods ADD COLUMN c${columns.length} int DEFAULT ${columns.length}`);
    columns.push(added);
  },
  // Each JVM reads from the history of schemas how the table was where its offset stands.
  afterKills: async () => {
    const landed = (await changesIn(lab.kafka, 'goods.shop.goods')).map(({ after }) => after);
    const columnsOf = (id: number) => columns.flatMap((from, n) => (id >= from ? [[`c${n}`, n] as const] : []));
    expect(landed).toEqual(
      landed.map((row) => ({ id: row?.id, v: 'v', ...Object.fromEntries(columnsOf(Number(row?.id))) })),
    );
    expect(await creations()).toBe(told);
    const statements = await statementsIn(lab.kafka, historyTopic('goods'));
    const altered = statements
      .filter((ddl) => /^alter table/i.test(ddl))
      .map((ddl) => /ADD COLUMN (\w+)/.exec(ddl)?.[1]);
    console.log(`The history of schemas: ${columns.length} changes, ${altered.length - columns.length} of them again`);
    expect([...new Set(altered)]).toEqual(columns.map((_, n) => `c${n}`));
  },
  alter: async (shown, added) => {
    expect(shown.partition).toEqual({ server: 'goods' });
    await goods.add(added, 3);
    await lab.resume('goods');
    await lab.reaches('goods', 'three more', async () => (await goods.landed()).includes(added + 2));
    await lab.lettingGo('goods', 'stop');
    expect(await lab.offsets('goods')).not.toEqual([shown]);
    expect(await lab.alterOffsets('goods', [shown])).toMatch(/altered/);
    await comeAgain(goods, lastThree(added + 3));
  },
  reset: (added) => comeAgain(goods, upTo(added + 3)),
};

const topic = mirroredTopic(lab, 'mirrored');
const mirror: Moved = {
  ...topic,
  alter: async ({ partition, offset }, added) => {
    expect([partition, offset]).toEqual([
      { cluster: farAlias, topic: 'mirrored', partition: 0 },
      { offset: added - 1 },
    ]);
    await expect(lab.alterOffsets('mirrored', [{ partition, offset: { offset: -5 } }])).rejects.toThrow(/offset/);
    expect(await lab.alterOffsets('mirrored', [{ partition, offset: { offset: added - 4 } }])).toBe(
      'The offsets for this connector have been altered successfully',
    );
    await comeAgain(topic, lastThree(added));
  },
  reset: (added) => comeAgain(topic, upTo(added)),
};

/** Sets a sink's one partition to its third last record. */
async function alterSink(name: string, { partition, offset }: OffsetEntry, added: number): Promise<void> {
  expect([partition, offset]).toEqual([{ kafka_topic: name, kafka_partition: 0 }, { kafka_offset: added }]);
  expect(await lab.alterOffsets(name, [{ partition, offset: { kafka_offset: added - 3 } }])).toMatch(/altered/);
}

const upserts = upsertedRows(lab, 'filled');
const jdbc: Moved = {
  ...upserts,
  alter: async (shown, added) => {
    await alterSink('filled', shown, added);
    await lab.postgres.query('TRUNCATE filled');
    await comeAgain(upserts, lastThree(added));
  },
  reset: async (added) => {
    await lab.resume('filled');
    await lab.reaches('filled', 'all again', async () => (await upserts.landed()).length === added);
  },
};

const lines = appendedLines(lab, 'appended');
const camelFile: Moved = {
  ...lines,
  alter: async (shown, added) => {
    await alterSink('appended', shown, added);
    await comeAgain(lines, lastThree(added));
  },
  reset: (added) => comeAgain(lines, upTo(added)),
};

describe.each([
  ["Debezium's connector for PostgreSQL", debezium],
  ["Debezium's connector for MariaDB", mariaDb],
  ["MirrorMaker's source", mirror],
  ["Debezium's JDBC sink", jdbc],
  ["Camel's sink for any component, to a file", camelFile],
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
    await lab.api('POST', '/connectors', { name, config: { ...moved.config(), ...often } });
    await lab.reaches(name, 'what was there', hasLanded(4));
    expect(await moved.landed()).toEqual(upTo(5));
    await until('its run is over', async () => !(await lab.task(name)).running);
    const { runs } = await lab.task(name);
    await add(5);
    await lab.reaches(name, 'what came', hasLanded(9));
    expect(await moved.landed()).toEqual(upTo(10));
    await until('another run has moved it', async () => (await lab.task(name)).runs > runs);
    const workers = `${lab.stack.functions['java-task']}:`;
    expect(await lab.state(name)).toMatchObject({
      connector: { state: 'RUNNING', worker_id: expect.stringContaining(workers) },
      tasks: [{ state: 'RUNNING', worker_id: expect.stringContaining(workers) }],
    });
  });

  test('L1: with its function and its JVM killed in the middle of runs none is missing', async () => {
    for (let round = 0; round < wantedKills; round++) {
      await moved.beforeKill?.(added);
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
    expect([...new Set(landed)]).toEqual(upTo(added));
    await moved.afterKills?.();
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
    let next = added + 100;
    await isDeleted(
      name,
      async () => (await moved.landed()).length,
      () => moved.add(next++, 1),
    );
  });
});

test("MirrorMaker's heartbeats and checkpoints are written through kills and a pause, and have their offsets altered and reset", async () => {
  const [copier, beats, checks] = ['copier', 'beats', 'checks'];
  const created = (name: string, config: object) => lab.api('POST', '/connectors', { name, config });
  const beating = async () => (await readTopic(lab.kafka, 'heartbeats')).length;
  const checked = async () => (await readTopic(lab.kafka, `${farAlias}.checkpoints.internal`)).length;
  const standsAt = (offset: bigint) => async () =>
    (await lab.kafka.admin.groupOffsets('readers')).get(`${farAlias}.read`)?.get(0) === offset;
  let produced = 0;
  /** Of the group, to the end of its topic; resolves when that is copied. */
  const goesOn = async () => {
    await produceNumbered(lab.far.kafka, 'read', produced, 20);
    produced += 20;
    const isCopied = async () => (await readTopic(lab.kafka, `${farAlias}.read`)).length >= produced;
    await lab.reaches(copier, 'all are copied', isCopied);
    await lab.far.kafka.admin.commitGroupOffsets('readers', [
      { topic: 'read', partition: 0, offset: BigInt(produced) },
    ]);
  };
  await newTopic(lab.far.kafka, 'read');
  await created(copier, {
    ...mirrorConfig('MirrorSourceConnector', waysOf(lab)),
    topics: 'read',
    'offset.lag.max': '0',
  });
  await goesOn();
  await created(beats, mirrorConfig('MirrorHeartbeatConnector', waysOf(lab)));
  await created(checks, {
    ...mirrorConfig('MirrorCheckpointConnector', waysOf(lab)),
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
    [beats]: { sourceClusterAlias: farAlias, targetClusterAlias: 'near' },
    [checks]: { group: 'readers', topic: `${farAlias}.read`, partition: 0 },
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
  for (const name of [checks, copier]) await lab.api('DELETE', `/connectors/${name}`);
  await isDeleted(beats, beating);
});

test("Camel's source for any component brings what a timer's thread makes, through kills and a pause, and shows its offsets", async () => {
  const name = 'ticks';
  const string = 'org.apache.kafka.connect.storage.StringConverter';
  const counters = async () =>
    (await readTopic(lab.kafka, name)).map(({ headers }) =>
      Number(headers.find(({ key }) => key === 'CamelProperty.CamelTimerCounter')?.value),
    );
  const count = async () => (await counters()).length;
  /** Of a run that begins behind these. No more than eight may be unacknowledged: what is behind them shows that they were. */
  const another = (before: number, what: string) =>
    lab.reaches(name, `another timer ticks, ${what}`, async () => {
      const seen = (await counters()).slice(before);
      return seen.lastIndexOf(1) >= 0 && seen.length - seen.lastIndexOf(1) > 10;
    });
  await lab.api('POST', '/connectors', {
    name,
    config: {
      'connector.class': 'org.apache.camel.kafkaconnector.CamelSourceConnector',
      'tasks.max': '1',
      'key.converter': string,
      'value.converter': string,
      topics: name,
      'camel.source.url': 'timer:tick?period=20&delay=0&includeMetadata=true',
      'camel.source.maxNotCommittedRecords': '8',
      'camel.source.maxPollDuration': '200',
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '1',
      ...often,
    },
  });
  await another(0, 'created');
  for (let round = 0; round < wantedKills; round++) {
    const what = round % 2 === 0 ? 'function' : 'jvm';
    await lab.kill(name, what);
    await another(await count(), `its ${what} killed`);
  }
  await lab.lettingGo(name, 'pause');
  const paused = await count();
  await lab.othersRun();
  expect(await count()).toBe(paused);
  await lab.resume(name);
  await another(paused, 'resumed');

  // It says where its records come from, and begins anew each time: a timer has no more to go on from.
  await lab.lettingGo(name, 'stop');
  const shown = await lab.offsets(name);
  expect(shown).toEqual([
    { partition: { filename: expect.stringContaining('timer://tick') }, offset: { position: expect.any(String) } },
  ]);
  expect(await lab.resetOffsets(name)).toMatch(/reset/);
  expect(await lab.offsets(name)).toEqual([]);
  const stopped = await count();
  await lab.resume(name);
  await another(stopped, 'its offsets reset');
  await isDeleted(name, count);
  // Camel counts anew in each run.
  const seen = await counters();
  expect(seen.filter((counter, index) => counter !== 1 && counter !== seen[index - 1]! + 1)).toEqual([]);
  console.log(`Camel's timer, deployed: ${wantedKills} kills, ${seen.length} ticks`);
});

describe("a transformation and a converter of a jar, Debezium's", () => {
  const json = 'org.apache.kafka.connect.json.JsonConverter';
  /** It refuses a row that has no `kind`. */
  const unwrapped = {
    transforms: 'unwrap',
    'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
    'transforms.unwrap.route.by.field': 'kind',
  };
  const binary = {
    'value.converter': 'io.debezium.converters.BinaryDataConverter',
    'value.converter.delegate.converter.type': json,
    'value.converter.delegate.converter.type.schemas.enable': 'false',
  };
  const letters = (prefix: string, topic: string) => ({
    'errors.tolerance': 'all',
    [`${prefix}errors.deadletterqueue.topic.name`]: topic,
    [`${prefix}errors.deadletterqueue.topic.replication.factor`]: '1',
    [`${prefix}errors.deadletterqueue.context.headers.enable`]: 'true',
  });
  const valuesIn = async (name: string) => (await readTopic(lab.kafka, name)).map(({ value }) => value);
  /** Ids of the rows in the dead letters, once each, each with who has refused it. */
  const refusedIn = async (name: string) => {
    const dead = await readTopic(lab.kafka, name);
    return new Set(
      dead.map(({ value, headers }) => {
        const said = headers.find(({ key }) => key === '__connect.errors.class.name')?.value;
        // A source's value is refused before it is converted: its letter is the text of the struct.
        const [, ofJson, ofText] = /"id":(\d+)|\bid=(\d+)/.exec(value!) ?? [];
        return `${said}: ${ofJson ?? ofText}`;
      }),
    );
  };
  const refusal = (id: number) => `${unwrapped['transforms.unwrap.type']}: ${id}`;
  /** The first row of each time that some were added. */
  const added: number[] = [];
  /** One of each kind, and one without. */
  const add = async () => {
    const at = added.length * 10;
    added.push(at);
    await lab.postgres.query(
      `INSERT INTO kinds VALUES (${at}, 'red'); INSERT INTO kindless VALUES (${at + 1}); INSERT INTO kinds VALUES (${at + 2}, 'blue')`,
    );
  };
  const tables = (slot: string) => ({
    ...capturedTable(lab.postgres, 'kinds', slot),
    'slot.name': slot,
    'publication.name': slot,
    'table.include.list': 'public.kinds,public.kindless',
  });
  const created = (name: string, config: object) => lab.api('POST', '/connectors', { name, config });
  const runsInJava = async (name: string) =>
    expect((await lab.state(name)).tasks).toMatchObject([
      { state: 'RUNNING', worker_id: expect.stringContaining(`${lab.stack.functions['java-task']}:`) },
    ]);

  test('named by a connector of a jar: what it refuses is a dead letter, everything else is there, through kills', async () => {
    await lab.postgres.query(
      'CREATE TABLE kinds (id int primary key, kind text); CREATE TABLE kindless (id int primary key)',
    );
    await add();
    await created('routed', {
      ...plainJson,
      ...tables('routed'),
      ...unwrapped,
      ...binary,
      ...letters('drover.', 'routed-refused'),
      ...often,
    });
    const red = (at: number) => `{"id":${at},"kind":"red"}`;
    const blue = (at: number) => `{"id":${at + 2},"kind":"blue"}`;
    const areThere = async () => {
      const at = added.at(-1)!;
      return (
        (await valuesIn('red')).includes(red(at)) &&
        (await valuesIn('blue')).includes(blue(at)) &&
        (await refusedIn('routed-refused')).has(refusal(at + 1))
      );
    };
    await lab.reaches('routed', 'the first of each', areThere);
    await runsInJava('routed');
    for (let round = 0; round < wantedKills; round++) {
      await add();
      if (round % 3 === 2) await lab.reaches('routed', 'those of this round', areThere);
      await lab.kill('routed', round % 2 === 0 ? 'function' : 'jvm');
    }
    await lab.reaches('routed', 'the last of each', areThere);
    expect([...new Set(await valuesIn('red'))]).toEqual(added.map(red));
    expect([...new Set(await valuesIn('blue'))]).toEqual(added.map(blue));
    expect([...(await refusedIn('routed-refused'))]).toEqual(added.map((at) => refusal(at + 1)));
    console.log(
      `Debezium's transformation, named by its connector, deployed: ${wantedKills} kills, ${added.length * 3} rows`,
    );
    await isDeleted('routed', async () => (await valuesIn('red')).length, add);
  });

  test('named by connectors in TypeScript: a sink has each row that it does not refuse, a source its records in the bytes that it makes', async () => {
    await created('wrapped', {
      ...plainJson,
      ...tables('wrapped'),
      'key.converter.schemas.enable': 'true',
      'value.converter.schemas.enable': 'true',
      ...often,
    });
    const topics = ['wrapped.public.kinds', 'wrapped.public.kindless'];
    for (const one of topics) await lab.reaches('wrapped', one, async () => (await valuesIn(one)).length > 0);
    const file = join(lab.stack.folder, 'unwrapped');
    await created('unwrapped', {
      'connector.class': 'FileStreamSink',
      topics: topics.join(),
      file,
      'key.converter': json,
      'value.converter': json,
      ...unwrapped,
      ...letters('', 'unwrapped-refused'),
      'consumer.override.auto.offset.reset': 'earliest',
      ...often,
    });
    const written = () => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []);
    const red = (at: number) => `Struct{id=${at},kind=red}`;
    const blue = (at: number) => `Struct{id=${at + 2},kind=blue}`;
    const areThere = async () => {
      const at = added.at(-1)!;
      const isRefused = (await refusedIn('unwrapped-refused')).has(refusal(at + 1));
      return isRefused && written().includes(red(at)) && written().includes(blue(at));
    };
    await lab.reaches('unwrapped', 'the last of each', areThere);
    await runsInJava('unwrapped');
    for (let round = 0; round < wantedKills; round++) {
      await add();
      await lab.kill('unwrapped', round % 2 === 0 ? 'function' : 'jvm');
      await lab.reaches('unwrapped', 'those of this round', areThere);
    }
    expect(new Set(written())).toEqual(new Set(added.flatMap((at) => [red(at), blue(at)])));
    expect(await refusedIn('unwrapped-refused')).toEqual(new Set(added.map((at) => refusal(at + 1))));
    console.log(
      `Debezium's transformation, named by a sink in TypeScript, deployed: ${wantedKills} kills, ${added.length * 3} rows`,
    );

    const words = join(lab.stack.folder, 'words');
    writeFileSync(words, 'one\ntwo\n');
    await created('hoisted', {
      'connector.class': 'FileStreamSource',
      file: words,
      topic: 'hoisted',
      ...binary,
      transforms: 'hoist',
      'transforms.hoist.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
      'transforms.hoist.field': 'word',
    });
    const wanted = ['{"word":"one"}', '{"word":"two"}', '{"word":"three"}'];
    await lab.reaches('hoisted', 'the words that are there', async () => (await valuesIn('hoisted')).length >= 2);
    await runsInJava('hoisted');
    appendFileSync(words, 'three\n');
    await lab.reaches('hoisted', 'the word that comes', async () => (await valuesIn('hoisted')).length >= 3);
    expect(await valuesIn('hoisted')).toEqual(wanted);
    for (const name of ['unwrapped', 'wrapped', 'hoisted']) await lab.api('DELETE', `/connectors/${name}`);
  });
});
