import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { CompactSign, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { jwtAuth } from '../../../connectors/webhook/auth/jwt.ts';
import { requestOf } from '../../../connectors/webhook/request.ts';
import { hmac, httpEvent, now, send } from './requests.ts';

const body = '{"id":"evt_1","amount":12.50}';
const seconds = String(now / 1000);
const secret = 'a secret of some length';

describe('API key', () => {
  const config = { 'http.auth.type': 'apikey', 'http.auth.apikey.keys': 'first-key, second-key' };

  it.each(['first-key', 'second-key'])('%s is let in', async (key) => {
    expect((await send(config, { body, headers: { 'x-api-key': key } })).status).toBe(200);
  });

  it.each(['', 'first-ke', 'first-key ', 'first-key,second-key', 'x'.repeat(100_000)])(
    'another is not, and no record is made: %#',
    async (key) => {
      const told = await send(config, { body, headers: { 'x-api-key': key } });
      expect([told.status, told.items]).toEqual([401, []]);
      expect(told.body).toEqual({ error_code: 401, message: 'The API key in X-Api-Key is none of this hook' });
    },
  );

  it('its header is named to who sends none', async () => {
    const told = await send(config, { body });
    expect(told.status).toBe(401);
    expect(told.body.message).toBe('This hook needs an API key: send it as "X-Api-Key: <key>"');
    expect(told.headers['www-authenticate']).toBeDefined();
  });

  it('stands behind Bearer in Authorization', async () => {
    const bearer = { ...config, 'http.auth.apikey.header': 'Authorization' };
    expect((await send(bearer, { body, headers: { authorization: 'Bearer second-key' } })).status).toBe(200);
    expect((await send(bearer, { body, headers: { authorization: 'Basic second-key' } })).status).toBe(401);
  });

  it('may have commas in it in a JSON array', async () => {
    const array = { ...config, 'http.auth.apikey.keys': '["a,b","c"]' };
    expect((await send(array, { body, headers: { 'x-api-key': 'a,b' } })).status).toBe(200);
    expect((await send(array, { body, headers: { 'x-api-key': 'a' } })).status).toBe(401);
  });

  it.each(['', ' , ', '[]', '["a",1]', '[broken'])('none at all is no open door: %j', async (keys) => {
    await expect(send({ ...config, 'http.auth.apikey.keys': keys }, { body })).rejects.toThrow('http.auth.apikey.keys');
  });
});

/** As each sender's own documentation says, not as the code does. */
const senders = [
  {
    preset: 'standard-webhooks',
    secret: `whsec_${Buffer.from(secret).toString('base64')}`,
    sign: (text: string | Buffer, at = seconds) => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': at,
      'webhook-signature': `v1a,other v1,${hmac(secret, Buffer.concat([Buffer.from(`msg_1.${at}.`), Buffer.from(text)]), 'base64')}`,
    }),
    id: 'msg_1',
  },
  {
    preset: 'github',
    secret,
    sign: (text: string | Buffer) => ({
      'X-GitHub-Delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'X-Hub-Signature': `sha1=${hmac(secret, text, 'hex', 'sha1')}`,
      'X-Hub-Signature-256': `sha256=${hmac(secret, text)}`,
    }),
    id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  },
  {
    preset: 'stripe',
    secret: 'whsec_as_it_is',
    sign: (text: string | Buffer, at = seconds) => ({
      'Stripe-Signature': `t=${at},v1=${hmac('whsec_as_it_is', Buffer.concat([Buffer.from(`${at}.`), Buffer.from(text)]))},v0=${'6'.repeat(64)}`,
    }),
    id: 'evt_1',
  },
  {
    preset: 'slack',
    secret,
    sign: (text: string | Buffer, at = seconds) => ({
      'X-Slack-Request-Timestamp': at,
      'X-Slack-Signature': `v0=${hmac(secret, Buffer.concat([Buffer.from(`v0:${at}:`), Buffer.from(text)]))}`,
    }),
    id: null,
  },
];

