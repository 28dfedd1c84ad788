import { DATE_NAME, DECIMAL_NAME, DECIMAL_SCALE, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
import type { Schema } from '../../../data/schema.ts';
import { DataError } from '../../../errors.ts';
import { schemaKey } from '../../../schema-registry/schema-key.ts';
import { anythingSchema } from './anything.ts';
import { type AvroField, AvroType, arrayOf, type Json, mapOf, unionOf } from './avro-schema.ts';
import * as c from './conventions.ts';
import { defaultToJson, isValidDefault } from './default-values.ts';

interface Context {
  readonly options: c.AvroDataOptions;
  /** Required schemas already translated, by content: the same unnamed struct keeps one name. */
  readonly done: Map<string, AvroType>;
  /** Records whose fields are still being translated: a schema that refers to one of them is recursive. */
  readonly open: Map<string, AvroType>;
  readonly seenNames: Set<string>;
  unnamed: number;
}

/** The Avro schema that Confluent's converter registers for a Connect schema; null stands for schemaless data. */
export function fromConnectSchema(schema: Schema | null, options: c.AvroDataOptions): AvroType {
  if (schema === null) return anythingSchema;
  return translate(schema, newContext(options), false);
}

function newContext(options: c.AvroDataOptions): Context {
  return { options, done: new Map(), open: new Map(), seenNames: new Set(), unnamed: 0 };
}

function translate(schema: Schema, context: Context, ignoreOptional: boolean): AvroType {
  const reusable = !c.isUnion(schema) && !schema.optional;
  const key = reusable ? schemaKey(schema) : '';
  const known = reusable ? context.done.get(key) : undefined;
  if (known !== undefined) return known;

  const base = baseType(schema, context);
  if (base.kind === 'union') return base;
  annotate(base, schema, context.options);
  const type = ignoreOptional ? base : maybeOptional(schema, base);
  if (!schema.optional) context.done.set(key, type);
  return type;
}

/** As `translate`, but a record that is not finished yet is referred to. */
function translateInside(schema: Schema | null, context: Context, ignoreOptional: boolean): AvroType {
  if (schema === null) return anythingSchema;
  if (schema.type === 'struct' && schema.name !== null) {
    const open = context.open.get(schema.name);
    if (open !== undefined) return ignoreOptional ? open : maybeOptional(schema, open);
  }
  return translate(schema, context, ignoreOptional);
}

function baseType(schema: Schema, context: Context): AvroType {
  const { options } = context;
  switch (schema.type) {
    case 'int8':
    case 'int16':
    case 'int32':
      return new AvroType('int');
    case 'int64':
      return new AvroType('long');
    case 'float32':
      return new AvroType('float');
    case 'float64':
      return new AvroType('double');
    case 'boolean':
      return new AvroType('boolean');
    case 'string':
      return c.isEnum(schema) && (options.generalizedSumTypeSupport || options.enhancedSchemaSupport)
        ? enumType(schema, options)
        : new AvroType('string');
    case 'bytes':
      return bytesType(schema, context);
    case 'array':
      return arrayOf(translateInside(schema.valueSchema, context, false));
    case 'map':
      return c.hasAvroKeys(schema, options)
        ? mapOf(translateInside(schema.valueSchema, context, false))
        : arrayOf(mapEntryType(schema, context));
    case 'struct':
      return structType(schema, context);
  }
}

function enumType(schema: Schema, options: c.AvroDataOptions): AvroType {
  const parameters = schema.parameters!;
  const parameter = options.generalizedSumTypeSupport ? c.generalizedEnum : c.enumParameter;
  const enumName = parameters.get(parameter);
  if (enumName === undefined) throw new DataError(`The enum schema ${schema.name} lacks its parameter ${parameter}`);
  const [namespace, name] = c.splitName(enumName, false);
  const type = new AvroType('enum', name, namespace);
  type.symbols = [...parameters.keys()]
    .filter((key) => key.startsWith(`${parameter}.`))
    .map((key) => key.slice(parameter.length + 1));
  const ownName = schema.name === null ? c.defaultName : c.splitName(schema.name, options.scrubInvalidNames)[1];
  if (options.discardTypeDocDefault) {
    type.doc = parameters.get('connect.enum.doc') ?? null;
  } else {
    type.doc = parameters.get(c.enumDocParameter + ownName) ?? null;
    type.enumDefault = parameters.get(c.enumDefaultParameter + ownName) ?? null;
  }
  return type;
}

function bytesType(schema: Schema, context: Context): AvroType {
  const parameters = schema.parameters;
  let type = new AvroType('bytes');
  if (c.isFixed(schema)) {
    const [namespace, name] = nameOf(schema, context);
    type = new AvroType('fixed', name, namespace);
    type.size = integer(parameters!.get(c.fixedSizeParameter)!, c.fixedSizeParameter);
  }
  if (schema.name === DECIMAL_NAME) {
    type.props.set('scale', scaleOf(schema));
    const precision = parameters?.get(c.precisionParameter);
    type.props.set(
      'precision',
      precision === undefined ? c.defaultPrecision : integer(precision, c.precisionParameter),
    );
  }
  return type;
}

function scaleOf(schema: Schema): number {
  const scale = schema.parameters?.get(DECIMAL_SCALE);
  if (scale === undefined) throw new DataError('Invalid Decimal schema: scale parameter not found.');
  return integer(scale, DECIMAL_SCALE);
}

function integer(text: string, parameter: string): number {
  if (!/^[+-]?\d{1,10}$/.test(text)) throw new DataError(`The schema parameter ${parameter} is not a number: ${text}`);
  return Number(text);
}

function mapEntryType(schema: Schema, context: Context): AvroType {
  let entry: AvroType;
  if (schema.name === null) {
    entry = new AvroType('record', c.mapEntry, c.namespace);
  } else {
    const [namespace, name] = nameOf(schema, context);
    entry = new AvroType('record', name, namespace);
    entry.props.set('connect.internal.type', c.mapEntry);
  }
  entry.fields = [
    fieldOf('key', schema.keySchema!, null, context),
    fieldOf('value', schema.valueSchema!, null, context),
  ];
  return entry;
}

function structType(schema: Schema, context: Context): AvroType {
  const { options } = context;
  if (c.isUnion(schema)) {
    const branches = schema.fields.map((field) => translateInside(c.nonOptional(field.schema), context, true));
    return unionOf(schema.optional ? [new AvroType('null'), ...branches] : branches);
  }
  if (schema.optional) {
    return unionOf([new AvroType('null'), translateInside(c.nonOptional(schema), context, false)]);
  }
  const [namespace, name] = nameOf(schema, context);
  const record = new AvroType('record', name, namespace);
  const docParameter = options.discardTypeDocDefault ? 'connect.record.doc' : c.recordDocParameter;
  record.doc = schema.parameters?.get(docParameter) ?? null;
  if (schema.name !== null) context.open.set(schema.name, record);
  const fields: AvroField[] = [];
  for (const field of schema.fields) {
    const doc = options.discardTypeDocDefault
      ? field.schema.doc
      : (schema.parameters?.get(c.fieldDocParameter + field.name) ?? null);
    fields.push(fieldOf(c.scrubName(field.name, options.scrubInvalidNames), field.schema, doc, context));
  }
  record.fields = fields;
  if (schema.name !== null) context.open.delete(schema.name);
  return record;
}

function nameOf(schema: Schema, context: Context): [string | null, string] {
  if (schema.name !== null) return c.splitName(schema.name, context.options.scrubInvalidNames);
  context.unnamed += 1;
  return [c.namespace, context.unnamed > 1 ? `${c.defaultName}${context.unnamed}` : c.defaultName];
}

function fieldOf(name: string, schema: Schema, doc: string | null, context: Context): AvroField {
  const { options } = context;
  let fallback: Json | undefined;
  if (schema.defaultValue !== undefined) fallback = defaultToJson(schema, schema.defaultValue, options);
  else if (schema.optional) fallback = null;
  const scrubbed = schema.name === null ? null : c.scrubFullName(schema.name, options.scrubInvalidNames);
  const seen = scrubbed !== null && context.seenNames.has(scrubbed);
  if (scrubbed !== null) context.seenNames.add(scrubbed);
  const open = schema.type === 'struct' && schema.name !== null && context.open.has(schema.name);
  const type = open ? translateInside(schema, context, false) : translate(schema, context, false);
  const props = new Map<string, Json>();
  // A named type is spelled out once: what another use of it says in its parameters stays with the field.
  if (options.connectMetaData && seen && schema.parameters !== null && isNamed(type)) {
    const parameters = parametersOf(schema, options);
    if (Object.keys(parameters).length > 0) props.set('connect.parameters', parameters);
  }
  const valid = fallback === undefined || open || isValidDefault(type, fallback);
  return { name, type, doc, default: valid ? fallback : undefined, props };
}

function isNamed(type: AvroType): boolean {
  return type.name !== null || type.branches.some((branch) => branch.name !== null);
}

function parametersOf(schema: Schema, options: c.AvroDataOptions): { [key: string]: Json } {
  const parameters: { [key: string]: Json } = {};
  for (const [key, value] of schema.parameters ?? []) {
    if (options.discardTypeDocDefault || key !== c.fieldDefaultParameter) parameters[key] = value;
  }
  return parameters;
}

function annotate(type: AvroType, schema: Schema, options: c.AvroDataOptions): void {
  const { props } = type;
  const { parameters } = schema;
  if (options.connectMetaData) {
    if (schema.doc !== null) props.set('connect.doc', schema.doc);
    if (schema.version !== null) props.set('connect.version', schema.version);
    const kept = parametersOf(schema, options);
    if (Object.keys(kept).length > 0) props.set('connect.parameters', kept);
    if (
      schema.defaultValue !== undefined &&
      (options.discardTypeDocDefault || parameters?.has(c.fieldDefaultParameter) !== true)
    ) {
      props.set('connect.default', defaultToJson(schema, schema.defaultValue, options) ?? null);
    }
    if (schema.name !== null) props.set('connect.name', schema.name);
    if (schema.type === 'int8' || schema.type === 'int16') props.set('connect.type', schema.type);
  }
  const logicalType = logicalTypes.get(schema.name ?? '');
  if (logicalType !== undefined) props.set('logicalType', logicalType);
  for (const [key, value] of parameters ?? []) {
    if (key.startsWith('avro')) props.set(key, value);
  }
}

const logicalTypes: ReadonlyMap<string, string> = new Map([
  [DECIMAL_NAME, 'decimal'],
  [DATE_NAME, 'date'],
  [TIME_NAME, 'time-millis'],
  [TIMESTAMP_NAME, 'timestamp-millis'],
]);

function maybeOptional(schema: Schema, base: AvroType): AvroType {
  if (!schema.optional) return base;
  const none = new AvroType('null');
  return unionOf(schema.defaultValue === undefined ? [none, base] : [base, none]);
}
