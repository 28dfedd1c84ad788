import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sendHttp } from '../../cli/http.ts';
import { Rest } from '../../cli/rest.ts';
import { call, status } from '../../local/rest-client.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { type } from '../cli/terminal.ts';
import type { InProcessDrover } from '../support/in-process-drover.ts';
import { readTopic } from '../support/kafka-records.ts';
import { type MirroredDrover, mirrorTopicsOf, startMirroredDrover } from '../support/mirrored-drover.ts';
import { type JavaConnectPeer, kafkaAddress, startJavaConnectPeer } from '../support/services.ts';
import { until } from '../support/until.ts';
import { uniqueName } from '../support/worker-harness.ts';

/** `drover import --from-url` of a real Java worker that runs, `drover export` back to it, and the topics of both. */
vi.setConfig({ testTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), 'drover-parity-import-'));
const topics = mirrorTopicsOf(uniqueName('parity-mirror'));
let java: JavaConnectPeer;
let mirrored: MirroredDrover;
let drover: InProcessDrover;
let kafka: KafkaClient;

beforeAll(async () => {
  java = await startJavaConnectPeer({ bootstrapServers: kafkaAddress() });
  mirrored = await startMirroredDrover({
    bootstrapServers: kafkaAddress(),
    topics,
    settings: { idleFloorMs: 200, idleCeilingMs: 500 },
    tickEveryMs: 2000,
  });
  drover = mirrored.drover;
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterAll(async () => {
  await kafka?.close();
  await mirrored?.end();
  await java?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};
const drove = (...args: string[]) => type(['--url', drover.url, ...args], { cwd: folder });
const lines = (file: string) => readFileSync(file, 'utf8').split('\n').filter(Boolean);

interface Row {
  readonly name: string;
  readonly verdict: string;
  readonly result: string;
  readonly offsets: number | null;
  readonly ignored: readonly string[];
  readonly errors: readonly string[];
}

test('connectors of a Java worker go on here where they were there, and back again, without a line lost or twice', async () => {
  const [source, sink, topic] = [uniqueName('in'), uniqueName('out'), uniqueName('moved')];
  const [from, to] = [join(folder, 'from.txt'), join(folder, 'to.txt')];
  const wanted: string[] = [];
  const append = (count: number) => {
    const more = Array.from({ length: count }, (_, index) => `line ${wanted.length + index}`);
    wanted.push(...more);
    appendFileSync(from, more.map((line) => `${line}\n`).join(''));
  };
  writeFileSync(from, '');
  writeFileSync(to, '');
  append(1000);
  const create = async (name: string, config: object) => {
    const stdin = JSON.stringify({ name, config: { ...strings, 'tasks.max': '1', ...config } });
    expect(await type(['--url', java.url, 'apply', '-f', '-'], { stdin })).toMatchObject({ code: 0 });
  };
  await create(source, { 'connector.class': 'FileStreamSource', file: from, topic, 'left.over': 'from long ago' });
  await create(sink, {
    'connector.class': 'FileStreamSink',
    file: to,
    topics: topic,
    'consumer.override.auto.offset.reset': 'earliest',
  });
  await until('every line is out of Java', () => lines(to).length >= wanted.length);
  const rows = async (...args: string[]) => {
    const said = await drove('import', '--from-url', java.url, source, sink, ...args, '--json');
    expect(said.out, said.err).not.toBe('');
    return { code: said.code, rows: JSON.parse(said.out) as Row[] };
  };

  const running = await rows();
  expect(running.code).toBe(1);
  expect(running.rows.map(({ verdict, result }) => [verdict, result])).toEqual(
    Array(2).fill(['runs there', 'left out']),
  );
  const dry = await rows('--dry-run', '--stop-there');
  expect(dry.rows.map(({ verdict, result }) => [verdict, result])).toEqual(
    Array(2).fill(['works', 'would be imported']),
  );
  expect(dry.rows.find(({ name }) => name === source)!.ignored).toEqual(['left.over']);
  expect(await call(drover.url, 'GET', '/connectors')).toEqual([]);
  expect((await status(java.url, source)).connector.state).toBe('RUNNING');

  const moved = await rows('--stop-there', '--start', 'as-was');
  expect([moved.code, moved.rows.map(({ result, offsets, errors }) => [result, offsets, errors])]).toEqual([
    0,
    expect.arrayContaining([
      ['imported', 1, []],
      ['imported', null, []],
    ]),
  ]);
  expect((await status(java.url, source)).connector.state).toBe('STOPPED');
  append(500);
  await until('every line is out of Drover', () => lines(to).length >= wanted.length);
  expect(lines(to)).toEqual(wanted);
  const again = await rows();
  expect([again.code, again.rows.map(({ verdict }) => verdict)]).toEqual([0, ['is here already', 'is here already']]);

  // Back: files and offsets for the worker's own API.
  expect(await drove('stop', source, sink, '--wait')).toMatchObject({ code: 0 });
  expect(await drove('export', source, sink, '--dir', 'back', '--offsets')).toMatchObject({ code: 0 });
  const read = (file: string) => JSON.parse(readFileSync(join(folder, 'back', file), 'utf8')) as { config: object };
  const set = ['offsets', 'set', source, '-f', `back/${source}.offsets.json`];
  expect(await type(['--url', java.url, ...set], { cwd: folder })).toMatchObject({ code: 0 });
  for (const name of [source, sink]) {
    // As the program, which waits while the worker is at its rebalance.
    const there = await type(['--url', java.url, 'get', 'connector', name, '--json']);
    expect((JSON.parse(there.out) as { config: object }).config).toEqual({ ...read(`${name}.json`).config, name });
    expect(await type(['--url', java.url, 'resume', name])).toMatchObject({ code: 0 });
  }
  append(500);
  await until('every line is out of Java again', () => lines(to).length >= wanted.length);
  expect(lines(to)).toEqual(wanted);
});

test('what there is no plugin for, and what is refused, is said and left out', async () => {
  const file = join(folder, 'files.yaml');
  writeFileSync(
    file,
    [
      'name: cdc\nconfig:\n  connector.class: io.debezium.connector.postgresql.PostgresConnector\n',
      'name: bad\nconfig:\n  connector.class: FileStreamSource\n  tasks.max: none\n',
      'name: good\nconfig:\n  connector.class: FileStreamSource\n  topic: t\n  file: /none\n',
    ].join('---\n'),
  );
  const said = await drove('import', '-f', file, '--json');
  expect(said.code).toBe(1);
  const found = JSON.parse(said.out) as Row[];
  expect(found.map(({ name, verdict, result }) => [name, verdict, result])).toEqual([
    ['cdc', 'no plugin', 'left out'],
    ['bad', 'is refused', 'left out'],
    ['good', 'works', 'imported'],
  ]);
  expect(found[1]!.errors.join()).toMatch(/topic: .*tasks.max: |tasks.max: .*topic: /s);
  const good = await call<{ target_state: string }>(drover.url, 'GET', '/drover/connectors/good');
  expect(good.target_state).toBe('STOPPED');
});

/** Everything that REST may ask of connectors; `settled` resolves when the topics hold all that was asked so far. */
async function playLife(
  url: string,
  settled: () => Promise<void>,
  [name, sink, broken]: readonly [string, string, string],
  topic: string,
) {
  const file = join(folder, `${topic}.in`);
  const out = join(folder, `${topic}.out`);
  writeFileSync(file, 'one\ntwo\n');
  writeFileSync(out, '');
  const at = (of: string, path = '') => `/connectors/${encodeURIComponent(of)}${path}`;
  // As the program, which asks again while a worker is at its rebalance.
  const rest = new Rest({ restUrl: url, send: sendHttp, auth: 'none' });
  const ask = async (method: string, path: string, body?: unknown) => {
    await rest.call(method, path, body);
    await settled();
  };
  const sees = async (what: string, question: () => Promise<boolean>) => {
    await until(what, question);
    await settled();
  };
  const is = (of: string, state: string, tasks: readonly string[]) =>
    sees(`${of} is ${state}, its tasks ${tasks}`, async () => {
      const seen = await status(url, of);
      return seen.connector.state === state && String(seen.tasks.map((task) => task.state)) === String(tasks);
    });
  const position = (of: string, text: string) =>
    sees(`${of} is at ${text}`, async () => JSON.stringify(await call(url, 'GET', at(of, '/offsets'))).includes(text));
  const tasksHave = (of: string, text: string) =>
    sees(`the task has ${text}`, async () => JSON.stringify(await call(url, 'GET', at(of, '/tasks'))).includes(text));
  const offsets = (...all: readonly (readonly [object, object | null])[]) =>
    ask('PATCH', at(name, '/offsets'), { offsets: all.map(([partition, offset]) => ({ partition, offset })) });
  const config = {
    'connector.class': 'FileStreamSource',
    'tasks.max': '1',
    topic,
    file,
    zulu: '1',
    alpha: 'quote " slash / back \\ ü 漢 🎉 tab\tnl\n \u0001 \u007f \u2028 <&>',
    ...strings,
  };
  await ask('POST', '/connectors', { name, config });
  await is(name, 'RUNNING', ['RUNNING']);
  await position(name, '"position":8');
  await ask('PUT', at(name, '/pause'));
  await is(name, 'PAUSED', ['PAUSED']);
  await ask('PUT', at(name, '/resume'));
  await is(name, 'RUNNING', ['RUNNING']);
  await ask('PUT', at(name, '/config'), { ...config, 'batch.size': '7' });
  await tasksHave(name, '"batch.size":"7"');
  await is(name, 'RUNNING', ['RUNNING']);
  await ask('PATCH', at(name, '/config'), { zulu: null, yankee: '2' });
  await tasksHave(name, 'yankee');
  await is(name, 'RUNNING', ['RUNNING']);
  await ask('POST', at(name, '/restart?includeTasks=true&onlyFailed=false'));
  await is(name, 'RUNNING', ['RUNNING']);
  await ask('PUT', at(name, '/stop'));
  await is(name, 'STOPPED', []);
  const far = { filename: `${file} ü 漢 🎉`, zulu: 1, alpha: null, mike: 1.5, kilo: true, bravo: '🎉' };
  await offsets([{ filename: file }, { position: 4 }], [far, { position: 3, zulu: 'ü', alpha: null, bravo: 1e21 }]);
  await offsets([far, null]);
  await ask('DELETE', at(name, '/offsets'));
  await ask('PUT', at(name, '/topics/reset'));
  await ask('PUT', at(name, '/resume'));
  await is(name, 'RUNNING', ['RUNNING']);
  await position(name, '"position":8');
  await ask('POST', '/connectors', {
    name: sink,
    initial_state: 'STOPPED',
    config: { 'connector.class': 'FileStreamSink', 'tasks.max': '2', topics: topic, file: out, ...strings },
  });
  await is(sink, 'STOPPED', []);
  await ask('PUT', at(sink, '/resume'));
  await is(sink, 'RUNNING', ['RUNNING', 'RUNNING']);
  await ask('PATCH', at(sink, '/config'), { 'tasks.max': '1' });
  await is(sink, 'RUNNING', ['RUNNING']);
  await ask('PUT', at(broken, '/config'), {
    ...config,
    transforms: 'field',
    'transforms.field.type': 'org.apache.kafka.connect.transforms.ExtractField$Value',
    'transforms.field.field': 'none',
  });
  await is(broken, 'RUNNING', ['FAILED']);
  await ask('POST', at(broken, '/restart?includeTasks=true&onlyFailed=true'));
  await is(broken, 'RUNNING', ['FAILED']);
  await ask('PUT', '/admin/loggers/org.apache.kafka.connect.runtime.WorkerTask?scope=cluster', { level: 'DEBUG' });
  for (const of of [name, sink, broken]) await ask('DELETE', at(of));
  await sees('all are gone', async () => {
    const left = await call<string[]>(url, 'GET', '/connectors');
    return ![name, sink, broken].some((of) => left.includes(of));
  });
}

/**
 * What differs from host to host, and from time to time, is taken out: who ran it, in which generation, where in the code it
 * failed, which of its tasks was the first to use a topic, and when.
 */
const comparable = (value: string | null) =>
  value
    ?.replace(/"worker_id":"[^"]*"/, '"worker_id":"…"')
    .replace(/"generation":\d+/, '"generation":…')
    .replace(/"task":\d+,"discoverTimestamp":\d+/, '"task":…,"discoverTimestamp":…')
    .replace(/"trace":"(?:[^"\\]|\\.)*"/, '"trace":"…"') ?? null;

type Told = readonly [place: string, value: string | null];

/** What the topic says of these connectors, in its order; a value that is written again as it was counts once. */
async function told(topic: string, of: string): Promise<Told[]> {
  const last = new Map<string, string | null>();
  const all: Told[] = [];
  for (const { key, value, partition, headers } of await readTopic(kafka, topic)) {
    // Between Java's workers alone: the key that they sign their requests with.
    if (key === null || !(key.includes(of) || key.startsWith('logger-cluster-'))) continue;
    expect(headers).toEqual([]);
    const place = `partition ${partition}: ${key}`;
    const next = comparable(value);
    if (last.has(place) && last.get(place) === next) continue;
    last.set(place, next);
    all.push([place, next]);
  }
  return all;
}

const byPlace = (all: readonly Told[]) => {
  const values: Record<string, (string | null)[]> = {};
  for (const [place, value] of all) values[place] = [...(values[place] ?? []), value];
  return values;
};

/** A stop is the wish first here, and in Java that there are no tasks. */
const hasTasks = ([, value]: Told) => value !== '{"tasks":0}';

/** Passing states, which a run may go through or not, are of no run that rests. */
const isPassing = (value: string | null) => /"state":"(?:UNASSIGNED|RESTARTING|DESTROYED)"/.test(value ?? '');

test('the same calls leave the same bytes in the three topics', async () => {
  const topic = uniqueName('bytes');
  const names = [`${topic} plain`, `${topic} sink ü`, `${topic} "broken" 漢🎉`] as const;
  await kafka.admin.createTopics([{ topic, partitions: 2, replicationFactor: 1, configs: {} }]);
  // One after the other, for both use the same topic and the same group.
  await playLife(java.url, async () => {}, names, topic);
  await playLife(drover.url, () => mirrored.caughtUp(), names, topic);
  await until('the mirror has written that the last one is gone', async () => {
    await mirrored.caughtUp();
    const last = byPlace(await told(topics.status.name, topic));
    return Object.entries(last).every(([place, values]) => !place.includes('status-task') || values.at(-1) === null);
  });
  const configs = await told(topics.configs.name, topic);
  const theirs = await told(java.topics.configs, topic);
  expect(new Set(configs.map(([place]) => place)).size).toBeGreaterThan(12);
  expect(byPlace(configs)).toEqual(byPlace(theirs));
  expect(configs.filter(hasTasks)).toEqual(theirs.filter(hasTasks));
  const offsets = byPlace(await told(topics.offsets.name, topic));
  expect(Object.values(offsets).flat().length).toBeGreaterThan(3);
  expect(offsets).toEqual(byPlace(await told(java.topics.offsets, topic)));
  const resting = (all: readonly Told[]) =>
    Object.fromEntries(
      Object.entries(byPlace(all)).map(([place, values]) => [
        place,
        [...new Set(values.filter((value) => !isPassing(value)))].sort(),
      ]),
    );
  const states = resting(await told(topics.status.name, topic));
  expect(Object.keys(states).length).toBeGreaterThan(6);
  expect(states).toEqual(resting(await told(java.topics.status, topic)));
});
