import { TextDecoder } from 'node:util';
import { utf8Text, wellFormed } from '../../data/java-utf8.ts';
import { SerializationError } from '../../errors.ts';

export interface Charset {
  /** A string stands for its UTF-8 bytes. */
  encode(text: string): Uint8Array | string;
  decode(bytes: Uint8Array): string;
}

const utf8: Charset = { encode: wellFormed, decode: utf8Text };

/**
 * Java's character sets: the Unicode ones, Latin-1 and ASCII, and those of the web's list. Throws SerializationError
 * for any other name.
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
      return { encode: (text) => Buffer.concat([bigEndianMark, utf16be(text)]), decode: utf16Text };
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
    default:
      return fromWebEncoding(name);
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

/** A trailing single byte and lone surrogates become U+FFFD. */
function utf16Pairs(bytes: Uint8Array, littleEndian: boolean): string {
  const even = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  const text = (littleEndian ? even : even.swap16()).toString('utf16le').toWellFormed();
  return bytes.length % 2 === 0 ? text : `${text}\ufffd`;
}

const webCharsets = new Map<string, Charset>();

function fromWebEncoding(name: string): Charset {
  const known = webCharsets.get(name);
  if (known !== undefined) return known;
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(name, { ignoreBOM: true });
  } catch (cause) {
    throw new SerializationError(`Unsupported encoding ${name}`, { cause });
  }
  const charset: Charset = { decode: (bytes) => decoder.decode(bytes), encode: reverseEncoder(decoder) };
  webCharsets.set(name, charset);
  return charset;
}

/** The platform only decodes these; decoding each one- and two-byte sequence once gives the way back. */
function reverseEncoder(decoder: TextDecoder): (text: string) => Uint8Array {
  let table: Map<string, number[]> | null = null;
  return (text) => {
    table ??= sequences(decoder);
    const out: number[] = [];
    for (const char of text) out.push(...(table.get(char) ?? [0x3f]));
    return Uint8Array.from(out);
  };
}

function sequences(decoder: TextDecoder): Map<string, number[]> {
  const table = new Map<string, number[]>();
  const add = (bytes: number[]) => {
    const text = decoder.decode(Uint8Array.from(bytes));
    if ([...text].length === 1 && text !== '\ufffd' && !table.has(text)) table.set(text, bytes);
  };
  for (let first = 0; first < 256; first++) add([first]);
  for (let first = 0x81; first < 255; first++) for (let second = 0x30; second < 255; second++) add([first, second]);
  return table;
}
