import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitAggregated } from '../../../connectors/kinesis/aggregated.ts';
import { aggregate, aggregatedType } from '../../support/kinesis-aggregate.ts';

const magic = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
const md5 = (message: Uint8Array) => createHash('md5').update(message).digest();
const wrapped = (message: Uint8Array) => Buffer.concat([magic, message, md5(message)]);
const encoded = (message: object) => wrapped(aggregatedType.encode(aggregatedType.create(message)).finish());

describe('records that were put together', () => {
  test('are split as the message was written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ key: fc.string({ minLength: 1 }), data: fc.uint8Array() }), {
          minLength: 1,
          maxLength: 300,
        }),
        (parts) => {
          const split = splitAggregated(aggregate(parts));
          expect(split?.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data).toString('hex')])).toEqual(
            parts.map(({ key, data }) => [key, Buffer.from(data).toString('hex')]),
          );
        },
      ),
    );
  });

  test('with hash keys and tags', () => {
    const data = encoded({
      partitionKeyTable: ['a', 'b'],
      explicitHashKeyTable: ['12345678901234567890'],
      records: [
        { partitionKeyIndex: 1, explicitHashKeyIndex: 0, data: Buffer.from('x'), tags: [{ key: 'k', value: 'v' }] },
        { partitionKeyIndex: 0, data: Buffer.from('') },
      ],
    });
    expect(
      splitAggregated(data)?.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data).toString()]),
    ).toEqual([
      ['b', 'x'],
      ['a', ''],
    ]);
  });

  const good = aggregate([{ key: 'a', data: Buffer.from('some data') }]);
  const endless = Buffer.concat([Buffer.from([0x1a]), Buffer.alloc(20, 0xff)]);
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['the magic alone', magic],
    ['another magic', Buffer.concat([Buffer.from([0, 0, 0, 0]), good.subarray(4)])],
    ['a digest that is wrong', Buffer.concat([good.subarray(0, -1), Buffer.from([good.at(-1)! ^ 1])])],
    ['a message that is cut off', wrapped(good.subarray(4, -20))],
    ['a length without end', wrapped(endless)],
    ['a length beyond the end', wrapped(Buffer.from([0x1a, 0x7f, 0x01]))],
    ['groups, which protobuf has given up', wrapped(Buffer.from([0x0b, 0x0c]))],
    ['a field of number 0', wrapped(Buffer.from([0x00, 0x00]))],
    ['a fixed value beyond the end', wrapped(Buffer.from([0x09, 0x00]))],
    ['no records', encoded({ partitionKeyTable: ['a'] })],
    [
      'an index of no key',
      encoded({ partitionKeyTable: ['a'], records: [{ partitionKeyIndex: 1, data: Buffer.from('x') }] }),
    ],
  ])('%s is a record like others', (_what, data) => {
    expect(splitAggregated(data)).toBeNull();
  });

  test('whatever the message is, it is split as another reader does, or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (message) => {
        const split = splitAggregated(wrapped(message));
        if (split === null) return;
        const { records } = aggregatedType.decode(message) as unknown as { records: { data: Uint8Array }[] };
        expect(split.map(({ data }) => Buffer.from(data))).toEqual(records.map(({ data }) => Buffer.from(data)));
      }),
      { numRuns: 2000 },
    );
  });
});
