import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type HttpApiEvent, requestOf, resultOf } from '../../src/rest/api-gateway.ts';
import { pathSegments } from '../../src/rest/rest-request.ts';

const event = (rawPath: string, more: Partial<HttpApiEvent> = {}, stage = '$default'): HttpApiEvent => ({
  rawPath,
  rawQueryString: '',
  headers: { Host: 'api.example.com', 'X-Forwarded-Proto': 'https' },
  requestContext: { stage, domainName: 'd.example.com', http: { method: 'get' } },
  ...more,
});
const at = (given: HttpApiEvent, pathPrefix = '') => requestOf(given, { pathPrefix });

describe('requestOf', () => {
  it('takes a stage and a mapping off the path and keeps them for locations', () => {
    const request = at(event('/kafka/prod/connectors/a', {}, 'prod'), '/kafka');
    expect([request.path, request.baseUrl]).toEqual(['/connectors/a', 'https://api.example.com/kafka/prod']);
    expect(at(event('/prod', {}, 'prod')).path).toBe('/');
    expect(at(event('/connectors', {}, 'connectors-stage')).path).toBe('/connectors');
    expect(at(event('/production/x', {}, 'prod')).path).toBe('/production/x');
  });

  it.each([
    ['/connectors/a%20b', false],
    ['/connectors/a b', true],
    ['/connectors/é', true],
    ['/connectors/50%', true],
    ['/connectors/a', true],
    ['/connectors/a;b', true],
    ['/connectors/a%25b', true],
    ['/connectors/a%2Fb', false],
  ])('sees whether %s was decoded by the gateway: %s', (path, decoded) => {
    expect(at(event(path)).pathDecoded).toBe(decoded);
  });

  it('refuses what a proxy in front saw escaped, and takes no path from it', async () => {
    const saw = (uri: string) => pathSegments(at(event('/connectors/a/b', { headers: { 'x-forwarded-uri': uri } })));
    expect(saw('/connectors/a%2Fb?x=1')).toHaveProperty('refused');
    expect(saw('/connectors/other?x=%2F')).toEqual({ segments: ['connectors', 'a', 'b'] });
  });

  it('sees a body in base64 that is not UTF-8', () => {
    const bytes = (...codes: number[]) => Buffer.from(codes).toString('base64');
    expect(at(event('/connectors', { body: bytes(0x22, 0xe9, 0x22), isBase64Encoded: true })).bodyNotUtf8).toBe(true);
    expect(at(event('/connectors', { body: bytes(0x22, 0x22), isBase64Encoded: true })).bodyNotUtf8).toBe(false);
  });

  it('reads bodies in base64 and headers in any spelling', () => {
    const body = Buffer.from('{"é":1}').toString('base64');
    const request = at(event('/', { body, isBase64Encoded: true, headers: { 'Content-TYPE': 'application/json' } }));
    expect([request.body, request.headers['content-type'], request.method]).toEqual([
      '{"é":1}',
      'application/json',
      'GET',
    ]);
    expect(at(event('/', { body: null })).body).toBe('');
  });

  it('makes no location out of a host that is none', () => {
    expect(at(event('/', { headers: { host: 'evil.com/path?' } })).baseUrl).toBe('');
  });
});

describe('resultOf', () => {
  const headers = { 'content-type': 'application/json' };

  it('passes an answer on', () => {
    const result = resultOf({ status: 200, headers, body: '[]' }, undefined);
    expect(result).toEqual({ statusCode: 200, headers, body: '[]', isBase64Encoded: false });
  });

  it('compresses what Lambda could not carry, for callers that take it', () => {
    const body = JSON.stringify(Array.from({ length: 400_000 }, (_, i) => `connector-${i}`));
    const result = resultOf({ status: 200, headers, body }, 'deflate, gzip');
    expect(result.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(Buffer.from(result.body, 'base64')).toString()).toBe(body);
  });

  it('refuses it clearly for the others', () => {
    const result = resultOf({ status: 200, headers, body: JSON.stringify('x'.repeat(6_000_000)) }, undefined);
    expect(result.statusCode).toBe(413);
    expect(JSON.parse(result.body)).toEqual({ error_code: 413, message: expect.stringContaining('6 MB') });
  });
});
