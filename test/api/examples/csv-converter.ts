import {
  type Converter,
  DataError,
  defineConfig,
  definePlugin,
  parseConfig,
  type Settings,
} from '../../../src/api/index.ts';

const config = defineConfig({
  separator: { type: 'STRING', default: ',', importance: 'LOW', doc: 'Stands between two cells.' },
});

class CsvConverter implements Converter {
  #separator = ',';

  configure(settings: Settings): void {
    this.#separator = parseConfig(config, settings).separator;
  }

  /** A string stands for its UTF-8 bytes, null for Kafka's null. */
  fromConnectData(_topic: string, _schema: unknown, value: unknown): string | null {
    if (value === null) return null;
    if (Array.isArray(value) && value.every((cell) => typeof cell === 'string')) return value.join(this.#separator);
    throw new DataError('Only lists of text can be written as CSV');
  }

  toConnectData(_topic: string, bytes: Uint8Array | null) {
    return { schema: null, value: bytes === null ? null : Buffer.from(bytes).toString('utf8').split(this.#separator) };
  }
}

export const csvConverter = definePlugin({
  kind: 'converter',
  className: 'com.example.CsvConverter',
  version: '1.0.0',
  doc: 'One line of comma-separated cells.',
  config,
  create: () => new CsvConverter(),
});
