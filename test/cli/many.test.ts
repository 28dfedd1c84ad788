import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Send } from '../../cli/http.ts';
import { actConnectorRun, createMemoryRest, type MemoryRest } from '../support/memory-rest.ts';
import { httpOf, type Said, type TerminalOptions, typeTo } from './terminal.ts';

/** One command over several connectors, and connectors whose names are hard to name. */

const folder = mkdtempSync(join(tmpdir(), 'drover-many-'));
afterAll(() => rmSync(folder, { recursive: true }));

let rest: MemoryRest;
let type: (args: string | readonly string[], options?: TerminalOptions) => Promise<Said>;

beforeEach(() => {
  rest = createMemoryRest();
  type = typeTo(rest);
});

const config = { 'connector.class': 'FileStreamSource', topic: 'orders', file: '/in' };
const make = async (...names: string[]) => {
  for (const name of names) expect((await rest.call('POST', '/connectors', { name, config })).status).toBe(201);
};
const names = async () => (await rest.call('GET', '/connectors')).body;
const filesOf = (of: readonly string[]): string => {
  const path = join(folder, 'many.json');
  writeFileSync(path, JSON.stringify(of.map((name) => ({ name, config }))));
  return path;
};

/** The API, but for what it answers to this path. */
const answering =
  (path: string, status: number, message: string): Send =>
  async (request) =>
    request.method !== 'GET' && request.url.pathname === path
      ? { status, headers: {}, body: Buffer.from(JSON.stringify({ error_code: status, message })) }
      : httpOf(rest)(request);

describe('what is refused of one keeps none of the others', () => {
  const busy = () => ({ http: answering('/connectors/b', 500, 'busy') });

  test('delete tries all, says which stayed and ends with 1', async () => {
    await make('a', 'b', 'c');
    expect(await type(['delete', '-f', filesOf(['a', 'b', 'c'])], busy())).toEqual({
      code: 1,
      out: 'connector/a deleted\nconnector/c deleted\n',
      err: 'connector/b: busy\ndrover: 1 of 3 was not deleted\n',
    });
    expect(await names()).toEqual(['b']);
  });

  test('delete of what is not there ends with 3, and with 1 where more is wrong', async () => {
    await make('a', 'b');
    const said = await type('delete a orders nobody');
    expect(said).toMatchObject({ code: 3, out: 'connector/a deleted\n' });
    expect(said.err).toMatch(
      /^connector\/nobody: There is no connector nobody.*\ndrover: 2 of 3 were not deleted\n$/ms,
    );
    const more = await type('delete nobody b --json', busy());
    expect(more.code).toBe(1);
    expect(JSON.parse(more.out)).toEqual({ deleted: [], missing: ['nobody'], refused: [{ name: 'b', error: 'busy' }] });
    expect(await type('delete nobody b --ignore-not-found')).toMatchObject({ code: 0, out: 'connector/b deleted\n' });
  });

  test('pause, and restart of tasks, try all', async () => {
    await make('a', 'b');
    expect(await type('pause nobody a')).toMatchObject({ code: 3, out: 'connector/a paused\n' });
    await type('resume a');
    await actConnectorRun(rest, 'a', [{}, {}]);
    expect(await type('restart a/0 a/7 a/1')).toMatchObject({
      code: 3,
      out: 'task/a/0 restarted\ntask/a/1 restarted\n',
      err: expect.stringContaining('task/a/7: '),
    });
  });

  test('get and describe show those that are there', async () => {
    await make('a', 'b');
    for (const verb of ['get', 'describe']) {
      const said = await type(`${verb} nobody b`);
      expect(said).toMatchObject({ code: 3, err: expect.stringContaining('There is no connector nobody') });
      expect(said.out).toMatch(/\bb\b/);
    }
    expect(await type('get nobody')).toMatchObject({ code: 3, out: '' });
  });

  test('get topics tells of the others, and that one could not be asked', async () => {
    await make('a', 'b');
    await rest.stores.status.addActiveTopics('b', ['moved']);
    const http: Send = async (request) =>
      request.url.pathname === '/connectors/a/topics'
        ? { status: 500, headers: {}, body: Buffer.from('{"error_code":500,"message":"busy"}') }
        : httpOf(rest)(request);
    expect(await type('get topics', { http })).toEqual({
      code: 1,
      out: 'CONNECTOR  TOPIC\nb          moved\n',
      err: 'connector/a: busy\ndrover: 1 of 2 could not be asked\n',
    });
    expect(await type('get topics nobody')).toMatchObject({ code: 3, out: '' });
  });

  test('where nobody lets us in any more those behind are not tried, and what was done is told', async () => {
    await make('a', 'b', 'c');
    const http = answering('/connectors/b', 403, 'Forbidden');
    const said = await type('delete a b c --json', { http });
    expect(said.code).toBe(4);
    expect(JSON.parse(said.out)).toMatchObject({ deleted: ['a'] });
    expect(await names()).toEqual(['b', 'c']);
  });
});

