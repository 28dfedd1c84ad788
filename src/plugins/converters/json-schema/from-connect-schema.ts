import { ConnectSchema } from '../../../data/connect-schema.ts';
import { DECIMAL_NAME } from '../../../data/logical.ts';
import type { Schema } from '../../../data/schema.ts';
import { DataError } from '../../../errors.ts';
import * as c from './conventions.ts';
import { compileEncoder } from './encoder.ts';

/** JSON text that stands as it is: defaults may hold integers beyond 2^53. */
class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Json = null | boolean | number | string | RawJson | Json[] | { [key: string]: Json };
type Node = { [key: string]: Json };

interface Context {
  readonly options: c.JsonSchemaDataOptions;
  /** Structs around the place that is being written, by their fields. */
  readonly open: Schema['fields'][];
  readonly ids: Set<string>;
}

/** The JSON Schema that Confluent's converter registers for a Connect schema. */
export function fromConnectSchema(schema: Schema | null, options: c.JsonSchemaDataOptions): string {
  if (schema === null) throw new DataError('Data without a schema cannot be written with a JSON Schema');
  return print(nodeOf(schema, { options, open: [], ids: new Set() }, null, false));
}

function print(json: Json): string {
  if (json instanceof RawJson) return json.text;
  if (Array.isArray(json)) return `[${json.map(print).join(',')}]`;
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  return `{${Object.entries(json)
    .map(([key, value]) => `${JSON.stringify(key)}:${print(value)}`)
    .join(',')}}`;
}

function nodeOf(schema: Schema, context: Context, index: number | null, ignoreOptional: boolean): Node {
  const id = schema.parameters?.get(c.idParameter);
  if (id !== undefined) context.ids.add(id);
  const { node, extra, combined } = bodyOf(schema, context);
  let whole: Node;
  if (combined) {
    whole = node;
  } else {
    const head = headOf(schema, extra, context);
    whole = { ...head, ...node, ...extra };
    if (!ignoreOptional && schema.optional) whole = { oneOf: [{ type: 'null' }, whole] };
  }
  if (id !== undefined) whole = { $id: id, ...whole };
  if (index !== null) whole = { ...whole, 'connect.index': index };
  return whole;
}

function headOf(schema: Schema, extra: Node, context: Context): Node {
  const head: Node = {};
  if (schema.name !== null) head.title = schema.name;
  if (schema.doc !== null) head.description = schema.doc;
  if (schema.defaultValue !== undefined) {
    const text = compileEncoder(schema, { ...context.options, ignoreDefaultForNullables: true })(schema.defaultValue);
    if (text !== null) head.default = new RawJson(text);
  }
  if (schema.version !== null) extra['connect.version'] = schema.version;
  const parameters: Node = {};
  for (const [key, value] of schema.parameters ?? []) if (!key.startsWith(c.namespace)) parameters[key] = value;
  if (Object.keys(parameters).length > 0) extra['connect.parameters'] = parameters;
  return head;
}

function bodyOf(schema: Schema, context: Context): { node: Node; extra: Node; combined: boolean } {
  const typed = (type: string, connectType: string) => ({
    node: { type },
    extra: { 'connect.type': connectType } as Node,
    combined: false,
  });
  switch (schema.type) {
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return typed('integer', schema.type);
    case 'float32':
    case 'float64':
      return typed('number', schema.type);
    case 'boolean':
      return { node: { type: 'boolean' }, extra: {}, combined: false };
    case 'string':
      return { node: stringNode(schema, context), extra: {}, combined: false };
    case 'bytes':
      return typed(schema.name === DECIMAL_NAME && context.options.numericDecimals ? 'number' : 'string', 'bytes');
    case 'array':
      return {
        node: { type: 'array', items: referenced(schema.valueSchema!, context, null) },
        extra: {},
        combined: false,
      };
    case 'map':
      return { node: mapNode(schema, context), extra: { 'connect.type': 'map' }, combined: false };
    case 'struct':
      return structBody(schema, context);
  }
}

function stringNode(schema: Schema, context: Context): Node {
  const parameter = context.options.generalizedSumTypeSupport ? c.generalizedEnum : c.enumParameter;
  if (schema.parameters?.has(parameter) !== true) return { type: 'string' };
  const symbols = [...schema.parameters.keys()]
    .filter((key) => key.startsWith(`${parameter}.`))
    .map((key) => key.slice(parameter.length + 1))
    .map((symbol) => (symbol === c.nullMarker ? null : symbol));
  return { enum: symbols };
}

function mapNode(schema: Schema, context: Context): Node {
  if (c.hasObjectKeys(schema)) {
    return { type: 'object', additionalProperties: referenced(schema.valueSchema!, context, null) };
  }
  const entry: Node = {
    type: 'object',
    properties: {
      key: nodeOf(schema.keySchema!, context, 0, false),
      value: referenced(schema.valueSchema!, context, 1),
    },
  };
  return { type: 'array', items: entry };
}

function structBody(schema: Schema, context: Context): { node: Node; extra: Node; combined: boolean } {
  if (c.isUnion(schema)) {
    const branches = schema.fields.map((field) => nodeOf(required(field.schema), context, field.index, true));
    return { node: { oneOf: schema.optional ? [{ type: 'null' }, ...branches] : branches }, extra: {}, combined: true };
  }
  if (schema.optional) {
    const inner = nodeOf(required(schema), context, null, false);
    return { node: { oneOf: [{ type: 'null' }, inner] }, extra: {}, combined: true };
  }
  context.open.push(schema.fields);
  const properties: Node = {};
  for (const field of schema.fields) properties[field.name] = referenced(field.schema, context, field.index);
  context.open.pop();
  const node: Node = { type: 'object' };
  if (schema.fields.length > 0) node.properties = properties;
  if (!context.options.additionalProperties) node.additionalProperties = false;
  return { node, extra: {}, combined: false };
}

function required(schema: Schema): Schema {
  if (!schema.optional) return schema;
  const { name, version, doc, parameters, defaultValue, keySchema, valueSchema, fields } = schema;
  return new ConnectSchema(schema.type, {
    name,
    version,
    doc,
    parameters,
    defaultValue,
    keySchema,
    valueSchema,
    fields,
  });
}

/** A schema that was written before, or that the place stands inside of, is referred to. */
function referenced(schema: Schema, context: Context, index: number | null): Node {
  const id = schema.parameters?.get(c.idParameter);
  if (id !== undefined && context.ids.has(id)) return { $ref: id };
  const depth = schema.type === 'struct' && schema.fields.length > 0 ? context.open.indexOf(schema.fields) : -1;
  if (depth < 0) return nodeOf(schema, context, index, false);
  if (depth > 0) {
    throw new DataError(`The struct ${schema.name} holds itself, which JSON Schema data can only do as a whole`);
  }
  const root: Node = schema.optional ? { oneOf: [{ type: 'null' }, { $ref: '#' }] } : { $ref: '#' };
  return index === null ? root : { ...root, 'connect.index': index };
}
