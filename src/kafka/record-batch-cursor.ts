/**
 * Walks record batches v2 as they came from the broker, without an object for each record: `next` moves, the fields
 * say where things lie. Batches are unpacked and checked when they are reached.
 */
import { SerializationError } from '../errors.ts';
import type { Codecs } from './codecs.ts';
import type { AbortedTransaction } from './protocol/fetch.ts';
import { readInt64 } from './protocol/wire-reader.ts';
import { batchHeaderBytes } from './record-batch-encoder.ts';
import type { RecordCursor } from './types.ts';

const compressionMask = 0x07;
const logAppendTimeFlag = 0x08;
const transactionalFlag = 0x10;
const controlFlag = 0x20;
const abortMarker = 0;

export interface CursorOptions {
  readonly topic: string;
  readonly partition: number;
  /** Records before it are passed over: a batch is fetched whole. */
  readonly fetchOffset: number;
  /** Null under read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly checkCrcs: boolean;
  /** Of one batch. Default: what suits a function of 1 GB. */
  readonly maxUnpackedBytes?: number;
}

export class RecordBatchCursor implements RecordCursor {
  readonly topic: string;
  readonly partition: number;
  offset = -1;
  timestamp = -1;
  timestampType: 'CreateTime' | 'LogAppendTime' = 'CreateTime';
  buffer: Buffer;
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  headerCount = 0;
  nextOffset: number;

  readonly #codecs: Codecs;
  readonly #checkCrcs: boolean;
  readonly #maxUnpackedBytes: number | undefined;
  readonly #fetchOffset: number;
  readonly #response: Buffer;
  readonly #end: number;
  /** Where the next batch starts in the response. */
  #batchAt: number;
  /** Read position in `buffer`, and the records left in this batch. */
  #position = 0;
  #limit = 0;
  #left = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  #headersAt = 0;
  readonly #aborted: AbortedTransaction[] | null;
  readonly #abortedNow = new Set<bigint>();

  constructor(response: Buffer, start: number, end: number, codecs: Codecs, options: CursorOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.nextOffset = options.fetchOffset;
    this.buffer = response;
    this.#response = response;
    this.#batchAt = start;
    this.#end = end;
    this.#codecs = codecs;
    this.#checkCrcs = options.checkCrcs;
    this.#maxUnpackedBytes = options.maxUnpackedBytes;
    this.#fetchOffset = options.fetchOffset;
    this.#aborted = options.abortedTransactions
      ? [...options.abortedTransactions].sort((one, other) => one.firstOffset - other.firstOffset)
      : null;
  }

