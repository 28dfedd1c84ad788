import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { SerializationError } from '../errors.ts';
import { loadCrc32c } from './crc32c.ts';
import { lz4Size, snappySize } from './unpacked-size.ts';

export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** A fetched batch that unpacks to more than this is refused: a run's memory is bounded. */
export const defaultMaxUnpackedBytes = 128 * 1024 * 1024;

export interface Compression {
  readonly type: CompressionType;
  /** compression.gzip.level or compression.zstd.level; undefined: the codec's own default. */
  readonly level?: number;
}

/** The low three bits of a batch's attributes. */
const typesById: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export function compressionId(type: CompressionType): number {
  return typesById.indexOf(type);
}

/** Checksums and compression; loaded once, then synchronous. */
export interface Codecs {
  crc32c(bytes: Uint8Array): number;
  compress(compression: Compression, bytes: Buffer): Buffer;
  /** Raises SerializationError on an unknown id, and on bytes that do not unpack or to more than `maxBytes`. */
  decompress(id: number, bytes: Buffer, maxBytes?: number): Buffer;
}

let loaded: Promise<Codecs> | undefined;

export function loadCodecs(): Promise<Codecs> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Codecs> {
  const { compressionsAlgorithms } = await import('./library.ts');
  const crc32c = await loadCrc32c();
  const { snappy, lz4 } = compressionsAlgorithms;
  return {
    crc32c,
    compress({ type, level }, bytes) {
      switch (type) {
        case 'gzip':
          return gzipSync(bytes, level === undefined ? {} : { level });
        case 'zstd':
          return zstdCompressSync(
            bytes,
            level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
          );
        case 'snappy':
          return snappy.compressSync(bytes);
        case 'lz4':
          return lz4.compressSync(bytes);
        default:
          return bytes;
      }
    },
    decompress(id, bytes, maxBytes = defaultMaxUnpackedBytes) {
      const type = typesById[id];
      try {
        switch (type) {
          case 'none':
            return bytes;
          case 'gzip':
            return gunzipSync(bytes, { maxOutputLength: maxBytes });
          case 'zstd':
            return zstdDecompressSync(bytes, { maxOutputLength: maxBytes });
          case 'snappy':
            refuseAbove(maxBytes, snappySize(bytes));
            return snappy.decompressSync(bytes);
          case 'lz4':
            refuseAbove(maxBytes, lz4Size(bytes, maxBytes));
            return lz4.decompressSync(bytes);
        }
      } catch (error) {
        if (isTooLarge(error)) throw new SerializationError(`it unpacks to more than ${maxBytes} bytes as ${type}`);
        throw new SerializationError(`it does not unpack as ${type}`, { cause: error });
      }
      throw new SerializationError(`it names compression ${id}, which does not exist`);
    },
  };
}

const tooLarge = 'ERR_BUFFER_TOO_LARGE';

function refuseAbove(maxBytes: number, size: number): void {
  if (size > maxBytes) throw Object.assign(new RangeError(`${size} bytes`), { code: tooLarge });
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === tooLarge;
}
