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
import {
  encodeMessageIndexes,
  headerLength,
  readMessageIndexes,
  writeHeader,
} from '../../../schema-registry/wire-format.ts';
import { incompatibilityOf } from './compatibility.ts';
import type { ProtobufDataOptions } from './conventions.ts';
import { compileDecoder, type Decode } from './decoder.ts';
import { indexesOf, type Message, messageAt, type ProtoFile, parseProto } from './descriptor.ts';
import { compileEncoder } from './encoder.ts';
import { fromConnectSchema } from './from-connect-schema.ts';
import { protobufConfig } from './protobuf-config.ts';
import { toConnectSchema } from './to-connect-schema.ts';

interface ParsedProtobuf extends ParsedSchema {
  readonly file: ProtoFile;
}

const sink = new Sink();

/** Java: io.confluent.connect.protobuf.ProtobufConverter. */
export class ProtobufConverter extends RegistryConverter<ParsedProtobuf> {
  protected override openFormat(settings: Settings): ProtobufFormat {
    const config = parseConfig(protobufConfig, settings);
    return new ProtobufFormat({
      enhancedSchemaSupport: config['enhanced.protobuf.schema.support'],
      scrubInvalidNames: config['scrub.invalid.names'],
      intForEnums: config['int.for.enums'],
      optionalForNullables: config['optional.for.nullables'],
      optionalForProto2: config['optional.for.proto2'],
      wrapperForNullables: config['wrapper.for.nullables'],
      wrapperForRawPrimitives: config['wrapper.for.raw.primitives'],
      generateStructForNulls: config['generate.struct.for.nulls'],
      generateIndexForUnions: config['generate.index.for.unions'],
      flattenUnions: config['flatten.unions'],
      generalizedSumTypeSupport: config['generalized.sum.type.support'],
      ignoreDefaultForNullables: config['ignore.default.for.nullables'],
    });
  }
}

export class ProtobufFormat implements SchemaFormat<ParsedProtobuf> {
  readonly type = 'PROTOBUF';
  readonly name = 'Protobuf';
  readonly key: string;
  readonly writesNull = false;
  readonly #options: ProtobufDataOptions;

  constructor(options: ProtobufDataOptions) {
    this.#options = options;
    this.key = `PROTOBUF ${JSON.stringify(options)}`;
  }

  fromConnectSchema(schema: Schema | null): ParsedProtobuf {
    const { text, rootName } = fromConnectSchema(schema, this.#options);
    const source: RegistrySchema = { schemaType: 'PROTOBUF', schema: text, references: [] };
    return { source, file: parseProto(text, new Map()), recordName: rootName };
  }

  parse(source: RegistrySchema, references: ResolvedReferences): ParsedProtobuf {
    const file = parseProto(source.schema, references);
    return { source, file, recordName: file.messages[0]?.fullName ?? null };
  }

  incompatibility(reader: ParsedProtobuf, writer: ParsedProtobuf): string | null {
    return incompatibilityOf(reader.file, writer.file);
  }

  writer(schema: Schema | null, parsed: ParsedProtobuf): Writer {
    // Checked by `fromConnectSchema`, which every way here passes.
    const { text, rootName } = fromConnectSchema(schema, this.#options);
    const own = text === parsed.source.schema;
    const path = indexesOf(parsed.file, rootName);
    if (path === null) throw new DataError(`The registered Protobuf schema has no message ${rootName}`);
    const indexes = encodeMessageIndexes(path);
    const encode = compileEncoder(schema!, messageAt(parsed.file, path), sink, this.#options, own);
    return (id) => {
      let current: unknown;
      const write = (start: number): number => {
        writeHeader(sink.bytes, start, id);
        return encode(current, writeRaw(sink.bytes, start + headerLength, indexes));
      };
      return (value) => {
        current = value;
        return sink.record(write);
      };
    };
  }

  reader(parsed: ParsedProtobuf, version: number | null): Read {
    const { file } = parsed;
    const open = (message: Message): { schema: Schema; decode: Decode } => {
      const schema = toConnectSchema(message, version, this.#options);
      return { schema, decode: compileDecoder(message, schema, this.#options) };
    };
    const byMessage = new Map<Message, { schema: Schema; decode: Decode }>();
    const readerOf = (message: Message) => {
      let known = byMessage.get(message);
      if (known === undefined) {
        known = open(message);
        byMessage.set(message, known);
      }
      return known;
    };
    const first = file.messages[0] === undefined ? null : readerOf(file.messages[0]);
    return (buffer, start, end) => {
      if (start < end && buffer[start] === 0 && first !== null) {
        return { schema: first.schema, value: first.decode(buffer, start + 1, end) };
      }
      const { path, position } = readMessageIndexes(buffer, start, end);
      const { schema, decode } = readerOf(messageAt(file, path));
      return { schema, value: decode(buffer, position, end) };
    };
  }
}
