import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SerializationError } from '../../src/errors.ts';
import { type Codecs, type CompressionType, loadCodecs } from '../../src/kafka/codecs.ts';
import { RecordColumns } from '../../src/kafka/outgoing-batch.ts';
import { RecordBatchCursor } from '../../src/kafka/record-batch-cursor.ts';
import {
  type BatchIdentity,
  batchHeaderBytes,
  RecordBatchEncoder,
  recordUpperBound,
} from '../../src/kafka/record-batch-encoder.ts';
import type { KafkaHeader } from '../../src/kafka/types.ts';

// Written by Java's own client library 4.3 (MemoryRecordsBuilder, Utils.murmur2).
const java = JSON.parse(readFileSync(new URL('fixtures/java-client.json', import.meta.url), 'utf8')) as Record<
  CompressionType | 'transactional',
  string
>;

let codecs: Codecs;
beforeAll(async () => {
  codecs = await loadCodecs();
});

interface Plain {
  key: string | null;
  value: string | null;
  timestamp: number;
  headers: { key: string; value: string | null }[];
}

const javaRecords: Plain[] = [
  { key: 'key', value: 'value', timestamp: 1_700_000_000_000, headers: [] },
  {
    key: null,
    value: 'grüße, 世界 🐂',
    timestamp: 1_700_000_000_005,
    headers: [
      { key: 'trace', value: 'abc' },
      { key: 'nul', value: null },
      { key: 'ä', value: '' },
    ],
  },
  { key: '', value: null, timestamp: 1_699_999_999_000, headers: [] },
  { key: 'k'.repeat(200), value: 'x'.repeat(2000), timestamp: 1_710_000_000_000, headers: [] },
  { key: 'last', value: '', timestamp: 1_700_000_000_000, headers: [] },
];

const identity: BatchIdentity = { producerId: 77n, epoch: 3, baseSequence: 12, transactional: false };

function columnsOf(records: readonly Plain[], asBytes: (index: number) => boolean = () => false): RecordColumns {
  const columns = new RecordColumns();
  records.forEach((record, index) => {
    const form = (text: string | null) => (text !== null && asBytes(index) ? Buffer.from(text) : text);
    const headers: KafkaHeader[] = record.headers.map(({ key, value }) => ({ key, value: form(value) }));
    columns.append('t', 0, form(record.key), form(record.value), record.timestamp, headers.length > 0 ? headers : null);
  });
  return columns;
}

function all(columns: RecordColumns): number[] {
  return Array.from({ length: columns.size }, (_, index) => index);
}

function cursorOver(bytes: Buffer, fetchOffset = 0, checkCrcs = true): RecordBatchCursor {
  const options = { topic: 't', partition: 0, fetchOffset, abortedTransactions: null, checkCrcs };
  return new RecordBatchCursor(bytes, 0, bytes.length, codecs, options);
}

function text(cursor: RecordBatchCursor, start: number, end: number): string | null {
  return start < 0 ? null : cursor.buffer.toString('utf8', start, end);
}

function read(cursor: RecordBatchCursor): (Plain & { offset: number })[] {
  const records: (Plain & { offset: number })[] = [];
  while (cursor.next()) {
    records.push({
      offset: cursor.offset,
      key: text(cursor, cursor.keyStart, cursor.keyEnd),
      value: text(cursor, cursor.valueStart, cursor.valueEnd),
      timestamp: cursor.timestamp,
      headers: cursor.headers().map(({ key, value }) => ({ key, value: value && Buffer.from(value).toString('utf8') })),
    });
  }
  return records;
}

const withOffsets = (records: readonly Plain[]) => records.map((record, offset) => ({ offset, ...record }));

