import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSigner } from '../../cli/sign.ts';

const credentials = async () => ({
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
});
const at = new Date('2015-08-30T12:36:00Z');
const scope = 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';

/** Of AWS's published test suite (aws-sig-v4-test-suite): the request, and the signature that it must have. */
test.each([
  ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
])('a request is signed as AWS’s test suite says: %s', async (_name, method, target, signature) => {
  const sign = createSigner({ region: 'us-east-1', service: 'service', credentials, contentHash: false });
  const url = new URL(target, 'https://example.amazonaws.com');
  const signed = await sign({ method, url, headers: {}, body: new Uint8Array() }, at);
  expect(signed.headers['x-amz-date']).toBe('20150830T123600Z');
  expect(signed.headers.authorization).toBe(
    `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
  );
});

/** As the service does it: from what arrives, by the rules of the documentation, with nothing of ours. */
function verify(request: { method: string; url: URL; headers: Readonly<Record<string, string>>; body: Uint8Array }) {
  const [, scopeText = '', names = '', signature] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)/.exec(request.headers.authorization ?? '') ?? [];
  const hash = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = request.url.search.slice(1).split('&').filter(Boolean).sort().join('&');
  const headers = names
    .split(';')
    .map((name) => `${name}:${request.headers[name]?.trim()}\n`)
    .join('');
  const canonical = [
    request.method,
    request.url.pathname.split('/').map(encode).join('/'),
    query,
    headers,
    names,
    hash(request.body),
  ].join('\n');
  const [day = '', region = '', service = ''] = scopeText.split('/');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    'AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  );
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scopeText, hash(canonical)].join('\n');
  expect(signature).toBe(createHmac('sha256', key).update(text).digest('hex'));
  return names.split(';');
}

test.each([
  ['a name with a blank, a slash and an umlaut', `/connectors/${encodeURIComponent('an order/ü%')}/status`, ''],
  ['a query with values that come twice', '/connectors?expand=status&expand=info', ''],
  ['a plus that means a blank, and marks', "/x?name=a+b&mark=it's*(so)!", ''],
  ['a body', '/connectors', '{"name":"ü","config":{}}'],
])('what is sent is what was signed: %s', async (_what, target, text) => {
  const sign = createSigner({ region: 'eu-west-1', credentials });
  const body = Buffer.from(text);
  const headers = { authorization: 'Basic Og==', 'content-type': 'application/json', 'user-agent': 'a client' };
  const url = new URL(target, 'https://a1b2c3.execute-api.eu-west-1.amazonaws.com');
  const signed = await sign({ method: 'PUT', url, headers, body }, at);
  expect(verify(signed)).toEqual(['content-type', 'host', 'x-amz-content-sha256', 'x-amz-date']);
  expect(signed.url.searchParams.getAll('expand')).toEqual(url.searchParams.getAll('expand'));
  expect(signed.url.searchParams.get('name')).toBe(url.searchParams.get('name'));
  expect(signed.url.pathname).toBe(url.pathname);
  expect(signed.headers['user-agent']).toBe('a client');
  expect(signed.headers.authorization).toMatch(/^AWS4/);
});

test('a session’s token goes along, signed', async () => {
  const session = async () => ({ ...(await credentials()), sessionToken: 'a token' });
  const sign = createSigner({ region: 'eu-west-1', credentials: session });
  const url = new URL('https://a1b2c3.execute-api.eu-west-1.amazonaws.com/');
  const signed = await sign({ method: 'GET', url, headers: {}, body: new Uint8Array() }, at);
  expect(signed.headers['x-amz-security-token']).toBe('a token');
  expect(verify(signed)).toContain('x-amz-security-token');
});
