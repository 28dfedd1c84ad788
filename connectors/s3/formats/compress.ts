import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { FileCompression, TakeReason } from './record-writer.ts';

/** Of text, before it is compressed: enough for a codec to do its best, little enough for many open files. */
const chunkBytes = 1 << 20;
/** Strings are joined up to so many characters before they become bytes. */
const textChars = 32 << 10;
/** Of snappy-java's streams. */
const snappyBlockBytes = 32 << 10;
const snappyHeader = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);

/** Bytes without a length before them or a stream around them. */
export type RawSnappy = (bytes: Uint8Array) => Uint8Array;

export async function loadSnappy(): Promise<RawSnappy> {
  return (await import('hyparquet-writer/src/snappy.js')).snappyCompress;
}

export interface Compression {
  /** One piece of a file. Pieces in a row unpack to one stream; `first`: nothing stands before it. */
  compress(kind: FileCompression, level: number, bytes: Uint8Array, first: boolean): Uint8Array;
}

export async function loadCompression(): Promise<Compression> {
  const snappy = await loadSnappy();
  return {
    compress(kind, level, bytes, first) {
      switch (kind) {
        case 'none':
          return bytes;
        case 'gzip':
          // Its header names no time, so that the same records are the same bytes.
          return gzipSync(bytes, level < 0 ? {} : { level });
        case 'zstd':
          return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
        case 'snappy':
          return snappyStream(snappy, bytes, first);
      }
    },
  };
}

function snappyStream(snappy: RawSnappy, bytes: Uint8Array, first: boolean): Buffer {
  const blocks: Uint8Array[] = first ? [snappyHeader] : [];
  for (let start = 0; start < bytes.length; start += snappyBlockBytes) {
    const block = snappy(bytes.subarray(start, start + snappyBlockBytes));
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(block.length);
    blocks.push(length, block);
  }
  return Buffer.concat(blocks);
}

/** Gathers text and bytes, and gives compressed pieces of what it has gathered. */
export class Gatherer {
  readonly #compression: Compression;
  readonly #kind: FileCompression;
  readonly #level: number;
  #text = '';
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #ready: Uint8Array[] = [];
  #readyBytes = 0;
  #first: boolean;

  /** `begun`: other pieces of the file are there already. */
  constructor(compression: Compression, kind: FileCompression, level: number, begun: boolean) {
    this.#compression = compression;
    this.#kind = kind;
    this.#level = level;
    this.#first = !begun;
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= textChars) this.#encode();
  }

  copy(bytes: Uint8Array): void {
    this.#encode();
    this.#gather(Buffer.from(bytes));
  }

  #encode(): void {
    if (this.#text === '') return;
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    this.#gather(bytes);
  }

  #gather(bytes: Uint8Array): void {
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= chunkBytes) this.#compress();
  }

  #compress(): void {
    if (this.#gatheredBytes === 0) return;
    if (this.#kind === 'none') {
      // As it is: whoever takes it puts the pieces together once.
      this.#ready.push(...this.#gathered);
      this.#readyBytes += this.#gatheredBytes;
      this.#gathered = [];
      this.#gatheredBytes = 0;
      return;
    }
    const all = this.#gathered.length === 1 ? this.#gathered[0]! : Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const piece = this.#compression.compress(this.#kind, this.#level, all, this.#first);
    this.#first = false;
    this.#ready.push(piece);
    this.#readyBytes += piece.length;
  }

  get held(): number {
    return this.#text.length + this.#gatheredBytes + this.#readyBytes;
  }

  take(reason: TakeReason): Uint8Array[] {
    if (reason !== 'ready') {
      this.#encode();
      this.#compress();
    }
    const ready = this.#ready;
    this.#ready = [];
    this.#readyBytes = 0;
    return ready;
  }
}
