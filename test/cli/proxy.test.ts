import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import type { HttpAnswer, HttpRequest } from '../../cli/http.ts';
import { createProxy } from '../../cli/proxy.ts';

const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

const target = 'https://a1b2c3.execute-api.eu-west-1.amazonaws.com';

async function startProxy(restUrl: string, answer: Partial<HttpAnswer> = {}, hosts: string[] = []) {
  const asked: HttpRequest[] = [];
  const send = async (one: HttpRequest): Promise<HttpAnswer> => {
    asked.push(one);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}'), ...answer };
  };
  const server = createProxy({ installation: { restUrl, send }, hosts });
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
  return { ask, asked, port };
}

test('a request goes on as it is, but for what is of the way', async () => {
  const { ask, asked } = await startProxy(`${target}/prod`);
  const headers = {
    authorization: 'Basic Og==',
    'content-type': 'application/json',
    'user-agent': 'kcctl',
    connection: 'close',
  };
  await ask('PUT', '/connectors/a%2Fb%20c/config?x=1&x=2', headers, '{"a":"ü"}');
  const [sent] = asked;
  expect(sent!.method).toBe('PUT');
  expect(sent!.url.href).toBe(`${target}/prod/connectors/a%2Fb%20c/config?x=1&x=2`);
  expect(Buffer.from(sent!.body).toString()).toBe('{"a":"ü"}');
  expect(sent!.headers).toEqual({ 'content-type': 'application/json', 'user-agent': 'kcctl' });
});

test.each([
  [target, `${target}/connectors/a`, '/connectors/a'],
  [`${target}/prod`, `${target.replace('https', 'http')}/prod/connectors/a%20b`, '/connectors/a%20b'],
])('an answer comes back as it is, its location through the proxy: %s', async (base, location, path) => {
  const { ask, port } = await startProxy(base, {
    status: 201,
    headers: { 'content-type': 'application/json', location, connection: 'keep-alive' },
    body: Buffer.from('{"name":"a"}'),
  });
  const answer = await ask('POST', '/connectors');
  expect([answer.status, answer.body, answer.headers.location]).toEqual([
    201,
    '{"name":"a"}',
    `http://127.0.0.1:${port}${path}`,
  ]);
  const empty = await startProxy(target, { status: 204, headers: {}, body: Buffer.alloc(0) });
  expect(await empty.ask('DELETE', '/connectors/a')).toMatchObject({ status: 204, body: '' });
});

test.each([
  ['a page of another site', { origin: 'https://evil.example' }],
  ['a page without an origin', { origin: 'null' }],
  ['a browser that says so', { 'sec-fetch-site': 'cross-site' }],
  ['another name for this machine', { host: 'evil.example:8083' }],
])('nobody acts as the user but programs of this machine: %s', async (_who, headers) => {
  const { ask, asked } = await startProxy(target);
  const answer = await ask('DELETE', '/connectors/a', headers as Record<string, string>);
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.body)).toEqual({
    error_code: 403,
    message: expect.stringMatching(/^The proxy does not answer to/),
  });
  expect(asked).toEqual([]);
});

test('its own pages and names that were allowed may ask', async () => {
  const { ask, asked } = await startProxy(target, {}, ['host.docker.internal']);
  await ask('GET', '/', { origin: 'http://localhost:3000', host: 'localhost:8083' });
  await ask('GET', '/', { host: 'host.docker.internal:8083' });
  await ask('GET', '/', { host: '[::1]:8083' });
  expect(asked).toHaveLength(3);
});

test('what the installation does not answer is told in Connect’s own shape', async () => {
  const send = () => Promise.reject(new Error('it does not answer'));
  const server = createProxy({ installation: { restUrl: target, send }, hosts: [] });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/connectors`);
  expect([answer.status, await answer.json()]).toEqual([502, { error_code: 502, message: 'it does not answer' }]);
});
