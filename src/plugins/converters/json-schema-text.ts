import { allowFields } from '../../data/field-allowance.ts';
import { compileJsonEncoder, type JsonEncoding } from '../../data/json-encoder.ts';
import { isJsonObject, type JsonNode, JsonNumber, keysAsWritten } from '../../data/json-reader.ts';
import { quoteJson } from '../../data/json-text.ts';
import type { Schema, SchemaType } from '../../data/schema.ts';
import { SchemaBuilder } from '../../data/schema-builder.ts';
import { Struct } from '../../data/struct.ts';
import { DataError } from '../../errors.ts';
import { compileJsonDecoder, type JsonDecoding } from './json-decoder.ts';

/** JsonConverter's own way to write a Connect schema in JSON (nothing to do with json-schema.org). */

const typeNames: Partial<Record<SchemaType, string>> = { float32: 'float', float64: 'double' };

export function schemaToJson(schema: Schema | null, encoding: JsonEncoding, fieldName?: string): string {
  if (schema === null) return 'null';
  const parts = [`"type":"${typeNames[schema.type] ?? schema.type}"`];
  if (schema.type === 'array') parts.push(`"items":${schemaToJson(schema.valueSchema, encoding)}`);
  if (schema.type === 'map') {
    parts.push(`"keys":${schemaToJson(schema.keySchema, encoding)}`);
    parts.push(`"values":${schemaToJson(schema.valueSchema, encoding)}`);
  }
  if (schema.type === 'struct') {
    const fields = schema.fields.map((field) => schemaToJson(field.schema, encoding, field.name));
    parts.push(`"fields":[${fields.join(',')}]`);
  }
  parts.push(`"optional":${schema.optional}`);
  if (schema.name !== null) parts.push(`"name":${quoteJson(schema.name)}`);
  if (schema.version !== null) parts.push(`"version":${schema.version}`);
  if (schema.doc !== null) parts.push(`"doc":${quoteJson(schema.doc)}`);
  if (schema.parameters !== null) {
    const pairs = [...schema.parameters].map(([key, value]) => `${quoteJson(key)}:${quoteJson(value)}`);
    parts.push(`"parameters":{${pairs.join(',')}}`);
  }
  if (schema.defaultValue !== undefined) {
    parts.push(`"default":${compileJsonEncoder(schema, encoding)(schema.defaultValue)}`);
  }
  if (fieldName !== undefined) parts.push(`"field":${quoteJson(fieldName)}`);
  return `{${parts.join(',')}}`;
}

/** Reads what `schemaToJson` writes, and whatever else Java's converter accepts. Throws DataError. */
export function schemaFromJson(node: JsonNode, decoding: JsonDecoding): Schema | null {
  if (node === null) return null;
  const type = isJsonObject(node) ? node.type : undefined;
  if (!isJsonObject(node) || typeof type !== 'string') throw new DataError("Schema must contain 'type' field");

  const builder = builderFor(type, node, decoding);
  if (node.optional === true) builder.optional();
  else builder.required();
  if (typeof node.name === 'string') builder.name(node.name);
  if (node.version instanceof JsonNumber && node.version.integral) {
    builder.version(Number(BigInt.asIntN(32, node.version.toLong())));
  }
  if (typeof node.doc === 'string') builder.doc(node.doc);
  if (isJsonObject(node.parameters)) {
    for (const key of keysAsWritten(node.parameters)) {
      const value = node.parameters[key];
      if (typeof value !== 'string') throw new DataError('Schema parameters must have string values.');
      builder.parameter(key, value);
    }
  }
  if (node.default !== undefined) {
    allowFields(0);
    const value = compileJsonDecoder(builder.draft(), decoding)(node.default);
    if (value instanceof Struct) {
      // Java compares the struct's finished schema with the unfinished one around it: never equal.
      throw new DataError('Invalid default value', { code: 'data.schema', javaClass: 'SchemaBuilderException' });
    }
    builder.defaultValue(value);
  }
  return builder.build();
}

function builderFor(type: string, node: { [key: string]: JsonNode }, decoding: JsonDecoding): SchemaBuilder {
  switch (type) {
    case 'boolean':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'bytes':
    case 'string':
      return new SchemaBuilder(type);
    case 'float':
      return SchemaBuilder.float32();
    case 'double':
      return SchemaBuilder.float64();
    case 'array':
      if (node.items === undefined || node.items === null) {
        throw new DataError('Array schema did not specify the element type');
      }
      return SchemaBuilder.array(schemaFromJson(node.items, decoding));
    case 'map':
      if (node.keys === undefined) throw new DataError('Map schema did not specify the key type');
      if (node.values === undefined) throw new DataError('Map schema did not specify the value type');
      return SchemaBuilder.map(schemaFromJson(node.keys, decoding), schemaFromJson(node.values, decoding));
    case 'struct': {
      const builder = SchemaBuilder.struct();
      if (!Array.isArray(node.fields)) throw new DataError('Struct schema\'s "fields" argument is not an array.');
      for (const field of node.fields) {
        const name = isJsonObject(field) ? field.field : undefined;
        if (typeof name !== 'string') throw new DataError("Struct schema's field name not specified properly");
        builder.field(name, schemaFromJson(field, decoding));
      }
      return builder;
    }
    default:
      throw new DataError(`Unknown schema type: ${type}`);
  }
}
