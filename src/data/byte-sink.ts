const firstBytes = 64 * 1024;
/** Below this a loop is quicker than a call into native code. */
const shortBytes = 24;

/** Memory that values are written into one behind the other, and that grows as they need it. */
export class ByteSink {
  bytes: Buffer & NativeWrites;
  /** The same memory, for reading several bytes at a time. */
  view: DataView;
  position = 0;

  constructor() {
    this.bytes = native(Buffer.allocUnsafeSlow(firstBytes));
    this.view = viewOf(this.bytes);
  }

  /** Makes room for so many more bytes. */
  reserve(count: number): void {
    const needed = this.position + count;
    if (needed <= this.bytes.length) return;
    const larger = native(Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2)));
    this.bytes.copy(larger, 0, 0, this.position);
    this.bytes = larger;
    this.view = viewOf(larger);
  }

  copy(literal: Uint8Array): void {
    const { length } = literal;
    this.reserve(length);
    const { bytes, position } = this;
    if (length <= shortBytes) for (let i = 0; i < length; i++) bytes[position + i] = literal[i]!;
    else bytes.set(literal, position);
    this.position = position + length;
  }

  /** Text as UTF-8. */
  write(text: string): void {
    const { length } = text;
    this.reserve(length * 3);
    if (length <= shortBytes && this.#writeAscii(text)) return;
    this.position += this.bytes.utf8Write(text, this.position);
  }

  /** Nothing is taken down when a character is not ASCII. */
  #writeAscii(text: string): boolean {
    const { bytes, position } = this;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[position + i] = code;
    }
    this.position = position + text.length;
    return true;
  }
}

/** What Node's buffers have beside what their types tell: encoding without the look-up of an encoding's name. */
interface NativeWrites {
  utf8Write(text: string, at: number): number;
}

function native(buffer: Buffer): Buffer & NativeWrites {
  return buffer as Buffer & NativeWrites;
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