describe.each(senders)('signed as $preset', ({ preset, secret: configured, sign, id }) => {
  const config = { 'http.auth.type': 'hmac', 'http.auth.hmac.preset': preset, 'http.auth.hmac.secrets': configured };

  it('is let in, with its id in a header', async () => {
    const { status, records } = await send(config, { body, headers: sign(body) });
    expect(status).toBe(200);
    const found = records[0]!.headers.find(({ key }) => key === 'webhook.id')?.value ?? null;
    expect(found).toBe(id);
  });

  it('the exact bytes count: base64 from the HTTP API, compressed, not UTF-8, empty', async () => {
    const bytes = { ...config, 'http.record.value': 'bytes' };
    for (const raw of [Buffer.from([0xff, 0xfe, 0x00, 0x80]), Buffer.alloc(0), Buffer.from(body)]) {
      const { status, records } = await send(bytes, { body: raw, headers: sign(raw) });
      expect(status).toBe(200);
      expect(records.map(({ value }) => Buffer.from(value as Uint8Array))).toEqual([raw]);
    }
    const zipped = gzipSync(body);
    expect(
      (await send(config, { body: zipped, headers: { ...sign(zipped), 'content-encoding': 'gzip' } })).status,
    ).toBe(200);
    expect((await send(config, { body: zipped, headers: { ...sign(body), 'content-encoding': 'gzip' } })).status).toBe(
      401,
    );
  });

  it('with either secret while one follows the other', async () => {
    const other = preset === 'standard-webhooks' ? Buffer.from('other').toString('base64') : 'other';
    for (const secrets of [`${other},${configured}`, `${configured},${other}`]) {
      expect((await send({ ...config, 'http.auth.hmac.secrets': secrets }, { body, headers: sign(body) })).status).toBe(
        200,
      );
    }
    const told = await send(
      { ...config, 'http.auth.hmac.secrets': `${other},${other}` },
      { body, headers: sign(body) },
    );
    expect([told.status, told.items]).toEqual([401, []]);
    expect(told.body.message).toBe(
      'The signature does not fit: sign the exact bytes that are sent, with the secret of this hook',
    );
  });

  it('sent again inside the window it is the same message, which its id tells', async () => {
    const sent = { body, headers: sign(body) };
    const ids = [await send(config, sent), await send(config, sent)].map(
      ({ records }) => records[0]!.headers.find(({ key }) => key === 'webhook.id')?.value ?? null,
    );
    expect(ids).toEqual([id, id]);
  });

  it('a body over the limit is 413, no JSON 400, however well signed; for who cannot sign nothing is read', async () => {
    const small = { ...config, 'http.body.max.bytes': '100' };
    const large = `"${'x'.repeat(100)}"`;
    expect((await send(small, { body: large, headers: sign(large) })).status).toBe(413);
    for (const raw of [Buffer.from([0x22, 0xc3, 0x28, 0x22]), Buffer.from('{"id":')]) {
      const told = await send(config, { body: raw, headers: sign(raw) });
      expect(told.status).toBe(400);
      expect((await send(config, { body: raw, headers: sign(body) })).status).toBe(401);
    }
  });

  it('a body that was changed on the way is not', async () => {
    const changed = body.replace('12.50', '12.5');
    expect((await send(config, { body: changed, headers: sign(body) })).status).toBe(401);
  });

  it('a signature that is missing, cut, empty or of another kind is not', async () => {
    const signed: Record<string, string> = sign(body);
    const header = Object.keys(signed).find((name) => /signature(-256)?$/i.test(name) && name !== 'X-Hub-Signature')!;
    const value = signed[header]!;
    const mac = /[\da-f]{64}|[\w+/]{43}=/;
    const changed = (by: (found: string) => string) => value.replace(mac, by);
    const wrongs = [
      undefined,
      '',
      changed(() => ''),
      changed((found) => found.slice(0, -4)),
      changed((found) => `${found}00`),
      changed((found) => (found.startsWith('0') ? '1' : '0') + found.slice(1)),
      value.replace(new RegExp(`\\w+[=,](?=${mac.source})`), 'v9='),
    ];
    for (const wrong of wrongs) {
      const { [header]: _, ...rest } = signed;
      const headers = wrong === undefined ? rest : { ...rest, [header]: wrong };
      expect((await send(config, { body, headers })).status).toBe(401);
    }
  });
});