test('apply is done, whether or not the caller may ask for reports', async () => {
  const http: Send = async (request) =>
    request.url.pathname.startsWith('/drover')
      ? { status: 403, headers: {}, body: Buffer.from('{"message":"Forbidden"}') }
      : httpOf(rest)(request);
  expect(await type(['apply', '-f', filesOf(['a', 'b'])], { http })).toEqual({
    code: 0,
    out: 'connector/a created\nconnector/b created\n',
    err: '',
  });
});

describe('names', () => {
  const odd = ['a b', 'ü;x?#&=+', '😀', 'a..b', '...', 'con', 'Orders', 'orders', 'orders.offsets', 'x'.repeat(300)];

  test.each(odd)('every command reaches %j', async (name) => {
    await make(name);
    for (const verb of ['get connector', 'describe connector', 'pause', 'resume', 'restart', 'export', 'get topics']) {
      expect(await type([...verb.split(' '), name])).toMatchObject({ code: 0 });
    }
    expect(await type(['patch', name, '--set', 'topic=other'])).toMatchObject({ code: 0 });
    expect(await type(['stop', name])).toMatchObject({ code: 0 });
    await actConnectorRun(rest, name, []);
    expect(await type(['offsets', 'reset', name])).toMatchObject({ code: 0 });
    expect(await type(['offsets', 'history', name])).toMatchObject({ code: 0 });
    expect(await type(['delete', name])).toMatchObject({ code: 0 });
    expect(await names()).toEqual([]);
  });

  test('a folder of them is written, and is what apply finds', async () => {
    await make(...odd);
    const to = join(folder, 'odd');
    expect(await type(['export', '--dir', to, '--offsets'])).toMatchObject({ code: 0 });
    expect(new Set(readdirSync(to).map((file) => file.toLowerCase())).size).toBe(2 * odd.length);
    const applied = await type(['apply', '-f', to]);
    expect(applied.code).toBe(0);
    expect(applied.out.split('\n').sort()).toEqual(['', ...odd.map((name) => `connector/${name} unchanged`)].sort());
  });

  const unreachable = ['a/b', '/', '..', '.', 'a%41', '100%', 'a\\b', '\ufffd'];

  test.each(unreachable)('%j is made as Java makes it, by the API alone, and can be deleted', async (name) => {
    const file = filesOf([name, 'well']);
    for (const verb of ['validate', 'apply', 'import']) {
      expect(await type([verb, '-f', file])).toMatchObject({ code: 1 });
    }
    expect((await type(['validate', '-f', file])).out).toMatch(/: name: .*which no path of the REST API can hold/);
    expect(await names()).toEqual(['well']);
    await make(name);
    for (const verb of ['get', 'describe', 'pause', 'restart', 'offsets']) {
      const said = await type([verb, name]);
      expect(said).toMatchObject({ code: 3, out: '' });
      expect(said.err).toContain('is out of reach');
    }
    expect(await type('get connectors')).toMatchObject({ code: 0, out: expect.stringContaining(name) });
    expect(await type('get topics')).toMatchObject({ code: 3 });
    expect(await type(['delete', name])).toMatchObject({ code: 0 });
    expect(await names()).toEqual(['well']);
    expect((await type(['delete', name])).code).toBe(3);
  });

  test('a connector and a number is a task, wherever one may be named', async () => {
    await make('a');
    await actConnectorRun(rest, 'a', [{}, {}]);
    expect(await type('restart a/0')).toMatchObject({ code: 0, out: 'task/a/0 restarted\n' });
    expect((await type('get a/1 -o name')).out).toBe('a/1\n');
    for (const verb of ['pause', 'describe', 'delete', 'stop']) {
      expect(await type(`${verb} a/0`)).toMatchObject({
        code: 2,
        err: expect.stringContaining(`a/0 is a task, and drover ${verb} is for connectors`),
      });
    }
    expect(await type('restart a a/0')).toMatchObject({ code: 2 });
  });
});

test.each(['proxy', 'console'])('%s says what to do where its port is taken', async (command) => {
  const other = createServer();
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const { port } = other.address() as AddressInfo;
  try {
    expect(await type(`${command} --port ${port}`)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`Something else listens on port ${port}: take another with --port`),
    });
  } finally {
    other.close();
  }
});
