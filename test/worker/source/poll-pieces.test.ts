import { describe, expect, it } from 'vitest';
import { SourceRecord } from '../../../src/api/record.ts';
import { type Piece, pollSplitter } from '../../../src/worker/source/poll-pieces.ts';
import { TransactionBoundaries } from '../../../src/worker/source/transaction-boundaries.ts';

const record = (partition: string, offset: number) =>
  new SourceRecord({ partition }, { offset }, 't', null, null, null, null, null, null);

const shape = (pieces: readonly Piece[]) =>
  pieces.map(({ records, boundary, behind }) => [
    records.map(({ sourceOffset }) => sourceOffset.offset).join(' '),
    boundary,
    behind,
  ]);

describe('pollSplitter', () => {
  it('leaves polls whole, so that several can be gathered into a batch', () => {
    const split = pollSplitter(null, false);
    expect(shape(split([record('a', 1), record('b', 2)]))).toEqual([['1 2', null, 'gather']]);
  });

  it('delivers the first record of each source partition on its own, once', () => {
    const split = pollSplitter(null, true);
    const polled = [record('a', 1), record('a', 2), record('b', 3), record('a', 4), record('b', 5)];
    expect(shape(split(polled))).toEqual([
      ['1', null, 'drain'],
      ['2', null, 'drain'],
      ['3', null, 'drain'],
      ['4 5', null, 'drain'],
    ]);
    expect(shape(split(polled))).toEqual([['1 2 3 4 5', null, 'gather']]);
  });

  it('spends no more than fifty requests on source partitions', () => {
    const polled = Array.from({ length: 60 }, (_, offset) => record(`p${offset}`, offset));
    const pieces = pollSplitter(null, true)(polled);
    expect(pieces.map(({ records }) => records.length)).toEqual([...Array(50).fill(1), 10]);
  });

  it('I4: ends a piece where the connector ends a transaction, after a record or after the poll', () => {
    const boundaries = new TransactionBoundaries();
    const split = pollSplitter(boundaries, false);
    const polled = [1, 2, 3, 4].map((offset) => record('a', offset));
    boundaries.commitTransaction(polled[0]);
    boundaries.abortTransaction(polled[2]);
    expect(shape(split(polled))).toEqual([
      ['1', 'commit', 'submit'],
      ['2 3', 'abort', 'submit'],
      ['4', null, 'submit'],
    ]);
    boundaries.commitTransaction();
    expect(shape(split(polled.slice(3)))).toEqual([['4', 'commit', 'submit']]);
  });

  it('I4: an empty poll may end a transaction, and says nothing else', () => {
    const boundaries = new TransactionBoundaries();
    const split = pollSplitter(boundaries, false);
    expect(split([])).toEqual([]);
    boundaries.commitTransaction();
    expect(shape(split([]))).toEqual([['', 'commit', 'submit']]);
    expect(split([])).toEqual([]);
  });

  it('refuses to commit and to abort the same transaction', () => {
    const boundaries = new TransactionBoundaries();
    boundaries.commitTransaction();
    boundaries.abortTransaction();
    expect(() => pollSplitter(boundaries, false)([])).toThrow('both commit and abort');
  });
});
