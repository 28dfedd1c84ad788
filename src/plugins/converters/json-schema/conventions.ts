import type { Schema } from '../../../data/schema.ts';

/** Confluent's conventions for Connect data in JSON Schema. Java: io.confluent.connect.json.JsonSchemaData. */
export const namespace = 'io.confluent.connect.json';
export const enumParameter = `${namespace}.Enum`;
export const oneOfName = `${namespace}.OneOf`;
export const idParameter = `${namespace}.Id`;
export const nullMarker = '<NULL>';
export const generalizedEnum = 'org.apache.kafka.connect.data.Enum';
export const generalizedUnion = 'org.apache.kafka.connect.data.Union';
export const generalizedUnionPrefix = 'connect_union_';

export interface JsonSchemaDataOptions {
  readonly additionalProperties: boolean;
  readonly optionalForNonRequired: boolean;
  readonly numericDecimals: boolean;
  readonly flattenSingletonUnions: boolean;
  readonly generalizedSumTypeSupport: boolean;
  readonly ignoreDefaultForNullables: boolean;
  /** Payloads are checked against their schema. */
  readonly failInvalid: boolean;
}

export function isUnion(schema: Schema): boolean {
  return schema.type === 'struct' && (schema.name === oneOfName || schema.parameters?.has(generalizedUnion) === true);
}

/** A map with required string keys is a JSON object, any other an array of `{key, value}`. */
export function hasObjectKeys(schema: Schema): boolean {
  return schema.keySchema?.type === 'string' && !schema.keySchema.optional;
}
