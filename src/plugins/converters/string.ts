import type { Converter, ConverterRole, HeaderConverter, SerializedValue } from '../../api/converter.ts';
import { definePlugin } from '../../api/plugin.ts';
import { defineConfig, mergeConfigs, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { javaText } from '../../data/connect-text.ts';
import type { Schema, SchemaAndValue } from '../../data/schema.ts';
import { OPTIONAL_STRING_SCHEMA } from '../../data/schema-builder.ts';
import { TextWindow } from '../../data/text-window.ts';
import { asBuffer } from '../../java/utf8.ts';
import { kafkaVersion } from './apache-version.ts';
import { type Charset, charsetNamed, isUtf8 } from './charset.ts';
import { converterTypeConfig, withConverterType } from './converter-type.ts';

const stringConverterConfig = mergeConfigs(
  converterTypeConfig,
  defineConfig({
    'converter.encoding': {
      type: 'STRING',
      default: 'UTF-8',
      importance: 'HIGH',
      width: 'MEDIUM',
      displayName: 'Encoding',
      doc: 'The Java name of the character set of the bytes.',
    },
  }),
);

/** Text as it is; any other value as Java's `toString` prints it. Reads everything as text. */
class StringConverter implements Converter, HeaderConverter {
  #charset: Charset = charsetNamed('UTF-8');
  readonly #texts = new TextWindow();

  configure(settings: Settings, role?: ConverterRole): void {
    const config = parseConfig(stringConverterConfig, withConverterType(settings, role));
    this.#charset = charsetNamed(config['converter.encoding']);
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): SerializedValue {
    if (value === null || value === undefined) return null;
    return this.#charset.encode(typeof value === 'string' ? value : javaText(schema, value));
  }

  toConnectData(_topic: string, bytes: Uint8Array | null): SchemaAndValue {
    return { schema: OPTIONAL_STRING_SCHEMA, value: bytes === null ? null : this.#charset.decode(asBuffer(bytes)) };
  }

  readConnectData(_topic: string, buffer: Buffer, start: number, end: number): SchemaAndValue {
    const value = isUtf8(this.#charset)
      ? this.#texts.read(buffer, start, end)
      : this.#charset.decode(buffer.subarray(start, end));
    return { schema: OPTIONAL_STRING_SCHEMA, value };
  }

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedValue {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _headerKey: string, bytes: Uint8Array | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const plugin = {
  className: 'org.apache.kafka.connect.storage.StringConverter',
  version: kafkaVersion,
  doc: 'Text in any character set.',
  config: stringConverterConfig,
  create: () => new StringConverter(),
};

export const stringConverter = definePlugin({ kind: 'converter', ...plugin });
export const stringHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin });
