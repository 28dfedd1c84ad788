import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clusterPk,
  connectorKey,
  connectorOf,
  connectorPk,
  isConnectorPk,
  listPk,
  sinkPositionKey,
  sinkPositionOf,
  sourceOffsetKey,
  taskKey,
  taskOf,
  topicKey,
  topicOf,
} from '../../src/storage/dynamodb/table.ts';

/** Any UTF-16 text, lone surrogates and control characters included, with what keys are made of more often. */
const piece = fc.oneof(
  fc.constantFrom(
    '#',
    '%',
    '%25',
    '%ud800',
    'C#',
    'TASK#',
    'STATE',
    'SO#',
    'CLUSTER',
    'DUE#0',
    '\0',
    '/',
    '~',
    '\ud800',
    '\udc00',
    '\u{10ffff}',
  ),
  fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  fc.string({ maxLength: 3 }),
);
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
const partition = fc.nat(1_000_000);

/** What is left of a key after its way through UTF-8. */
const overTheWire = (key: string) => Buffer.from(key, 'utf8').toString('utf8');

describe('keys of the table', () => {
  it('a connector name is read back as it was, and reaches no key of another or of the cluster', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const pk = overTheWire(connectorPk(a));
        expect(connectorOf(pk)).toBe(a);
        expect(isConnectorPk(pk)).toBe(true);
        expect([clusterPk, listPk, 'DUE#0', 'WATCHED#0']).not.toContain(pk);
        if (a !== b) expect(overTheWire(connectorPk(b))).not.toBe(pk);
      }),
      { numRuns: 3000 },
    );
  });

  it('items of one connector never share a key, whatever their topics and source partitions are called', () => {
    fc.assert(
      fc.property(text, text, text, partition, partition, (name, one, other, p, q) => {
        const keys = [
          connectorKey(name),
          taskKey(name, p % 1_000_000),
          sourceOffsetKey(name, one),
          sinkPositionKey(name, one, p),
          topicKey(name, one),
          ...(one === other
            ? []
            : [sourceOffsetKey(name, other), topicKey(name, other), sinkPositionKey(name, other, p)]),
          ...(p === q ? [] : [sinkPositionKey(name, one, q)]),
        ];
        expect(new Set(keys.map(({ pk }) => pk))).toEqual(new Set([connectorPk(name)]));
        expect(new Set(keys.map(({ sk }) => overTheWire(sk))).size).toBe(keys.length);
      }),
      { numRuns: 3000 },
    );
  });

  it('sort keys give back what they were made of', () => {
    fc.assert(
      fc.property(text, partition, (topic, p) => {
        expect(sinkPositionOf(overTheWire(sinkPositionKey('c', topic, p).sk))).toEqual({ topic, kafkaPartition: p });
        expect(topicOf(overTheWire(topicKey('c', topic).sk))).toBe(topic);
        expect(taskOf(taskKey('c', p).sk)).toBe(p);
      }),
    );
  });

  it('fit DynamoDB: a source partition of any length, and a clear refusal of names that are too long', () => {
    const long = sourceOffsetKey('c', '漢'.repeat(100_000));
    expect(Buffer.byteLength(long.sk)).toBeLessThanOrEqual(1024);
    expect(sourceOffsetKey('c', '漢'.repeat(100_001)).sk).not.toBe(long.sk);
    expect(() => connectorPk('漢'.repeat(400))).toThrow(/connector name is too long: 1200 bytes, at most 1022/);
    expect(connectorPk('漢'.repeat(300))).toHaveLength(302);
    expect(connectorPk('n'.repeat(1022))).toHaveLength(1024);
    expect(() => connectorPk('n'.repeat(1023))).toThrow(/: 1023 bytes, at most 1022 fit/);
  });
});
