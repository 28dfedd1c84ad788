import { ConnectSchema } from '../../../data/connect-schema.ts';
import type { Schema } from '../../../data/schema.ts';

/** Confluent's conventions for Connect data in Avro. Java: io.confluent.connect.avro.AvroData and its config. */
export const namespace = 'io.confluent.connect.avro';
export const defaultName = 'ConnectDefault';
export const defaultFullName = `${namespace}.${defaultName}`;
export const mapEntry = 'MapEntry';
export const unionName = `${namespace}.Union`;
export const enumParameter = `${namespace}.Enum`;
export const recordDocParameter = `${namespace}.record.doc`;
export const enumDocParameter = `${namespace}.enum.doc.`;
export const enumDefaultParameter = `${namespace}.enum.default.`;
export const fieldDocParameter = `${namespace}.field.doc.`;
export const fieldDefaultParameter = `${namespace}.field.default`;
export const fixedSizeParameter = 'connect.fixed.size';
export const precisionParameter = 'connect.decimal.precision';
export const defaultPrecision = 64;
/** Marks enums and unions that JSON Schema and Protobuf converters understand too. */
export const generalizedEnum = 'org.apache.kafka.connect.data.Enum';
export const generalizedUnion = 'org.apache.kafka.connect.data.Union';
export const generalizedUnionPrefix = 'connect_union_';

export interface AvroDataOptions {
  readonly connectMetaData: boolean;
  readonly enhancedSchemaSupport: boolean;
  readonly scrubInvalidNames: boolean;
  readonly discardTypeDocDefault: boolean;
  readonly allowOptionalMapKeys: boolean;
  readonly flattenSingletonUnions: boolean;
  readonly generalizedSumTypeSupport: boolean;
  readonly ignoreDefaultForNullables: boolean;
}

export const defaultAvroOptions: AvroDataOptions = {
  connectMetaData: true,
  enhancedSchemaSupport: false,
  scrubInvalidNames: false,
  discardTypeDocDefault: false,
  allowOptionalMapKeys: false,
  flattenSingletonUnions: true,
  generalizedSumTypeSupport: false,
  ignoreDefaultForNullables: false,
};

export function isUnion(schema: Schema): boolean {
  return schema.type === 'struct' && (schema.name === unionName || schema.parameters?.has(generalizedUnion) === true);
}

export function isEnum(schema: Schema): boolean {
  const { parameters } = schema;
  return (
    schema.type === 'string' &&
    parameters !== null &&
    (parameters.has(generalizedEnum) || parameters.has(enumParameter))
  );
}

export function isFixed(schema: Schema): boolean {
  return schema.type === 'bytes' && schema.name !== null && schema.parameters?.has(fixedSizeParameter) === true;
}

/** True when a map is an Avro map; else it becomes an array of entries. */
export function hasAvroKeys(schema: Schema, options: AvroDataOptions): boolean {
  return schema.keySchema?.type === 'string' && (!schema.keySchema.optional || options.allowOptionalMapKeys);
}

export function nonOptional(schema: Schema): Schema {
  return schema.optional ? new ConnectSchema(schema.type, { ...schemaParts(schema), optional: false }) : schema;
}

export function schemaParts(schema: Schema) {
  const { optional, name, version, doc, parameters, defaultValue, keySchema, valueSchema, fields } = schema;
  return { optional, name, version, doc, parameters, defaultValue, keySchema, valueSchema, fields };
}

const validName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Percent-encodes what Avro cannot bear in a name and turns what is left of it into underscores. */
export function scrubName(name: string, scrub: boolean): string {
  if (!scrub || name === '' || validName.test(name)) return name;
  const encoded = [...name]
    .map((char) => (/^[A-Za-z0-9_.*-]$/.test(char) ? char : char === ' ' ? '+' : percent(char)))
    .join('');
  return (/^[0-9]/.test(encoded) ? `x${encoded}` : encoded).replace(/[^A-Za-z0-9_]/g, '_');
}

function percent(char: string): string {
  // A lone surrogate is a question mark in the encoder this mirrors.
  const text = char.isWellFormed() ? char : '?';
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** Namespace (null when there is none) and simple name. */
export function splitName(fullName: string, scrub: boolean): [string | null, string] {
  const parts = fullName.split('.').map((part) => scrubName(part, scrub));
  const simple = parts.pop() ?? '';
  return [parts.length === 0 ? null : parts.join('.'), simple];
}

export function scrubFullName(name: string, scrub: boolean): string {
  if (!scrub) return name;
  const [space, simple] = splitName(name, true);
  return space === null ? simple : `${space}.${simple}`;
}
