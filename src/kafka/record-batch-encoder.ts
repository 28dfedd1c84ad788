/**
 * Record batch v2 (KIP-98), written in one sweep into one preallocated buffer. Lengths are written before the bytes
 * they count, so each string is first taken for ASCII (one byte a character, nearly always right); a record that turns
 * out otherwise is measured and written over. No varint goes through a BigInt.
 */
import type { SerializedValue } from '../api/converter.ts';
import type { ByteSink } from '../data/byte-sink.ts';
import { type Codecs, type Compression, compressionId } from './codecs.ts';
import type { RecordColumns } from './outgoing-batch.ts';
import type { KafkaHeader } from './types.ts';

/** Bytes before the first record. */
export const batchHeaderBytes = 61;

const lengthAt = 8;
const crcAt = 17;
const attributesAt = 21;
const transactionalFlag = 0x10;

/** What is copied without a call into native code. */
const shortBytes = 256;

/** More than a record's own fields can take beside key, value and headers. */
const recordOverhead = 40;

export interface BatchIdentity {
  /** -1: not idempotent. */
  readonly producerId: bigint;
  readonly epoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
}

export interface EncodedBatch {
  readonly bytes: Buffer;
  /** Records in it. */
  readonly count: number;
}

function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;
}

/** For time deltas, which may pass 32 bits. */
function varlongSize(value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return varintSize(value);
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80);
    size++;
  }
  return size;
}

