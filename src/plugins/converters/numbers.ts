import type { Converter, ConverterRole, HeaderConverter, SerializedValue } from '../../api/converter.ts';
import { definePlugin } from '../../api/plugin.ts';
import type { Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { type JavaClass, javaClass, javaClassName } from '../../data/connect-class.ts';
import type { Schema, SchemaAndValue } from '../../data/schema.ts';
import {
  OPTIONAL_FLOAT32_SCHEMA,
  OPTIONAL_FLOAT64_SCHEMA,
  OPTIONAL_INT16_SCHEMA,
  OPTIONAL_INT32_SCHEMA,
  OPTIONAL_INT64_SCHEMA,
} from '../../data/schema-builder.ts';
import { isWrapper } from '../../data/schemaless.ts';
import { DataError } from '../../errors.ts';
import { asBuffer } from '../../java/utf8.ts';
import { kafkaVersion } from './apache-version.ts';
import { converterTypeConfig, withConverterType } from './converter-type.ts';

interface NumberFormat {
  /** As it stands in messages. */
  readonly typeName: string;
  readonly javaClass: JavaClass;
  readonly schema: Schema;
  readonly length: number;
  write(buffer: Buffer, value: number | bigint): void;
  read(buffer: Buffer, offset: number): number | bigint;
}

/** One number of a fixed width, big-endian. */
class NumberConverter implements Converter, HeaderConverter {
  readonly #format: NumberFormat;

  constructor(format: NumberFormat) {
    this.#format = format;
  }

  configure(settings: Settings, role?: ConverterRole): void {
    parseConfig(converterTypeConfig, withConverterType(settings, role));
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): SerializedValue {
    if (value === null || value === undefined) return null;
    const { typeName, length, write } = this.#format;
    const number = isWrapper(value) ? value.value : value;
    if (
      javaClass(schema, value) !== this.#format.javaClass ||
      (typeof number !== 'number' && typeof number !== 'bigint')
    ) {
      throw new DataError(`Failed to serialize to ${typeName} (was ${javaClassName(schema, value)}): `);
    }
    const bytes = Buffer.allocUnsafe(length);
    write(bytes, number);
    return bytes;
  }

  toConnectData(_topic: string, bytes: Uint8Array | null): SchemaAndValue {
    const { schema } = this.#format;
    if (bytes === null) return { schema, value: null };
    return this.readConnectData(_topic, asBuffer(bytes), 0, bytes.length);
  }

  readConnectData(_topic: string, buffer: Buffer, start: number, end: number): SchemaAndValue {
    const { schema, length, typeName, read } = this.#format;
    if (end - start !== length) {
      throw new DataError(`Failed to deserialize ${typeName}: ${end - start} bytes instead of ${length}`);
    }
    return { schema, value: read(buffer, start) };
  }

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedValue {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _headerKey: string, bytes: Uint8Array | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const formats = {
  Short: {
    typeName: 'short',
    javaClass: 'Short',
    schema: OPTIONAL_INT16_SCHEMA,
    length: 2,
    write: (buffer, value) => buffer.writeInt16BE(Number(value)),
    read: (buffer, offset) => buffer.readInt16BE(offset),
  },
  Integer: {
    typeName: 'integer',
    javaClass: 'Integer',
    schema: OPTIONAL_INT32_SCHEMA,
    length: 4,
    write: (buffer, value) => buffer.writeInt32BE(Number(value)),
    read: (buffer, offset) => buffer.readInt32BE(offset),
  },
  Long: {
    typeName: 'long',
    javaClass: 'Long',
    schema: OPTIONAL_INT64_SCHEMA,
    length: 8,
    write: (buffer, value) => buffer.writeBigInt64BE(BigInt(value)),
    read: (buffer, offset) => buffer.readBigInt64BE(offset),
  },
  Float: {
    typeName: 'float',
    javaClass: 'Float',
    schema: OPTIONAL_FLOAT32_SCHEMA,
    length: 4,
    write: (buffer, value) => buffer.writeFloatBE(Number(value)),
    read: (buffer, offset) => buffer.readFloatBE(offset),
  },
  Double: {
    typeName: 'double',
    javaClass: 'Double',
    schema: OPTIONAL_FLOAT64_SCHEMA,
    length: 8,
    write: (buffer, value) => buffer.writeDoubleBE(Number(value)),
    read: (buffer, offset) => buffer.readDoubleBE(offset),
  },
} satisfies Record<string, NumberFormat>;

function plugin(name: keyof typeof formats) {
  const format: NumberFormat = formats[name];
  return {
    className: `org.apache.kafka.connect.converters.${name}Converter`,
    version: kafkaVersion,
    doc: `One ${format.typeName} in ${format.length} bytes, big-endian.`,
    config: converterTypeConfig,
    create: () => new NumberConverter(format),
  };
}

export const shortConverter = definePlugin({ kind: 'converter', ...plugin('Short') });
export const shortHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin('Short') });
export const integerConverter = definePlugin({ kind: 'converter', ...plugin('Integer') });
export const integerHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin('Integer') });
export const longConverter = definePlugin({ kind: 'converter', ...plugin('Long') });
export const longHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin('Long') });
export const floatConverter = definePlugin({ kind: 'converter', ...plugin('Float') });
export const floatHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin('Float') });
export const doubleConverter = definePlugin({ kind: 'converter', ...plugin('Double') });
export const doubleHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin('Double') });
