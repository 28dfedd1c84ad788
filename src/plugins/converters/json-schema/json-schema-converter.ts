import type { Settings } from '../../../config/config-def.ts';
import { parseConfig } from '../../../config/parse-config.ts';
import { DATE_NAME, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
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
import { JsonDocument } from '../json-document.ts';
import type { JsonSchemaDataOptions } from './conventions.ts';
import { compileDecoder } from './decoder.ts';
import { compileEncoder } from './encoder.ts';
import { fromConnectSchema } from './from-connect-schema.ts';
import { jsonSchemaConfig } from './json-schema-config.ts';
import { parseJsonSchema, type SchemaDocuments, toConnectSchema } from './to-connect-schema.ts';
import { openValidation, type Validate } from './validation.ts';

interface ParsedJsonSchema extends ParsedSchema {
  readonly documents: SchemaDocuments;
  readonly references: ReadonlyMap<string, string>;
}

const sink = new Sink();

/** Java: io.confluent.connect.json.JsonSchemaConverter. */
export class JsonSchemaConverter extends RegistryConverter<ParsedJsonSchema> {
  protected override openFormat(settings: Settings): JsonSchemaFormat {
    const config = parseConfig(jsonSchemaConfig, settings);
    const options: JsonSchemaDataOptions = {
      additionalProperties: config['object.additional.properties'],
      optionalForNonRequired: config['use.optional.for.nonrequired'],
      numericDecimals: config['decimal.format'].toUpperCase() === 'NUMERIC',
      flattenSingletonUnions: config['flatten.singleton.unions'],
      generalizedSumTypeSupport: config['generalized.sum.type.support'],
      ignoreDefaultForNullables: config['ignore.default.for.nullables'],
      failInvalid: config['json.fail.invalid.schema'],
    };
    return new JsonSchemaFormat(options);
  }
}

export class JsonSchemaFormat implements SchemaFormat<ParsedJsonSchema> {
  readonly type = 'JSON';
  readonly name = 'JSON Schema';
  readonly key: string;
  readonly writesNull = true;
  readonly #options: JsonSchemaDataOptions;

  constructor(options: JsonSchemaDataOptions) {
    this.#options = options;
    this.key = `JSON ${JSON.stringify(options)}`;
  }

  fromConnectSchema(schema: Schema | null): ParsedJsonSchema {
    const text = fromConnectSchema(schema, this.#options);
    return toParsed({ schemaType: 'JSON', schema: text, references: [] }, new Map());
  }

  parse(source: RegistrySchema, references: ResolvedReferences): ParsedJsonSchema {
    return toParsed(source, references);
  }

  /** Which JSON Schema reads what another writes is the registry's to say; here only the obvious is seen. */
  incompatibility(reader: ParsedJsonSchema, writer: ParsedJsonSchema): string | null {
    const types = [reader, writer].map(({ documents }) => toConnectSchema(documents, null, this.#options).type);
    return types[0] === types[1] ? null : `its type is ${types[0]}, the data's ${types[1]}`;
  }

  async writer(schema: Schema | null, parsed: ParsedJsonSchema): Promise<Writer> {
    if (schema === null) throw new DataError('Data without a schema cannot be written with a JSON Schema');
    const encode = compileEncoder(schema, this.#options);
    const validate = await this.#validation(parsed);
    return (id) => {
      let text = '';
      let bytes = 0;
      const write = (start: number): number => {
        const { bytes: b } = sink;
        writeHeader(b, start, id);
        const from = start + headerLength;
        if (from + bytes > b.length) return writeRaw(b, from, Buffer.from(text));
        b.write(text, from, bytes, 'utf8');
        return from + bytes;
      };
      return (value) => {
        const json = encode(value);
        if (json === null) return null;
        validate?.(json);
        text = json;
        bytes = Buffer.byteLength(json);
        return sink.record(write);
      };
    };
  }

  async reader(parsed: ParsedJsonSchema, version: number | null): Promise<Read> {
    const schema = toConnectSchema(parsed.documents, version, this.#options);
    const document = new JsonDocument(compileDecoder(schema), hasTemporal(schema, new Set()));
    const validate = await this.#validation(parsed);
    return (buffer, start, end) => {
      validate?.(buffer.toString('utf8', start, end));
      return { schema, value: document.read(buffer, start, end) };
    };
  }

  async #validation(parsed: ParsedJsonSchema): Promise<Validate | null> {
    return this.#options.failInvalid ? openValidation(parsed.source.schema, parsed.references) : null;
  }
}

function toParsed(source: RegistrySchema, references: ReadonlyMap<string, string>): ParsedJsonSchema {
  const documents = parseJsonSchema(source.schema, references);
  const { root } = documents;
  const title = typeof root === 'object' && root !== null && 'title' in root ? root.title : null;
  return { source, documents, references, recordName: typeof title === 'string' ? title : null };
}

/** Whether a schema has a type for which `5` and `5.0` differ; it may be recursive. */
function hasTemporal(schema: Schema | null, seen: Set<unknown>): boolean {
  if (schema === null || seen.has(schema.fields)) return false;
  if (schema.name === DATE_NAME || schema.name === TIME_NAME || schema.name === TIMESTAMP_NAME) return true;
  if (schema.fields.length > 0) seen.add(schema.fields);
  return (
    hasTemporal(schema.keySchema, seen) ||
    hasTemporal(schema.valueSchema, seen) ||
    schema.fields.some((field) => hasTemporal(field.schema, seen))
  );
}