describe('record batch encoder', () => {
  it.each([false, true])('writes the very bytes that Java writes (transactional %s)', (transactional) => {
    for (const bytes of [false, true]) {
      const columns = columnsOf(javaRecords, () => bytes);
      const encoder = new RecordBatchEncoder(codecs, { type: 'none' }, 100_000);
      const batch = encoder.encode(columns, all(columns), 0, columns.size, { ...identity, transactional }, 0);
      expect(batch.count).toBe(javaRecords.length);
      // Java's builder leaves the leader's epoch to the broker too: both write -1.
      expect(batch.bytes.toString('hex')).toBe(transactional ? java.transactional : java.none);
    }
  });

  it('puts a new identity into a batch and mends the checksum', () => {
    const columns = columnsOf(javaRecords);
    const encoder = new RecordBatchEncoder(codecs, { type: 'none' }, 100_000);
    const other = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false };
    const batch = encoder.encode(columns, all(columns), 0, columns.size, other, 0);
    encoder.renumber(batch, identity);
    expect(batch.bytes.toString('hex')).toBe(java.none);
  });

  it('closes a batch at its target and goes on with the next, whatever the strings weigh in UTF-8', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { minLength: 1, maxLength: 40 }),
        fc.constantFrom<CompressionType>('none', 'gzip', 'snappy', 'lz4', 'zstd'),
        (values, type) => {
          const target = 2000;
          const records = values.map((value) => ({ key: null, value, timestamp: 5, headers: [] }));
          const columns = columnsOf(records);
          const encoder = new RecordBatchEncoder(codecs, { type }, target);
          const seen: (string | null)[] = [];
          for (let from = 0; from < columns.size; ) {
            const batch = encoder.encode(columns, all(columns), from, columns.size, identity, 0);
            expect(batch.count).toBeGreaterThan(0);
            if (type === 'none' && batch.count > 1) expect(batch.bytes.length).toBeLessThanOrEqual(target);
            seen.push(...read(cursorOver(batch.bytes)).map(({ value }) => value));
            from += batch.count;
            encoder.release(batch);
          }
          // A lone surrogate has no UTF-8; as everywhere it becomes U+FFFD.
          expect(seen).toEqual(values.map((value) => value.toWellFormed()));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('takes the time of sending where a record has none', () => {
    const columns = new RecordColumns();
    columns.append('t', 0, null, 'a', null, null);
    columns.append('t', 0, null, 'b', 42, null);
    const encoder = new RecordBatchEncoder(codecs, { type: 'none' }, 1000);
    const batch = encoder.encode(columns, [0, 1], 0, 2, identity, 1_700_000_000_000);
    expect(read(cursorOver(batch.bytes)).map(({ timestamp }) => timestamp)).toEqual([1_700_000_000_000, 42]);
  });

  it('encodes a record larger than the target alone', () => {
    const columns = columnsOf([
      { key: null, value: 'small', timestamp: 1, headers: [] },
      { key: null, value: 'ß'.repeat(5000), timestamp: 1, headers: [] },
    ]);
    const encoder = new RecordBatchEncoder(codecs, { type: 'none' }, 1000);
    expect(encoder.encode(columns, [0, 1], 0, 2, identity, 0).count).toBe(1);
    const large = encoder.encode(columns, [0, 1], 1, 2, identity, 0);
    expect(read(cursorOver(large.bytes))[0]!.value).toBe('ß'.repeat(5000));
  });
});

