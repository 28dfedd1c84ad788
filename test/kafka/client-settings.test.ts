import { describe, expect, it } from 'vitest';
import { isHonouredOverride } from '../../src/config/honoured-overrides.ts';
import { ConfigError } from '../../src/errors.ts';
import { fetcherSettings, producerSettings } from '../../src/kafka/client-settings.ts';

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

  it.each([
    ['acks', '2'],
    ['compression.type', 'brotli'],
    ['request.timeout.ms', 'soon'],
    ['max.request.size', '1.5'],
    ['enable.idempotence', 'yes'],
  ])('refuse %s=%s by name', (key, value) => {
    expect(fault(() => producerSettings('d', { [key]: value }))).toBe(key);
    expect(isHonouredOverride('producer', key)).toBe(true);
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
