import { ConnectSchema } from '../../../data/connect-schema.ts';
import { allowFields } from '../../../data/field-allowance.ts';
import { isJsonObject, type JsonNode, JsonNumber, type JsonObject, readWholeJson } from '../../../data/json-reader.ts';
import type { Field, Schema, SchemaType } from '../../../data/schema.ts';
import { ConnectError, DataError } from '../../../errors.ts';
import { RecursiveSchema } from '../../../schema-registry/recursive-schema.ts';
import * as c from './conventions.ts';
import { compileDecoder } from './decoder.ts';

/** A schema's document with those it refers to. */
export interface SchemaDocuments {
  readonly root: JsonNode;
  /** By reference name. */
  readonly references: ReadonlyMap<string, JsonNode>;
}

export function parseJsonSchema(text: string, references: ReadonlyMap<string, string>): SchemaDocuments {
  const parse = (one: string): JsonNode => {
    const node = readWholeJson(one);
    if (node === undefined) throw new DataError('The JSON Schema is not JSON');
    return node;
  };
  return {
    root: parse(text),
    references: new Map([...references].map(([name, one]) => [name, parse(one)])),
  };
}

/** The Connect schema of a JSON Schema. Java: JsonSchemaData.toConnectSchema. */
export function toConnectSchema(
  documents: SchemaDocuments,
  version: number | null,
  options: c.JsonSchemaDataOptions,
): Schema {
  return new Translator(documents, options).translate(documents.root, documents.root, {
    version,
    forceOptional: false,
  });
}

interface Place {
  readonly version: number | null;
  readonly forceOptional: boolean;
}

const inner: Place = { version: null, forceOptional: false };

/** What a node amounts to, before its annotations. */
type Shape = Partial<{
  optional: boolean;
  name: string | null;
  parameters: Map<string, string>;
  keySchema: Schema;
  valueSchema: Schema;
  fields: Field[];
}> & { type: SchemaType };

class Translator {
  readonly #documents: SchemaDocuments;
  readonly #options: c.JsonSchemaDataOptions;
  readonly #open = new Map<JsonNode, RecursiveSchema[]>();
  #unions = 0;
  #depth = 0;

  constructor(documents: SchemaDocuments, options: c.JsonSchemaDataOptions) {
    this.#documents = documents;
    this.#options = options;
  }

  /** `document` is the one that `node` lies in: local references start there. */
  translate(node: JsonNode, document: JsonNode, place: Place): Schema {
    if (++this.#depth > 200) throw new DataError('The JSON Schema refers to itself without end');
    try {
      return this.#translate(node, document, place);
    } finally {
      this.#depth--;
    }
  }

  #translate(node: JsonNode, document: JsonNode, place: Place): Schema {
    if (!isJsonObject(node)) throw anything();
    const reference = node.$ref;
    if (typeof reference === 'string') {
      const target = this.#resolve(reference, document);
      return this.#visit(target.node, target.document, place);
    }
    return this.#visit(node, document, place);
  }