function putVarint(into: Buffer, position: number, value: number): number {
  let at = position;
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  while (zigzag >= 0x80) {
    into[at++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  into[at++] = zigzag;
  return at;
}

function putVarlong(into: Buffer, position: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return putVarint(into, position, value);
  let at = position;
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 0x80) {
    into[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  into[at++] = rest;
  return at;
}

/** Where it ends; -1 when a string took another size than said. */
function putContent(into: Buffer, at: number, content: Uint8Array | string, size: number): number {
  if (typeof content !== 'string') into.set(content, at);
  else if (into.write(content, at, 'utf8') !== size) return -1;
  return at + size;
}

/** The size of a header's key or value in UTF-8; these are few, so they are measured. */
function exactSize(value: SerializedValue): number {
  return value === null ? 0 : typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

function headersSize(headers: readonly KafkaHeader[]): number {
  let size = 0;
  for (const header of headers) {
    const keySize = Buffer.byteLength(header.key);
    size += varintSize(keySize) + keySize;
    if (header.value === null) size += 1;
    else {
      const valueSize = exactSize(header.value);
      size += varintSize(valueSize) + valueSize;
    }
  }
  return size;
}

/** What a record takes in a batch by Java's reckoning for max.request.size: an upper bound, batch header included. */
export function recordUpperBound(columns: RecordColumns, index: number): number {
  const headers = columns.headers[index];
  return (
    batchHeaderBytes +
    21 +
    exactSize(columns.keys[index] ?? null) +
    (columns.valueSizes[index]! >= 0 ? columns.valueSizes[index]! : exactSize(columns.values[index] ?? null)) +
    (headers ? headersSize(headers) : 0)
  );
}

/** Memory of batches that are done with, of one size; producers come and go with each run. */
const spare = { bytes: 0, buffers: [] as Buffer[] };
const mostSpare = 8;

function takeBuffer(bytes: number): Buffer {
  return (spare.bytes === bytes ? spare.buffers.pop() : undefined) ?? Buffer.allocUnsafe(bytes);
}

function giveBuffer(buffer: Buffer): void {
  if (spare.bytes !== buffer.length) {
    spare.bytes = buffer.length;
    spare.buffers.length = 0;
  }
  if (spare.buffers.length < mostSpare) spare.buffers.push(buffer);
}

export class RecordBatchEncoder {
  readonly #codecs: Codecs;
  readonly #compression: Compression;
  readonly #targetBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#buffer.buffer);
  /** Where the values lie that were written into their batch. */
  #written: ByteSink | null = null;
  #position = 0;

  /** `targetBytes`: a batch is closed before it grows beyond this, unless its only record does. */
  constructor(codecs: Codecs, compression: Compression, targetBytes: number) {
    this.#codecs = codecs;
    this.#compression = compression;
    this.#targetBytes = targetBytes;
  }

  /** Encodes the records `indices[from..to)` as far as they fit; at least one. `now` stands in for missing timestamps. */
  encode(
    columns: RecordColumns,
    indices: ArrayLike<number>,
    from: number,
    to: number,
    identity: BatchIdentity,
    now: number,
    target = this.#targetBytes,
  ): EncodedBatch {
    this.#turnTo(takeBuffer(this.#targetBytes + 1024));
    this.#position = batchHeaderBytes;
    const { keys, values, valueStarts, valueSizes, timestamps, headers } = columns;
    this.#written = columns.written;
    const firstTimestamp = timestamps[indices[from]!]!;
    const baseTimestamp = firstTimestamp < 0 ? now : firstTimestamp;
    let maxTimestamp = baseTimestamp;
    let next = from;
    for (; next < to; next++) {
      const index = indices[next]!;
      const key = keys[index]!;
      const written = valueSizes[index]!;
      const value = written < 0 ? values[index]! : null;
      const recordHeaders = headers[index]!;
      const given = timestamps[index]!;
      const timestamp = given < 0 ? now : given;
      const most =
        recordOverhead +
        (key === null ? 0 : key.length * 3) +
        (written >= 0 ? written : value === null ? 0 : value.length * 3);
      // Close to the target the sum above, three bytes a character, is too coarse; and a lone large record needs room.
      if (recordHeaders !== null || this.#position + most > this.#buffer.length) {
        const size =
          recordOverhead +
          exactSize(key) +
          (written >= 0 ? written : exactSize(value)) +
          (recordHeaders === null ? 0 : headersSize(recordHeaders));
        if (this.#position + size > target && next > from) break;
        if (this.#position + size > this.#buffer.length) this.#grow(this.#position + size);
      } else if (this.#position >= target && next > from) break;
      const before = this.#position;
      this.#record(key, value, valueStarts[index]!, written, timestamp - baseTimestamp, next - from, recordHeaders);
      if (this.#position > target && next > from) {
        this.#position = before;
        break;
      }
      if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    }
    return this.#seal(next - from, baseTimestamp, maxTimestamp, identity);
  }

  /** Gives a batch another place in the producer's sequence, after the producer id was renewed. */
  renumber(encoded: EncodedBatch, identity: BatchIdentity): void {
    const { bytes } = encoded;
    writeIdentity(bytes, identity);
    bytes.writeUInt32BE(this.#codecs.crc32c(bytes.subarray(attributesAt)), crcAt);
  }

  /** The batch is done with: its memory serves the next one. */
  release(encoded: EncodedBatch): void {
    const { buffer, byteOffset } = encoded.bytes;
    const whole = this.#targetBytes + 1024;
    if (byteOffset === 0 && buffer.byteLength === whole) {
      giveBuffer(Buffer.from(buffer, 0, whole));
    }
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(needed);
    this.#buffer.copy(larger, 0, 0, this.#position);
    this.#turnTo(larger);
  }

  #turnTo(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  #record(
    key: SerializedValue,
    value: SerializedValue,
    writtenAt: number,
    written: number,
    timestampDelta: number,
    offsetDelta: number,
    headers: readonly KafkaHeader[] | null,
  ): void {
    const keySize = key === null ? -1 : key.length;
    const valueSize = value === null ? written : value.length;
    const headerBytes = headers === null || headers.length === 0 ? 0 : headersSize(headers);
    if (
      this.#writeRecord(key, keySize, value, valueSize, writtenAt, timestampDelta, offsetDelta, headers, headerBytes)
    ) {
      return;
    }
    const exactKeySize = key === null ? -1 : exactSize(key);
    const exactValueSize = value === null ? written : exactSize(value);
    this.#writeRecord(
      key,
      exactKeySize,
      value,
      exactValueSize,
      writtenAt,
      timestampDelta,
      offsetDelta,
      headers,
      headerBytes,
    );
  }

  /** False when a string took another size than said. Without a value, one of `valueSize` lies in `#written`. */
  #writeRecord(
    key: SerializedValue,
    keySize: number,
    value: SerializedValue,
    valueSize: number,
    writtenAt: number,
    timestampDelta: number,
    offsetDelta: number,
    headers: readonly KafkaHeader[] | null,
    headerBytes: number,
  ): boolean {
    const buffer = this.#buffer;
    const headerCount = headers === null ? 0 : headers.length;
    const size =
      1 +
      varlongSize(timestampDelta) +
      varintSize(offsetDelta) +
      varintSize(keySize) +
      Math.max(keySize, 0) +
      varintSize(valueSize) +
      Math.max(valueSize, 0) +
      varintSize(headerCount) +
      headerBytes;
    let at = putVarint(buffer, this.#position, size);
    buffer[at++] = 0;
    at = putVarlong(buffer, at, timestampDelta);
    at = putVarint(buffer, at, offsetDelta);
    at = putVarint(buffer, at, keySize);
    if (key !== null) {
      at = putContent(buffer, at, key, keySize);
      if (at < 0) return false;
    }
    at = putVarint(buffer, at, valueSize);
    if (value !== null) {
      at = putContent(buffer, at, value, valueSize);
      if (at < 0) return false;
    } else if (valueSize > 0) {
      this.#copy(this.#written!, writtenAt, valueSize, at);
      at += valueSize;
    }
    at = putVarint(buffer, at, headerCount);
    if (headers !== null) {
      for (const header of headers) {
        const nameSize = Buffer.byteLength(header.key);
        at = putContent(buffer, putVarint(buffer, at, nameSize), header.key, nameSize);
        const headerSize = header.value === null ? -1 : exactSize(header.value);
        at = putVarint(buffer, at, headerSize);
        if (header.value !== null) at = putContent(buffer, at, header.value, headerSize);
      }
    }
    this.#position = at;
    return true;
  }

  /**
   * Short values eight bytes at a time, the last eight where they end: quicker than a call into native code. Compiled,
   * no BigInt comes to be.
   */
  #copy(from: ByteSink, start: number, size: number, at: number): void {
    if (size < 8 || size > shortBytes) {
      from.bytes.copy(this.#buffer, at, start, start + size);
      return;
    }
    const source = from.view;
    const target = this.#view;
    const last = size - 8;
    for (let done = 0; done < last; done += 8) {
      target.setBigInt64(at + done, source.getBigInt64(start + done, true), true);
    }
    target.setBigInt64(at + last, source.getBigInt64(start + last, true), true);
  }

  #seal(count: number, baseTimestamp: number, maxTimestamp: number, identity: BatchIdentity): EncodedBatch {
    let buffer = this.#buffer;
    let end = this.#position;
    const compressed = this.#compression.type !== 'none';
    if (compressed) {
      const packed = this.#codecs.compress(this.#compression, buffer.subarray(batchHeaderBytes, end));
      if (batchHeaderBytes + packed.length > buffer.length)
        buffer = Buffer.allocUnsafeSlow(batchHeaderBytes + packed.length);
      packed.copy(buffer, batchHeaderBytes);
      end = batchHeaderBytes + packed.length;
    }
    const bytes = buffer.subarray(0, end);
    bytes.fill(0, 0, lengthAt);
    bytes.writeInt32BE(end - lengthAt - 4, lengthAt);
    bytes.writeInt32BE(-1, 12);
    bytes[16] = 2;
    bytes.writeInt16BE(
      compressionId(this.#compression.type) | (identity.transactional ? transactionalFlag : 0),
      attributesAt,
    );
    bytes.writeInt32BE(count - 1, 23);
    bytes.writeBigInt64BE(BigInt(baseTimestamp), 27);
    bytes.writeBigInt64BE(BigInt(maxTimestamp), 35);
    bytes.writeInt32BE(count, 57);
    writeIdentity(bytes, identity);
    bytes.writeUInt32BE(this.#codecs.crc32c(bytes.subarray(attributesAt)), crcAt);
    return { bytes, count };
  }
}

function writeIdentity(bytes: Buffer, identity: BatchIdentity): void {
  bytes.writeBigInt64BE(identity.producerId, 43);
  bytes.writeInt16BE(identity.epoch, 51);
  bytes.writeInt32BE(identity.baseSequence, 53);
}
