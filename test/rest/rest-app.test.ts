import { describe, expect, it } from 'vitest';
import type { Herder } from '../../src/herder/herder.ts';
import { createRestApp } from '../../src/rest/rest-app.ts';
import type { RestRequest } from '../../src/rest/rest-request.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** What comes before any handler: path, method and headers, in Java's order and words. */

const logged: string[] = [];
const herder = {
  connectorNames: async () => ({ names: ['a'], next: null }),
  connectorConfig: async (name: string) => ({ name }),
  taskStatus: async (_name: string, id: number) => ({ id, state: 'RUNNING', workerId: 'w', version: '1', trace: null }),
  setTargetState: async () => {},
  createConnector: async (name: string) => ({ name, config: {}, tasks: [], type: 'source' }),
  deleteConnector: async () => {
    throw new Error('secret=hunter2');
  },
} as unknown as Herder;
const app = createRestApp({
  herder,
  telemetry: createTelemetry({ clock: new ManualClock(), write: (line) => logged.push(line) }),
});

const call = async (method: string, target: string, more: Partial<RestRequest> = {}) => {
  const [path = '', query = ''] = target.split('?');
  const base = { method, path, query, pathDecoded: false, headers: {}, body: '', baseUrl: 'http://host/prod' };
  return app({ ...base, ...more });
};
const json = { 'content-type': 'application/json' };

describe('paths', () => {
  it.each(['/nope', '/connectors/a/nope', '/Connectors', '/admin', '/connectors/a/tasks/0', '/drover/nope'])(
    'GET %s is no resource: 404 in the generic words',
    async (path) => {
      const { status, headers, body } = await call('GET', path);
      expect([status, headers, body]).toEqual([404, json, '{"error_code":404,"message":"HTTP 404 Not Found"}']);
    },
  );

  it.each(['/connectors/', '/connectors'])('GET %s: one slash at the end makes no difference', async (path) => {
    expect((await call('GET', path)).body).toBe('["a"]');
  });

  it.each([
    ['/connectors/a%20b/config', 'a b'],
    ['/connectors/%C3%A9%F0%9F%98%80/config', 'é😀'],
    ['/connectors/a+b/config', 'a+b'],
    ['/connectors/a%3Bb%3Fc%23d/config', 'a;b?c#d'],
    ['/connectors/a;x=y/config;z', 'a'],
    ['/connectors/../config', '..'],
  ])('%s is the connector %j', async (path, name) => {
    expect(JSON.parse((await call('GET', path)).body)).toEqual({ name });
  });

  it.each([
    '//',
    '/connectors//',
    '//connectors',
    '/connectors/%2F',
    '/connectors/a%25b',
    '/connectors/a%5cb',
    '/connectors/%FF',
    '/connectors/%zz',
    '/connectors/%',
    '/connectors/a%0Ab',
    '/connectors/%00',
  ])('GET %s is refused as Java refuses it: 400', async (path) => {
    const { status, headers, body } = await call('GET', path);
    expect([status, headers, JSON.parse(body).error_code]).toEqual([400, json, 400]);
  });

  it.each(['/connectors/a\\b', '/connectors/a\ufffd', '/connectors/50%', '/connectors/a%25b', '/connectors/a\nb'])(
    'refuses %j, decoded by a gateway, as it would before',
    async (path) => {
      expect((await call('GET', path, { pathDecoded: true })).status).toBe(400);
    },
  );

  it('takes a path that a gateway has decoded as it is', async () => {
    const { body } = await call('GET', '/connectors/50 ;é/config', { pathDecoded: true });
    expect(JSON.parse(body)).toEqual({ name: '50 ;é' });
  });

  it.each([
    ['0', 200],
    ['007', 200],
    ['-1', 200],
    ['abc', 404],
    ['1.0', 404],
    ['99999999999', 404],
    ['%20', 404],
  ])('task %s answers %i', async (task, status) => {
    expect((await call('GET', `/connectors/a/tasks/${task}/status`)).status).toBe(status);
  });
});

describe('methods', () => {
  it.each([
    ['DELETE', '/connectors'],
    ['PUT', '/connectors'],
    ['POST', '/connectors/a'],
    ['GET', '/connectors/a/pause'],
    ['PATCH', '/'],
    ['TRACE', '/connectors'],
    ['get', '/connectors'],
  ])('%s %s answers 405 and says what is allowed', async (method, path) => {
    const { status, headers, body } = await call(method, path);
    expect([status, body]).toEqual([405, '{"error_code":405,"message":"HTTP 405 Method Not Allowed"}']);
    expect(headers.allow).toContain('OPTIONS');
  });

  it('HEAD is GET without the body', async () => {
    expect(await call('HEAD', '/connectors')).toEqual({ status: 200, headers: json, body: '' });
  });

  it('OPTIONS tells the methods', async () => {
    const { status, headers } = await call('OPTIONS', '/connectors');
    expect([status, headers.allow]).toEqual([200, 'GET,POST,HEAD,OPTIONS']);
    expect((await call('OPTIONS', '/nope')).status).toBe(404);
  });
});

describe('headers', () => {
  const created = { name: 'a', config: {} };
  it.each<[string, string, Record<string, string>, string, number]>([
    ['POST', '/connectors', json, JSON.stringify(created), 201],
    ['POST', '/connectors', { 'content-type': 'APPLICATION/JSON; charset=utf-8' }, JSON.stringify(created), 201],
    ['POST', '/connectors', {}, JSON.stringify(created), 415],
    ['POST', '/connectors', { 'content-type': 'text/plain' }, JSON.stringify(created), 415],
    ['POST', '/connectors', { 'content-type': 'text/json' }, JSON.stringify(created), 415],
    ['POST', '/connectors', {}, '', 400],
    ['PUT', '/connectors/a/pause', json, '', 202],
    ['PUT', '/connectors/a/pause', {}, '', 202],
    ['PUT', '/connectors/a/pause', json, 'null', 202],
    ['PUT', '/connectors/a/pause', json, '""', 202],
    ['PUT', '/connectors/a/pause', {}, 'anything', 202],
    ['PUT', '/connectors/a/pause', { 'content-type': 'text/plain' }, '', 415],
    ['GET', '/connectors', { 'content-type': 'text/plain' }, '', 415],
    ['GET', '/connectors', { accept: '*/*' }, '', 200],
    ['GET', '/connectors', { accept: '' }, '', 200],
    ['GET', '/connectors', { accept: 'text/html, application/json;q=0.5' }, '', 200],
    ['GET', '/connectors', { accept: 'application/*' }, '', 200],
    ['GET', '/connectors', { accept: 'text/html' }, '', 406],
    ['GET', '/connectors', { accept: 'garbage' }, '', 406],
    ['GET', '/connectors', { authorization: 'Basic Og==' }, '', 200],
    ['GET', '/nope', { accept: 'text/html' }, '', 404],
    ['DELETE', '/connectors', { 'content-type': 'text/plain' }, '', 405],
  ])('%s %s with %j and body %j answers %i', async (method, path, headers, body, status) => {
    const response = await call(method, path, { headers, body });
    expect(response.status).toBe(status);
    if (response.body !== '') expect(response.headers['content-type']).toBe('application/json');
  });

  it.each(['*/*', 'application/*'])(
    'content type %s is JSON where no body is read, and nothing where one is',
    async (type) => {
      const headers = { 'content-type': type };
      expect((await call('PUT', '/connectors/a/pause', { headers })).status).toBe(202);
      expect((await call('PUT', '/connectors/a/config', { headers, body: '{}' })).status).toBe(415);
    },
  );
});

describe('bodies', () => {
  const post = async (body: string) => {
    const response = await call('POST', '/connectors', { headers: json, body });
    return [response.status, JSON.parse(response.body)] as const;
  };

  it('answers 201 with the place of what was created', async () => {
    const { headers } = await call('POST', '/connectors', { headers: json, body: '{"name":" a é/ ","config":{}}' });
    expect(headers.location).toBe('http://host/prod/connectors/a%20%C3%A9/');
  });

  it.each([
    'null',
    '[]',
    '"x"',
    '1',
    '{}',
    '{"name":"a"}',
    '{"name":"a","config":null}',
    '{"name":"a","config":[]}',
    '{"name":"a","config":{"k":{}}}',
    '{"name":"a","config":{"k":[1]}}',
    '{"name":{},"config":{}}',
    '{"name":"a","config":{},"foo":1}',
    '{"name":"a","config":{},"initial_state":"FOO"}',
    '{"name":"a","config":{},"initial_state":"constructor"}',
    '{bad',
    ' ',
  ])('refuses %s with 400 and a message', async (body) => {
    const [status, answer] = await post(body);
    expect([status, answer.error_code, Object.keys(answer)]).toEqual([400, 400, ['error_code', 'message']]);
    expect(answer.message).not.toBe('');
  });

  it.each([
    ['a+b;c=d&e:@$,', 'a+b;c=d&e:@$,'],
    ['é ?#[]{}|', '%C3%A9%20%3F%23%5B%5D%7B%7D%7C'],
    ['a/b', 'a/b'],
    ['/a', 'a'],
    ['a%41%zz', 'a%41%25zz'],
    ['a\u00a0', 'a%C2%A0'],
  ])('the place of %j is what Java says', async (name, place) => {
    const body = JSON.stringify({ name, config: {} });
    const { status, headers } = await call('POST', '/connectors', { headers: json, body });
    expect([status, headers.location]).toEqual([201, `http://host/prod/connectors/${place}`]);
  });

  it('refuses a body that is not UTF-8', async () => {
    const more = { headers: json, body: '{"name":"\ufffd","config":{}}' };
    expect((await call('POST', '/connectors', { ...more, bodyNotUtf8: true })).status).toBe(400);
    expect((await call('POST', '/connectors', more)).status).toBe(201);
  });

  it('creates nothing from half of a surrogate pair', async () => {
    const { status } = await call('POST', '/connectors', { headers: json, body: '{"name":"a\\ud83d","config":{}}' });
    expect(status).toBe(400);
  });

  it('answers 413 to a body that cannot be a connector', async () => {
    expect((await post(`{"name":"a","config":{"k":"${'x'.repeat(1_100_000)}"}}`))[0]).toBe(413);
  });
});

it('tells nothing of an error that nobody foresaw, and logs it', async () => {
  const { status, body } = await call('DELETE', '/connectors/a');
  expect(status).toBe(500);
  expect(body).not.toContain('hunter2');
  expect(logged.join()).toContain('DELETE /connectors/a failed');
});
