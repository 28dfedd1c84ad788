import { DECIMAL_NAME, DECIMAL_SCALE } from '../../../data/logical.ts';
import type { Schema } from '../../../data/schema.ts';
import { DataError } from '../../../errors.ts';
import * as c from './conventions.ts';
import { knownFiles } from './known-types.ts';

interface MessageText {
  readonly name: string;
  readonly lines: string[];
  /** Nested messages and enums, by name. */
  readonly nested: Map<string, string>;
}

interface Context {
  readonly options: c.ProtobufDataOptions;
  readonly imports: Set<string>;
  unnamed: number;
}

const rootWrappers: Readonly<Partial<Record<Schema['type'], string>>> = {
  int8: 'google.protobuf.Int32Value',
  int16: 'google.protobuf.Int32Value',
  int32: 'google.protobuf.Int32Value',
  int64: 'google.protobuf.Int64Value',
  float32: 'google.protobuf.FloatValue',
  float64: 'google.protobuf.DoubleValue',
  boolean: 'google.protobuf.BoolValue',
  string: 'google.protobuf.StringValue',
  bytes: 'google.protobuf.BytesValue',
};

/** The .proto text that Confluent's converter registers for a Connect schema, and its root message's full name. */
export function fromConnectSchema(
  schema: Schema | null,
  options: c.ProtobufDataOptions,
): { text: string; rootName: string } {
  if (schema === null) throw new DataError('Data without a schema cannot be written as Protobuf');
  if (schema.name !== null && c.logicalMessages.has(schema.name)) {
    throw new DataError(`A ${schema.name} alone cannot be written as Protobuf: put it into a struct`);
  }
  const wrapper = rootWrappers[schema.type];
  if (wrapper !== undefined) return { text: knownFiles.get('google/protobuf/wrappers.proto')!, rootName: wrapper };
  if (schema.type !== 'struct') {
    throw new DataError(
      `Unsupported root schema of type ${schema.type.toUpperCase()}: Protobuf takes structs and primitives`,
    );
  }
  const context: Context = { options, imports: new Set(), unnamed: 0 };
  const [space, name] = c.splitName(schema.name || nextName(context), options.scrubInvalidNames);
  const message = messageText(name, schema, context, '');
  let text = 'syntax = "proto3";\n';
  if (space !== null) text += `package ${space};\n`;
  if (context.imports.size > 0) text += `\n${[...context.imports].map((path) => `import "${path}";\n`).join('')}`;
  return { text: `${text}\n${message}`, rootName: space === null ? name : `${space}.${name}` };
}

function nextName(context: Context): string {
  context.unnamed += 1;
  return `${c.defaultName}${context.unnamed}`;
}

function messageText(name: string, schema: Schema, context: Context, indent: string): string {
  const message: MessageText = { name, lines: [], nested: new Map() };
  let next = 1;
  for (const field of schema.fields) {
    const tag = tagOf(field.schema);
    const number = tag ?? next++;
    addField(
      message,
      c.scrubName(field.name, context.options.scrubInvalidNames),
      field.schema,
      number,
      context,
      `${indent}  `,
      false,
    );
  }
  return printMessage(message, indent);
}

function printMessage(message: MessageText, indent: string): string {
  const nested = [...message.nested.values()].map((text) => `\n${text}`).join('');
  return `${indent}message ${message.name} {\n${message.lines.join('')}${nested}${indent}}\n`;
}

function tagOf(schema: Schema): number | null {
  const text = schema.parameters?.get(c.tagParameter);
  if (text === undefined) return null;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw new DataError(`The schema parameter ${c.tagParameter} is not a field number: ${text}`);
  return Number(text);
}

function addField(
  message: MessageText,
  name: string,
  schema: Schema,
  number: number,
  context: Context,
  indent: string,
  inOneof: boolean,
): void {
  const { options } = context;
  const repeated = schema.type === 'array' || schema.type === 'map';
  const label = repeated ? 'repeated ' : options.optionalForNullables && schema.optional && !inOneof ? 'optional ' : '';
  const element = schema.type === 'array' ? schema.valueSchema! : schema;
  if (schema.type === 'array' && element.type === 'array') {
    throw new DataError(`The field ${name} is an array of arrays, which Protobuf cannot express`);
  }
  if (element.type === 'struct' && c.isUnion(element)) {
    addOneof(message, name, element, context, indent);
    return;
  }
  const params = new Map<string, string>();
  const type = typeOf(element, name, message, context, params, inOneof, indent);
  // Connect's defaults are not declared: proto3 has none but the zero of each type.
  let suffix = '';
  if (params.size > 0) {
    context.imports.add('confluent/meta.proto');
    const pairs = [...params].map(([key, value]) => `{ key: ${JSON.stringify(key)}, value: ${JSON.stringify(value)} }`);
    suffix = ` [(confluent.field_meta) = { params: [${pairs.join(', ')}] }]`;
  }
  message.lines.push(`${indent}${label}${type} ${name} = ${number}${suffix};\n`);
}

