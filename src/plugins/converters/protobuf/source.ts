import { isUtf8 } from 'node:buffer';
import { SerializationError } from '../../../errors.ts';

/** A cursor over one message's bytes. */
export class Source {
  buffer: Buffer = Buffer.alloc(0);
  position = 0;
  end = 0;

  more(): boolean {
    return this.position < this.end;
  }

  /** A varint of up to 32 bits; what is above them is dropped, as Protobuf asks for. */
  varint(): number {
    const { buffer } = this;
    let byte = buffer[this.position++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 70; shift += 7) {
      if (this.position >= this.end) throw truncated();
      byte = buffer[this.position++]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new SerializationError('Invalid Protobuf data: a varint is longer than 64 bits');
  }

  /** A varint as an unsigned 64-bit integer. */
  varintBig(): bigint {
    const { buffer } = this;
    let low = 0;
    let factor = 1;
    for (let i = 0; i < 7; i++) {
      if (this.position >= this.end) throw truncated();
      const byte = buffer[this.position++]!;
      low += (byte & 0x7f) * factor;
      if (byte < 0x80) return BigInt(low);
      factor *= 128;
    }
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      if (this.position >= this.end) throw truncated();
      const byte = buffer[this.position++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new SerializationError('Invalid Protobuf data: a varint is longer than 64 bits');
  }

  /** Moves past `size` bytes and answers where they begin. */
  take(size: number): number {
    const start = this.position;
    if (size > this.end - start) throw truncated();
    this.position = start + size;
    return start;
  }

  bytes(): Uint8Array {
    const size = this.varint();
    const start = this.take(size);
    return new Uint8Array(this.buffer.subarray(start, start + size));
  }

  text(): string {
    const size = this.varint();
    const start = this.take(size);
    return this.buffer.toString('utf8', start, start + size);
  }

  /** Text that must be UTF-8: where something was replaced, the bytes are looked at. */
  validText(): string {
    const size = this.varint();
    const start = this.take(size);
    const text = this.buffer.toString('utf8', start, start + size);
    if (text.includes('\ufffd') && !isUtf8(this.buffer.subarray(start, start + size))) {
      throw new SerializationError('Invalid Protobuf data: a string is not valid UTF-8');
    }
    return text;
  }

  skip(wireType: number, depth = 0): void {
    switch (wireType) {
      case 0:
        this.varintBig();
        return;
      case 1:
        this.take(8);
        return;
      case 2:
        this.take(this.varint());
        return;
      case 5:
        this.take(4);
        return;
      case 3:
        for (;;) {
          if (!this.more() || depth > 100) throw truncated();
          const tag = this.varint();
          if ((tag & 7) === 4) return;
          this.skip(tag & 7, depth + 1);
        }
      default:
        throw new SerializationError(`Invalid Protobuf data: wire type ${wireType}`);
    }
  }
}

function truncated(): SerializationError {
  return new SerializationError('Invalid Protobuf data: it ends within a value');
}
