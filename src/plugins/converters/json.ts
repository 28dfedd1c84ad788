import type { Converter, ConverterRole, HeaderConverter, SerializedValue } from '../../api/converter.ts';
import { definePlugin } from '../../api/plugin.ts';
import { defineConfig, mergeConfigs, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { caseInsensitiveString } from '../../config/validators.ts';
import type { ByteSink } from '../../data/byte-sink.ts';
import { compileJsonEncoder, encodeSchemaless, type JsonEncoder } from '../../data/json-encoder.ts';
import { readJson } from '../../data/json-reader.ts';
import type { Schema, SchemaAndValue } from '../../data/schema.ts';
import { readSchemaless } from '../../data/schemaless-json.ts';
import { DataError, SerializationError } from '../../errors.ts';
import { asBuffer } from '../../java/utf8.ts';
import { kafkaVersion } from './apache-version.ts';
import { converterTypeConfig, withConverterType } from './converter-type.ts';
import { compileJsonDecoder, hasTemporal } from './json-decoder.ts';
import { JsonDocument } from './json-document.ts';
import { JsonEnvelopes } from './json-envelope.ts';
import { schemaFromJson, schemaToJson } from './json-schema-text.ts';
import { JsonScan, JsonTemplate } from './json-template.ts';
import { compileJsonWriter, type JsonWriter } from './json-writer.ts';

const jsonConverterConfig = mergeConfigs(
  converterTypeConfig,
  defineConfig({
    'schemas.enable': {
      type: 'BOOLEAN',
      default: true,
      importance: 'HIGH',
      group: 'Schemas',
      orderInGroup: 0,
      width: 'MEDIUM',
      displayName: 'Enable Schemas',
      doc: 'Whether each key and value carries its schema: an object with the fields schema and payload.',
    },
    'schemas.cache.size': {
      type: 'INT',
      default: 1000,
      importance: 'HIGH',
      group: 'Schemas',
      orderInGroup: 1,
      width: 'MEDIUM',
      displayName: 'Schema Cache Size',
      doc: 'How many schemas met in messages are kept ready for the next message.',
    },
    'schema.content': {
      type: 'STRING',
      default: null,
      importance: 'HIGH',
      group: 'Schemas',
      orderInGroup: 2,
      width: 'MEDIUM',
      displayName: 'Schema Content',
      doc: 'The schema of all messages that a sink reads, which then carry the payload alone. Only with schemas.enable=true.',
    },
    'decimal.format': {
      type: 'STRING',
      default: 'BASE64',
      validator: caseInsensitiveString('NUMERIC', 'BASE64'),
      importance: 'LOW',
      group: 'Serialization',
      orderInGroup: 0,
      width: 'MEDIUM',
      displayName: 'Decimal Format',
      doc: 'How decimals are written: BASE64, their bytes, or NUMERIC, a JSON number. In any case of letters.',
    },
    'replace.null.with.default': {
      type: 'BOOLEAN',
      default: true,
      importance: 'LOW',
      group: 'Serialization',
      orderInGroup: 1,
      width: 'MEDIUM',
      displayName: 'Replace null with default',
      doc: 'Whether a null becomes the default of its field, where there is one, or stays null.',
    },
  }),
);

interface CompiledSchema {
  /** What comes before and after the payload. */
  readonly head: string;
  readonly tail: string;
  readonly encode: JsonEncoder;
  readonly write: JsonWriter;
}

const closingBrace = Buffer.from('}');
const nothing: SchemaAndValue = Object.freeze({ schema: null, value: null });

/**
 * JSON text with or without the schema in each message. A schema is compiled when first met: its JSON text is then
 * only concatenated, and incoming messages that begin with a known schema are recognised by their bytes.
 */
export class JsonConverter implements Converter, HeaderConverter {
  #schemasEnabled = true;
  #encoding = { numericDecimals: false, replaceNullWithDefault: true };
  #fixed: { readonly schema: Schema; readonly template: JsonTemplate | null; readonly document: JsonDocument } | null =
    null;
  readonly #scan = new JsonScan();
  #envelopes = new JsonEnvelopes(this.#encoding, 1000);
  #compiled = new WeakMap<Schema, CompiledSchema>();
  #lastSchema: Schema | null = null;
  #last: CompiledSchema | null = null;

  configure(settings: Settings, role?: ConverterRole): void {
    const config = parseConfig(jsonConverterConfig, withConverterType(settings, role));
    this.#schemasEnabled = config['schemas.enable'];
    this.#encoding = {
      numericDecimals: config['decimal.format'].toUpperCase() === 'NUMERIC',
      replaceNullWithDefault: config['replace.null.with.default'],
    };
    this.#compiled = new WeakMap();
    this.#lastSchema = null;
    this.#envelopes = new JsonEnvelopes(this.#encoding, config['schemas.cache.size']);
    this.#fixed = this.#fixedSchema(config['schema.content']);
  }

  #fixedSchema(content: string | null) {
    if (content === null || content.trim() === '') return null;
    try {
      const schema = schemaFromJson(readJson(Buffer.from(content)), this.#encoding);
      if (schema === null) return null;
      const decode = compileJsonDecoder(schema, this.#encoding);
      const template = JsonTemplate.of(schema, this.#encoding);
      return { schema, template, document: new JsonDocument(decode, hasTemporal(schema)) };
    } catch (cause) {
      if (!(cause instanceof SerializationError)) throw cause;
      throw new DataError('Failed to parse schema in converter config due to serialization error: ', { cause });
    }
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): SerializedValue {
    if (schema === null) {
      if (value === null || value === undefined) return null;
      const text = encodeSchemaless(value);
      return this.#schemasEnabled ? `{"schema":null,"payload":${text}}` : text;
    }
    const compiled = schema === this.#lastSchema ? (this.#last as CompiledSchema) : this.#compile(schema);
    return compiled.head + compiled.encode(value) + compiled.tail;
  }

  writeConnectData(_topic: string, schema: Schema | null, value: unknown, into: ByteSink): boolean {
    if (schema === null) return false;
    const compiled = schema === this.#lastSchema ? (this.#last as CompiledSchema) : this.#compile(schema);
    compiled.write(value, into);
    if (this.#schemasEnabled) into.copy(closingBrace);
    return true;
  }

  #compile(schema: Schema): CompiledSchema {
    let compiled = this.#compiled.get(schema);
    if (compiled === undefined) {
      const enveloped = this.#schemasEnabled;
      const head = enveloped ? `{"schema":${schemaToJson(schema, this.#encoding)},"payload":` : '';
      const tail = enveloped ? '}' : '';
      compiled = {
        head,
        tail,
        encode: compileJsonEncoder(schema, this.#encoding),
        write: compileJsonWriter(schema, this.#encoding, Buffer.from(head)),
      };
      this.#compiled.set(schema, compiled);
    }
    this.#lastSchema = schema;
    this.#last = compiled;
    return compiled;
  }

  toConnectData(topic: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return nothing;
    return this.readConnectData(topic, asBuffer(bytes), 0, bytes.length);
  }

  readConnectData(_topic: string, buffer: Buffer, start: number, end: number): SchemaAndValue {
    try {
      if (!this.#schemasEnabled) return { schema: null, value: readSchemaless(buffer, start, end) };
      if (this.#fixed === null) return this.#envelopes.read(buffer, start, end);
      const { schema, template, document } = this.#fixed;
      this.#scan.turnTo(buffer, start, end);
      return { schema, value: template?.read(this.#scan) ?? document.read(buffer, start, end) };
    } catch (cause) {
      if (!(cause instanceof SerializationError)) throw cause;
      throw new DataError('Converting byte[] to Kafka Connect data failed due to serialization error: ', { cause });
    }
  }

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedValue {
    return this.fromConnectData(topic, schema, value);
  }

  toConnectHeader(topic: string, _headerKey: string, bytes: Uint8Array | null): SchemaAndValue {
    return this.toConnectData(topic, bytes);
  }
}

const plugin = {
  className: 'org.apache.kafka.connect.json.JsonConverter',
  version: kafkaVersion,
  doc: 'JSON, with its schema in every message or without any.',
  config: jsonConverterConfig,
  create: () => new JsonConverter(),
};

export const jsonConverter = definePlugin({ kind: 'converter', ...plugin });
export const jsonHeaderConverter = definePlugin({ kind: 'header_converter', ...plugin });
