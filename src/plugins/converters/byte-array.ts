import type { Converter, HeaderConverter, SerializedValue } from '../../api/converter.ts';
import { definePlugin } from '../../api/plugin.ts';
import { javaClassName } from '../../data/connect-class.ts';
import type { Schema, SchemaAndValue } from '../../data/schema.ts';
import { OPTIONAL_BYTES_SCHEMA } from '../../data/schema-builder.ts';
import { DataError } from '../../errors.ts';
import { kafkaVersion } from './apache-version.ts';
import { converterTypeConfig } from './converter-type.ts';

/** Bytes, untouched. */
class ByteArrayConverter implements Converter, HeaderConverter {
  configure(): void {}

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): SerializedValue {
    if (schema !== null && schema.type !== 'bytes') {
      throw new DataError(`Invalid schema type for ByteArrayConverter: ${schema.type.toUpperCase()}`);
    }
    if (value === null || value === undefined) return null;
    if (value instanceof Uint8Array) return value;
    throw new DataError(`ByteArrayConverter is not compatible with objects of type ${javaClassName(schema, value)}`);
  }

  toConnectData(_topic: string, bytes: Uint8Array | null): SchemaAndValue {
    return { schema: OPTIONAL_BYTES_SCHEMA, value: bytes };
  }

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedValue {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _headerKey: string, bytes: Uint8Array | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const plugin = {
  className: 'org.apache.kafka.connect.converters.ByteArrayConverter',
  version: kafkaVersion,
  doc: 'Bytes as they are.',
  config: converterTypeConfig,
  create: () => new ByteArrayConverter(),
};

export const byteArrayConverter = definePlugin({ kind: 'converter', ...plugin });
export const byteArrayHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin });
