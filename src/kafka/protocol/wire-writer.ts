/** Grows as needed; big-endian, with the compact forms that Kafka's flexible request versions use. */
export class WireWriter {
  private bytes: Buffer;
  private position = 0;

  constructor(capacity = 256) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** Take the place before looking at `bytes`: they may be others afterwards. */
  private reserve(count: number): number {
    const at = this.position;
    if (at + count > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, at + count));
      this.bytes.copy(larger, 0, 0, at);
      this.bytes = larger;
    }
    this.position = at + count;
    return at;
  }

  int8(value: number): this {
    const at = this.reserve(1);
    this.bytes.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.reserve(2);
    this.bytes.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.reserve(4);
    this.bytes.writeInt32BE(value, at);
    return this;
  }

  int64(value: number | bigint): this {
    const at = this.reserve(8);
    this.bytes.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  unsignedVarint(value: number): this {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      const at = this.reserve(1);
      this.bytes[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    const at = this.reserve(1);
    this.bytes[at] = rest;
    return this;
  }

  /** COMPACT_NULLABLE_STRING. */
  string(value: string | null): this {
    if (value === null) return this.unsignedVarint(0);
    const size = Buffer.byteLength(value);
    this.unsignedVarint(size + 1);
    const at = this.reserve(size);
    this.bytes.write(value, at, 'utf8');
    return this;
  }

  /** STRING of versions before the flexible ones. */
  plainString(value: string): this {
    const size = Buffer.byteLength(value);
    this.int16(size);
    const at = this.reserve(size);
    this.bytes.write(value, at, 'utf8');
    return this;
  }

  /** ARRAY of versions before the flexible ones. */
  plainArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** As `WireReader.uuid` reads it; null: the one that stands for none. */
  uuid(value: string | null): this {
    const at = this.reserve(16);
    if (value === null) this.bytes.fill(0, at, at + 16);
    else this.bytes.write(value, at, 16, 'base64url');
    return this;
  }

  /** COMPACT_ARRAY of structures, each of which ends in its (empty) tagged fields. */
  structures<T>(items: readonly T[] | null, write: (item: T) => void): this {
    if (items === null) return this.unsignedVarint(0);
    this.unsignedVarint(items.length + 1);
    for (const item of items) {
      write(item);
      this.noTags();
    }
    return this;
  }

  /** COMPACT_ARRAY of plain numbers. */
  int32Array(items: readonly number[] | null): this {
    if (items === null) return this.unsignedVarint(0);
    this.unsignedVarint(items.length + 1);
    for (const item of items) this.int32(item);
    return this;
  }

  noTags(): this {
    return this.unsignedVarint(0);
  }

  /** A view, not a copy. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.position);
  }
}
