type Pieces = AsyncGenerator<Buffer, void, undefined>;

/** Takes bytes off pieces, as many as are asked for. */
export class ByteInput {
  readonly #pieces: Pieces;
  readonly #mostBytes: number;
  readonly #damaged: (what: string) => Error;
  #bytes: Buffer = Buffer.alloc(0);

  /** `damaged` makes the error of an input that asks for more than `mostBytes` at once, or ends too early. */
  constructor(pieces: Pieces, mostBytes: number, damaged: (what: string) => Error) {
    this.#pieces = pieces;
    this.#mostBytes = mostBytes;
    this.#damaged = damaged;
  }

  /** Null where the input ends in front of the first of these bytes; throws where it ends within them. */
  async read(count: number): Promise<Buffer | null> {
    if (count > this.#mostBytes) throw this.#damaged(`a block says that it has ${count} bytes`);
    if (this.#bytes.length < count) {
      const parts = [this.#bytes];
      let held = this.#bytes.length;
      while (held < count) {
        const { done, value } = await this.#pieces.next();
        if (done === true) {
          if (held === 0) return null;
          throw this.#damaged('it ends within a block');
        }
        parts.push(value);
        held += value.length;
      }
      this.#bytes = Buffer.concat(parts);
    }
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  /** Where the input must not end yet. */
  async require(count: number): Promise<Buffer> {
    const bytes = await this.read(count);
    if (bytes === null) throw this.#damaged('it ends within a block');
    return bytes;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.require(Math.min(left, this.#mostBytes))).length;
  }
}
