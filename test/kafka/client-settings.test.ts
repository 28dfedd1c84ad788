import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../src/config/client-config.ts';
import { ConfigError } from '../../src/errors.ts';
import { adminSettings, fetcherSettings, producerSettings } from '../../src/kafka/client-settings.ts';

/** As the documentation of the setting says. */
function isHonoured(client: 'producer' | 'admin', name: string): boolean {
  const key = clientConfig(client).keys.get(name);
  return key !== undefined && !key.doc.includes('has no effect');
}

function fault(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).facts.key as string;
  }
  throw new Error('accepted');
}

describe('producer settings', () => {
  it("are idempotent with acks=all by default, with Java's times", () => {
    expect(producerSettings('drover', {})).toMatchObject({
      clientId: 'drover',
      acks: -1,
      idempotent: true,
      maxInFlight: 5,
      maxRequestBytes: 1_048_576,
      requestTimeoutMs: 30_000,
      deliveryTimeoutMs: 120_000,
      compression: { type: 'none' },
    });
  });

  it('lose idempotence with what cannot be idempotent, unless it was asked for', () => {
    for (const [key, value] of [
      ['acks', '1'],
      ['retries', '0'],
      ['max.in.flight.requests.per.connection', '9'],
    ] as const) {
      expect(producerSettings('d', { [key]: value }).idempotent).toBe(false);
      expect(fault(() => producerSettings('d', { [key]: value, 'enable.idempotence': 'true' }))).toBe(key);
      fault(() => producerSettings('d', { [key]: value }, true));
    }
    expect(fault(() => producerSettings('d', { 'enable.idempotence': 'false' }, true))).toBe('enable.idempotence');
  });

  it('have one request in flight where no sequence numbers keep the order, unless more were asked for', () => {
    const inFlight = 'max.in.flight.requests.per.connection';
    expect(producerSettings('d', { acks: '1' }).maxInFlight).toBe(1);
    expect(producerSettings('d', { 'enable.idempotence': 'false' }).maxInFlight).toBe(1);
    expect(producerSettings('d', { acks: '1', [inFlight]: '3' }).maxInFlight).toBe(3);
    expect(producerSettings('d', { [inFlight]: '9' }).maxInFlight).toBe(9);
  });

  it.each([
    ['acks', '2'],
    ['compression.type', 'brotli'],
    ['request.timeout.ms', 'soon'],
    ['max.request.size', '1.5'],
    ['enable.idempotence', 'yes'],
  ])('refuse %s=%s by name', (key, value) => {
    expect(fault(() => producerSettings('d', { [key]: value }))).toBe(key);
    expect(isHonoured('producer', key)).toBe(true);
  });

  it('take the level of the compression in use only', () => {
    const levels = { 'compression.gzip.level': '9', 'compression.zstd.level': '5' };
    expect(producerSettings('d', { ...levels, 'compression.type': 'gzip' }).compression).toEqual({
      type: 'gzip',
      level: 9,
    });
    expect(producerSettings('d', { ...levels, 'compression.type': 'zstd' }).compression).toEqual({
      type: 'zstd',
      level: 5,
    });
    expect(producerSettings('d', { ...levels, 'compression.type': 'lz4' }).compression).toEqual({ type: 'lz4' });
  });

  it('never make a batch larger than a request', () => {
    expect(producerSettings('d', { 'max.request.size': '5000' }).batchBytes).toBe(5000);
    expect(producerSettings('d', { 'batch.size': '16384' }).batchBytes).toBe(16_384);
  });
});

describe('fetcher settings', () => {
  it('check checksums unless told not to', () => {
    expect(fetcherSettings('d', {}, 1).checkCrcs).toBe(true);
    expect(fetcherSettings('d', { 'check.crcs': 'false' }, 1).checkCrcs).toBe(false);
  });
});

describe('admin settings', () => {
  const retry = { timeoutMs: 30_000, retries: 9, backoffMs: 10, backoffMaxMs: 1000 };
  const base = {
    clientId: 'd',
    requestTimeoutMs: 5,
    connectTimeoutMs: 6,
    metadataMaxAgeMs: 7,
    connectionsMaxIdleMs: 8,
  };

  it("are the installation's where nothing is overridden", () => {
    expect(adminSettings({ ...base, retry }, { 'security.protocol': 'SSL' })).toEqual({ ...base, retry });
  });

  it('take what a connector overrides, and each key that they take is honoured', () => {
    const overrides = {
      'client.id': 'own',
      'request.timeout.ms': '1',
      'socket.connection.setup.timeout.ms': '2',
      'metadata.max.age.ms': '3',
      'connections.max.idle.ms': '4',
      'default.api.timeout.ms': '5',
      retries: '6',
      'retry.backoff.ms': '7',
      'retry.backoff.max.ms': '8',
    };
    expect(adminSettings({ ...base, retry }, overrides)).toEqual({
      clientId: 'own',
      requestTimeoutMs: 1,
      connectTimeoutMs: 2,
      metadataMaxAgeMs: 3,
      connectionsMaxIdleMs: 4,
      retry: { timeoutMs: 5, retries: 6, backoffMs: 7, backoffMaxMs: 8 },
    });
    for (const key of Object.keys(overrides)) expect(isHonoured('admin', key)).toBe(true);
    expect(isHonoured('admin', 'sasl.jaas.config')).toBe(true);
    expect(isHonoured('admin', 'bootstrap.controllers')).toBe(false);
    expect(fault(() => adminSettings({ ...base, retry }, { retries: 'many' }))).toBe('retries');
  });
});