function addOneof(message: MessageText, fieldName: string, schema: Schema, context: Context, indent: string): void {
  const { options } = context;
  const generalized = schema.parameters?.get(c.generalizedUnion);
  const plain = schema.name?.startsWith(`${c.unionPrefix}.`) ? schema.name.slice(c.unionPrefix.length + 1) : null;
  const name =
    options.generalizedSumTypeSupport && generalized !== undefined
      ? generalized
      : simpleName(plain ?? fieldName, context);
  const members: MessageText = { name, lines: [], nested: message.nested };
  for (const field of schema.fields) {
    const number = tagOf(field.schema);
    if (number === null) {
      throw new DataError(
        `The field ${field.name} of the union ${schema.name} lacks its number (the parameter ${c.tagParameter})`,
      );
    }
    addField(
      members,
      c.scrubName(field.name, options.scrubInvalidNames),
      field.schema,
      number,
      context,
      `${indent}  `,
      true,
    );
  }
  message.lines.push(`${indent}oneof ${name} {\n${members.lines.join('')}${indent}}\n`);
}

function simpleName(name: string | null, context: Context): string {
  const full = name || nextName(context);
  return c.scrubName(full.slice(full.lastIndexOf('.') + 1), context.options.scrubInvalidNames);
}

/** Whether an optional scalar goes into a wrapper message. */
function usesWrapper(schema: Schema, options: c.ProtobufDataOptions, inOneof: boolean): boolean {
  return (
    options.wrapperForNullables &&
    schema.optional &&
    (!inOneof || schema.parameters?.get(c.wrapperParameter) === 'true')
  );
}

function typeOf(
  schema: Schema,
  fieldName: string,
  message: MessageText,
  context: Context,
  params: Map<string, string>,
  inOneof: boolean,
  indent: string,
): string {
  const logical = c.logicalMessages.get(schema.name ?? '');
  if (logical !== undefined) {
    if (schema.name === DECIMAL_NAME) {
      copyParameter(schema, c.precisionParameter, params, 'precision');
      copyParameter(schema, DECIMAL_SCALE, params, 'scale');
    }
    context.imports.add(c.filesOfMessages.get(logical)!);
    return logical;
  }
  if (schema.type === 'struct') {
    let name = simpleName(schema.name, context);
    if (name === fieldName) name += 'Message';
    if (message.name !== name && !message.nested.has(name)) {
      // Its own place is taken first: a struct that holds itself refers to it.
      message.nested.set(name, '');
      message.nested.set(name, messageText(name, schema, context, indent));
    }
    return name;
  }
  if (schema.type === 'map') {
    const name = `${entryBase(simpleName(schema.name, context))}Entry`;
    message.nested.set(name, entryText(name, schema, context, indent));
    return name;
  }
  if (schema.type === 'array') throw new DataError('Array cannot be nested');
  if (c.isEnum(schema)) return enumType(schema, message, context, indent);
  if (schema.type === 'int8' || schema.type === 'int16') params.set('connect.type', schema.type);
  const scalar = scalarOf(schema);
  if (!usesWrapper(schema, context.options, inOneof)) return scalar;
  context.imports.add('google/protobuf/wrappers.proto');
  return wrapperOf(scalar);
}

function copyParameter(schema: Schema, from: string, params: Map<string, string>, to: string): void {
  const value = schema.parameters?.get(from);
  if (value !== undefined) params.set(to, value);
}

/** The Protobuf compiler's name of a map's entry. */
function entryBase(name: string): string {
  if (!name.includes('_')) return name;
  return name.toLowerCase().replace(/(^|_)([^_]?)/g, (_, _line, char: string) => char.toUpperCase());
}

function entryText(name: string, schema: Schema, context: Context, indent: string): string {
  if (c.isUnion(schema.valueSchema!)) throw new DataError('A map of unions cannot be written as Protobuf');
  const entry: MessageText = { name, lines: [], nested: new Map() };
  addField(entry, 'key', schema.keySchema!, 1, context, `${indent}  `, false);
  addField(entry, 'value', schema.valueSchema!, 2, context, `${indent}  `, false);
  return printMessage(entry, indent);
}

function enumType(schema: Schema, message: MessageText, context: Context, indent: string): string {
  const parameter = context.options.generalizedSumTypeSupport ? c.generalizedEnum : c.enumParameter;
  const parameters = schema.parameters!;
  const type = parameters.get(parameter) || simpleName(schema.name, context);
  const name = schema.name === null ? type : simpleName(schema.name, context);
  if (!message.nested.has(name)) {
    const symbols = [...parameters]
      .filter(([key]) => key.startsWith(`${parameter}.`))
      .map(([key, tag]) => `${indent}  ${key.slice(parameter.length + 1)} = ${tag};\n`);
    message.nested.set(name, `${indent}enum ${name} {\n${symbols.join('')}${indent}}\n`);
  }
  return type;
}

function scalarOf(schema: Schema): string {
  switch (schema.type) {
    case 'int8':
    case 'int16':
      return 'int32';
    case 'int32':
    case 'int64':
      return schema.parameters?.get(c.typeParameter) ?? schema.type;
    case 'float32':
      return 'float';
    case 'float64':
      return 'double';
    case 'boolean':
      return 'bool';
    default:
      return schema.type;
  }
}

function wrapperOf(scalar: string): string {
  switch (scalar) {
    case 'uint32':
    case 'fixed32':
      return 'google.protobuf.UInt32Value';
    case 'uint64':
    case 'fixed64':
      return 'google.protobuf.UInt64Value';
    case 'sint32':
    case 'sfixed32':
      return 'google.protobuf.Int32Value';
    case 'sint64':
    case 'sfixed64':
      return 'google.protobuf.Int64Value';
    default:
      for (const [wrapper, inner] of c.wrappers) if (inner === scalar) return wrapper;
      throw new DataError(`There is no wrapper for ${scalar}`);
  }
}
