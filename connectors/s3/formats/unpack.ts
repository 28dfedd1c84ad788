import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { DataError } from '../../../src/api/index.ts';
import type { ByteSource } from './read.ts';
import { unsnap } from './unpack-snappy.ts';

export const packings = ['gzip', 'snappy', 'zstd'] as const;
export type Packing = (typeof packings)[number];

/** What the ends of names say, for `file.compression.type=auto`. */
const endings: readonly (readonly [RegExp, Packing])[] = [
  [/\.(?:gz|gzip)$/i, 'gzip'],
  [/\.(?:zst|zstd)$/i, 'zstd'],
  [/\.(?:sz|snappy)$/i, 'snappy'],
];

export const packingByName = (key: string): Packing | null =>
  endings.find(([pattern]) => pattern.test(key))?.[1] ?? null;

const pieceBytes = 1 << 18;

/** The same object, unpacked: to be read from its start only. What is damaged is a DataError where it is met. */
export function unpacked(source: ByteSource, packing: Packing): ByteSource {
  return {
    size: null,
    chunks(from) {
      if (from !== 0) throw new Error('A packed object is read from its start');
      return packing === 'snappy' ? unsnap(source.chunks(0)) : inflate(source.chunks(0), packing);
    },
    slice() {
      return Promise.reject(new Error('Of a packed object no part can be read'));
    },
  };
}

async function* inflate(
  packed: AsyncGenerator<Buffer, void, undefined>,
  packing: 'gzip' | 'zstd',
): AsyncGenerator<Buffer, void, undefined> {
  const engine =
    packing === 'gzip' ? createGunzip({ chunkSize: pieceBytes }) : createZstdDecompress({ chunkSize: pieceBytes });
  const input = Readable.from(packed, { objectMode: false });
  let failure: unknown = null;
  // What the store has to say is not to be taken for damage.
  input.once('error', (error) => {
    failure = error;
    engine.destroy(error);
  });
  input.pipe(engine);
  try {
    for await (const piece of engine) yield piece as Buffer;
  } catch (error) {
    throw (
      failure ?? new DataError(`The object is no ${packing}, or damaged: ${(error as Error).message}`, { cause: error })
    );
  } finally {
    input.destroy();
    engine.destroy();
    await packed.return();
  }
}
