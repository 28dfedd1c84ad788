import type { HeaderConverter, SerializedValue } from '../../api/converter.ts';
import { definePlugin } from '../../api/plugin.ts';
import { noConfig } from '../../config/config-def.ts';
import type { Schema, SchemaAndValue } from '../../data/schema.ts';
import { BYTES_SCHEMA } from '../../data/schema-builder.ts';
import { convertToString, parseString } from '../../data/values.ts';
import { utf8Text, wellFormed } from '../../java/utf8.ts';
import { kafkaVersion } from './apache-version.ts';

const nothing: SchemaAndValue = Object.freeze({ schema: null, value: null });

/** Header values as text; when reading, the type is guessed from the text. */
class SimpleHeaderConverter implements HeaderConverter {
  configure(): void {}

  fromConnectHeader(_topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedValue {
    const text = convertToString(schema, value);
    return text === null ? null : wellFormed(text);
  }

  toConnectHeader(_topic: string, _headerKey: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return nothing;
    try {
      return parseString(utf8Text(bytes)) ?? nothing;
    } catch {
      // As in Java, a header that cannot be understood is handed on as its bytes.
      return { schema: BYTES_SCHEMA, value: bytes };
    }
  }
}

export const simpleHeaderConverter = definePlugin({
  kind: 'header_converter',
  className: 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
  version: kafkaVersion,
  doc: 'Header values as text, their types guessed when they are read. The default for headers.',
  config: noConfig,
  create: () => new SimpleHeaderConverter(),
});
