import type { Settings } from '../../../config/config-def.ts';
import { parseConfig } from '../../../config/parse-config.ts';
import type { Schema } from '../../../data/schema.ts';
import { DataError } from '../../../errors.ts';
import type { RegistrySchema, ResolvedReferences } from '../../../schema-registry/client.ts';
import {
  type ParsedSchema,
  type Read,
  RegistryConverter,
  type SchemaFormat,
  type Writer,
} from '../../../schema-registry/registry-converter.ts';
import { Sink, writeRaw } from '../../../schema-registry/sink.ts';
import { headerLength, writeHeader } from '../../../schema-registry/wire-format.ts';
import { avroConfig } from './avro-config.ts';
import { type AvroType, parseAvroSchema, printAvroSchema } from './avro-schema.ts';
import type { AvroDataOptions } from './conventions.ts';
import { compileDecoder } from './decoder.ts';
import { compileEncoder } from './encoder.ts';
import { fromConnectSchema } from './from-connect-schema.ts';
import { toConnectSchema } from './to-connect-schema.ts';

interface ParsedAvro extends ParsedSchema {
  readonly avro: AvroType;
  /** Texts of the schemas it refers to. */
  readonly references: readonly string[];
}

// One slab serves all converters: records are written one at a time.
const sink = new Sink();

/** Java: io.confluent.connect.avro.AvroConverter. */
export class AvroConverter extends RegistryConverter<ParsedAvro> {
  protected override openFormat(settings: Settings): AvroFormat {
    const config = parseConfig(avroConfig, settings);
    return new AvroFormat({
      connectMetaData: config['connect.meta.data'],
      enhancedSchemaSupport: config['enhanced.avro.schema.support'],
      scrubInvalidNames: config['scrub.invalid.names'],
      discardTypeDocDefault: config['discard.type.doc.default'],
      allowOptionalMapKeys: config['allow.optional.map.keys'],
      flattenSingletonUnions: config['flatten.singleton.unions'],
      generalizedSumTypeSupport: config['generalized.sum.type.support'],
      ignoreDefaultForNullables: config['ignore.default.for.nullables'],
    });
  }
}

export class AvroFormat implements SchemaFormat<ParsedAvro> {
  readonly type = 'AVRO';
  readonly name = 'Avro';
  readonly key: string;
  readonly writesNull = false;
  readonly #options: AvroDataOptions;

  constructor(options: AvroDataOptions) {
    this.#options = options;
    this.key = `AVRO ${JSON.stringify(options)}`;
  }

  fromConnectSchema(schema: Schema | null): ParsedAvro {
    const avro = fromConnectSchema(schema, this.#options);
    return toParsed({ schemaType: 'AVRO', schema: printAvroSchema(avro), references: [] }, avro, []);
  }

  parse(source: RegistrySchema, references: ResolvedReferences): ParsedAvro {
    const texts = [...references.values()];
    return toParsed(source, parseAvroSchema(source.schema, texts), texts);
  }

  async incompatibility(reader: ParsedAvro, writer: ParsedAvro): Promise<string | null> {
    const { default: avsc } = await import('avsc');
    const parse = (schema: ParsedAvro) => {
      const registry = {};
      for (const text of schema.references) avsc.Type.forSchema(JSON.parse(text), { registry });
      return avsc.Type.forSchema(JSON.parse(schema.source.schema), { registry });
    };
    try {
      parse(reader).createResolver(parse(writer));
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  writer(schema: Schema | null, parsed: ParsedAvro): Writer {
    if (parsed.avro.kind === 'bytes') return rawWriter(schema, parsed, this.#options);
    const encode = compileEncoder(schema, parsed.avro, sink, this.#options);
    return (id) => {
      let current: unknown;
      const write = (start: number): number => {
        writeHeader(sink.bytes, start, id);
        return encode(current, start + headerLength);
      };
      return (value) => {
        current = value;
        return sink.record(write);
      };
    };
  }

  reader(parsed: ParsedAvro, version: number | null): Read {
    const schema = toConnectSchema(parsed.avro, version, this.#options);
    const decode = compileDecoder(parsed.avro, schema, this.#options);
    if (parsed.avro.kind === 'bytes') {
      return (buffer, start, end) => ({ schema, value: decode(framed(buffer, start, end), 0, end - start + 5) });
    }
    if (parsed.avro.kind !== 'union') return (buffer, start, end) => ({ schema, value: decode(buffer, start, end) });
    return (buffer, start, end) => {
      const value = decode(buffer, start, end);
      return value === null ? { schema: null, value } : { schema, value };
    };
  }
}

function toParsed(source: RegistrySchema, avro: AvroType, references: readonly string[]): ParsedAvro {
  return { source, avro, references, recordName: avro.kind === 'record' ? avro.fullName : null };
}

/** A payload that is bytes and nothing else goes without a length of its own. */
function rawWriter(schema: Schema | null, parsed: ParsedAvro, options: AvroDataOptions): Writer {
  const inner = new Sink();
  const encode = compileEncoder(schema, parsed.avro, inner, options);
  return (id) => (value) => {
    const withLength = inner.record((start) => encode(value, start));
    const bytes = withLength.subarray(lengthOfVarint(withLength));
    return sink.record((start) => {
      writeHeader(sink.bytes, start, id);
      return writeRaw(sink.bytes, start + headerLength, bytes);
    });
  };
}

function lengthOfVarint(bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! < 0x80) return i + 1;
  throw new DataError('A length without an end');
}

/** The same payload behind the length that the decoder expects: five bytes of varint. */
function framed(buffer: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  const copy = Buffer.allocUnsafe(length + 5);
  let z = length * 2;
  for (let i = 0; i < 4; i++) {
    copy[i] = (z % 128) | 0x80;
    z = Math.floor(z / 128);
  }
  copy[4] = z;
  buffer.copy(copy, 5, start, end);
  return copy;
}