  #visit(node: JsonNode, document: JsonNode, place: Place): Schema {
    const open = this.#open.get(node);
    if (open !== undefined) {
      const schema = new RecursiveSchema(place.forceOptional);
      open.push(schema);
      return schema;
    }
    if (!isJsonObject(node)) throw anything();
    if (typeof node.$ref === 'string') return this.translate(node, document, place);
    const combined = combinationOf(node);
    if (combined !== null) {
      const direct = this.#direct(combined, node, document, place);
      if (direct !== null) return direct;
    }
    const waiting: RecursiveSchema[] = [];
    const isObject = node.type === 'object' || (node.type === undefined && isJsonObject(node.properties));
    if (isObject) this.#open.set(node, waiting);
    const shape = combined === null ? this.#plain(node, document) : this.#union(combined, document);
    this.#open.delete(node);
    const schema = finish(shape, node, place);
    for (const one of waiting) one.resolve(schema);
    return schema;
  }

  /** Combinations that come down to one schema: optional types, single ones, allOf. */
  #direct(combined: Combination, node: JsonObject, document: JsonNode, place: Place): Schema | null {
    const { kind, branches } = combined;
    if (branches.length === 1 && this.#options.flattenSingletonUnions)
      return this.translate(branches[0]!, document, inner);
    if (kind === 'allOf') return this.#allOf(branches, node, document, place);
    if (branches.length === 2) {
      const present = branches.filter((branch) => !isNullType(branch));
      if (present.length === 1) return this.translate(present[0]!, document, { ...place, forceOptional: true });
    }
    return null;
  }

  #union({ branches }: Combination, document: JsonNode): Shape {
    const generalized = this.#options.generalizedSumTypeSupport;
    const name = generalized ? `${c.generalizedUnionPrefix}${this.#unions++}` : c.oneOfName;
    const prefix = generalized ? `${c.generalizedUnionPrefix}field_` : `${name}.field.`;
    const members = branches.filter((branch) => !isNullType(branch));
    const fields = members.map((branch, index) => ({
      name: `${prefix}${index}`,
      index,
      schema: this.translate(branch, document, { version: null, forceOptional: true }),
    }));
    return {
      type: 'struct',
      name,
      optional: members.length < branches.length,
      parameters: generalized ? new Map([[c.generalizedUnion, name]]) : new Map(),
      fields,
    };
  }

  /** Properties of all parts together; without any, the part that says most. */
  #allOf(branches: readonly JsonNode[], node: JsonObject, document: JsonNode, place: Place): Schema {
    const properties = new Map<string, { node: JsonNode; document: JsonNode; required: boolean }>();
    for (const branch of branches) this.#collect(branch, document, properties, new Set());
    if (properties.size > 0) {
      const waiting: RecursiveSchema[] = [];
      this.#open.set(node, waiting);
      const fields = [...properties].map(([name, property], index) => ({
        name,
        index,
        schema: this.translate(property.node, property.document, {
          version: null,
          forceOptional: this.#options.optionalForNonRequired && !property.required,
        }),
      }));
      this.#open.delete(node);
      const schema = new ConnectSchema('struct', { fields, optional: place.forceOptional });
      for (const one of waiting) one.resolve(schema);
      return schema;
    }
    const objects = branches.filter(isJsonObject);
    const chosen =
      objects.find((branch) => combinationOf(branch) !== null) ??
      objects.find((branch) => 'enum' in branch && objects.some((other) => other.type === 'string')) ??
      objects.find((branch) => branch.type === 'number' || branch.type === 'integer') ??
      objects.find((branch) => branch.type === 'string') ??
      objects.find((branch) => typeof branch.$ref === 'string') ??
      objects.find((branch) => branch.type !== undefined || 'enum' in branch || 'const' in branch);
    if (chosen === undefined)
      throw new DataError('Unsupported criterion allOf in the JSON Schema: no part of it has a type');
    return this.translate(chosen, document, place);
  }

  #collect(
    node: JsonNode,
    document: JsonNode,
    into: Map<string, { node: JsonNode; document: JsonNode; required: boolean }>,
    seen: Set<JsonNode>,
  ): void {
    if (!isJsonObject(node) || seen.has(node)) return;
    seen.add(node);
    if (typeof node.$ref === 'string') {
      const target = this.#resolve(node.$ref, document);
      this.#collect(target.node, target.document, into, seen);
      return;
    }
    if (Array.isArray(node.allOf)) for (const branch of node.allOf) this.#collect(branch, document, into, seen);
    if (!isJsonObject(node.properties)) return;
    const required = Array.isArray(node.required) ? node.required : [];
    for (const [name, property] of Object.entries(node.properties)) {
      into.set(name, { node: property, document, required: required.includes(name) });
    }
  }

  #plain(node: JsonObject, document: JsonNode): Shape {
    const connectType = typeof node['connect.type'] === 'string' ? node['connect.type'] : null;
    if (Array.isArray(node.enum)) {
      // Numbers that are enumerated stay numbers.
      if (node.type !== 'integer' && node.type !== 'number') return this.#enum(node.enum);
    } else if ('const' in node && (node.type === undefined || node.type === 'string')) {
      return node.type === 'string' ? { type: 'string' } : this.#enum([node.const ?? null]);
    }
    switch (typeof node.type === 'string' ? node.type : impliedType(node)) {
      case 'boolean':
        return { type: 'boolean' };
      case 'integer':
        return { type: numberType(connectType, 'int64') };
      case 'number':
        return { type: numberType(connectType, 'float64') };
      case 'string':
        return { type: connectType === 'bytes' ? 'bytes' : 'string' };
      case 'array':
        return this.#array(node, document, connectType);
      case 'object':
        return this.#object(node, document, connectType);
      case 'null':
        throw new DataError('Unsupported schema type null: a JSON Schema of nothing but null has no Connect schema');
      default:
        throw anything();
    }
  }

  #enum(values: readonly JsonNode[]): Shape {
    const generalized = this.#options.generalizedSumTypeSupport;
    const parameter = generalized ? c.generalizedEnum : c.enumParameter;
    const parameters = new Map([[parameter, '']]);
    for (const [index, value] of values.entries()) {
      const symbol = value === null ? c.nullMarker : value instanceof JsonNumber ? value.text : String(value);
      parameters.set(`${parameter}.${symbol}`, generalized ? String(index) : symbol);
    }
    return { type: 'string', parameters };
  }

  #array(node: JsonObject, document: JsonNode, connectType: string | null): Shape {
    const { items } = node;
    if (items === undefined || Array.isArray(items)) throw new DataError('Array schema did not specify the items type');
    if (connectType === 'map' && isJsonObject(items) && isJsonObject(items.properties)) {
      return {
        type: 'map',
        keySchema: this.translate(items.properties.key ?? null, document, inner),
        valueSchema: this.translate(items.properties.value ?? null, document, inner),
      };
    }
    return { type: 'array', valueSchema: this.translate(items, document, inner) };
  }

  #object(node: JsonObject, document: JsonNode, connectType: string | null): Shape {
    if (connectType === 'map') {
      return {
        type: 'map',
        keySchema: new ConnectSchema('string'),
        valueSchema: this.translate(node.additionalProperties ?? null, document, inner),
      };
    }
    const properties = isJsonObject(node.properties) ? Object.entries(node.properties) : [];
    const required = Array.isArray(node.required) ? node.required : [];
    const ordered = properties
      .map(([name, property], position) => ({ name, property, at: indexOf(property) ?? position }))
      .sort((a, b) => a.at - b.at);
    const fields = ordered.map(({ name, property }, index) => ({
      name,
      index,
      schema: this.translate(property, document, {
        version: null,
        forceOptional: this.#options.optionalForNonRequired && !required.includes(name),
      }),
    }));
    return { type: 'struct', fields };
  }

  /** `#/definitions/x`, `#id`, `#`, or the name of a reference, with or without such a fragment. */
  #resolve(reference: string, document: JsonNode): { node: JsonNode; document: JsonNode } {
    const hash = reference.indexOf('#');
    const name = hash < 0 ? reference : reference.slice(0, hash);
    const fragment = hash < 0 ? '' : decodeURIComponent(reference.slice(hash + 1));
    let target: JsonNode | undefined = document;
    if (name !== '') {
      target = this.#documents.references.get(name) ?? nodeWithId(this.#documents.root, name);
      target ??= [...this.#documents.references.values()].find((one) => isJsonObject(one) && idOf(one) === name);
    }
    const base = target;
    if (target !== undefined && fragment !== '') {
      target = fragment.startsWith('/') ? followPointer(target, fragment) : nodeWithId(target, `#${fragment}`);
    }
    if (target === undefined || base === undefined) {
      throw new DataError(`The JSON Schema refers to ${reference}, which is neither in it nor among its references`);
    }
    return { node: target, document: base };
  }
}

