import { ByteSink } from '../data/byte-sink.ts';
import { ConnectError } from '../errors.ts';
import { asBuffer } from '../java/utf8.ts';

/** A frame is u32 length of what follows, u8 type, u32 id, payload; all numbers most significant byte first. */
export const frameType = {
  call: 1,
  poll: 2,
  delivered: 3,
  put: 4,
  fromConnect: 5,
  toConnect: 6,
  answer: 7,
  refusal: 8,
  apply: 9,
  ahead: 10,
  go: 11,
  result: 16,
  error: 17,
  batch: 18,
  converted: 19,
  ask: 20,
  event: 21,
  applied: 22,
} as const;

export const protocolVersion = 4;
export const headBytes = 9;
/** No frame of an honest host is longer: a record of Kafka cannot be. */
export const mostFrameBytes = 1 << 30;

const scratch = new DataView(new ArrayBuffer(8));

/** What goes to the host: counts and lengths are base-128, least significant first. */
export class FrameWriter {
  readonly #sink = new ByteSink();

  /** Begins anew, with room for the head. */
  begin(): this {
    this.#sink.position = headBytes;
    return this;
  }

  /** How far it is written. */
  get position(): number {
    return this.#sink.position;
  }

  /** Takes back what was written from that position on. */
  backTo(position: number): void {
    this.#sink.position = position;
  }

  /** The frame, in memory of its own. */
  end(type: number, id: number): Buffer {
    return withHead(Buffer.from(this.#sink.bytes.subarray(0, this.#sink.position)), type, id);
  }

  byte(value: number): this {
    this.#sink.reserve(1);
    this.#sink.bytes[this.#sink.position++] = value;
    return this;
  }

  int16(value: number): this {
    this.#sink.reserve(2);
    this.#sink.position = this.#sink.bytes.writeInt16BE(value, this.#sink.position);
    return this;
  }

  int32(value: number): this {
    this.#sink.reserve(4);
    this.#sink.view.setInt32(this.#sink.position, value | 0);
    this.#sink.position += 4;
    return this;
  }

  int64(value: bigint | number): this {
    this.#sink.reserve(8);
    const { bytes, position, view } = this.#sink;
    if (Number.isSafeInteger(value)) {
      // Several times as quick as by a bigint, and each record has two of them.
      view.setInt32(position, Math.floor((value as number) / 2 ** 32));
      view.setInt32(position + 4, (value as number) | 0);
    } else bytes.writeBigInt64BE(BigInt(value), position);
    this.#sink.position = position + 8;
    return this;
  }

  float32(value: number): this {
    scratch.setFloat32(0, value);
    return this.int32(scratch.getInt32(0));
  }

  float64(value: number): this {
    scratch.setFloat64(0, value);
    return this.int64(scratch.getBigInt64(0));
  }

  uint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    return this.byte(rest);
  }

  bytes(value: Uint8Array): this {
    this.uint(value.length);
    this.#sink.copy(value);
    return this;
  }

  text(value: string): this {
    const sink = this.#sink;
    const from = sink.position;
    // Nearly always as many bytes as characters: the length is written behind the text that it stands in front of.
    this.uint(value.length);
    const begin = sink.position;
    sink.write(value);
    const length = sink.position - begin;
    if (length === value.length) return this;
    sink.position = from;
    this.uint(length);
    sink.write(value);
    return this;
  }

  /** A text is its UTF-8. */
  bytesOrNull(value: Uint8Array | string | null): this {
    if (value === null) return this.byte(0);
    return typeof value === 'string' ? this.byte(1).text(value) : this.byte(1).bytes(value);
  }

  textOrNull(value: string | null): this {
    return value === null ? this.byte(0) : this.byte(1).text(value);
  }
}

/** Writes the head into the room that a frame has for it. */
export function withHead(frame: Buffer, type: number, id: number): Buffer {
  frame.writeUInt32BE(frame.length - 4, 0);
  frame[4] = type;
  frame.writeUInt32BE(id, 5);
  return frame;
}

/** What comes from the host. Throws ConnectError `java.protocol` for what ends too early. */
export class FrameReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(payload: Buffer) {
    this.#buffer = payload;
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#buffer.length - at)
      throw new ConnectError('java.protocol', 'A frame of the Java host is cut short');
    this.#at = at + count;
    return at;
  }

  byte(): number {
    return this.#buffer[this.#take(1)]!;
  }

  int8(): number {
    return (this.byte() << 24) >> 24;
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8));
  }

  /** The same as the nearest number, without a bigint for each record. */
  time(): number {
    const at = this.#take(8);
    return this.#buffer.readInt32BE(at) * 2 ** 32 + this.#buffer.readUInt32BE(at + 4);
  }

  float32(): number {
    return this.#buffer.readFloatBE(this.#take(4));
  }

  float64(): number {
    return this.#buffer.readDoubleBE(this.#take(8));
  }

  uint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const next = this.byte();
      value += (next & 0x7f) * scale;
      if (next < 0x80) return value;
      scale *= 128;
    }
    throw new ConnectError('java.protocol', 'A number in a frame of the Java host has more than 32 bits');
  }

  /** In memory of its own: it may outlive the frame by long. */
  bytes(): Buffer {
    const length = this.uint();
    const at = this.#take(length);
    return Buffer.from(this.#buffer.subarray(at, at + length));
  }

  bytesOrNull(): Buffer | null {
    return this.byte() === 0 ? null : this.bytes();
  }

  text(): string {
    const length = this.uint();
    const at = this.#take(length);
    return asBuffer(this.#buffer).utf8Slice(at, at + length);
  }

  textOrNull(): string | null {
    return this.byte() === 0 ? null : this.text();
  }
}
