import { adminConfig, consumerConfig, producerConfig } from '../config/client-config.ts';
import type { ConfigValues, Settings } from '../config/config-def.ts';
import { parseConfig, parseGiven } from '../config/parse-config.ts';
import { ConfigError } from '../errors.ts';
import type { Compression } from './codecs.ts';

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

function compressionOf(parsed: ConfigValues<typeof producerConfig>): Compression {
  const type = parsed['compression.type'];
  if (type !== 'gzip' && type !== 'zstd') return { type };
  const level = parsed[`compression.${type}.level`];
  // What is left at Java's default is the codec's own.
  return level === producerConfig.spec[`compression.${type}.level`].default ? { type } : { type, level };
}

/** Large enough that requests are few; encoded, summed and sent, larger ones leave the processor's cache in between. */
const defaultBatchBytes = 300_000;

/** Java's defaults, but max.in.flight and batch sizes that suit whole polls. */
export function producerSettings(clientId: string, overrides: Settings, transactional = false): ProducerSettings {
  const parsed = parseConfig(producerConfig, overrides);
  const given = parseGiven(producerConfig, overrides);
  const acks = { all: -1, '-1': -1, '0': 0, '1': 1 }[parsed.acks] as -1 | 0 | 1;
  const maxInFlight = parsed['max.in.flight.requests.per.connection'];
  const { retries } = parsed;
  const wanted = given['enable.idempotence'];
  const possible = acks === -1 && maxInFlight <= 5 && retries > 0;
  const idempotent = wanted ?? possible;
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
  // A setting of 0 is as good as the least there can be.
  const maxRequestBytes = Math.max(1, parsed['max.request.size']);
  return {
    clientId: given['client.id'] ?? clientId,
    acks,
    idempotent,
    compression: compressionOf(parsed),
    maxRequestBytes,
    batchBytes: Math.max(1024, Math.min(given['batch.size'] ?? defaultBatchBytes, maxRequestBytes, 1_000_000)),
    requestTimeoutMs: Math.max(1, parsed['request.timeout.ms']),
    deliveryTimeoutMs: Math.max(1, parsed['delivery.timeout.ms']),
    maxBlockMs: parsed['max.block.ms'],
    // Without sequence numbers nothing else keeps the order when a request fails.
    maxInFlight: idempotent || given['max.in.flight.requests.per.connection'] !== undefined ? maxInFlight : 1,
    retries,
    retryBackoffMs: parsed['retry.backoff.ms'],
    retryBackoffMaxMs: parsed['retry.backoff.max.ms'],
    transactionTimeoutMs: parsed['transaction.timeout.ms'],
    ignoreKeys: parsed['partitioner.ignore.keys'],
  };
}

export function fetcherSettings(clientId: string, overrides: Settings, maxUnpackedBytes: number): FetcherSettings {
  const parsed = parseConfig(consumerConfig, overrides);
  return {
    clientId: parseGiven(consumerConfig, overrides)['client.id'] ?? clientId,
    requestTimeoutMs: Math.max(1, parsed['request.timeout.ms']),
    checkCrcs: parsed['check.crcs'],
    maxUnpackedBytes,
  };
}

/** `base`: the installation's own, where nothing is overridden. */
export function adminSettings(base: AdminSettings, overrides: Settings): AdminSettings {
  const { retry } = base;
  const given = parseGiven(adminConfig, overrides);
  const idleMs = given['connections.max.idle.ms'] ?? base.connectionsMaxIdleMs;
  return {
    clientId: given['client.id'] ?? base.clientId,
    requestTimeoutMs: Math.max(1, given['request.timeout.ms'] ?? base.requestTimeoutMs),
    connectTimeoutMs: Math.max(1, given['socket.connection.setup.timeout.ms'] ?? base.connectTimeoutMs),
    metadataMaxAgeMs: given['metadata.max.age.ms'] ?? base.metadataMaxAgeMs,
    connectionsMaxIdleMs: idleMs < 0 ? Number.MAX_SAFE_INTEGER : idleMs,
    retry: {
      timeoutMs: Math.max(1, given['default.api.timeout.ms'] ?? retry.timeoutMs),
      retries: given.retries ?? retry.retries,
      backoffMs: given['retry.backoff.ms'] ?? retry.backoffMs,
      backoffMaxMs: given['retry.backoff.max.ms'] ?? retry.backoffMaxMs,
    },
  };
}