interface Combination {
  readonly kind: 'oneOf' | 'anyOf' | 'allOf';
  readonly branches: readonly JsonNode[];
}

/** A node of several alternatives; what stands beside them is one more part of an allOf. */
function combinationOf(node: JsonObject): Combination | null {
  if (Array.isArray(node.type)) {
    const { type, ...rest } = node;
    return { kind: 'anyOf', branches: type.map((one) => (one === 'null' ? { type: one } : { ...rest, type: one })) };
  }
  for (const kind of ['oneOf', 'anyOf', 'allOf'] as const) {
    const branches = node[kind];
    if (!Array.isArray(branches)) continue;
    const { [kind]: _, ...rest } = node;
    const says = isJsonObject(rest.properties) || combinationOf(rest) !== null;
    if (!says) return { kind, branches };
    return { kind: 'allOf', branches: [rest, ...(kind === 'allOf' ? branches : [{ [kind]: branches }])] };
  }
  return null;
}

function isNullType(node: JsonNode): boolean {
  return isJsonObject(node) && node.type === 'null';
}

/** Keywords imply the type that they speak of. */
function impliedType(node: JsonObject): string | null {
  const has = (...keys: string[]) => keys.some((key) => key in node);
  if (has('properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties', 'patternProperties'))
    return 'object';
  if (has('items', 'minItems', 'maxItems', 'uniqueItems')) return 'array';
  if (has('minLength', 'maxLength', 'pattern', 'format')) return 'string';
  if (has('minimum', 'maximum', 'multipleOf', 'exclusiveMinimum', 'exclusiveMaximum')) return 'number';
  return null;
}

