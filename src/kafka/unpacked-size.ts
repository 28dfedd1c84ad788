/**
 * What packed bytes unpack to, found without unpacking them: the decoders of snappy and lz4 take no limit. Each of these
 * reads only lengths, and raises RangeError where they lead out of the bytes.
 */

const xerialHeader = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeaderBytes = 16;

/** Snappy says its size at its start; in the xerial framing, which Java uses, each chunk does. */
export function snappySize(bytes: Buffer): number {
  if (!bytes.subarray(0, xerialHeader.length).equals(xerialHeader)) return snappyPreamble(bytes, 0);
  let total = 0;
  for (let at = xerialHeaderBytes; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    total += snappyPreamble(bytes, at + 4);
    at += 4 + length;
  }
  return total;
}

function snappyPreamble(bytes: Buffer, start: number): number {
  let size = 0;
  for (let at = start, scale = 1; at < start + 5; at++, scale *= 0x80) {
    const byte = byteAt(bytes, at);
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) return size;
  }
  throw new RangeError('a snappy length without an end');
}

const lz4Magic = 0x184d2204;
const blockChecksumFlag = 0x10;
const contentSizeFlag = 0x08;
const contentChecksumFlag = 0x04;
const dictionaryFlag = 0x01;
const storedFlag = 0x80000000;

/** The blocks of lz4 frames, by their number where that is small enough, else by what each copies. */
export function lz4Size(bytes: Buffer, limit: number): number {
  const rough = lz4Blocks(bytes, (_start, _end, largest) => largest);
  return rough <= limit ? rough : lz4Blocks(bytes, (start, end) => lz4BlockSize(bytes, start, end));
}

function lz4Blocks(bytes: Buffer, sizeOf: (start: number, end: number, largest: number) => number): number {
  let total = 0;
  for (let at = 0; at + 7 <= bytes.length && bytes.readUInt32LE(at) === lz4Magic; ) {
    const flags = byteAt(bytes, at + 4);
    const largest = 1 << (8 + 2 * ((byteAt(bytes, at + 5) >> 4) & 0x07));
    at += 7 + (flags & contentSizeFlag ? 8 : 0) + (flags & dictionaryFlag ? 4 : 0);
    for (;;) {
      const head = bytes.readUInt32LE(at);
      at += 4;
      if (head === 0) break;
      const length = head % storedFlag;
      const end = at + length;
      if (end > bytes.length) throw new RangeError('an lz4 block that is cut off');
      total += head >= storedFlag ? length : sizeOf(at, end, largest);
      at = end + (flags & blockChecksumFlag ? 4 : 0);
      if (at >= bytes.length) return total;
    }
    at += flags & contentChecksumFlag ? 4 : 0;
  }
  return total;
}

/** Follows a block's sequences, each of literals and a match, by their lengths. */
function lz4BlockSize(bytes: Buffer, start: number, end: number): number {
  let total = 0;
  let at = start;
  const extended = (length: number): number => {
    let sum = length;
    if (length !== 15) return sum;
    for (;;) {
      const byte = byteAt(bytes, at++);
      sum += byte;
      if (byte !== 255) return sum;
    }
  };
  while (at < end) {
    const token = byteAt(bytes, at++);
    const literals = extended(token >> 4);
    at += literals;
    total += literals;
    if (at >= end) return total;
    at += 2;
    total += 4 + extended(token & 0x0f);
  }
  return total;
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('a length beyond the end');
  return byte;
}
