import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { call, status } from '../../local/rest-client.ts';
import { type } from '../cli/terminal.ts';
import { type InProcessDrover, startInProcessDrover } from '../support/in-process-drover.ts';
import { type JavaConnectPeer, kafkaAddress, startJavaConnectPeer } from '../support/services.ts';
import { until } from '../support/until.ts';
import { uniqueName } from '../support/worker-harness.ts';

/** `drover import --from-url` of a real Java worker that runs, and `drover export` back to it. */
vi.setConfig({ testTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), 'drover-parity-import-'));
let java: JavaConnectPeer;
let drover: InProcessDrover;

beforeAll(async () => {
  java = await startJavaConnectPeer({ bootstrapServers: kafkaAddress() });
  drover = await startInProcessDrover({
    bootstrapServers: kafkaAddress(),
    settings: { idleFloorMs: 200, idleCeilingMs: 500 },
    tickEveryMs: 2000,
  });
});
afterAll(async () => {
  await drover?.close();
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
