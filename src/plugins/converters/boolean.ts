import type { Converter, ConverterRole, HeaderConverter, SerializedValue } from '../../api/converter.ts';
import { definePlugin } from '../../api/plugin.ts';
import type { Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { javaClassName } from '../../data/connect-class.ts';
import type { Schema, SchemaAndValue } from '../../data/schema.ts';
import { OPTIONAL_BOOLEAN_SCHEMA } from '../../data/schema-builder.ts';
import { DataError } from '../../errors.ts';
import { kafkaVersion } from './apache-version.ts';
import { converterTypeConfig, withConverterType } from './converter-type.ts';

/** One byte: 1 or 0. */
class BooleanConverter implements Converter, HeaderConverter {
  configure(settings: Settings, role?: ConverterRole): void {
    parseConfig(converterTypeConfig, withConverterType(settings, role));
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): SerializedValue {
    if (schema !== null && schema.type !== 'boolean') {
      throw new DataError(`Invalid schema type for BooleanConverter: ${schema.type.toUpperCase()}`);
    }
    if (value === null || value === undefined) return null;
    if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
    throw new DataError(`BooleanConverter is not compatible with objects of type ${javaClassName(schema, value)}`);
  }

  toConnectData(_topic: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return { schema: OPTIONAL_BOOLEAN_SCHEMA, value: null };
    const byte = bytes.length === 1 ? bytes[0] : undefined;
    if (byte !== 0 && byte !== 1) {
      throw new DataError(`Failed to deserialize boolean: ${bytes.length} bytes that are neither 0 nor 1`);
    }
    return { schema: OPTIONAL_BOOLEAN_SCHEMA, value: byte === 1 };
  }

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedValue {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _headerKey: string, bytes: Uint8Array | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const plugin = {
  className: 'org.apache.kafka.connect.converters.BooleanConverter',
  version: kafkaVersion,
  doc: 'A boolean in one byte.',
  config: converterTypeConfig,
  create: () => new BooleanConverter(),
};

export const booleanConverter = definePlugin({ kind: 'converter', ...plugin });
export const booleanHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin });
