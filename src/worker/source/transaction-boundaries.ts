import type { SourceRecord } from '../../api/record.ts';
import type { TransactionContext } from '../../api/task.ts';
import { ConnectError } from '../../errors.ts';
import type { Piece } from './poll-pieces.ts';

/** What a connector says about its own transactions, per record or for the batch that its next poll returns. */
export class TransactionBoundaries implements TransactionContext {
  #commitBatch = false;
  #abortBatch = false;
  readonly #commitAfter = new Set<SourceRecord>();
  readonly #abortAfter = new Set<SourceRecord>();

  commitTransaction(record?: SourceRecord): void {
    if (record === undefined) this.#commitBatch = true;
    else this.#commitAfter.add(record);
  }

  abortTransaction(record?: SourceRecord): void {
    if (record === undefined) this.#abortBatch = true;
    else this.#abortAfter.add(record);
  }

  /** An empty poll may end a transaction all the same. */
  split(polled: SourceRecord[]): Piece[] {
    const pieces: Piece[] = [];
    let from = 0;
    for (let i = 0; i < polled.length; i++) {
      const boundary = this.#takeRecordRequest(polled[i]!);
      if (boundary === null) continue;
      pieces.push({ records: polled.slice(from, i + 1), boundary, behind: 'submit' });
      from = i + 1;
    }
    const boundary = this.takeBatchRequest();
    if (from < polled.length || boundary !== null) {
      pieces.push({ records: polled.slice(from), boundary, behind: 'submit' });
    }
    return pieces;
  }

  /** What is asked for without a record, once. */
  takeBatchRequest(): Piece['boundary'] {
    const boundary = requested(this.#commitBatch, this.#abortBatch);
    this.#commitBatch = false;
    this.#abortBatch = false;
    return boundary;
  }

  #takeRecordRequest(record: SourceRecord): Piece['boundary'] {
    return requested(this.#commitAfter.delete(record), this.#abortAfter.delete(record));
  }
}

function requested(commit: boolean, abort: boolean): Piece['boundary'] {
  if (commit && abort) {
    throw new ConnectError(
      'source.transaction_contradiction',
      'Connector requested both commit and abort of same transaction',
      { javaClass: 'IllegalStateException' },
    );
  }
  return commit ? 'commit' : abort ? 'abort' : null;
}
