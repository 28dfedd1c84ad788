import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SerializationError } from '../../src/errors.ts';
import { type Codecs, type CompressionType, compressionId, loadCodecs } from '../../src/kafka/codecs.ts';
import { RecordColumns } from '../../src/kafka/outgoing-batch.ts';
import { RecordBatchCursor } from '../../src/kafka/record-batch-cursor.ts';
import { batchHeaderBytes, RecordBatchEncoder } from '../../src/kafka/record-batch-encoder.ts';
import { lz4Size, snappySize } from '../../src/kafka/unpacked-size.ts';

// Written by Java's own client library 4.3.
const java = JSON.parse(readFileSync(new URL('fixtures/java-client.json', import.meta.url), 'utf8')) as Record<
  CompressionType,
  string
>;
const types = ['gzip', 'snappy', 'lz4', 'zstd'] as const;

let codecs: Codecs;
beforeAll(async () => {
  codecs = await loadCodecs();
});

/** Long runs and noise, in any mixture; never nothing, as a batch has a record at least. */
const contents = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 200_000 }).map((n) => new Uint8Array(n)),
    ),
    { minLength: 1 },
  )
  .map((parts) => Buffer.concat(parts));

describe('the unpacked size', () => {
  it('of snappy and lz4 is what unpacking gives', () => {
    fc.assert(
      fc.property(contents, (plain) => {
        expect(snappySize(codecs.compress({ type: 'snappy' }, plain))).toBe(plain.length);
        const packed = codecs.compress({ type: 'lz4' }, plain);
        expect(lz4Size(packed, -1)).toBe(plain.length);
        expect(lz4Size(packed, 1 << 30)).toBeGreaterThanOrEqual(plain.length);
      }),
      { numRuns: 50 },
    );
  });

  it.each(['snappy', 'lz4'] as const)('of %s as Java frames it', (type) => {
    const packed = Buffer.from(java[type], 'hex').subarray(batchHeaderBytes);
    const size = codecs.decompress(compressionId(type), packed).length;
    expect(type === 'snappy' ? snappySize(packed) : lz4Size(packed, -1)).toBe(size);
    expect(codecs.decompress(compressionId(type), packed, size)).toHaveLength(size);
    expect(() => codecs.decompress(compressionId(type), packed, size - 1)).toThrow(/unpacks to more than/);
  });

  it('of any other bytes is an error or a number, never a hang', () => {
    const framed = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from([4, 0x22, 0x4d, 0x18, 0x60, ...bytes]));
    fc.assert(
      fc.property(framed, (bytes) => {
        for (const size of [() => lz4Size(bytes, -1), () => snappySize(bytes)]) {
          try {
            expect(size()).toBeGreaterThanOrEqual(0);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        }
      }),
    );
  });
});

describe('a batch that unpacks to too much', () => {
  const identity = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false };
  const limit = 1 << 20;

  function cursorOver(bytes: Buffer, maxUnpackedBytes: number): RecordBatchCursor {
    const options = { topic: 'orders', partition: 3, fetchOffset: 7, abortedTransactions: null, checkCrcs: false };
    bytes.writeBigInt64BE(7n, 0);
    return new RecordBatchCursor(bytes, 0, bytes.length, codecs, { ...options, maxUnpackedBytes });
  }

  function batchOf(type: CompressionType, value: string): Buffer {
    const columns = new RecordColumns();
    columns.append('orders', 3, null, value, 1, null);
    const encoder = new RecordBatchEncoder(codecs, { type }, 1 << 24);
    return Buffer.from(encoder.encode(columns, [0], 0, 1, identity, 0).bytes);
  }

  it.each(types)('%s: is refused by topic, partition and offset, and what fits is read', (type) => {
    const bomb = batchOf(type, 'x'.repeat(limit));
    expect(bomb.length).toBeLessThan(limit / 10);
    const refused = () => cursorOver(Buffer.from(bomb), limit).next();
    expect(refused).toThrow(SerializationError);
    expect(refused).toThrow(
      new RegExp(
        `offset 7 of topic "orders" partition 3 cannot be read: it unpacks to more than ${limit} bytes as ${type}.*to 8$`,
      ),
    );
    const cursor = cursorOver(Buffer.from(bomb), 2 * limit);
    expect(cursor.next()).toBe(true);
    expect(cursor.valueEnd - cursor.valueStart).toBe(limit);
  });

  /** A batch header before packed bytes that no encoder makes. */
  function crafted(type: CompressionType, packed: Buffer): Buffer {
    const header = batchOf(type, 'x').subarray(0, batchHeaderBytes);
    const batch = Buffer.concat([header, packed]);
    batch.writeInt32BE(batch.length - 12, 8);
    return batch;
  }

  it('snappy: that claims four gigabytes in eight bytes', () => {
    const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0x61, 0x61]);
    expect(() => cursorOver(crafted('snappy', claim), limit).next()).toThrow(/unpacks to more than 1048576 bytes/);
  });

  it('lz4: one block of four megabytes that copies the same byte over and over', () => {
    const lengths = Buffer.alloc(16_000, 0xff);
    const block = Buffer.concat([Buffer.from([0x1f, 0x61, 1, 0]), lengths, Buffer.from([0, 0x10, 0x61])]);
    const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73, 0, 0, 0, 0]);
    head.writeUInt32LE(block.length, 7);
    const bomb = crafted('lz4', Buffer.concat([head, block, Buffer.alloc(4)]));
    expect(bomb.length).toBeLessThan(20_000);
    expect(() => cursorOver(bomb, limit).next()).toThrow(/unpacks to more than 1048576 bytes/);
    expect(() => cursorOver(bomb, 1 << 23).next()).not.toThrow(/unpacks to more/);
  });
});
