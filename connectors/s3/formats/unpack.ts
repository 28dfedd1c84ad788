import { createGunzip } from 'node:zlib';
import { DataError } from '../../../src/api/index.ts';
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

/** What packs whole objects, and is not read: taken for what is in them, such objects would be so much rubbish. */
const unread = /\.(?:bz2|bzip2|xz|lzma|lz4|br|zip|7z|rar|z)$/i;

/** Null: it is not packed. Throws DataError for what cannot be unpacked. */
export function packingByName(key: string): Packing | null {
  const [ending] = unread.exec(key) ?? [];
  if (ending !== undefined) {
    throw new DataError(
      `Objects that end in ${ending} cannot be unpacked: pack them by ${packings.join(', ')}, or leave them out by file.name.template`,
    );
  }
  return endings.find(([pattern]) => pattern.test(key))?.[1] ?? null;
}

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