describe.each(senders.filter(({ preset }) => preset !== 'github'))(
  'the time that $preset signs',
  ({ preset, secret: configured, sign }) => {
    const config = { 'http.auth.type': 'hmac', 'http.auth.hmac.preset': preset, 'http.auth.hmac.secrets': configured };

    it.each([-300, -299, 299, 300])('%d s from now is let in', async (apart) => {
      expect((await send(config, { body, headers: sign(body, String(now / 1000 + apart)) })).status).toBe(200);
    });

    it.each([-301, 301, -86_400])('%d s from now is a replay or a wrong clock', async (apart) => {
      const told = await send(config, { body, headers: sign(body, String(now / 1000 + apart)) });
      expect([told.status, told.items]).toEqual([401, []]);
      expect(told.body.message).toContain(`${Math.abs(apart)} s from now, this hook takes 300`);
    });

    it('cannot be set anew by who has no secret', async () => {
      const old = sign(body, String(now / 1000 - 3600));
      const fresh = Object.fromEntries(
        Object.entries(old).map(([name, value]) => [name, value.replace(String(now / 1000 - 3600), seconds)]),
      );
      const told = await send(config, { body, headers: fresh });
      expect(told.status).toBe(401);
      expect(told.body.message).toContain('The signature does not fit');
    });

    const texts = ['', 'now', '-5', '+5', '1e9', '0x10', '1.5', 'NaN', 'Infinity', '٣', new Date(now).toISOString()];
    it.each([...texts, `${now}000`, '9'.repeat(400)])('is a number of seconds: %j is answered 401', async (at) => {
      const told = await send(config, { body, headers: sign(body, at) });
      expect([told.status, told.items]).toEqual([401, []]);
    });

    it('may be in milliseconds, for which the window is the same', async () => {
      for (const apart of [-300_000, 0, 300_000]) {
        expect((await send(config, { body, headers: sign(body, String(now + apart)) })).status).toBe(200);
      }
      for (const apart of [-301_000, 301_000]) {
        const told = await send(config, { body, headers: sign(body, String(now + apart)) });
        expect(told.body.message).toContain('301 s from now, this hook takes 300');
      }
    });

    it.each(['0', '00', '1', '99999999999', '999999999999999'])('far from now is no other case: %s', async (at) => {
      const told = await send(config, { body, headers: sign(body, at) });
      expect([told.status, told.items]).toEqual([401, []]);
      expect(told.body.message).toContain('s from now, this hook takes 300');
    });

    it('its window is a setting, and no wider than that for any secret', async () => {
      const narrow = { ...config, 'http.auth.hmac.tolerance.seconds': '1' };
      for (const secrets of [configured, `${Buffer.from('other').toString('base64')},${configured}`]) {
        const rules = { ...narrow, 'http.auth.hmac.secrets': secrets };
        const at = (apart: number) => send(rules, { body, headers: sign(body, String(now / 1000 + apart)) });
        expect([(await at(-1)).status, (await at(1)).status]).toEqual([200, 200]);
        expect([(await at(-2)).status, (await at(2)).status]).toEqual([401, 401]);
      }
    });

    it('is that which was signed, when it is sent twice', async () => {
      const old = String(now / 1000 - 3600);
      const header =
        preset === 'stripe' ? 'Stripe-Signature' : Object.keys(sign(body)).find((name) => /time/i.test(name))!;
      const signed: Record<string, string> = sign(body, old);
      const [separator, prefix] = preset === 'stripe' ? [',', 't='] : [', ', ''];
      for (const both of [
        `${prefix}${seconds}${separator}${signed[header]}`,
        `${signed[header]}${separator}${prefix}${seconds}`,
      ]) {
        expect((await send(config, { body, headers: { ...signed, [header]: both } })).status).toBe(401);
      }
    });
  },
);

