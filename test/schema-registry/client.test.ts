import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { clientFor, type RegistrySchema, SchemaRegistryClient } from '../../src/schema-registry/client.ts';
import { registryConfig, restSettings } from '../../src/schema-registry/registry-config.ts';
import { RestService } from '../../src/schema-registry/rest-service.ts';
import { FakeSchemaRegistry, type RegistryOptions } from '../support/schema-registry.ts';

const open: FakeSchemaRegistry[] = [];
afterEach(async () => {
  for (const registry of open.splice(0)) await registry.stop();
});

async function start(options: RegistryOptions = {}): Promise<FakeSchemaRegistry> {
  const registry = await FakeSchemaRegistry.start(options);
  open.push(registry);
  return registry;
}

/** Sleeps are noted and take no time. */
function noWaiting(): Clock & { slept: number[]; time: number } {
  return {
    slept: [],
    time: 0,
    now() {
      return this.time;
    },
    async sleep(ms: number) {
      this.slept.push(ms);
    },
  };
}

function settingsOf(settings: Record<string, string>) {
  return restSettings(parseConfig(registryConfig, settings), settings);
}

function client(settings: Record<string, string>, clock: Clock = noWaiting()): SchemaRegistryClient {
  return new SchemaRegistryClient(new RestService(settingsOf(settings), clock), 10, clock);
}

const int: RegistrySchema = { schemaType: 'AVRO', schema: '"int"', references: [] };

describe('retries and fail-over', () => {
  test('a failure that may pass is tried again, with growing waits', async () => {
    const registry = await start();
    registry.fail(503, 'reset', 'garbage');
    const clock = noWaiting();
    expect(
      await client({ 'schema.registry.url': registry.url, 'retries.wait.ms': '10' }, clock).register('s', int, false),
    ).toBe(1);
    expect(clock.slept).toEqual([10, 20, 40]);
  });

  test('an answer that no schema takes is cut off, said so, and not asked for again', async () => {
    const registry = await start();
    const id = registry.plant('huge-value', `"${'x'.repeat(17 * 1024 * 1024)}"`, 'AVRO');
    await expect(client({ 'schema.registry.url': registry.url }).schemaById(id, null)).rejects.toMatchObject({
      name: 'RestClientException',
      message: expect.stringContaining('answered more than 16777216 bytes to /schemas/ids/'),
    });
    expect(registry.requests).toHaveLength(1);
  });

  test('it gives up after max.retries', async () => {
    const registry = await start();
    registry.fail(500, 500, 500);
    const made = client({ 'schema.registry.url': registry.url, 'max.retries': '2' });
    await expect(made.register('s', int, false)).rejects.toMatchObject({ status: 500 });
    expect(registry.requests).toHaveLength(3);
  });

  test('what will not pass is not repeated', async () => {
    const registry = await start();
    await expect(client({ 'schema.registry.url': registry.url }).schemaById(99, null)).rejects.toMatchObject({
      status: 404,
      errorCode: 40403,
    });
    expect(registry.requests).toEqual(['GET /schemas/ids/99?fetchMaxId=false']);
  });

  test('the next URL is asked when one cannot be reached, and stays the first', async () => {
    const dead = await start();
    const alive = await start();
    const made = client({ 'schema.registry.url': `${dead.url}, ${alive.url}`, 'retries.wait.ms': '0' });
    await dead.stop();
    open.splice(open.indexOf(dead), 1);
    expect(await made.register('s', int, false)).toBe(1);
    expect(await made.register('s2', int, false)).toBe(1);
    expect(alive.requests).toHaveLength(2);
  });

  test('a registry that does not answer in time is unreachable', async () => {
    const registry = await start();
    registry.fail('hang');
    const made = client({ 'schema.registry.url': registry.url, 'http.read.timeout.ms': '50', 'max.retries': '0' });
    await expect(made.register('s', int, false)).rejects.toMatchObject({
      name: 'RegistryUnreachable',
      message: expect.stringContaining('no answer within 50 ms'),
    });
  });
});

