import { type ByteSource, Chunks, item, type ObjectReader, type ReadItem, tooLong, unreadable } from './read.ts';

/** Pieces of so many bytes, the last one shorter. */
export function openPieces(source: ByteSource, from: number, pieceBytes: number): ObjectReader {
  return new PieceReader(source, from, pieceBytes);
}

class PieceReader implements ObjectReader {
  readonly #chunks: Chunks;
  readonly #pieceBytes: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #position: number;
  #ended = false;

  constructor(source: ByteSource, from: number, pieceBytes: number) {
    this.#chunks = new Chunks(source.chunks(from));
    this.#position = from;
    this.#pieceBytes = pieceBytes;
  }

  async next(max: number): Promise<readonly ReadItem[]> {
    while (this.#waitingBytes < this.#pieceBytes && !this.#ended) {
      const chunk = await this.#chunks.more();
      if (chunk === null) this.#ended = true;
      else {
        this.#waiting.push(chunk);
        this.#waitingBytes += chunk.length;
      }
    }
    const bytes = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    const items: ReadItem[] = [];
    let at = 0;
    while (items.length < max && at < bytes.length) {
      const left = bytes.length - at;
      if (left < this.#pieceBytes && !this.#ended) break;
      const length = Math.min(this.#pieceBytes, left);
      const piece = new Uint8Array(bytes.subarray(at, at + length));
      at += length;
      items.push(item(null, piece, this.#position + at));
    }
    this.#position += at;
    const rest = bytes.subarray(at);
    this.#waiting = rest.length === 0 ? [] : [rest];
    this.#waitingBytes = rest.length;
    return items;
  }

  close(): Promise<void> {
    return this.#chunks.close();
  }
}

/** The whole object in one. */
export function openWhole(source: ByteSource, from: number, maxBytes: number): ObjectReader {
  const chunks = new Chunks(source.chunks(from));
  let read = from > 0;
  return {
    async next() {
      if (read) return [];
      read = true;
      const pieces: Buffer[] = [];
      let bytes = 0;
      for (let piece = await chunks.more(); piece !== null; piece = await chunks.more()) {
        bytes += piece.length;
        if (bytes > maxBytes) {
          return [unreadable(tooLong('The object', maxBytes), null, source.size ?? bytes)];
        }
        pieces.push(piece);
      }
      return bytes === 0 ? [] : [item(null, new Uint8Array(Buffer.concat(pieces)), bytes)];
    },
    close: () => chunks.close(),
  };
}
