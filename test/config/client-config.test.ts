import { describe, expect, it } from 'vitest';
import { type Client, clientConfig, requireOverrides } from '../../src/config/client-config.ts';
import { defaultOf } from '../../src/config/parse-config.ts';
import { parseResetPolicy } from '../../src/config/reset-policy.ts';
import { ConfigError } from '../../src/errors.ts';

const refusal = (client: Client, name: string, value: string): string => {
  try {
    requireOverrides(client, { [name]: value });
    return 'accepted';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).facts.key).toBe(name);
    return (error as ConfigError).message;
  }
};

describe('overrides for the Kafka clients, as a Java worker takes or refuses them when it makes the client', () => {
  it.each([
    ['consumer', 'isolation.level', 'bogus', 'String must be one of: read_committed, read_uncommitted'],
    ['consumer', 'isolation.level', 'READ_COMMITTED', 'String must be one of: read_committed, read_uncommitted'],
    ['consumer', 'max.poll.records', '0', 'Value must be at least 1'],
    ['consumer', 'fetch.max.wait.ms', '-1', 'Value must be at least 0'],
    ['consumer', 'group.protocol', 'zz', 'String must be one of (case insensitive): CONSUMER, CLASSIC'],
    ['consumer', 'group.instance.id', '', 'String must be non-empty'],
    ['consumer', 'metrics.num.samples', '0', 'Value must be at least 1'],
    ['consumer', 'receive.buffer.bytes', '-5', 'Value must be at least -1'],
    ['producer', 'acks', 'ALL', 'String must be one of: all, -1, 0, 1'],
    ['producer', 'compression.type', 'GZIP', 'String must be one of: none, gzip, snappy, lz4, zstd'],
    ['producer', 'compression.gzip.level', '10', 'Value must be between 1 and 9 or equal to -1'],
    ['producer', 'compression.zstd.level', '100', 'Value must be no more than 22'],
    ['producer', 'compression.lz4.level', '0', 'Value must be at least 1'],
    ['producer', 'metadata.max.idle.ms', '1', 'Value must be at least 5000'],
    ['producer', 'partitioner.class', 'no.such.Class', 'Class no.such.Class could not be found.'],
    ['producer', 'security.protocol', 'nope', 'SASL_SSL, PLAINTEXT, SSL, SASL_PLAINTEXT'],
    ['producer', 'interceptor.classes', 'no.Such', 'Class no.Such could not be found.'],
    ['producer', 'delivery.timeout.ms', '10', 'should be equal to or larger than linger.ms + request.timeout.ms'],
    ['admin', 'default.api.timeout.ms', '10', 'must be no smaller than the value of request.timeout.ms'],
    ['admin', 'retries', '-1', 'Value must be at least 0'],
  ] as const)('%s %s=%s is refused', (client, name, value, words) => {
    expect(refusal(client, name, value)).toContain(words);
  });

  it.each([
    ['consumer', 'isolation.level', ' read_committed '],
    ['consumer', 'security.protocol', 'ssl'],
    ['consumer', 'group.protocol', 'consumer'],
    ['consumer', 'connections.max.idle.ms', '-5'],
    ['consumer', 'key.deserializer', 'org.apache.kafka.common.serialization.StringDeserializer'],
    ['producer', 'partitioner.class', 'org.apache.kafka.clients.producer.RoundRobinPartitioner'],
    ['producer', 'max.request.size', '0'],
    ['producer', 'sasl.client.callback.handler.class', 'software.amazon.msk.auth.iam.IAMClientCallbackHandler'],
    ['producer', 'of.nobody', 'x'],
  ] as const)('%s %s=%s is taken', (client, name, value) => {
    expect(refusal(client, name, value)).toBe('accepted');
  });

  it('have defaults that pass their own checks, but for what they leave out', () => {
    for (const client of ['producer', 'consumer', 'admin'] as const) {
      for (const key of clientConfig(client).keys.values()) {
        if (key.required || defaultOf(key) === null) continue;
        expect(() => key.validator?.check(key.name, defaultOf(key))).not.toThrow();
      }
    }
  });
});

describe('auto.offset.reset (KIP-1106)', () => {
  it.each([
    ['earliest', 'earliest'],
    ['by_duration:PT1H', { lastMs: 3_600_000 }],
    ['by_duration:pt1h', { lastMs: 3_600_000 }],
    ['by_duration:P1D', { lastMs: 86_400_000 }],
    ['by_duration:PT0S', { lastMs: 0 }],
    ['by_duration:P1DT2H3M4.5S', { lastMs: 93_784_500 }],
    ['by_duration:PT2H-30M', { lastMs: 5_400_000 }],
  ])('%s', (text, expected) => {
    expect(parseResetPolicy('auto.offset.reset', text)).toEqual(expected);
  });

  it.each(['EARLIEST', 'BY_DURATION:PT1H', 'by_duration:-PT1H', 'by_duration:1h', 'by_duration:', 'by_duration:P1M'])(
    '%s is refused in the words of Kafka',
    (text) => {
      expect(refusal('consumer', 'auto.offset.reset', text)).toBe(
        `Invalid value ${text} for configuration auto.offset.reset: Invalid value \`${text}\` for configuration auto.offset.reset. ` +
          "The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.",
      );
    },
  );

  it.each(['by_duration:P', 'by_duration:PT', 'by_duration: PT1H', 'by_duration:PT1H30'])(
    '%s is no duration',
    (text) => {
      expect(() => parseResetPolicy('auto.offset.reset', text)).toThrow(ConfigError);
    },
  );
});