describe('credentials', () => {
  const userInfo = 'alice:p:ss';
  test.each<[string, (registry: FakeSchemaRegistry) => Record<string, string>]>([
    ['in the URL', (registry) => ({ 'schema.registry.url': registry.url.replace('://', '://alice:p%3Ass@') })],
    [
      'as user info',
      (registry) => ({
        'schema.registry.url': registry.url,
        'basic.auth.credentials.source': 'USER_INFO',
        'basic.auth.user.info': userInfo,
      }),
    ],
    [
      'under their old key',
      (registry) => ({
        'schema.registry.url': registry.url,
        'basic.auth.credentials.source': 'USER_INFO',
        'schema.registry.basic.auth.user.info': userInfo,
      }),
    ],
    [
      'from the JAAS configuration',
      (registry) => ({
        'schema.registry.url': registry.url,
        'basic.auth.credentials.source': 'SASL_INHERIT',
        'sasl.jaas.config':
          'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="p:ss";',
      }),
    ],
  ])('user and password %s', async (_, settings) => {
    const registry = await start({ userInfo });
    expect(await client(settings(registry)).register('s', int, false)).toBe(1);
  });

  test('a bearer token', async () => {
    const registry = await start({ bearerToken: 'abc' });
    const settings = { 'schema.registry.url': registry.url, 'bearer.auth.token': 'abc' };
    expect(await client(settings).register('s', int, false)).toBe(1);
    await expect(client({ 'schema.registry.url': registry.url }).register('s', int, false)).rejects.toMatchObject({
      status: 401,
    });
  });

  test.each<[string, Record<string, string>, string]>([
    ['a missing URL', {}, 'schema.registry.url'],
    ['an empty URL', { 'schema.registry.url': '' }, 'schema.registry.url'],
    ['a URL of another kind', { 'schema.registry.url': 'mock://x' }, 'schema.registry.url'],
    [
      'USER_INFO without any',
      { 'schema.registry.url': 'http://r', 'basic.auth.credentials.source': 'USER_INFO' },
      'basic.auth.user.info',
    ],
    [
      'an unknown source',
      { 'schema.registry.url': 'http://r', 'basic.auth.credentials.source': 'X' },
      'basic.auth.credentials.source',
    ],
    [
      'a key store file',
      { 'schema.registry.url': 'http://r', 'schema.registry.ssl.truststore.location': '/x.jks' },
      'schema.registry.ssl.truststore.location',
    ],
    ['a proxy', { 'schema.registry.url': 'http://r', 'proxy.host': 'p' }, 'proxy.host'],
    [
      'OAuth without a client',
      { 'schema.registry.url': 'http://r', 'bearer.auth.credentials.source': 'OAUTHBEARER' },
      'bearer.auth.client.secret',
    ],
  ])('%s is a ConfigError that names the setting', (_, settings, key) => {
    expect(() => settingsOf(settings)).toThrowError(
      expect.objectContaining({ javaClass: 'ConfigException', message: expect.stringContaining(key) }),
    );
  });
});

describe('caches', () => {
  test('what was answered is not asked again; what failed is', async () => {
    const registry = await start();
    const made = client({ 'schema.registry.url': registry.url, 'max.retries': '0' });
    registry.fail(500);
    await expect(made.register('s', int, false)).rejects.toThrow();
    await made.register('s', int, false);
    await made.register('s', int, false);
    expect(registry.requests).toHaveLength(2);
  });

  test('questions asked at once are one request', async () => {
    const registry = await start();
    const made = client({ 'schema.registry.url': registry.url });
    await Promise.all(Array.from({ length: 20 }, () => made.register('s', int, false)));
    expect(registry.requests).toHaveLength(1);
  });

  test('a latest version is kept for its time', async () => {
    const registry = await start();
    const clock = noWaiting();
    const made = client({ 'schema.registry.url': registry.url }, clock);
    registry.add('s', '"int"');
    expect((await made.latest('s', 1000)).schema).toBe('"int"');
    registry.add('s', '"long"');
    clock.time = 999;
    expect((await made.latest('s', 1000)).schema).toBe('"int"');
    clock.time = 1000;
    expect((await made.latest('s', 1000)).schema).toBe('"long"');
  });

  test('an environment has one client for each registry and user', () => {
    const settings = settingsOf({ 'schema.registry.url': 'http://one' });
    const same = settingsOf({ 'schema.registry.url': 'http://one/' });
    const other = settingsOf({ 'schema.registry.url': 'http://bob:x@one' });
    expect(clientFor(same, 10)).toBe(clientFor(settings, 10));
    expect(clientFor(other, 10)).not.toBe(clientFor(settings, 10));
  });

  test('a deleted version is still found by its schema; an unknown one is null', async () => {
    const registry = await start();
    const made = client({ 'schema.registry.url': registry.url });
    registry.add('s', '"int"');
    registry.softDelete('s');
    expect(await made.versionOf('s', int)).toBe(1);
    expect(await made.versionOf('other', int)).toBeNull();
  });
});

test('a schema with active data contract rules is refused by the name of the rule', async () => {
  const registry = await start();
  const rule = { name: 'hide-ssn', kind: 'TRANSFORM', mode: 'WRITEREAD', type: 'ENCRYPT' };
  registry.add('s', '"string"', 'AVRO', [], { domainRules: [rule] });
  registry.add('s2', '"long"', 'AVRO', [], { domainRules: [{ ...rule, disabled: true }] });
  const made = client({ 'schema.registry.url': registry.url });
  await expect(made.schemaById(1, 's')).rejects.toMatchObject({
    code: 'registry.rules_unsupported',
    message: expect.stringContaining('hide-ssn'),
  });
  expect((await made.schemaById(2, 's2')).schema).toBe('"long"');
});
