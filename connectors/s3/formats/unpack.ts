import { createGunzip } from 'node:zlib';
import { inflate, pieceBytes } from './inflate.ts';
import type { ByteSource } from './read.ts';
import { unsnap } from './unpack-snappy.ts';
import { unzstd } from './unpack-zstd.ts';

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

/** The same object, unpacked: to be read from its start only. What is damaged is a DataError where it is met. */
export function unpacked(source: ByteSource, packing: Packing): ByteSource {
  return {
    size: null,
    chunks(from) {
      if (from !== 0) throw new Error('A packed object is read from its start');
      const packed = source.chunks(0);
      switch (packing) {
        case 'gzip':
          return inflate(packed, createGunzip({ chunkSize: pieceBytes }), packing);
        case 'snappy':
          return unsnap(packed);
        case 'zstd':
          return unzstd(packed);
      }
    },
    slice() {
      return Promise.reject(new Error('Of a packed object no part can be read'));
    },
  };
}
