import { SerializationError } from '../../errors.ts';

const TWO_POW_32 = 0x1_0000_0000;
const noUuid = 'A'.repeat(22);

/** An int64 as a JS number; Kafka's offsets, times and ids stay far below 2^53. */
export function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * TWO_POW_32 + buffer.readUInt32BE(at + 4);
}

/** Reads what a broker answered. Bytes that end early raise SerializationError, nothing else. */
export class WireReader {
  readonly buffer: Buffer;
  position = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  private take(count: number): number {
    const at = this.position;
    if (count < 0 || at + count > this.buffer.length) {
      throw new SerializationError(
        `The broker's answer ends early: ${count} bytes wanted at ${at} of ${this.buffer.length}`,
      );
    }
    this.position = at + count;
    return at;
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4));
  }

  int64(): number {
    return readInt64(this.buffer, this.take(8));
  }

  bigint64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new SerializationError('The broker sent a varint of more than five bytes');
  }

  /** COMPACT_NULLABLE_STRING. */
  string(): string | null {
    const size = this.unsignedVarint();
    if (size === 0) return null;
    const at = this.take(size - 1);
    return this.buffer.toString('utf8', at, at + size - 1);
  }

  /** STRING of versions before the flexible ones. */
  plainString(): string {
    const size = this.int16();
    const at = this.take(size);
    return this.buffer.toString('utf8', at, at + size);
  }

  /** ARRAY of versions before the flexible ones. */
  plainArray<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let count = this.int32(); count > 0; count--) items.push(read());
    return items;
  }

  /** In Kafka's own spelling: 22 characters of base64url. Null: none. */
  uuid(): string | null {
    const at = this.take(16);
    const text = this.buffer.toString('base64url', at, at + 16);
    return text === noUuid ? null : text;
  }

  /** The extent of COMPACT_NULLABLE_BYTES, whose bytes are passed over; null when null. */
  extent(): { start: number; end: number } | null {
    const size = this.unsignedVarint();
    if (size === 0) return null;
    const start = this.take(size - 1);
    return { start, end: start + size - 1 };
  }

  /** COMPACT_ARRAY; a null array reads as an empty one. */
  array<T>(read: () => T): T[] {
    const size = this.unsignedVarint();
    const items: T[] = [];
    for (let index = 1; index < size; index++) items.push(read());
    return items;
  }

  /** COMPACT_ARRAY of structures: skips the tagged fields after each. */
  structures<T>(read: () => T): T[] {
    return this.array(() => {
      const item = read();
      this.skipTags();
      return item;
    });
  }

  skipTags(): void {
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint();
      this.take(this.unsignedVarint());
    }
  }
}
