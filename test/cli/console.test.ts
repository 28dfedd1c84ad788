import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { ConnectorWatch, topicsOf } from '../../cli/console/overview.ts';
import { createConsole } from '../../cli/console/server.ts';
import { gistOf } from '../../src/errors.ts';
import { fakeInstallation } from '../support/fake-installation.ts';

const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

const noRuns = { look: async () => ({ cursor: '1.0', cut: false, runs: [] }) };

async function startConsole() {
  const installation = fakeInstallation(({ url }) => (url.pathname.endsWith('/none') ? undefined : {}));
  const server = createConsole({ installation, letters: null, runs: noRuns, now: Date.now, version: '1' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const { port } = server.address() as AddressInfo;
  const ask = async (method: string, path: string, headers: Record<string, string> = {}, body = '') => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers });
    outgoing.end(body);
    const [incoming] = await once(outgoing, 'response');
    return { status: incoming.statusCode as number, headers: incoming.headers, body: await text(incoming) };
  };
  const page = await ask('GET', '/');
  const token = /name="drover-token" content="([\w-]{32})"/.exec(page.body)![1]!;
  return { ask, port, page, headers: { 'x-drover-console': token }, asked: installation.asked };
}

test('the page is its own alone: no script, style or address of anybody else, and nothing inline', async () => {
  const { ask, page } = await startConsole();
  const policy = page.headers['content-security-policy'] as string;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toMatch(/unsafe|http|\*/);
  expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  expect(page.headers).not.toHaveProperty('access-control-allow-origin');
  expect(page.body).not.toMatch(/<script(?![^>]* src="\/)|<style|style=|\son\w+=|https?:/);
  // Every module is there, and names only others that are.
  const open = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  const seen = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const answer = await ask('GET', path);
    expect([path, answer.status]).toEqual([path, 200]);
    if (!path.endsWith('.js')) continue;
    expect(answer.headers['content-type']).toMatch(/^text\/javascript/);
    for (const [, name] of answer.body.matchAll(/\bfrom\s*["']([^"']+)["']/g)) {
      open.push(new URL(name!, `http://page${path}`).pathname);
    }
  }
  expect([...seen]).toEqual(expect.arrayContaining(['/console/main.js', '/cli/json.js', '/vendor/preact-hooks.js']));
  for (const path of ['/console/tsconfig.json', '/package.json', '/console/../package.json', '/%2e%2e/package.json']) {
    expect((await ask('GET', path)).status).toBe(404);
  }
});

test.each([
  ['another name for this machine', { host: 'evil.example' }, 403],
  ['this name at another port', { host: '127.0.0.1:1' }, 403],
  ['a page of another site', { origin: 'https://evil.example' }, 403],
  ['another page of this machine', { origin: 'http://127.0.0.1:1' }, 403],
  ['a page without an origin', { origin: 'null' }, 403],
  ['a picture in another site', { 'sec-fetch-site': 'cross-site' }, 403],
  ['another port of this machine', { 'sec-fetch-site': 'same-site' }, 403],
  ['no token', { 'x-drover-console': '' }, 401],
  ['a wrong token', { 'x-drover-console': 'x'.repeat(32) }, 401],
])('nothing is handed on for %s', async (_who, more, status) => {
  const { ask, headers, asked } = await startConsole();
  for (const [method, path] of [
    ['PUT', '/api/connectors/a/pause'],
    ['GET', '/api/connectors'],
    ['GET', '/ask/overview'],
  ] as const) {
    const answer = await ask(method, path, { ...headers, ...more });
    expect([path, answer.status]).toEqual([path, status]);
  }
  expect(asked).toEqual([]);
});

test('what its own page asks goes on as it stands, signed by the installation', async () => {
  const { ask, port, headers, asked } = await startConsole();
  const own = { ...headers, origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' };
  const path = '/api/connectors/a%2Fb%20c/config?x=1';
  const answer = await ask('PUT', path, { ...own, 'content-type': 'application/json', cookie: 'c' }, '{"a":"ü"}');
  expect(answer).toMatchObject({ status: 200, body: '{}' });
  const [sent] = asked;
  expect(sent!.url.href).toBe(
    'https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod/connectors/a%2Fb%20c/config?x=1',
  );
  expect(sent).toMatchObject({
    method: 'PUT',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
  });
  expect(Object.keys(sent!.headers)).not.toContain('cookie');
  expect(Buffer.from(sent!.body).toString()).toBe('{"a":"ü"}');
  expect(await ask('GET', '/api/none', own)).toMatchObject({ status: 404, body: expect.stringContaining('not found') });
  expect(await ask('DELETE', '/ask/overview', own)).toMatchObject({ status: 405 });
  expect(await ask('POST', '/', own)).toMatchObject({ status: 405 });
});

test('rates are what the counters have gained; however often it is asked, the table is not', async () => {
  let now = 1_000_000;
  let records = 0;
  let reports = 0;
  const status = { state: 'RUNNING', workerId: 'w', trace: null };
  const config = { 'connector.class': 'FileStreamSink', topics: 'a, b' };
  const connector = { name: 'c', type: 'sink', config, status, tasks: [{ id: 0, ...status }] };
  const task = () => ({
    id: 0,
    empty_runs: 7,
    records,
    bytes: records * 10,
    runs: 1,
    running: true,
    lag: { records: 5, seconds: 1 },
  });
  const rest = {
    find: async () => {
      reports++;
      return { connectors: [{ name: 'c', tasks: [{ ...task(), last_run_at: null, next_due_at: null }] }] };
    },
  };
  const watch = new ConnectorWatch(
    rest,
    async () => [connector],
    () => now,
  );
  expect((await watch.look(false)).connectors[0]).toMatchObject({
    recordRate: null,
    lag: 5,
    topics: ['a', 'b'],
    tasks: [{ id: 0, state: 'RUNNING', emptyRuns: 7, lastRunAt: null }],
  });
  await watch.look(false);
  expect(reports).toBe(1);
  now += 10_000;
  records = 500;
  expect((await watch.look(false)).connectors[0]).toMatchObject({ recordRate: 50, byteRate: 500, records: 500 });
  // A new generation of tasks counts from nothing.
  now += 10_000;
  records = 20;
  expect((await watch.look(false)).connectors[0]).toMatchObject({ recordRate: null, records: 20 });
  expect((await watch.look(true)).every).toBeGreaterThan(0);
  expect(reports).toBe(4);
});

test('an error is told by why it was and where it ended', () => {
  expect(gistOf('ConnectException: Tolerance exceeded\n\tat a\nCaused by: DataException: no JSON\n\tat b')).toBe(
    'DataException: no JSON – ConnectException: Tolerance exceeded',
  );
  expect(gistOf('one line')).toBe('one line');
});

test('topics are those that a config names', () => {
  expect(topicsOf('source', { topic: 'a' })).toEqual(['a']);
  expect(topicsOf('source', { 'kafka.topic': 'b' })).toEqual(['b']);
  expect(topicsOf('sink', { 'topics.regex': 'a.*' })).toEqual([]);
});
