import { describe, expect, it } from 'vitest';
import { hostRefusals, requireAllowedHosts } from '../../src/config/connector-hosts.ts';

const allowed = ['kafka.example', 'registry.example:8081', '*.team.example'];

describe('the hosts that a config names', () => {
  it.each([
    ['producer.override.bootstrap.servers', 'kafka.example:9092'],
    ['consumer.override.bootstrap.servers', 'KAFKA.example.:9092, b.team.example:1'],
    ['value.converter.schema.registry.url', 'https://registry.example:8081/path'],
    ['value.converter.schema.registry.url', 'http://u:p@a.b.team.example'],
    ['topic', 'evil.example'],
  ])('%s=%s is let through', async (key, value) => {
    expect(hostRefusals(allowed, { [key]: value })).toEqual(new Map());
    await requireAllowedHosts(allowed, { [key]: value });
  });

  it.each([
    ['producer.override.bootstrap.servers', 'evil.example:9092'],
    ['admin.override.bootstrap.servers', 'kafka.example:9092,evil.example:9092'],
    ['value.converter.schema.registry.url', 'http://registry.example'],
    ['value.converter.schema.registry.url', 'http://registry.example:8081@evil.example'],
    ['key.converter.schema.registry.url', 'http://registry.example:8081,http://evil.example:8081'],
    ['key.converter.schema.registry.url', 'http://team.example'],
    ['key.converter.schema.registry.url', 'http://evilteam.example'],
    ['transforms.a.schema.registry.url', 'http://[::1]:8081'],
    ['value.converter.bearer.auth.issuer.endpoint.url', 'http://evil.example/token'],
    ['producer.override.sasl.oauthbearer.token.endpoint.url', 'https://kafka.example.evil.example/token'],
  ])('%s=%s is refused', async (key, value) => {
    expect([...hostRefusals(allowed, { [key]: value }).keys()]).toEqual([key]);
    await expect(requireAllowedHosts(allowed, { [key]: value })).rejects.toThrow(`${key}: the host `);
  });

  it('may be any where none is listed, and is looked at once a reference is resolved', async () => {
    const config = { 'producer.override.bootstrap.servers': 'evil.example:9092' };
    expect(hostRefusals([], config)).toEqual(new Map());
    await requireAllowedHosts([], config);
    const reference = { 'producer.override.bootstrap.servers': '${secretsmanager:db:brokers}' };
    expect(hostRefusals(allowed, reference)).toEqual(new Map());
  });
});

describe("Lambda's own API in the function", () => {
  const key = 'value.converter.schema.registry.url';

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '2130706433',
    '0x7f000001',
    '0.0.0.0',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
  ])('cannot be named as %s, whatever is listed', async (host) => {
    const config = { [key]: `http://${host}:9001/2018-06-01/runtime/init/error?x=` };
    await expect(requireAllowedHosts([], config, '127.0.0.1:9001')).rejects.toThrow(
      'is where the function itself gets its work from',
    );
    await requireAllowedHosts([], { [key]: `http://${host}:8081` }, '127.0.0.1:9001');
    await requireAllowedHosts([], config, null);
  });

  it('does not close its port on other machines', async () => {
    await requireAllowedHosts([], { [key]: 'http://192.0.2.1:9001' }, '127.0.0.1:9001');
  });
});

describe('the endpoint of a system', () => {
  it.each([
    'sqs.queue.url',
    'sqs.endpoint.url',
    'aws.s3.endpoint',
    'aws_s3_endpoint',
    'store.url',
    'http.auth.jwt.jwks.url',
  ])('is a host too: %s', async (key) => {
    const config = { [key]: 'https://evil.example.com/x' };
    expect([...hostRefusals(['*.amazonaws.com'], config).keys()]).toEqual([key]);
    expect(hostRefusals(['*.example.com'], config)).toEqual(new Map());
    const inward = { [key]: 'http://127.0.0.1:9001/2018-06-01/runtime' };
    await expect(requireAllowedHosts([], inward, '127.0.0.1:9001')).rejects.toThrow('gets its work from');
  });

  it('is none where the value is no URL', () => {
    expect(hostRefusals(['*.amazonaws.com'], { 'http.record.url': 'the field url' })).toEqual(new Map());
  });
});