  next(): boolean {
    for (;;) {
      while (this.#left > 0) {
        this.#left--;
        this.#readRecord();
        if (this.offset >= this.#fetchOffset) return true;
      }
      if (!this.#openBatch()) return false;
    }
  }

  /** From the headers of the batches alone; a malformed one is for `next` to refuse. */
  get endOffset(): number {
    const response = this.#response;
    let end = this.nextOffset;
    for (let at = this.#batchAt; at + batchHeaderBytes <= this.#end; ) {
      const length = response.readInt32BE(at + 8);
      const next = at + 12 + length;
      if (length < batchHeaderBytes - 12 || next > this.#end || response[at + 16] !== 2) break;
      end = Math.max(end, readInt64(response, at) + response.readInt32BE(at + 23) + 1);
      at = next;
    }
    return end;
  }

  headers(): readonly { key: string; value: Uint8Array | null }[] {
    const headers: { key: string; value: Uint8Array | null }[] = [];
    const after = this.#position;
    this.#position = this.#headersAt;
    for (let count = this.headerCount; count > 0; count--) {
      const keySize = this.#size('header key');
      if (keySize < 0) throw this.#corrupt('a header without a key');
      const key = this.buffer.toString('utf8', this.#position, this.#position + keySize);
      this.#position += keySize;
      const valueSize = this.#size('header value');
      const value = valueSize < 0 ? null : this.buffer.subarray(this.#position, this.#position + valueSize);
      if (valueSize > 0) this.#position += valueSize;
      headers.push({ key, value });
    }
    this.#position = after;
    return headers;
  }

  #corrupt(what: string): SerializationError {
    return new SerializationError(
      `Corrupt record batch in topic "${this.topic}" partition ${this.partition} near offset ${this.nextOffset}: ${what}`,
    );
  }

  /** False at the end of the response; a batch that the response cuts off is left for the next fetch. */
  #openBatch(): boolean {
    for (;;) {
      const at = this.#batchAt;
      const response = this.#response;
      if (at + 17 > this.#end) return false;
      const length = response.readInt32BE(at + 8);
      const magic = response[at + 16];
      const batchEnd = at + 12 + length;
      if (length < 5 || (magic === 2 && length < batchHeaderBytes - 12)) throw this.#corrupt(`a length of ${length}`);
      if (batchEnd > this.#end) return false;
      if (magic !== 2) {
        throw this.#corrupt(`message format v${magic}, which is older than Kafka 0.11; rewrite the topic`);
      }
      this.#batchAt = batchEnd;
      const baseOffset = readInt64(response, at);
      const attributes = response.readInt16BE(at + 21);
      const lastOffset = baseOffset + response.readInt32BE(at + 23);
      if (lastOffset < this.#fetchOffset) continue;
      if (this.#checkCrcs) {
        const crc = this.#codecs.crc32c(response.subarray(at + 21, batchEnd));
        if (crc !== response.readUInt32BE(at + 17)) throw this.#corrupt('its checksum (CRC32C) does not match');
      }
      if (this.#isHidden(at, attributes, lastOffset)) {
        this.nextOffset = lastOffset + 1;
        continue;
      }
      this.#baseOffset = baseOffset;
      this.#baseTimestamp = readInt64(response, at + 27);
      this.#maxTimestamp = readInt64(response, at + 35);
      this.timestampType = attributes & logAppendTimeFlag ? 'LogAppendTime' : 'CreateTime';
      this.#left = response.readInt32BE(at + 57);
      if (this.#left < 0) throw this.#corrupt(`${this.#left} records`);
      if (this.#left === 0) {
        // What compaction leaves of a batch, so that its producer's place is remembered; there is nothing to unpack.
        this.nextOffset = lastOffset + 1;
        continue;
      }
      const compression = attributes & compressionMask;
      if (compression === 0) {
        this.buffer = response;
        this.#position = at + batchHeaderBytes;
        this.#limit = batchEnd;
      } else {
        this.buffer = this.#unpacked(compression, response.subarray(at + batchHeaderBytes, batchEnd), lastOffset);
        this.#position = 0;
        this.#limit = this.buffer.length;
      }
      // Known now, so that a reader who stops in mid-batch, or compaction, leaves no hole before the next fetch.
      this.nextOffset = lastOffset + 1;
      return true;
    }
  }

  #unpacked(compression: number, packed: Buffer, lastOffset: number): Buffer {
    try {
      return this.#codecs.decompress(compression, packed, this.#maxUnpackedBytes);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new SerializationError(
        `The record batch at offset ${this.#baseOffset} of topic "${this.topic}" partition ${this.partition} cannot be ` +
          `read: ${message}. To pass it over, set the connector's offset of that partition to ${lastOffset + 1}`,
        { cause },
      );
    }
  }

  /** Control batches always; under read_committed the batches of aborted transactions, as the broker listed them. */
  #isHidden(at: number, attributes: number, lastOffset: number): boolean {
    const control = (attributes & controlFlag) !== 0;
    const aborted = this.#aborted;
    if (aborted === null || (attributes & transactionalFlag) === 0) return control;
    while (aborted.length > 0 && aborted[0]!.firstOffset <= lastOffset)
      this.#abortedNow.add(aborted.shift()!.producerId);
    if (this.#abortedNow.size === 0) return control;
    const producerId = this.#response.readBigInt64BE(at + 43);
    if (!control) return this.#abortedNow.has(producerId);
    if (this.#markerType(at) === abortMarker) this.#abortedNow.delete(producerId);
    return true;
  }

  /** The key of a control record is its version and type, two bytes each. */
  #markerType(at: number): number {
    this.buffer = this.#response;
    this.#position = at + batchHeaderBytes;
    this.#limit = this.#batchAt;
    this.#baseOffset = 0;
    this.#readRecord();
    return this.keyEnd - this.keyStart >= 4 ? this.buffer.readInt16BE(this.keyStart + 2) : -1;
  }

  #readRecord(): void {
    const size = this.#varint();
    const end = this.#position + size;
    if (size < 0 || end > this.#limit) throw this.#corrupt(`a record of ${size} bytes in a batch with fewer`);
    this.#position++;
    const timestampDelta = this.#varlong();
    this.timestamp = this.timestampType === 'LogAppendTime' ? this.#maxTimestamp : this.#baseTimestamp + timestampDelta;
    this.offset = this.#baseOffset + this.#varint();
    const keySize = this.#size('key');
    this.keyStart = keySize < 0 ? -1 : this.#position;
    if (keySize > 0) this.#position += keySize;
    this.keyEnd = keySize < 0 ? -1 : this.#position;
    const valueSize = this.#size('value');
    this.valueStart = valueSize < 0 ? -1 : this.#position;
    if (valueSize > 0) this.#position += valueSize;
    this.valueEnd = valueSize < 0 ? -1 : this.#position;
    this.headerCount = this.#varint();
    if (this.headerCount < 0) throw this.#corrupt(`${this.headerCount} headers`);
    this.#headersAt = this.#position;
    if (this.#position > end || this.headerCount > end - this.#position)
      throw this.#corrupt('a record beyond its size');
    this.#position = end;
  }

  #size(what: string): number {
    const size = this.#varint();
    if (size < -1 || size > this.#limit - this.#position) throw this.#corrupt(`a ${what} of ${size} bytes`);
    return size;
  }

  #varint(): number {
    const buffer = this.buffer;
    let position = this.#position;
    if (position >= this.#limit) throw this.#corrupt('it ends early');
    let byte = buffer[position++]!;
    if (byte < 0x80) {
      this.#position = position;
      return (byte >>> 1) ^ -(byte & 1);
    }
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (position >= this.#limit || shift > 28) throw this.#corrupt('a varint without an end');
      byte = buffer[position++]!;
      value |= (byte & 0x7f) << shift;
    }
    this.#position = position;
    return (value >>> 1) ^ -(value & 1);
  }

  /** Up to 2^53; only time deltas are this wide. */
  #varlong(): number {
    const first = this.buffer[this.#position]!;
    if (first < 0x80 && this.#position < this.#limit) {
      this.#position++;
      return (first >>> 1) ^ -(first & 1);
    }
    let value = 0;
    let scale = 1;
    for (let count = 0; ; count++) {
      if (this.#position >= this.#limit || count === 10) throw this.#corrupt('a varlong without an end');
      const byte = this.buffer[this.#position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
