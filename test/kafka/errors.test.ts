import { describe, expect, it } from 'vitest';
import { ConnectError, FencedError, RetriableError } from '../../src/errors.ts';
import { connectionError } from '../../src/kafka/connection.ts';
import { kafkaError, kafkaErrors } from '../../src/kafka/errors.ts';
import { WireReader } from '../../src/kafka/protocol/wire-reader.ts';
import { WireWriter } from '../../src/kafka/protocol/wire-writer.ts';

describe('broker errors', () => {
  it('I2: tell a fence from everything else', () => {
    for (const name of ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING'] as const) {
      const error = kafkaError(kafkaErrors[name], { doing: 'commit', transactionalId: 'g-c-0' });
      expect(error).toBeInstanceOf(FencedError);
      expect(error.message).toContain('g-c-0');
    }
  });

  it.each([
    'NOT_LEADER_OR_FOLLOWER',
    'LEADER_NOT_AVAILABLE',
    'NOT_ENOUGH_REPLICAS',
    'REQUEST_TIMED_OUT',
    'COORDINATOR_LOAD_IN_PROGRESS',
    'CONCURRENT_TRANSACTIONS',
    'KAFKA_STORAGE_ERROR',
  ] as const)('%s may be tried again', (name) => {
    expect(kafkaError(kafkaErrors[name], { doing: 'write to', topic: 't' })).toBeInstanceOf(RetriableError);
  });

  it.each([
    ['TOPIC_AUTHORIZATION_FAILED', 'kafka.not_authorized', 'TopicAuthorizationException', /WRITE/],
    ['MESSAGE_TOO_LARGE', 'kafka.record_too_large', 'RecordTooLargeException', /max\.message\.bytes/],
    ['INVALID_TOPIC', 'kafka.invalid_topic', 'InvalidTopicException', /legal topic name/],
    ['INVALID_RECORD', 'kafka.invalid_record', 'InvalidRecordException', /cleanup\.policy=compact/],
  ] as const)('%s is final, coded, named as in Java, and says what to do', (name, code, javaClass, fix) => {
    const error = kafkaError(kafkaErrors[name], { doing: 'write to', topic: 'orders', partition: 3 });
    expect(error).toMatchObject({ code, javaClass, retriable: false });
    expect(error.message).toMatch(fix);
    expect(error.message).toContain('topic "orders" partition 3');
  });

  it('keep a code that nobody has heard of', () => {
    expect(kafkaError(999, { doing: 'reach' })).toMatchObject({ retriable: false, facts: { kafkaCode: 999 } });
  });
});

describe('connection errors', () => {
  const coded = (code: string, message: string, cause?: unknown) =>
    Object.assign(new Error(message, { cause }), { code });

  it.each([
    [coded('ECONNREFUSED', 'connect ECONNREFUSED'), 'kafka.unreachable', true],
    [coded('PLT_KFK_TIMEOUT', 'Request timed out'), 'kafka.unreachable', true],
    [coded('PLT_KFK_NETWORK', 'failed', coded('PLT_KFK_AUTHENTICATION', 'no')), 'kafka.authentication_failed', false],
    [coded('PLT_KFK_NETWORK', 'failed', coded('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed')), 'kafka.tls_failed', false],
  ])('%s', (error, code, retriable) => {
    expect(connectionError(error, 'b1:9092')).toMatchObject({ code, retriable });
    expect(connectionError(error, 'b1:9092').message).toContain('b1:9092');
  });

  it('pass our own through', () => {
    const own = new ConnectError('x', 'y');
    expect(connectionError(own, 'a')).toBe(own);
  });
});

describe('wire', () => {
  it('reads back numbers, texts and arrays, and skips tagged fields', () => {
    const writer = new WireWriter(4)
      .int8(-1)
      .int16(-300)
      .int32(70_000)
      .int64(2 ** 45)
      .string('grüße')
      .string(null)
      .int32Array([1, -2])
      .unsignedVarint(300)
      .boolean(true);
    writer.unsignedVarint(1).unsignedVarint(5).unsignedVarint(2).int16(7).int8(42);
    const reader = new WireReader(writer.finish());
    expect([reader.int8(), reader.int16(), reader.int32(), reader.int64()]).toEqual([-1, -300, 70_000, 2 ** 45]);
    expect([reader.string(), reader.string()]).toEqual(['grüße', null]);
    expect(reader.array(() => reader.int32())).toEqual([1, -2]);
    expect([reader.unsignedVarint(), reader.boolean()]).toEqual([300, true]);
    reader.skipTags();
    expect(reader.int8()).toBe(42);
  });

  it('says so when an answer ends early', () => {
    expect(() => new WireReader(Buffer.from([0, 0])).int32()).toThrow(/ends early/);
    expect(() => new WireReader(Buffer.from([200])).string()).toThrow(/ends early/);
  });
});