describe('a scheme of its own', () => {
  const custom = {
    'http.auth.type': 'hmac',
    'http.auth.hmac.preset': 'custom',
    'http.auth.hmac.secrets': Buffer.from(secret).toString('hex'),
    'http.auth.hmac.secret.encoding': 'hex',
    'http.auth.hmac.algorithm': 'sha512',
    'http.auth.hmac.signed': '{method}|{path}|{header:X-Id}|{timestamp}|{body}',
    'http.auth.hmac.signature.header': 'X-Sign',
    'http.auth.hmac.signature.prefix': 'sig:',
    'http.auth.hmac.signature.encoding': 'base64',
    'http.auth.hmac.signature.separator': 'comma',
    'http.auth.hmac.timestamp.header': 'X-Time',
  };
  const headersFor = (id: string) => ({
    'x-id': id,
    'x-time': String(now),
    'x-sign': `other:1,sig:${hmac(secret, `POST|/hooks/orders|7|${now}|${body}`, 'base64', 'sha512')}`,
  });

  it('signs what its template says, the time in milliseconds', async () => {
    expect((await send(custom, { body, headers: headersFor('7') })).status).toBe(200);
    expect((await send(custom, { body, headers: headersFor('8') })).status).toBe(401);
  });

  it('a secret that is not written as it says makes no key: an empty one would be anybody’s', async () => {
    for (const [encoding, wrong] of [
      ['hex', 'xyz'],
      ['base64', '!!'],
      ['hex', 'abc'],
    ] as const) {
      const config = { ...custom, 'http.auth.hmac.secret.encoding': encoding, 'http.auth.hmac.secrets': wrong };
      await expect(send(config, { body })).rejects.toThrow('http.auth.hmac.secrets');
    }
  });
});

test('Slack’s question whether the hook is there is answered, once its signature fits', async () => {
  const question = '{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV","type":"url_verification"}';
  const config = { 'http.auth.type': 'hmac', 'http.auth.hmac.preset': 'slack', 'http.auth.hmac.secrets': secret };
  const { sign } = senders[3]!;
  const told = await send(config, { body: question, headers: sign(question) });
  expect([told.status, told.body, told.items]).toEqual([200, { challenge: '3eZbrw1aBm2rZgRNFdxV' }, []]);
  expect((await send(config, { body: question, headers: sign(body) })).status).toBe(401);
});

