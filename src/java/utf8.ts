import { isUtf8 } from 'node:buffer';

/**
 * Text between bytes and strings with Java's habits: a lone surrogate becomes `?`, malformed bytes become U+FFFD in
 * Java's count, which differs from the web's.
 */
export function utf8Text(bytes: Uint8Array): string {
  const buffer = asBuffer(bytes);
  const text = buffer.utf8Slice(0, buffer.length);
  return text.includes('\ufffd') && !isUtf8(buffer) ? repaired(buffer) : text;
}

/** A string that can stand for its UTF-8 bytes. Java: String.getBytes(UTF_8). */
export function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.replace(/[\ud800-\udfff]/gu, '?');
}

/** What Node's buffers have beside what their types tell: decoding without the look-up of an encoding's name. */
interface Slices {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

export function asBuffer(bytes: Uint8Array): Buffer & Slices {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer as Buffer & Slices;
}

/** How Java's decoder walks over malformed input. */
function repaired(bytes: Uint8Array): string {
  const length = bytes.length;
  const out: string[] = [];
  let at = 0;
  const byte = (index: number) => bytes[index] as number;
  const continues = (index: number) => (byte(index) & 0xc0) === 0x80;
  while (at < length) {
    const first = byte(at++);
    if (first < 0x80) {
      out.push(String.fromCharCode(first));
    } else if (first >= 0xc2 && first <= 0xdf) {
      if (at < length && continues(at)) out.push(String.fromCharCode(((first & 0x1f) << 6) | (byte(at++) & 0x3f)));
      else out.push('\ufffd');
    } else if (first >= 0xe0 && first <= 0xef) {
      const badSecond = (index: number) => (first === 0xe0 && (byte(index) & 0xe0) === 0x80) || !continues(index);
      if (at + 1 < length) {
        if (badSecond(at)) {
          out.push('\ufffd');
        } else if (!continues(at + 1)) {
          out.push('\ufffd');
          at += 1;
        } else {
          const code = ((first & 0x0f) << 12) | ((byte(at) & 0x3f) << 6) | (byte(at + 1) & 0x3f);
          out.push(code >= 0xd800 && code <= 0xdfff ? '\ufffd' : String.fromCharCode(code));
          at += 2;
        }
      } else if (at < length && badSecond(at)) {
        out.push('\ufffd');
      } else {
        out.push('\ufffd');
        break;
      }
    } else if (first >= 0xf0 && first <= 0xf4) {
      const badSecond = (index: number) =>
        !continues(index) ||
        (first === 0xf0 && byte(index) < 0x90) ||
        (first === 0xf4 && (byte(index) & 0xf0) !== 0x80);
      if (at + 2 < length) {
        if (badSecond(at)) {
          out.push('\ufffd');
        } else if (!continues(at + 1)) {
          out.push('\ufffd');
          at += 1;
        } else if (!continues(at + 2)) {
          out.push('\ufffd');
          at += 2;
        } else {
          const high = ((first & 0x07) << 18) | ((byte(at) & 0x3f) << 12);
          out.push(String.fromCodePoint(high | ((byte(at + 1) & 0x3f) << 6) | (byte(at + 2) & 0x3f)));
          at += 3;
        }
      } else if (at < length && badSecond(at)) {
        out.push('\ufffd');
      } else if (at + 1 < length && !continues(at + 1)) {
        out.push('\ufffd');
        at += 1;
      } else {
        out.push('\ufffd');
        break;
      }
    } else {
      out.push('\ufffd');
    }
  }
  return out.join('');
}
