import { TextDecoder } from 'node:util';
import { SerializationError } from '../../errors.ts';
import { utf8Text, wellFormed } from '../../java/utf8.ts';

export interface Charset {
  /** A string stands for its UTF-8 bytes. */
  encode(text: string): Uint8Array | string;
  decode(bytes: Uint8Array): string;
}

const utf8: Charset = { encode: wellFormed, decode: utf8Text };

export function isUtf8(charset: Charset): boolean {
  return charset === utf8;
}

/**
 * Java's character sets: Unicode, ASCII, ISO 8859, Windows 125x (but 1255) and KOI8-R. Throws SerializationError
 * for any other name: the East Asian and IBM ones are not supported.
 */
export function charsetNamed(name: string): Charset {
  switch (name.toLowerCase().replace(/_/g, '-')) {
    case 'utf-8':
    case 'utf8':
    case 'unicode-1-1-utf-8':
      return utf8;
    case 'iso-8859-1':
    case 'iso8859-1':
    case 'iso88591':
    case 'iso-8859-1:1987':
    case 'latin1':
    case 'l1':
    case '8859-1':
    case 'ibm819':
    case 'ibm-819':
    case 'cp819':
    case '819':
    case 'csisolatin1':
    case 'iso-ir-100':
      return oneByte(0xff, (bytes) => Buffer.from(bytes).toString('latin1'));
    case 'us-ascii':
    case 'ascii':
    case 'ascii7':
    case 'iso646-us':
    case '646':
    case 'ansi-x3.4-1968':
    case 'iso-646.irv:1991':
    case 'cp367':
    case 'ibm367':
    case 'us':
      return oneByte(0x7f, (bytes) =>
        Buffer.from(bytes)
          .toString('latin1')
          .replace(/[\x80-\xff]/g, '\ufffd'),
      );
    case 'utf-16':
    case 'utf16':
    case 'unicode':
    case 'unicodebig':
      return {
        encode: (text) => (text === '' ? '' : Buffer.concat([bigEndianMark, utf16be(text)])),
        decode: utf16Text,
      };
    case 'utf-16be':
    case 'utf16be':
    case 'x-utf-16be':
    case 'unicodebigunmarked':
    case 'iso-10646-ucs-2':
      return { encode: utf16be, decode: (bytes) => utf16Pairs(bytes, false) };
    case 'utf-16le':
    case 'utf16le':
    case 'x-utf-16le':
    case 'unicodelittleunmarked':
      return {
        encode: (text) => Buffer.from(text.toWellFormed(), 'utf16le'),
        decode: (bytes) => utf16Pairs(bytes, true),
      };
    case 'utf-32':
    case 'utf32':
      return utf32('marked');
    case 'utf-32be':
    case 'utf32be':
      return utf32('big');
    case 'utf-32le':
    case 'utf32le':
      return utf32('little');
    default:
      return codePage(name);
  }
}

function oneByte(max: number, decode: (bytes: Uint8Array) => string): Charset {
  return {
    decode,
    encode(text) {
      const out = Buffer.alloc(text.length);
      let length = 0;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        out[length++] = code <= max ? code : 0x3f;
        if (isPair(text, i)) i++;
      }
      return out.subarray(0, length);
    },
  };
}

function isPair(text: string, at: number): boolean {
  return (text.codePointAt(at) as number) > 0xffff;
}

const bigEndianMark = Buffer.from([0xfe, 0xff]);

function utf16be(text: string): Buffer {
  return Buffer.from(text.toWellFormed(), 'utf16le').swap16();
}

function utf16Text(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return utf16Pairs(bytes.subarray(2), true);
  return utf16Pairs(bytes[0] === 0xfe && bytes[1] === 0xff ? bytes.subarray(2) : bytes, false);
}

/**
 * Java's count of U+FFFD: a first half takes the unit after it along even if that is no second half, and whatever is
 * cut off at the end is one.
 */
function utf16Pairs(bytes: Uint8Array, littleEndian: boolean): string {
  const even = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  const text = (littleEndian ? even : even.swap16()).toString('utf16le');
  const cut = bytes.length % 2 === 1;
  if (text.isWellFormed() && !cut) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      if (i + 1 === text.length) return `${out}\ufffd`;
      const next = text.charCodeAt(++i);
      out += next >= 0xdc00 && next <= 0xdfff ? String.fromCharCode(unit, next) : '\ufffd';
    } else {
      out += unit >= 0xdc00 && unit <= 0xdfff ? '\ufffd' : String.fromCharCode(unit);
    }
  }
  return cut ? `${out}\ufffd` : out;
}

/** Java puts U+FFFD for what is no code point; a mark at the start tells the byte order, big-endian without one. */
function utf32(order: 'big' | 'little' | 'marked'): Charset {
  return {
    encode(text) {
      const points = Array.from(text.toWellFormed(), (char) => char.codePointAt(0) as number);
      const out = Buffer.alloc(points.length * 4);
      points.forEach((point, i) => {
        if (order === 'little') out.writeUInt32LE(point, i * 4);
        else out.writeUInt32BE(point, i * 4);
      });
      return out;
    },
    decode(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const mark = bytes.length >= 4 ? view.getUint32(0) : 0;
      const little = order === 'little' || (order === 'marked' && mark === 0xfffe0000);
      let at = mark === (little ? 0xfffe0000 : 0xfeff) ? 4 : 0;
      let text = '';
      for (; at + 4 <= bytes.length; at += 4) {
        const point = view.getUint32(at, little);
        text += String.fromCodePoint(point <= 0x10ffff ? point : 0xfffd);
      }
      return at < bytes.length ? `${text}\ufffd` : text;
    },
  };
}

const codePages = new Map<string, Charset>();

/** One-byte sets for which the platform's decoder and Java agree. */
function codePage(name: string): Charset {
  const parts = /^(?:(iso-?8859)[-_](\d+)|(?:windows-|cp)(125[0-46-8])|(koi8[-_]r))$/i.exec(name);
  const known = codePages.get(name);
  if (known !== undefined) return known;
  const iso = parts?.[1] === undefined ? null : Number(parts[2]);
  const webName = iso !== null ? `iso-8859-${iso}` : parts?.[3] !== undefined ? `windows-${parts[3]}` : parts?.[4];
  if (webName === undefined || (iso !== null && !isoParts.includes(iso))) {
    throw new SerializationError(`Unsupported encoding ${name}`);
  }
  const decoder = new TextDecoder(webName.replace('_', '-'), { ignoreBOM: true });
  const chars = Array.from({ length: 256 }, (_, byte) => {
    const char = decoder.decode(Uint8Array.of(byte));
    if (byte < 0x80 || byte > 0x9f) return char;
    // The web fills this range of both families its own way: ISO has control characters there, Windows may have gaps.
    if (iso !== null) return String.fromCharCode(byte);
    return char.charCodeAt(0) <= 0x9f ? '\ufffd' : char;
  });
  const bytes = new Map(chars.map((char, byte): [string, number] => [char, byte]));
  bytes.delete('\ufffd');
  const charset: Charset = {
    decode: (input) => Array.from(input, (byte) => chars[byte]).join(''),
    encode: (text) => Uint8Array.from(Array.from(text), (char) => bytes.get(char) ?? 0x3f),
  };
  codePages.set(name, charset);
  return charset;
}

const isoParts: readonly number[] = [2, 3, 4, 5, 6, 7, 8, 9, 13, 15, 16];
