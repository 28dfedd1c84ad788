import { isAscii } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { DataError } from '../../src/api/index.ts';

/** Small files are many; a large one soon gets large chunks. */
const firstChunkBytes = 64 << 10;
const chunkBytes = 1 << 20;
const maxBytes = 4 << 20;
const longestLineBytes = 64 << 20;
/** What one line keeps in memory with it, at most: it is a slice of a string of so many characters. */
const stretchBytes = 64 << 10;
const lf = 10;
const cr = 13;

/** Memory of files that are closed: runs come and go. */
const spare: Buffer[] = [];
const mostSpare = 8;

/** Complete lines and, for each, the byte position behind its line end. */
export interface Lines {
  readonly texts: string[];
  readonly ends: number[];
}

/**
 * Reads a growing file from a byte position on, complete lines only: a last line without its line end waits until that
 * arrives. A line ends with `\n`, `\r\n`, or a `\r` that something else follows.
 *
 * Chunks that are pure ASCII, the common case, are made strings, a stretch at a time, and cut with `indexOf`: a line then
 * is a slice of one, and characters count as bytes. Others are cut as bytes.
 */
export class FileLines {
  readonly #file: FileHandle;
  #buffer = spare.pop() ?? Buffer.allocUnsafe(firstChunkBytes);
  /** The last read had more to give than there was room for. */
  #filled = false;
  /** Bytes of `#buffer` that hold unread data: [#start, #end). */
  #start = 0;
  #end = 0;
  /** File position of `#buffer[0]`. */
  #base: number;
  /** The unread bytes are ASCII. */
  #isText = false;
  /** A stretch of them as text: from `#textStart` to `#textEnd`. */
  #text = '';
  #textStart = 0;
  #textEnd = 0;
  #hasCr = false;

  constructor(file: FileHandle, position: number) {
    this.#file = file;
    this.#base = position;
  }

  /**
   * At most `max` lines, and no more once they are 4 MiB together, so that a poll of long lines fits into memory; none
   * when the file has no further complete line now. With some, the end of the file is not looked for once more.
   */
  async next(max: number): Promise<Lines> {
    const lines: Lines = { texts: [], ends: [] };
    const from = this.position;
    for (;;) {
      this.#cut(lines, max);
      const { length } = lines.texts;
      if (length >= max || this.position - from >= maxBytes || (length > 0 && !this.#filled)) return lines;
      if (!(await this.#readMore())) return lines;
    }
  }

  /** The file is closed: its memory is for another one. */
  release(): void {
    if (this.#buffer.length === firstChunkBytes && spare.length < mostSpare) spare.push(this.#buffer);
  }

  /** File position behind the last line returned. */
  get position(): number {
    return this.#base + this.#start;
  }

  #cut(lines: Lines, max: number): void {
    if (this.#start === this.#end) return;
    if (this.#isText && !this.#hasCr) this.#cutText(lines, max);
    else this.#cutBytes(lines, max);
  }

  #cutText(lines: Lines, max: number): void {
    const { texts, ends } = lines;
    while (texts.length < max) {
      const text = this.#text;
      const behind = this.#base + this.#textStart + 1;
      let from = this.#start - this.#textStart;
      for (let count = texts.length; count < max; count++) {
        const at = text.indexOf('\n', from);
        if (at < 0) break;
        texts.push(text.slice(from, at));
        ends.push(behind + at);
        from = at + 1;
      }
      this.#start = this.#textStart + from;
      if (texts.length < max && !this.#nextStretch()) return;
    }
  }

  /** From the first line that is not whole in the last stretch; twice as long where that one is all there was. */
  #nextStretch(): boolean {
    if (this.#textEnd === this.#end) return false;
    const length = this.#start === this.#textStart ? 2 * (this.#textEnd - this.#textStart) : 0;
    this.#textStart = this.#start;
    this.#textEnd = Math.min(this.#end, this.#start + Math.max(stretchBytes, length));
    this.#text = this.#buffer.toString('latin1', this.#textStart, this.#textEnd);
    return true;
  }

  #cutBytes(lines: Lines, max: number): void {
    const buffer = this.#buffer;
    const end = this.#end;
    while (lines.texts.length < max) {
      const start = this.#start;
      let stop = buffer.indexOf(lf, start);
      if (stop >= end || stop < 0) stop = -1;
      let next = stop + 1;
      if (this.#hasCr) {
        const carriage = buffer.indexOf(cr, start);
        if (carriage >= 0 && carriage < end && (stop < 0 || carriage < stop)) {
          // Whether a line feed follows is not known before the next byte is there.
          if (carriage + 1 >= end) return;
          stop = carriage;
          next = buffer[carriage + 1] === lf ? carriage + 2 : carriage + 1;
        }
      }
      if (stop < 0) return;
      lines.texts.push(buffer.toString('utf8', start, stop));
      lines.ends.push(this.#base + next);
      this.#start = next;
    }
  }

  async #readMore(): Promise<boolean> {
    const rest = this.#end - this.#start;
    if (this.#start > 0) {
      this.#buffer.copy(this.#buffer, 0, this.#start, this.#end);
      this.#base += this.#start;
      this.#start = 0;
      this.#text = '';
      this.#textStart = 0;
      this.#textEnd = 0;
      this.#end = rest;
    }
    const small = this.#filled && this.#buffer.length < chunkBytes;
    if (small || rest > this.#buffer.length / 2) {
      if (this.#buffer.length > longestLineBytes) {
        throw new DataError(
          `The line at position ${this.#base} is longer than ${longestLineBytes} bytes; split it, or read this file with another connector`,
        );
      }
      const larger = Buffer.allocUnsafe(small ? chunkBytes : this.#buffer.length * 2);
      this.#buffer.copy(larger, 0, 0, rest);
      this.#buffer = larger;
    }
    const { bytesRead } = await this.#file.read(
      this.#buffer,
      this.#end,
      this.#buffer.length - this.#end,
      this.#base + this.#end,
    );
    if (bytesRead === 0) return false;
    this.#end += bytesRead;
    this.#filled = this.#end === this.#buffer.length;
    const unread = this.#buffer.subarray(0, this.#end);
    this.#isText = isAscii(unread);
    this.#hasCr = unread.includes(cr);
    return true;
  }
}
