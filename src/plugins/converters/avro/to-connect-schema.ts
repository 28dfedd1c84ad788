import { ConnectSchema } from '../../../data/connect-schema.ts';
import { DATE_NAME, DECIMAL_NAME, DECIMAL_SCALE, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
import type { Field, Schema, SchemaType } from '../../../data/schema.ts';
import { ConnectError, DataError } from '../../../errors.ts';
import { RecursiveSchema } from '../../../schema-registry/recursive-schema.ts';
import { anythingSchema } from './anything.ts';
import { type AvroField, type AvroType, type Json, printAvroSchema } from './avro-schema.ts';
import * as c from './conventions.ts';
import { defaultFromJson } from './default-values.ts';

/**
 * Connect schemas of the nodes of one Avro schema. Decoders are compiled along the same nodes, so a node's schema is
 * kept per node and optionality. Java: AvroData.toConnectSchema.
 */
export interface Translation {
  /** Null when the whole is schemaless data. */
  readonly schema: Schema | null;
}

interface Context {
  readonly options: c.AvroDataOptions;
  readonly open: Map<AvroType, { schema: ConnectSchema | null; waiting: RecursiveSchema[] }>;
  unions: number;
}

interface Parts {
  type: SchemaType;
  optional: boolean;
  name: string | null;
  version: number | null;
  doc: string | null;
  readonly parameters: Map<string, string>;
  keySchema: Schema | null;
  valueSchema: Schema | null;
  fields: Field[];
}

const anythingText = printAvroSchema(anythingSchema);

export function isAnything(type: AvroType): boolean {
  return type === anythingSchema || (type.name === 'Anything' && printAvroSchema(type) === anythingText);
}

/** The Connect schema of an Avro schema; null for schemaless data. `version` is the registry's, null when unknown. */
export function toConnectSchema(type: AvroType, version: number | null, options: c.AvroDataOptions): Schema | null {
  if (isAnything(type)) return null;
  const context: Context = { options, open: new Map(), unions: 0 };
  return translate(type, { forceOptional: false, fallback: undefined, doc: null, version }, context);
}

interface Place {
  readonly forceOptional: boolean;
  /** The default that the field gives. */
  readonly fallback: Json | undefined;
  readonly doc: string | null;
  readonly version: number | null;
}

const inside = (forceOptional: boolean, doc: string | null = null): Place => ({
  forceOptional,
  fallback: undefined,
  doc,
  version: null,
});

function translate(type: AvroType, place: Place, context: Context): Schema {
  const open = context.open.get(type);
  if (open !== undefined) {
    const reference = new RecursiveSchema(place.forceOptional);
    open.waiting.push(reference);
    return reference;
  }
  if (type.kind === 'union') {
    const single = singleBranch(type, context.options);
    if (single !== null) return translate(single.branch, inside(single.optional, place.doc), context);
  }
  const parts: Parts = {
    type: plainType(type),
    optional: false,
    name: null,
    version: null,
    doc: null,
    parameters: new Map(),
    keySchema: null,
    valueSchema: null,
    fields: [],
  };
  if (type.kind === 'record') context.open.set(type, { schema: null, waiting: [] });
  fillParts(parts, type, context);
  annotate(parts, type, place, context.options);
  if (place.forceOptional) parts.optional = true;
  const schema = withDefault(parts, type, place, context.options);
  for (const reference of context.open.get(type)?.waiting ?? []) reference.resolve(schema);
  context.open.delete(type);
  return schema;
}

/** What a union comes to when it is only an optional type, or one type alone. */
export function singleBranch(
  type: AvroType,
  options: c.AvroDataOptions,
): { branch: AvroType; optional: boolean } | null {
  const { branches } = type;
  if (branches.length === 1 && options.flattenSingletonUnions) return { branch: branches[0]!, optional: false };
  if (branches.length !== 2) return null;
  const present = branches.filter((branch) => branch.kind !== 'null');
  return present.length === 1 ? { branch: present[0]!, optional: true } : null;
}

function plainType(type: AvroType): SchemaType {
  switch (type.kind) {
    case 'int': {
      const connectType = type.text('connect.type');
      if (connectType === null || type.text('logicalType') !== null) return 'int32';
      if (connectType === 'int8' || connectType === 'int16') return connectType;
      throw new DataError('Connect type annotation for Avro int field is null');
    }
    case 'long':
      return 'int64';
    case 'float':
      return 'float32';
    case 'double':
      return 'float64';
    case 'boolean':
      return 'boolean';
    case 'string':
    case 'enum':
      return 'string';
    case 'bytes':
    case 'fixed':
      return 'bytes';
    case 'array':
      return isMapEntry(type.element!) ? 'map' : 'array';
    case 'map':
      return 'map';
    case 'record':
      if (type.text('logicalType') === 'variant') {
        throw new ConnectError(
          'avro.variant_unsupported',
          `The Avro logical type variant of ${type.fullName} cannot be read`,
          {
            javaClass: 'DataException',
          },
        );
      }
      return 'struct';
    case 'union':
      return 'struct';
    case 'null':
      throw new DataError('Standalone null schemas are not supported by this converter');
  }
}

function isMapEntry(element: AvroType): boolean {
  if (element.kind !== 'record') return false;
  if (element.fullName !== `${c.namespace}.${c.mapEntry}` && element.text('connect.internal.type') !== c.mapEntry) {
    return false;
  }
  const names = element.fields.map(({ name }) => name);
  if (names.length !== 2 || !names.includes('key') || !names.includes('value')) {
    throw new DataError(
      'Found map encoded as array of key-value pairs, but array elements do not match the expected format.',
    );
  }
  return true;
}

function fillParts(parts: Parts, type: AvroType, context: Context): void {
  const { options } = context;
  switch (type.kind) {
    case 'bytes':
    case 'fixed':
      if (isLogical(type, 'decimal')) decimalParts(parts, type);
      if (type.kind === 'fixed') parts.parameters.set(c.fixedSizeParameter, String(type.size));
      return;
    case 'int':
      if (isLogical(type, 'date')) logicalParts(parts, DATE_NAME);
      else if (isLogical(type, 'time-millis')) logicalParts(parts, TIME_NAME);
      return;
    case 'long':
      if (isLogical(type, 'timestamp-millis')) logicalParts(parts, TIMESTAMP_NAME);
      return;
    case 'array': {
      const element = type.element!;
      if (parts.type === 'map') {
        parts.keySchema = translate(fieldNamed(element, 'key').type, inside(false), context);
        parts.valueSchema = translate(fieldNamed(element, 'value').type, inside(false), context);
      } else {
        parts.valueSchema = translate(element, inside(false), context);
      }
      return;
    }
    case 'map':
      parts.keySchema = new ConnectSchema('string');
      parts.valueSchema = translate(type.element!, inside(false), context);
      return;
    case 'enum':
      enumParts(parts, type, options);
      return;
    case 'record':
      recordParts(parts, type, context);
      return;
    case 'union':
      unionParts(parts, type, context);
      return;
    default:
  }
}

function isLogical(type: AvroType, name: string): boolean {
  return type.text('logicalType')?.toLowerCase() === name;
}

export function fieldNamed(record: AvroType, name: string): AvroField {
  const field = record.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new DataError(`The Avro record ${record.fullName} has no field ${name}`);
  return field;
}

function logicalParts(parts: Parts, name: string): void {
  parts.name = name;
  parts.version = 1;
}

function decimalParts(parts: Parts, type: AvroType): void {
  const scale = type.props.get('scale');
  logicalParts(parts, DECIMAL_NAME);
  parts.parameters.set(DECIMAL_SCALE, String(typeof scale === 'number' ? Math.trunc(scale) : 0));
  const precision = type.props.get('precision');
  if (precision === undefined) return;
  if (typeof precision !== 'number') throw new DataError('The precision of an Avro decimal must be a JSON integer');
  if (precision !== c.defaultPrecision) parts.parameters.set(c.precisionParameter, String(Math.trunc(precision)));
}

function enumParts(parts: Parts, type: AvroType, options: c.AvroDataOptions): void {
  if (options.connectMetaData) {
    if (type.doc !== null) {
      const key = options.discardTypeDocDefault ? 'connect.enum.doc' : c.enumDocParameter + type.name;
      parts.parameters.set(key, type.doc);
    }
    if (!options.discardTypeDocDefault && type.enumDefault !== null) {
      parts.parameters.set(c.enumDefaultParameter + type.name, type.enumDefault);
    }
  }
  const parameter = options.generalizedSumTypeSupport ? c.generalizedEnum : c.enumParameter;
  parts.parameters.set(parameter, type.fullName);
  type.symbols.forEach((symbol, index) => {
    parts.parameters.set(`${parameter}.${symbol}`, options.generalizedSumTypeSupport ? String(index) : symbol);
  });
}

function recordParts(parts: Parts, type: AvroType, context: Context): void {
  const { options } = context;
  const keepDocs = options.connectMetaData && !options.discardTypeDocDefault;
  if (keepDocs && type.doc !== null) parts.parameters.set(c.recordDocParameter, type.doc);
  for (const field of type.fields) {
    if (keepDocs && field.doc !== null) parts.parameters.set(c.fieldDocParameter + field.name, field.doc);
    const place: Place = { forceOptional: false, fallback: field.default, doc: field.doc, version: null };
    let schema = translate(field.type, place, context);
    if (options.connectMetaData) schema = withParameters(schema, field.props.get('connect.parameters'));
    parts.fields.push({ name: field.name, index: parts.fields.length, schema });
  }
}

/** Parameters that a field adds to a named type spelled out elsewhere. */
function withParameters(schema: Schema, extra: Json | undefined): Schema {
  if (typeof extra !== 'object' || extra === null || Array.isArray(extra)) return schema;
  const parameters = new Map(schema.parameters);
  let changed = false;
  for (const [key, value] of Object.entries(extra)) {
    changed ||= parameters.get(key) !== String(value);
    parameters.set(key, String(value));
  }
  if (!changed || schema instanceof RecursiveSchema) return schema;
  return new ConnectSchema(schema.type, { ...c.schemaParts(schema), parameters });
}

function unionParts(parts: Parts, type: AvroType, context: Context): void {
  const { options } = context;
  parts.name = options.generalizedSumTypeSupport ? `${c.generalizedUnionPrefix}${context.unions++}` : c.unionName;
  if (options.generalizedSumTypeSupport) parts.parameters.set(c.generalizedUnion, parts.name);
  const names = new Set<string>();
  type.branches.forEach((branch, index) => {
    if (branch.kind === 'null') {
      parts.optional = true;
      return;
    }
    const name = unionFieldName(branch, index, options);
    if (names.has(name)) throw new DataError('Multiple union schemas map to the Connect union field name');
    names.add(name);
    parts.fields.push({ name, index: parts.fields.length, schema: translate(branch, inside(true), context) });
  });
}

function unionFieldName(branch: AvroType, index: number, options: c.AvroDataOptions): string {
  if (options.generalizedSumTypeSupport) return `${c.generalizedUnionPrefix}field_${index}`;
  if (branch.name === null) return branch.kind;
  return options.enhancedSchemaSupport ? branch.fullName : c.splitName(branch.name, options.scrubInvalidNames)[1];
}

function annotate(parts: Parts, type: AvroType, place: Place, options: c.AvroDataOptions): void {
  const connectDoc = type.text('connect.doc');
  if (options.discardTypeDocDefault) {
    parts.doc = place.doc ?? type.doc ?? connectDoc;
    if (options.connectMetaData && type.doc !== null) parts.parameters.set('connect.record.doc', type.doc);
  } else if (options.connectMetaData && connectDoc !== null) {
    parts.doc = connectDoc;
  }
  annotateVersion(parts, type, place.version);
  annotateParameters(parts, type, options);
  // A null counts as well: where a union of several types has it, it tells a default from none.
  if (
    place.fallback !== undefined &&
    !options.discardTypeDocDefault &&
    options.connectMetaData &&
    !type.props.has('connect.default')
  ) {
    parts.parameters.set(c.fieldDefaultParameter, 'true');
  }
  annotateName(parts, type);
}

function annotateVersion(parts: Parts, type: AvroType, registryVersion: number | null): void {
  const written = type.props.get('connect.version');
  if (written !== undefined && typeof written !== 'number') {
    throw new DataError(`Invalid Connect version found: ${String(written)}`);
  }
  const version = written ?? registryVersion;
  if (version === null || version < 0) return;
  if (parts.version !== null && parts.version !== version) {
    throw new DataError(
      `Mismatched versions: version already added to SchemaBuilder (${parts.version}) differs from version in source schema (${version})`,
    );
  }
  parts.version = version;
}

function annotateParameters(parts: Parts, type: AvroType, options: c.AvroDataOptions): void {
  const written = type.props.get('connect.parameters');
  if (options.connectMetaData && written !== undefined) {
    if (typeof written !== 'object' || written === null || Array.isArray(written)) {
      throw new DataError(`Expected JSON object for schema parameters but found: ${String(written)}`);
    }
    for (const [key, value] of Object.entries(written)) {
      if (typeof value !== 'string') {
        throw new DataError(`Expected schema parameter values to be strings but found: ${String(value)}`);
      }
      parts.parameters.set(key, value);
    }
  }
  for (const [key, value] of type.props) {
    if (key.startsWith('avro')) parts.parameters.set(key, String(value));
  }
}

function annotateName(parts: Parts, type: AvroType): void {
  const written = type.props.get('connect.name');
  if (written !== undefined && typeof written !== 'string')
    throw new DataError(`Invalid schema name: ${String(written)}`);
  let name = written ?? null;
  if (name === null && (type.kind === 'record' || type.kind === 'enum')) name = type.fullName;
  if (name === null && type.kind === 'fixed' && parts.name !== DECIMAL_NAME) name = type.fullName;
  if (name === null || name.startsWith(c.defaultFullName)) return;
  if (parts.name !== null && parts.name !== name) {
    throw new DataError(
      `Mismatched names: name already added to SchemaBuilder (${parts.name}) differs from name in source schema (${name})`,
    );
  }
  parts.name = name;
}

function withDefault(parts: Parts, type: AvroType, place: Place, options: c.AvroDataOptions): ConnectSchema {
  const build = (defaultValue: unknown) =>
    new ConnectSchema(parts.type, {
      ...parts,
      parameters: parts.parameters.size === 0 ? null : parts.parameters,
      defaultValue,
    });
  const plain = build(undefined);
  const fallback = place.fallback === undefined ? type.props.get('connect.default') : place.fallback;
  if (fallback === undefined || fallback === null) return plain;
  try {
    const value = defaultFromJson(plain, type, fallback, options);
    return value === null ? plain : build(value);
  } catch (error) {
    // As in Java, a default that does not fit its schema is left out rather than making the data unreadable.
    if (error instanceof DataError) return plain;
    throw error;
  }
}
