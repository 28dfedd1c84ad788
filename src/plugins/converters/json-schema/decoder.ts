import { fillFields } from '../../../data/field-allowance.ts';
import { isJsonObject, JsonMissing, type JsonNode, JsonNumber, type JsonObject } from '../../../data/json-reader.ts';
import { DATE_NAME, DECIMAL_NAME, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
import { KeyInterner } from '../../../data/map-key.ts';
import type { Schema } from '../../../data/schema.ts';
import { needsExactNumbers } from '../../../data/schemaless-json.ts';
import { Struct } from '../../../data/struct.ts';
import { DataError } from '../../../errors.ts';
import { compileJsonDecoder, type JsonDecoder } from '../json-decoder.ts';
import * as c from './conventions.ts';

const logicalNames: ReadonlySet<string> = new Set([DECIMAL_NAME, DATE_NAME, TIME_NAME, TIMESTAMP_NAME]);

/** Compiles the way from JSON to values of a Connect schema. */
export function compileDecoder(schema: Schema): JsonDecoder {
  return new DecoderCompiler().decoder(schema);
}

class DecoderCompiler {
  readonly #open = new Map<Schema, { decode: JsonDecoder | null }>();

  decoder(schema: Schema): JsonDecoder {
    const open = this.#open.get(schema);
    if (open !== undefined) return (node) => open.decode!(node);
    const slot: { decode: JsonDecoder | null } = { decode: null };
    this.#open.set(schema, slot);
    const decode = this.#present(schema);
    const { defaultValue, optional } = schema;
    slot.decode = (node) => {
      if (node !== null && node !== undefined) return decode(node);
      if (defaultValue !== undefined) return defaultValue;
      // What is not there at all is null even where the schema asks for a value.
      if (node === undefined || optional) return null;
      throw new DataError(`Invalid null value for required ${schema.type.toUpperCase()} field`);
    };
    return slot.decode;
  }

  #present(schema: Schema): (node: Exclude<JsonNode, null>) => unknown {
    if (schema.name !== null && logicalNames.has(schema.name))
      return compileJsonDecoder(schema, { replaceNullWithDefault: true });
    switch (schema.type) {
      case 'array':
        return this.#array(schema);
      case 'map':
        return this.#map(schema);
      case 'struct':
        return c.isUnion(schema) ? this.#union(schema) : this.#struct(schema);
      default:
        return compileJsonDecoder(schema, { replaceNullWithDefault: true });
    }
  }

  #array(schema: Schema): (node: Exclude<JsonNode, null>) => unknown {
    const element = this.decoder(schema.valueSchema!);
    return (node) => {
      if (Array.isArray(node)) return node.map(element);
      return isJsonObject(node) ? Object.values(node).map(element) : [];
    };
  }

  #map(schema: Schema): (node: Exclude<JsonNode, null>) => unknown {
    const decodeValue = this.decoder(schema.valueSchema!);
    if (c.hasObjectKeys(schema)) {
      return (node) => {
        if (!isJsonObject(node)) {
          throw new DataError(`Maps with string fields should be encoded as JSON objects, but found ${nodeType(node)}`);
        }
        const map = new Map<unknown, unknown>();
        for (const key of Object.keys(node)) map.set(key, decodeValue(node[key]));
        return map;
      };
    }
    const decodeKey = this.decoder(schema.keySchema!);
    return (node) => {
      if (!Array.isArray(node)) {
        throw new DataError(
          `Maps with non-string fields should be encoded as JSON array of objects, but found ${nodeType(node)}`,
        );
      }
      const map = new Map<unknown, unknown>();
      const keys = new KeyInterner();
      for (const entry of node) {
        if (!isJsonObject(entry)) throw new DataError(`Found invalid map entry instead of object: ${nodeType(entry)}`);
        const size = Object.keys(entry).length;
        if (size !== 2) throw new DataError(`Found invalid map entry, expected length 2 but found :${size}`);
        map.set(keys.intern(decodeKey(property(entry, 'key'))), decodeValue(property(entry, 'value')));
      }
      return map;
    };
  }

  #struct(schema: Schema): (node: Exclude<JsonNode, null>) => unknown {
    const names = schema.fields.map((field) => field.name);
    const decoders = schema.fields.map((field) => this.decoder(field.schema));
    return (node) => {
      if (!isJsonObject(node))
        throw new DataError(`Structs should be encoded as JSON objects, but found ${nodeType(node)}`);
      fillFields(names.length);
      const values: unknown[] = new Array(names.length);
      for (let i = 0; i < names.length; i++) values[i] = decoders[i]!(property(node, names[i]!)) ?? null;
      return new Struct(schema, values);
    };
  }

  /** The first member whose plain type fits, or the struct that shares the most property names with the object. */
  #union(schema: Schema): (node: Exclude<JsonNode, null>) => unknown {
    const decoders = schema.fields.map((field) => this.decoder(field.schema));
    return (node) => {
      let best = -1;
      let matches = 0;
      for (const [i, field] of schema.fields.entries()) {
        if (isPlainMatch(field.schema, node)) {
          best = i;
          break;
        }
        const shared = sharedProperties(field.schema, node);
        if (shared > matches) {
          matches = shared;
          best = i;
        }
      }
      if (best < 0) throw new DataError('Did not find matching oneof field for data');
      const values: unknown[] = new Array(schema.fields.length).fill(null);
      values[best] = decoders[best]!(node);
      return new Struct(schema, values);
    };
  }
}

function property(node: JsonObject, name: string): JsonNode | undefined {
  return Object.hasOwn(node, name) ? node[name] : undefined;
}

function isPlainMatch(schema: Schema, node: JsonNode): boolean {
  switch (schema.type) {
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      // The native parser does not tell 5 from 5.0.
      if (typeof node === 'number') throw needsExactNumbers;
      return node instanceof JsonNumber && node.integral;
    case 'float32':
    case 'float64':
      return typeof node === 'number' || node instanceof JsonNumber;
    case 'boolean':
      return typeof node === 'boolean';
    case 'string':
      return typeof node === 'string';
    case 'bytes':
      // A decimal number, or base64 text where no string member came before.
      return typeof node === 'string' || (node instanceof JsonNumber && !node.integral);
    case 'array':
      return Array.isArray(node);
    case 'map':
      return isJsonObject(node) || Array.isArray(node);
    case 'struct':
      return false;
  }
}

function sharedProperties(schema: Schema, node: JsonNode | undefined): number {
  if (schema.type !== 'struct' || !isJsonObject(node)) return 0;
  let count = 0;
  for (const field of schema.fields) {
    if (Object.hasOwn(node, field.name)) count += 1 + sharedProperties(field.schema, node[field.name]);
  }
  return count;
}

function nodeType(node: JsonNode | undefined): string {
  if (node === null || node === undefined) return 'NULL';
  if (typeof node === 'string') return 'STRING';
  if (typeof node === 'boolean') return 'BOOLEAN';
  if (typeof node === 'number' || node instanceof JsonNumber) return 'NUMBER';
  if (node instanceof JsonMissing) return 'MISSING';
  return Array.isArray(node) ? 'ARRAY' : 'OBJECT';
}
