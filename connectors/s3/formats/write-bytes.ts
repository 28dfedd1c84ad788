import { DataError, type SinkRecord } from '../../../src/api/index.ts';
import { type Compression, Gatherer } from './compress.ts';
import type { RecordWriter, TakeReason, WriterFactory, WriterOptions } from './record-writer.ts';

/** The values, or the keys, as they are, a separator behind each. */
export const byteFiles = (compression: Compression): WriterFactory => ({
  open: (options) => new BytesWriter(options, compression),
  kindOf: () => '',
});

class BytesWriter implements RecordWriter {
  readonly #part: 'key' | 'value';
  readonly #separator: string;
  readonly #out: Gatherer;

  constructor({ spec, resumed }: WriterOptions, compression: Compression) {
    this.#part = spec.shape.kind === 'part' && spec.shape.part === 'key' ? 'key' : 'value';
    this.#separator = spec.separator;
    this.#out = new Gatherer(compression, spec.compression, spec.level, resumed !== null);
  }

  add(record: SinkRecord): void {
    const content = record[this.#part];
    if (typeof content === 'string') this.#out.write(content);
    else if (content instanceof Uint8Array) this.#out.copy(content);
    else if (content !== null && content !== undefined) {
      throw new DataError(
        `The record's ${this.#part} is neither bytes nor text, as a file of bytes has them: use ByteArrayConverter or StringConverter`,
      );
    }
    this.#out.write(this.#separator);
  }

  get held(): number {
    return this.#out.held;
  }

  take(reason: TakeReason): Uint8Array[] {
    return this.#out.take(reason);
  }

  save(): null {
    return null;
  }

  finish(): Uint8Array[] {
    return this.#out.take('left');
  }
}
