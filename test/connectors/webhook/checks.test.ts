import { expect, it, test } from 'vitest';
import { webhookSource } from '../../../connectors/webhook/plugin.ts';
import { createRegistry } from '../../../functions/builtin-plugins.ts';
import { apacheConverters } from '../../../src/config/connector-config.ts';
import { validateForPlugin } from '../../../src/herder/validate-connector-config.ts';

const open = { name: 'orders', 'connector.class': 'WebhookSource', 'kafka.topic': 'orders', 'http.auth.type': 'none' };

async function problems(change: Readonly<Record<string, string | undefined>>): Promise<Record<string, string>> {
  const given = Object.fromEntries(
    Object.entries({ ...open, ...change }).filter((entry) => entry[1] !== undefined),
  ) as Record<string, string>;
  const deps = { plugins: createRegistry(), converterDefaults: apacheConverters };
  const { configs } = await validateForPlugin(deps, 'WebhookSource', given);
  return Object.fromEntries(
    configs.filter(({ value }) => value.errors.length > 0).map(({ value }) => [value.name, value.errors.join('; ')]),
  );
}

test.each([
  [{}],
  [{ 'http.auth.type': 'apikey', 'http.auth.apikey.keys': '${secretsmanager:hooks:key}' }],
  [
    {
      'http.auth.type': 'hmac',
      'http.auth.hmac.preset': 'stripe',
      'http.auth.hmac.secrets': '${secretsmanager:hooks:}',
    },
  ],
  [
    {
      'http.auth.type': 'jwt',
      'http.auth.jwt.jwks.url': 'https://a.example/jwks',
      'http.auth.jwt.issuer': 'i',
      'http.auth.jwt.audience': 'a',
    },
  ],
])('%j is right', async (change) => {
  expect(await problems(change)).toEqual({});
});

test.each<[Readonly<Record<string, string | undefined>>, string]>([
  [{ name: 'a/b' }, 'name'],
  [{ 'kafka.topic': undefined }, 'kafka.topic'],
  [{ 'http.auth.type': undefined }, 'http.auth.type'],
  [{ 'http.auth.type': 'basic' }, 'http.auth.type'],
  [{ 'http.auth.type': 'apikey' }, 'http.auth.apikey.keys'],
  [{ 'http.auth.type': 'hmac', 'http.auth.hmac.secrets': 's' }, 'http.auth.hmac.preset'],
  [{ 'http.auth.type': 'hmac', 'http.auth.hmac.preset': 'github' }, 'http.auth.hmac.secrets'],
  [
    { 'http.auth.type': 'hmac', 'http.auth.hmac.preset': 'gitlab', 'http.auth.hmac.secrets': 's' },
    'http.auth.hmac.preset',
  ],
  [
    { 'http.auth.type': 'hmac', 'http.auth.hmac.preset': 'custom', 'http.auth.hmac.secrets': 's' },
    'http.auth.hmac.signature.header',
  ],
  [{ 'http.auth.type': 'jwt', 'http.auth.jwt.issuer': 'i', 'http.auth.jwt.audience': 'a' }, 'http.auth.jwt.jwks.url'],
  [
    {
      'http.auth.type': 'jwt',
      'http.auth.jwt.jwks.url': 'http://a.example/jwks',
      'http.auth.jwt.issuer': 'i',
      'http.auth.jwt.audience': 'a',
    },
    'http.auth.jwt.jwks.url',
  ],
  [
    { 'http.auth.type': 'jwt', 'http.auth.jwt.jwks.url': 'https://a.example/', 'http.auth.jwt.audience': 'a' },
    'http.auth.jwt.issuer',
  ],
  [
    { 'http.auth.type': 'jwt', 'http.auth.jwt.jwks.url': 'https://a.example/', 'http.auth.jwt.issuer': 'i' },
    'http.auth.jwt.audience',
  ],
  [{ 'http.auth.jwt.algorithms': 'HS256' }, 'http.auth.jwt.algorithms'],
  [{ 'http.auth.jwt.algorithms': 'none' }, 'http.auth.jwt.algorithms'],
  [{ 'http.auth.typ': 'apikey' }, 'http.auth.typ'],
  [{ 'http.methods': 'GET' }, 'http.methods'],
  [{ 'http.record.key.pointer': 'id' }, 'http.record.key.pointer'],
  [{ 'http.record.key.pointer': '/a~2' }, 'http.record.key.pointer'],
  [{ 'http.record.key.pointer': '/a', 'http.record.key.header': 'a' }, 'http.record.key.header'],
  [{ 'http.record.key.required': 'true' }, 'http.record.key.required'],
  [{ 'http.record.split.pointer': '/a' }, 'http.record.split.pointer'],
  [{ 'http.record.headers': 'X Y' }, 'http.record.headers'],
  [{ 'http.record.headers': 'X-A, Authorization' }, 'http.record.headers'],
  [{ 'http.record.key.header': 'cookie' }, 'http.record.key.header'],
  [
    { 'http.auth.type': 'apikey', 'http.auth.apikey.keys': 'k', 'http.record.headers': 'x-API-key' },
    'http.record.headers',
  ],
  [{ 'http.body.max.bytes': '4194305' }, 'http.body.max.bytes'],
  [{ 'http.response.mode': 'buffered', 'http.body.max.bytes': '262145' }, 'http.body.max.bytes'],
])('%j: the problem is at %s', async (change, key) => {
  const found = await problems(change);
  expect(Object.keys(found)).toEqual([key]);
});

const custom = {
  'http.auth.type': 'hmac',
  'http.auth.hmac.preset': 'custom',
  'http.auth.hmac.secrets': 's',
  'http.auth.hmac.signature.header': 'X-S',
};

it.each([
  [
    { 'http.auth.hmac.signed': '{timestamp}', 'http.auth.hmac.timestamp.header': 'X-T' },
    'http.auth.hmac.signed',
    'without {body} the body is not signed',
  ],
  [{ 'http.auth.hmac.signed': '{bod}{body}' }, 'http.auth.hmac.signed', 'it may have {body}'],
  [{ 'http.auth.hmac.signed': '{timestamp}.{body}' }, 'http.auth.hmac.timestamp.header', 'It is needed'],
  [{ 'http.auth.hmac.timestamp.header': 'X-T' }, 'http.auth.hmac.timestamp.header', 'anybody may set it'],
])('a scheme of its own with %j: the problem is at %s', async (change, key, text) => {
  const found = await problems({ ...custom, ...change });
  expect(Object.keys(found)).toEqual([key]);
  expect(found[key]).toContain(text);
});

test('its feed is known by its name; where nothing feeds it, its task says what to deploy', async () => {
  const connector = await webhookSource.create();
  expect(connector.feedKey?.(open, { region: 'eu-west-1' })).toEqual({
    key: 'hook:orders',
    setting: 'name',
    undeclared: expect.stringContaining('webhooks(drover)'),
  });
  expect(connector.createFeed?.()).not.toBe(connector.createFeed?.());
  const task = connector.createTask();
  expect(() => task.start(open, {} as never)).toThrow('webhooks(drover)');
});
