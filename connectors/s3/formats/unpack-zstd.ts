import { createZstdDecompress } from 'node:zlib';
import { DataError } from '../../../src/api/index.ts';
import { ByteInput } from './byte-input.ts';
import { inflate, pieceBytes } from './inflate.ts';

type Bytes = AsyncGenerator<Buffer, void, undefined>;

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
/** Of a block, packed or not; the format allows 128 KiB. */
const maxBlockBytes = 1 << 20;
const dictionaryIdBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;

/**
 * Frames behind each other, as writers in parallel and appenders make them. Node's own stream ends with the first frame
 * without a word, so each is given one of its own.
 */
export async function* unzstd(packed: Bytes): Bytes {
  const input = new ByteInput(packed, maxBlockBytes, damaged);
  try {
    for (;;) {
      const head = await input.read(4);
      if (head === null) return;
      const magic = head.readUInt32LE(0);
      if ((magic & ~0xf) >>> 0 === skippableMagic) await input.skip((await input.require(4)).readUInt32LE(0));
      else if (magic === frameMagic) {
        yield* inflate(frame(head, input), createZstdDecompress({ chunkSize: pieceBytes }), 'zstd');
      } else throw damaged('it does not begin as a frame');
    }
  } finally {
    await packed.return();
  }
}

/** The bytes of one frame, whose blocks say how long they are. RFC 8878, section 3.1.1. */
async function* frame(magic: Buffer, input: ByteInput): Bytes {
  yield magic;
  const descriptor = await input.require(1);
  const flags = descriptor[0]!;
  const isSingle = (flags & 0x20) !== 0;
  const sizeFlag = flags >> 6;
  const sizeBytes = sizeFlag === 0 && isSingle ? 1 : contentSizeBytes[sizeFlag as 0 | 1 | 2 | 3];
  const rest = (isSingle ? 0 : 1) + dictionaryIdBytes[(flags & 3) as 0 | 1 | 2 | 3] + sizeBytes;
  yield descriptor;
  if (rest > 0) yield await input.require(rest);
  for (let isLast = false; !isLast; ) {
    const header = await input.require(3);
    const facts = header.readUIntLE(0, 3);
    isLast = (facts & 1) === 1;
    yield header;
    const isRepeated = ((facts >> 1) & 3) === 1;
    const size = isRepeated ? 1 : facts >> 3;
    if (size > 0) yield await input.require(size);
  }
  if ((flags & 4) !== 0) yield await input.require(4);
}

const damaged = (what: string) => new DataError(`The object is no zstd, or damaged: ${what}`);