function numberType(connectType: string | null, fallback: SchemaType): SchemaType {
  switch (connectType) {
    case null:
      return fallback;
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'float32':
    case 'float64':
    case 'bytes':
      return connectType;
    default:
      throw new DataError(`Unsupported type ${connectType}`);
  }
}

function indexOf(property: JsonNode): number | null {
  const index = isJsonObject(property) ? property['connect.index'] : undefined;
  return index instanceof JsonNumber && index.isInt() ? Number(index.text) : null;
}

function finish(shape: Shape, node: JsonObject, place: Place): ConnectSchema {
  const parameters = new Map(shape.parameters);
  const written = node['connect.parameters'];
  if (isJsonObject(written)) for (const [key, value] of Object.entries(written)) parameters.set(key, textOf(value));
  const version = node['connect.version'];
  const build = (defaultValue: unknown) =>
    new ConnectSchema(shape.type, {
      ...shape,
      name: shape.name ?? (typeof node.title === 'string' ? node.title : null),
      version: version instanceof JsonNumber ? Number(version.text) : place.version,
      doc: typeof node.description === 'string' ? node.description : null,
      optional: shape.optional === true || place.forceOptional,
      parameters: parameters.size === 0 ? null : parameters,
      defaultValue,
    });
  const plain = build(undefined);
  const fallback = node.default;
  if (fallback === undefined || fallback === null) return plain;
  allowFields(0);
  const value = compileDecoder(plain)(fallback);
  return value === null ? plain : build(value);
}

function textOf(node: JsonNode): string {
  return node instanceof JsonNumber ? node.text : String(node);
}

function idOf(node: JsonObject): string | null {
  const id = node.$id ?? node.id ?? node.$anchor;
  return typeof id === 'string' ? id : null;
}

/** The node with an `$id` or an anchor, wherever it lies. */
function nodeWithId(node: JsonNode, id: string): JsonNode | undefined {
  if (Array.isArray(node)) {
    for (const one of node) {
      const found = nodeWithId(one, id);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isJsonObject(node)) return undefined;
  if (idOf(node) === id || `#${idOf(node)}` === id) return node;
  return nodeWithId(Object.values(node), id);
}

function followPointer(node: JsonNode, pointer: string): JsonNode | undefined {
  let target: JsonNode | undefined = node;
  for (const part of pointer.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(target)) target = target[Number(key)];
    else if (isJsonObject(target) && Object.hasOwn(target, key)) target = target[key];
    else return undefined;
  }
  return target;
}

function anything(): ConnectError {
  return new ConnectError(
    'json_schema.any_type',
    'The JSON Schema admits any value (an empty schema, or one without a type), which has no Connect schema: give it a type',
    { javaClass: 'DataException' },
  );
}
