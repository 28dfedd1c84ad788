import { DataError, type SinkRecord } from '../../../src/api/index.ts';
import type { Compression } from './compress.ts';
import { GatheredWriter } from './gathered-writer.ts';
import type { WriterFactory, WriterOptions } from './record-writer.ts';

/** The values, or the keys, as they are, a separator behind each. */
export const byteFiles = (compression: Compression): WriterFactory => ({
  open: (options) => new BytesWriter(options, compression),
  kindOf: () => '',
});

class BytesWriter extends GatheredWriter {
  readonly #part: 'key' | 'value';
  readonly #separator: string;

  constructor(options: WriterOptions, compression: Compression) {
    super(options, compression);
    const { spec } = options;
    this.#part = spec.shape.kind === 'part' && spec.shape.part === 'key' ? 'key' : 'value';
    this.#separator = spec.separator;
  }

  add(record: SinkRecord): void {
    const content = record[this.#part];
    if (typeof content === 'string') this.out.write(content);
    else if (content instanceof Uint8Array) this.out.copy(content);
    else if (content !== null && content !== undefined) {
      throw new DataError(
        `The record's ${this.#part} is neither bytes nor text, as a file of bytes has them: use ByteArrayConverter or StringConverter`,
      );
    }
    this.out.write(this.#separator);
  }
}
