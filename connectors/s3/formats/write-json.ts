import type { SinkRecord } from '../../../src/api/index.ts';
import type { Compression } from './compress.ts';
import { GatheredWriter } from './gathered-writer.ts';
import { JsonTexts, jsonText } from './record-parts.ts';
import type { WriterFactory, WriterOptions } from './record-writer.ts';

/** A record a line (jsonl), or an array with a record a line (json). Records of any schema share a file. */
export const jsonFiles = (compression: Compression): WriterFactory => ({
  open: (options) => new JsonWriter(options, compression),
  kindOf: () => '',
});

class JsonWriter extends GatheredWriter {
  readonly #options: WriterOptions;
  readonly #texts: JsonTexts;
  #records: number;

  constructor(options: WriterOptions, compression: Compression) {
    super(options, compression);
    const { spec, resumed } = options;
    this.#options = options;
    this.#texts = new JsonTexts(spec.numericDecimals);
    this.#records = resumed?.records ?? 0;
  }

  add(record: SinkRecord): void {
    const { format, shape, endsLines } = this.#options.spec;
    const text = jsonText(record, shape, this.#texts);
    if (format === 'json') this.out.write(this.#records === 0 ? `[\n${text}` : `,\n${text}`);
    else if (endsLines) this.out.write(`${text}\n`);
    else this.out.write(this.#records === 0 ? text : `\n${text}`);
    this.#records++;
  }

  override finish(): Uint8Array[] {
    if (this.#options.spec.format === 'json') this.out.write(this.#records === 0 ? '[\n]' : '\n]');
    return super.finish();
  }
}
