import { snappyUncompress } from 'hyparquet';
import { DataError } from '../../../src/api/index.ts';
import { ByteInput } from './byte-input.ts';
import { crc32c } from './crc32c.ts';

/** What the streams of snappy-java, which Kafka uses as well, begin with; versions follow. */
const javaMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const javaHeader = 16;
/** What the framing of Google's, `.sz`, begins with. */
const frameMagic = Buffer.from([0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]);
/** Of one block, unpacked; both framings write blocks of 32 or 64 KiB. */
const maxBlockBytes = 16 << 20;

type Bytes = AsyncGenerator<Buffer, void, undefined>;

/** Unpacks either framing, told apart by how they begin. */
export async function* unsnap(packed: Bytes): Bytes {
  const input = new ByteInput(packed, 2 * maxBlockBytes, damaged);
  try {
    const head = await input.read(frameMagic.length);
    if (head === null) throw damaged('it ends within its first bytes');
    if (head.equals(frameMagic)) yield* frames(input);
    else if (head.subarray(0, javaMagic.length).equals(javaMagic)) {
      if ((await input.read(javaHeader - head.length)) === null) throw damaged('it ends within its header');
      yield* javaBlocks(input);
    } else throw damaged('it begins neither as a stream of snappy-java nor as .sz');
  } finally {
    await packed.return();
  }
}

async function* javaBlocks(input: ByteInput): Bytes {
  for (;;) {
    const length = await input.read(4);
    if (length === null) return;
    const bytes = length.readInt32BE(0);
    // Streams may be put behind each other: another header.
    if (length.equals(javaMagic.subarray(0, 4))) {
      if ((await input.read(javaHeader - 4)) === null) throw damaged('it ends within a header');
      continue;
    }
    if (bytes <= 0 || bytes > maxBlockBytes) throw damaged(`a block says that it has ${bytes} bytes`);
    const block = await input.read(bytes);
    if (block === null) throw damaged('it ends within a block');
    yield unsnapBlock(block);
  }
}

async function* frames(input: ByteInput): Bytes {
  for (;;) {
    const header = await input.read(4);
    if (header === null) return;
    const type = header[0]!;
    const length = header.readUIntLE(1, 3);
    const body = await input.read(length);
    if (body === null) throw damaged('it ends within a chunk');
    if (type <= 1) {
      if (length < 4) throw damaged('a chunk has no checksum');
      const data = type === 0 ? unsnapBlock(body.subarray(4)) : body.subarray(4);
      if (masked(crc32c(data)) !== body.readUInt32LE(0)) throw damaged('a checksum does not hold');
      yield data;
    } else if (type < 0x80) throw damaged(`a chunk is of the unknown type ${type}`);
  }
}

const masked = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

export function unsnapBlock(block: Buffer): Buffer {
  const { length, at } = sizeOf(block);
  if (length > maxBlockBytes) throw damaged(`a block says that it has ${length} bytes unpacked`);
  if (at > block.length) throw damaged('a block has no length');
  const output = new Uint8Array(length);
  try {
    snappyUncompress(block, output);
  } catch (error) {
    throw damaged((error as Error).message);
  }
  return Buffer.from(output.buffer, 0, length);
}

function sizeOf(block: Buffer): { length: number; at: number } {
  let length = 0;
  let at = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = block[at++];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { length, at };
  }
  return { length: Number.POSITIVE_INFINITY, at };
}

const damaged = (what: string) => new DataError(`The object is no snappy, or damaged: ${what}`);