describe('values written into the batch', () => {
  const encode = (columns: RecordColumns) => {
    const encoder = new RecordBatchEncoder(codecs, { type: 'none' }, 1_000_000);
    return read(cursorOver(encoder.encode(columns, all(columns), 0, columns.size, identity, 0).bytes));
  };

  it('land beside those handed over, without what a failed record left', () => {
    const columns = new RecordColumns();
    columns.openValue()!.write('first');
    columns.appendOpened('t', 0, 'k', 1, null);
    columns.openValue()!.write('of a record that failed');
    columns.append('t', 0, null, 'handed over, ß', 2, null);
    columns.openValue()!.write('grüße, 世界');
    columns.appendOpened('t', 0, 'ключ', 3, [{ key: 'h', value: 'v' }]);
    columns.openValue();
    columns.appendOpened('t', 0, null, 4, null);
    columns.append('t', 0, null, null, 5, null);
    expect(encode(columns).map(({ key, value }) => [key, value])).toEqual([
      ['k', 'first'],
      [null, 'handed over, ß'],
      ['ключ', 'grüße, 世界'],
      [null, ''],
      [null, null],
    ]);
    expect(columns.bytes).toBeGreaterThan(50);
  });

  it('are counted for the largest request, and leave nothing behind in a batch that is used again', () => {
    const columns = new RecordColumns();
    columns.openValue()!.write('x'.repeat(100_000));
    columns.appendOpened('t', 0, null, 1, null);
    expect(columns.valueLength(0)).toBe(100_000);
    expect(recordUpperBound(columns, 0)).toBeGreaterThan(100_000);
    columns.clear();
    columns.append('t', 0, null, 'short', 1, null);
    expect(encode(columns).map(({ value }) => value)).toEqual(['short']);
  });

  it('come of strings too, many at a time, whatever stands between them and in a batch that is used again', () => {
    const run = fc.record({
      kind: fc.constantFrom('ascii', 'ascii', 'other', 'bytes', 'opened', 'null'),
      count: fc.integer({ min: 1, max: 600 }),
      length: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 200, max: 300 })),
    });
    const columns = new RecordColumns();
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 5 }), (runs) => {
        columns.clear();
        const expected: (string | null)[] = [];
        for (const { kind, count, length } of runs) {
          for (let i = 0; i < count; i++) {
            const value =
              kind === 'null' ? null : `${i}${kind === 'other' ? 'ü' : 'u'}`.padEnd(length, 'x').slice(0, length);
            expected.push(value);
            if (kind === 'opened') {
              columns.openValue()!.write(value!);
              columns.appendOpened('t', 0, null, i, null);
            } else {
              columns.append('t', 0, null, kind === 'bytes' ? Buffer.from(value!) : value, i, null);
            }
          }
        }
        const encoder = new RecordBatchEncoder(codecs, { type: 'none' }, 100_000);
        const found: (string | null)[] = [];
        while (found.length < expected.length) {
          const batch = encoder.encode(columns, all(columns), found.length, columns.size, identity, 0);
          found.push(...read(cursorOver(batch.bytes)).map(({ value }) => value));
          encoder.release(batch);
        }
        expect(found).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('are handed over instead once a batch holds very many bytes', () => {
    const columns = new RecordColumns();
    for (let sink = columns.openValue(); sink !== null; sink = columns.openValue()) {
      sink.write('x'.repeat(1_000_000));
      columns.appendOpened('t', 0, null, 1, null);
    }
    expect(columns.size).toBe(9);
    columns.clear();
    expect(columns.openValue()).not.toBeNull();
  });
});

describe('record batch cursor', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('reads what Java wrote with compression %s', (type) => {
    const cursor = cursorOver(Buffer.from(java[type], 'hex'));
    expect(cursor.endOffset).toBe(javaRecords.length);
    expect(read(cursor)).toEqual(withOffsets(javaRecords));
    expect(cursor.nextOffset).toBe(javaRecords.length);
  });

  it('starts at the wanted offset inside a batch and leaves a batch that is cut off', () => {
    const one = Buffer.from(java.none, 'hex');
    const second = Buffer.from(one);
    second.writeBigInt64BE(5n, 0);
    const cursor = cursorOver(Buffer.concat([one, second.subarray(0, second.length - 1)]), 3);
    expect(cursor.endOffset).toBe(5);
    expect(read(cursor).map(({ offset }) => offset)).toEqual([3, 4]);
    expect(cursor.nextOffset).toBe(5);
  });

  it.each(['none', 'gzip', 'snappy'] as const)('passes over what compaction leaves of a batch, with %s', (type) => {
    const empty = Buffer.from(java[type], 'hex').subarray(0, batchHeaderBytes);
    const left = Buffer.from(empty);
    left.writeInt32BE(batchHeaderBytes - 12, 8);
    left.writeInt32BE(0, 57);
    left.writeUInt32BE(codecs.crc32c(left.subarray(21)), 17);
    const after = Buffer.from(java.none, 'hex');
    after.writeBigInt64BE(BigInt(javaRecords.length), 0);
    const cursor = cursorOver(Buffer.concat([left, after]));
    expect(cursor.endOffset).toBe(2 * javaRecords.length);
    expect(read(cursor)).toHaveLength(javaRecords.length);
    expect(cursor.nextOffset).toBe(2 * javaRecords.length);
  });

  it('hides aborted transactions and control records under read_committed only', () => {
    const encode = (producerId: bigint, baseOffset: bigint, values: string[], transactional = true) => {
      const columns = columnsOf(values.map((value) => ({ key: null, value, timestamp: 1, headers: [] })));
      const encoder = new RecordBatchEncoder(codecs, { type: 'none' }, 10_000);
      const batch = encoder.encode(
        columns,
        all(columns),
        0,
        values.length,
        { ...identity, producerId, transactional },
        0,
      );
      batch.bytes.writeBigInt64BE(baseOffset, 0);
      return Buffer.from(batch.bytes);
    };
    const marker = (producerId: bigint, baseOffset: bigint, type: 0 | 1) => {
      const columns = new RecordColumns();
      columns.append('t', 0, Buffer.from([0, 0, 0, type]), Buffer.alloc(6), 1, null);
      const encoder = new RecordBatchEncoder(codecs, { type: 'none' }, 10_000);
      const { bytes } = encoder.encode(columns, [0], 0, 1, { ...identity, producerId, transactional: true }, 0);
      bytes.writeBigInt64BE(baseOffset, 0);
      bytes.writeInt16BE(0x30, 21);
      bytes.writeUInt32BE(codecs.crc32c(bytes.subarray(21)), 17);
      return Buffer.from(bytes);
    };
    // Producer 1 aborts, then commits; producer 2 commits in between; a plain record is in the midst.
    const log = Buffer.concat([
      encode(1n, 0n, ['a0', 'a1']),
      encode(2n, 2n, ['b2']),
      encode(-1n, 3n, ['plain3'], false),
      marker(1n, 4n, 0),
      encode(1n, 5n, ['c5']),
      marker(2n, 6n, 1),
      marker(1n, 7n, 1),
    ]);
    const values = (aborted: { producerId: bigint; firstOffset: number }[] | null) => {
      const options = { topic: 't', partition: 0, fetchOffset: 0, abortedTransactions: aborted, checkCrcs: true };
      const cursor = new RecordBatchCursor(log, 0, log.length, codecs, options);
      expect(cursor.endOffset).toBe(8);
      const seen = read(cursor).map(({ value }) => value);
      expect(cursor.nextOffset).toBe(8);
      return seen;
    };
    expect(values([{ producerId: 1n, firstOffset: 0 }])).toEqual(['b2', 'plain3', 'c5']);
    expect(values(null)).toEqual(['a0', 'a1', 'b2', 'plain3', 'c5']);
  });

  it('notices a flipped bit unless check.crcs is off', () => {
    const bytes = Buffer.from(java.none, 'hex');
    bytes[70]! ^= 1;
    expect(() => read(cursorOver(bytes))).toThrow(/checksum/);
    expect(read(cursorOver(bytes, 0, false))).toHaveLength(javaRecords.length);
  });

  it('raises only its own error on bytes that are not a log', () => {
    const intact = Buffer.from(java.none, 'hex');
    const tolerant = (bytes: Buffer) => {
      try {
        read(cursorOver(bytes, 0, false));
      } catch (error) {
        expect(error).toBeInstanceOf(SerializationError);
      }
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(intact.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (edits) => {
          const bytes = Buffer.from(intact);
          for (const [at, byte] of edits) bytes[at] = byte;
          tolerant(bytes);
        },
      ),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        tolerant(Buffer.from(noise));
        const behindHeader = Buffer.from(intact);
        behindHeader.set(noise.subarray(0, behindHeader.length - 61), 61);
        tolerant(behindHeader);
      }),
      { numRuns: 3000 },
    );
    for (const type of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const packed = Buffer.from(java[type], 'hex');
      fc.assert(
        fc.property(fc.integer({ min: 61, max: packed.length - 1 }), fc.nat(255), (at, byte) => {
          const bytes = Buffer.from(packed);
          bytes[at] = byte;
          tolerant(bytes);
        }),
        { numRuns: 300 },
      );
    }
  });

  it('reads back whatever the encoder wrote', () => {
    const content = fc.option(fc.string({ unit: 'grapheme', maxLength: 60 }), { nil: null });
    const record = fc.record({
      key: content,
      value: content,
      timestamp: fc.oneof(fc.integer({ min: 0, max: 4_102_444_800_000 }), fc.constantFrom(0, 1, 2 ** 45)),
      headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 10 }), value: content }), {
        maxLength: 3,
      }),
    });
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 30 }),
        fc.constantFrom<CompressionType>('none', 'gzip', 'snappy', 'lz4', 'zstd'),
        fc.boolean(),
        (records, type, bytes) => {
          const columns = columnsOf(records, (index) => bytes === (index % 2 === 0));
          const encoder = new RecordBatchEncoder(codecs, { type }, 1_000_000);
          const batch = encoder.encode(columns, all(columns), 0, columns.size, identity, 0);
          expect(read(cursorOver(batch.bytes))).toEqual(withOffsets(records));
        },
      ),
      { numRuns: 500 },
    );
  });
});