describe('JWT', () => {
  const [issuer, audience] = ['https://issuer.example', 'hooks'];
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let others: Awaited<ReturnType<typeof generateKeyPair>>;
  let server: Server;
  let fetched = 0;
  let jwksUrl: string;
  let config: Record<string, string>;

  beforeAll(async () => {
    keys = await generateKeyPair('ES256');
    others = await generateKeyPair('ES256');
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' }] });
    server = createServer((_request, response) => {
      fetched++;
      response.setHeader('content-type', 'application/json').end(jwks);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    config = {
      'http.auth.type': 'jwt',
      'http.auth.jwt.jwks': jwks,
      'http.auth.jwt.issuer': issuer,
      'http.auth.jwt.audience': audience,
    };
  });

  afterAll(() => server.close());

  const token = (
    claims: Record<string, unknown> = {},
    key = keys.privateKey,
    header: { kid?: string } = { kid: 'k1' },
  ) =>
    new SignJWT({ iss: issuer, aud: audience, exp: now / 1000 + 60, ...claims })
      .setProtectedHeader({ alg: 'ES256', ...header })
      .sign(key);
  const sendToken = async (text: string, more: Record<string, string> = {}) =>
    await send({ ...config, ...more }, { body, headers: { authorization: `Bearer ${text}` } });

  it('of the issuer is let in', async () => {
    expect((await sendToken(await token())).status).toBe(200);
  });

  it('keys are fetched once, by as many events as there may be', async () => {
    const rules = {
      jwksUrl,
      jwks: null,
      issuer,
      audience: [audience],
      algorithms: ['ES256'],
      scopes: [],
      toleranceSeconds: 0,
    };
    const authorization = `Bearer ${await token()}`;
    for (let i = 0; i < 5; i++) {
      await jwtAuth(rules, () => now)(requestOf(httpEvent({ body, headers: { authorization } })));
    }
    expect(fetched).toBe(1);
    const forged = `Bearer ${await token({}, others.privateKey)}`;
    const refused = jwtAuth(rules, () => now)(requestOf(httpEvent({ body, headers: { authorization: forged } })));
    await expect(refused).rejects.toMatchObject({ status: 401 });
  });

  it.each([
    ['another issuer', { iss: 'https://other.example' }, 'iss'],
    ['another audience', { aud: 'other' }, 'aud'],
    ['no end', { exp: undefined }, 'exp'],
    ['not yet', { nbf: now / 1000 + 3600 }, 'nbf'],
    ['over', { exp: now / 1000 - 31 }, 'expired'],
  ])('%s: 401', async (_title, claims, named) => {
    const told = await sendToken(await token(claims));
    expect([told.status, told.items]).toEqual([401, []]);
    expect(told.body.message).toContain(named);
    expect(told.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  });

  it('clocks may differ a little', async () => {
    for (const claims of [{ exp: now / 1000 - 29 }, { nbf: now / 1000 + 30 }, { nbf: now / 1000 - 86_400 }]) {
      expect((await sendToken(await token(claims))).status).toBe(200);
    }
    const exact = { 'http.auth.jwt.tolerance.seconds': '0' };
    expect((await sendToken(await token({ exp: now / 1000 + 1, nbf: now / 1000 }), exact)).status).toBe(200);
    for (const claims of [{ exp: now / 1000 }, { nbf: now / 1000 + 1 }]) {
      expect((await sendToken(await token(claims), exact)).status).toBe(401);
    }
  });

  it.each([
    ['a text', { exp: 'tomorrow' }, 'exp'],
    ['nothing', { exp: null }, 'exp'],
    ['milliseconds', { nbf: now }, 'nbf'],
    ['a date', { nbf: new Date(now).toISOString() }, 'nbf'],
    ['an object', { nbf: {} }, 'nbf'],
  ])('a time that is %s: 401', async (_title, claims, named) => {
    const told = await sendToken(await token(claims));
    expect([told.status, told.items]).toEqual([401, []]);
    expect(told.body.message).toContain(named);
  });

  it('whatever is in a token, it is answered 401 and leaves nothing', async () => {
    const sign = async (payload: Uint8Array) =>
      await new CompactSign(payload).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(keys.privateKey);
    const encode = (text: string) => new TextEncoder().encode(text);
    const [header, payload, signature] = (await token()).split('.');
    const wrongs = [
      await sign(Uint8Array.of(0xff, 0xfe)),
      await sign(encode('no JSON')),
      await sign(encode('null')),
      await sign(encode('[]')),
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}..${signature}`,
      `${header}.${payload}.${signature}.${signature}`,
      `${header}.${payload}.${'A'.repeat(8000)}`,
      `${'A'.repeat(8000)}.${payload}.${signature}`,
    ];
    for (const wrong of wrongs) {
      const told = await sendToken(wrong);
      expect([told.status, told.items, told.warnings]).toEqual([401, [], []]);
    }
  });

  it('of another key, of no algorithm, of a shared secret, or no token at all: 401', async () => {
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(`{"iss":"${issuer}","aud":"${audience}","exp":${now / 1000 + 60}}`).toString('base64url')}.`;
    const shared = await new SignJWT({ iss: issuer, aud: audience, exp: now / 1000 + 60 })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(Buffer.from(JSON.stringify(await exportJWK(keys.publicKey))));
    for (const wrong of [
      await token({}, others.privateKey),
      await token({}, keys.privateKey, { kid: 'k2' }),
      none,
      shared,
      'x',
      'a.b.c',
      '',
    ]) {
      const told = await sendToken(wrong);
      expect([told.status, told.items]).toEqual([401, []]);
    }
  });

  it('an algorithm that the hook does not take: 401', async () => {
    expect((await sendToken(await token(), { 'http.auth.jwt.algorithms': 'RS256' })).status).toBe(401);
  });

  it('without a scope: 403, which names what is needed', async () => {
    const scopes = { 'http.auth.jwt.scopes': 'orders.write, orders.read' };
    expect((await sendToken(await token({ scope: 'orders.read orders.write x' }), scopes)).status).toBe(200);
    expect((await sendToken(await token({ scp: ['orders.read', 'orders.write'] }), scopes)).status).toBe(200);
    const told = await sendToken(await token({ scope: 'orders.read' }), scopes);
    expect([told.status, told.items]).toEqual([403, []]);
    expect(told.body.message).toBe('The token lacks a scope: this hook needs orders.write orders.read');
  });

  it('keys that cannot be had are no fault of the sender: 503, and a line in the log', async () => {
    const { 'http.auth.jwt.jwks': _, ...rest } = config;
    const gone = { ...rest, 'http.auth.jwt.jwks.url': 'https://127.0.0.1:1/jwks' };
    const told = await send(gone, { body, headers: { authorization: `Bearer ${await token()}` } });
    expect([told.status, told.headers['retry-after']]).toEqual([503, '5']);
    expect(told.warnings).toHaveLength(1);
  });
});
