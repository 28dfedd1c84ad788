import { ConfigError } from '../errors.ts';
import type { Compression, CompressionType } from './codecs.ts';

type Overrides = Readonly<Record<string, string>>;

export interface ProducerSettings {
  readonly clientId: string;
  readonly acks: -1 | 0 | 1;
  readonly idempotent: boolean;
  readonly compression: Compression;
  readonly maxRequestBytes: number;
  /** A record batch is closed at this size. */
  readonly batchBytes: number;
  readonly requestTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  /** How long a missing topic or missing metadata is waited for. */
  readonly maxBlockMs: number;
  readonly maxInFlight: number;
  readonly retries: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly transactionTimeoutMs: number;
  readonly ignoreKeys: boolean;
}

export interface FetcherSettings {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly checkCrcs: boolean;
  readonly maxUnpackedBytes: number;
}

/** Of the client that makes a connector's topics. */
export interface AdminSettings {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  readonly connectionsMaxIdleMs: number;
  readonly retry: RetryPolicy;
}

/** How long, how often and how soon a question is asked again after a retriable error. */
export interface RetryPolicy {
  readonly timeoutMs: number;
  readonly retries: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

function whole(overrides: Overrides, key: string, fallback: number, min: number, max = 0x7fffffff): number {
  const text = overrides[key];
  if (text === undefined) return fallback;
  const value = Number(text.trim());
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError(`${key} is "${text}"; it must be a whole number from ${min} to ${max}`, { key });
  }
  return value;
}

function flag(overrides: Overrides, key: string, fallback: boolean): boolean {
  const text = overrides[key]?.trim().toLowerCase();
  if (text === undefined) return fallback;
  if (text !== 'true' && text !== 'false') {
    throw new ConfigError(`${key} is "${overrides[key]}"; it must be true or false`, { key });
  }
  return text === 'true';
}

function acksOf(overrides: Overrides): -1 | 0 | 1 {
  const text = (overrides.acks ?? 'all').trim();
  if (text === 'all' || text === '-1') return -1;
  if (text === '0') return 0;
  if (text === '1') return 1;
  throw new ConfigError(`acks is "${text}"; it must be all, -1, 0 or 1`, { key: 'acks' });
}

function compressionOf(overrides: Overrides): Compression {
  const type = (overrides['compression.type'] ?? 'none').trim().toLowerCase();
  if (type !== 'none' && type !== 'gzip' && type !== 'snappy' && type !== 'lz4' && type !== 'zstd') {
    throw new ConfigError(`compression.type is "${type}"; it must be none, gzip, snappy, lz4 or zstd`, {
      key: 'compression.type',
    });
  }
  const levelKey = `compression.${type}.level`;
  if ((type === 'gzip' || type === 'zstd') && overrides[levelKey] !== undefined) {
    const level = type === 'gzip' ? whole(overrides, levelKey, -1, -1, 9) : whole(overrides, levelKey, 3, -131072, 22);
    return { type: type satisfies CompressionType, level };
  }
  return { type };
}

/** Large enough that requests are few; encoded, summed and sent, larger ones leave the processor's cache in between. */
const defaultBatchBytes = 300_000;

/** Java's defaults, but max.in.flight and batch sizes that suit whole polls. */
export function producerSettings(clientId: string, overrides: Overrides, transactional = false): ProducerSettings {
  const acks = acksOf(overrides);
  const maxInFlight = whole(overrides, 'max.in.flight.requests.per.connection', 5, 1);
  const retries = whole(overrides, 'retries', 0x7fffffff, 0);
  const wanted = overrides['enable.idempotence'];
  const possible = acks === -1 && maxInFlight <= 5 && retries > 0;
  const idempotent = flag(overrides, 'enable.idempotence', possible);
  if (idempotent && !possible) {
    const key = acks !== -1 ? 'acks' : maxInFlight > 5 ? 'max.in.flight.requests.per.connection' : 'retries';
    throw new ConfigError(
      'An idempotent producer needs acks=all, retries above 0 and max.in.flight.requests.per.connection of at most 5',
      { key },
    );
  }
  if (transactional && !idempotent) {
    throw new ConfigError(
      'Exactly once needs an idempotent producer: leave acks, retries and enable.idempotence alone',
      {
        key: wanted === undefined ? 'acks' : 'enable.idempotence',
      },
    );
  }
  const requestTimeoutMs = whole(overrides, 'request.timeout.ms', 30_000, 1);
  const maxRequestBytes = whole(overrides, 'max.request.size', 1_048_576, 1);
  return {
    clientId: overrides['client.id'] ?? clientId,
    acks,
    idempotent,
    compression: compressionOf(overrides),
    maxRequestBytes,
    batchBytes: Math.max(
      1024,
      Math.min(whole(overrides, 'batch.size', defaultBatchBytes, 0), maxRequestBytes, 1_000_000),
    ),
    requestTimeoutMs,
    deliveryTimeoutMs: whole(overrides, 'delivery.timeout.ms', 120_000, 1),
    maxBlockMs: whole(overrides, 'max.block.ms', 60_000, 0),
    // Without sequence numbers nothing else keeps the order when a request fails.
    maxInFlight: idempotent || overrides['max.in.flight.requests.per.connection'] !== undefined ? maxInFlight : 1,
    retries,
    retryBackoffMs: whole(overrides, 'retry.backoff.ms', 100, 0),
    retryBackoffMaxMs: whole(overrides, 'retry.backoff.max.ms', 1000, 0),
    transactionTimeoutMs: whole(overrides, 'transaction.timeout.ms', 60_000, 1),
    ignoreKeys: flag(overrides, 'partitioner.ignore.keys', false),
  };
}

export function fetcherSettings(clientId: string, overrides: Overrides, maxUnpackedBytes: number): FetcherSettings {
  return {
    clientId: overrides['client.id'] ?? clientId,
    requestTimeoutMs: whole(overrides, 'request.timeout.ms', 30_000, 1),
    checkCrcs: flag(overrides, 'check.crcs', true),
    maxUnpackedBytes,
  };
}

/** `base`: the installation's own, where nothing is overridden. */
export function adminSettings(base: AdminSettings, overrides: Overrides): AdminSettings {
  const { retry } = base;
  const idleMs = whole(overrides, 'connections.max.idle.ms', base.connectionsMaxIdleMs, -1);
  return {
    clientId: overrides['client.id'] ?? base.clientId,
    requestTimeoutMs: whole(overrides, 'request.timeout.ms', base.requestTimeoutMs, 1),
    connectTimeoutMs: whole(overrides, 'socket.connection.setup.timeout.ms', base.connectTimeoutMs, 1),
    metadataMaxAgeMs: whole(overrides, 'metadata.max.age.ms', base.metadataMaxAgeMs, 0),
    connectionsMaxIdleMs: idleMs < 0 ? Number.MAX_SAFE_INTEGER : idleMs,
    retry: {
      timeoutMs: whole(overrides, 'default.api.timeout.ms', retry.timeoutMs, 1),
      retries: whole(overrides, 'retries', retry.retries, 0),
      backoffMs: whole(overrides, 'retry.backoff.ms', retry.backoffMs, 0),
      backoffMaxMs: whole(overrides, 'retry.backoff.max.ms', retry.backoffMaxMs, 0),
    },
  };
}
