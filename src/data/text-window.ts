import { asBuffer, utf8Text } from '../java/utf8.ts';

/** What one string cut from the window keeps in memory with it, at most. */
const windowBytes = 32 * 1024;
/** Longer texts are worth a copy of their own. */
const longestSlice = 1024;

/**
 * Texts out of one buffer that holds many, such as a fetch response: a stretch of it becomes one string, and a text that
 * is ASCII, as most are, a slice of that, which costs a fraction of decoding it alone.
 */
export class TextWindow {
  #buffer: Buffer | null = null;
  #words: Int32Array = new Int32Array(0);
  #start = 0;
  #end = 0;
  #text = '';

  /** UTF-8 as Java reads it: malformed bytes become U+FFFD in Java's count. */
  read(buffer: Buffer, start: number, end: number): string {
    if (end - start > longestSlice || !this.#isAscii(buffer, start, end)) return utf8Text(buffer.subarray(start, end));
    return this.slice(buffer, start, end);
  }

  /** The same for bytes that are known to be ASCII. */
  slice(buffer: Buffer, start: number, end: number): string {
    if (buffer !== this.#buffer) this.#turnTo(buffer);
    if (start < this.#start || end > this.#end) {
      if (end - start > longestSlice) return asBuffer(buffer).latin1Slice(start, end);
      this.#start = start;
      this.#end = Math.min(buffer.length, start + windowBytes);
      this.#text = asBuffer(buffer).latin1Slice(start, this.#end);
    }
    return this.#text.slice(start - this.#start, end - this.#start);
  }

  /** Lets go of the buffer and of the text. */
  clear(): void {
    this.#buffer = null;
    this.#words = new Int32Array(0);
    this.#text = '';
    this.#start = 0;
    this.#end = 0;
  }

  #turnTo(buffer: Buffer): void {
    this.clear();
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer.buffer, 0, buffer.buffer.byteLength >> 2);
  }

  /** Four bytes at a time; at both ends the bytes that do not belong are masked out. */
  #isAscii(buffer: Buffer, start: number, end: number): boolean {
    if (start >= end) return true;
    if (buffer !== this.#buffer) this.#turnTo(buffer);
    const words = this.#words;
    const from = buffer.byteOffset + start;
    const to = buffer.byteOffset + end;
    const last = (to - 1) >> 2;
    // The odd bytes behind the last whole word of the memory.
    if (last >= words.length) return isAsciiByBytes(buffer, start, end);
    const first = from >> 2;
    const head = 0x80808080 << ((from & 3) << 3);
    const tail = 0x80808080 >>> ((3 - ((to - 1) & 3)) << 3);
    if (first === last) return (words[first]! & head & tail) === 0;
    let high = (words[first]! & head) | (words[last]! & tail);
    for (let i = first + 1; i < last; i++) high |= words[i]!;
    return (high & 0x80808080) === 0;
  }
}

function isAsciiByBytes(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (buffer[at]! >= 0x80) return false;
  return true;
}
