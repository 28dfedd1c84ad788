import { DATE_NAME, DECIMAL_NAME, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
import type { Schema } from '../../../data/schema.ts';

/** Confluent's conventions for Connect data in Protobuf. Java: io.confluent.connect.protobuf.ProtobufData. */
const namespace = 'io.confluent.connect.protobuf';
export const defaultName = 'ConnectDefault';
export const enumParameter = `${namespace}.Enum`;
export const unionPrefix = `${namespace}.Union`;
export const tagParameter = `${namespace}.Tag`;
export const typeParameter = `${namespace}.Type`;
export const wrapperParameter = `${namespace}.Wrapper`;
export const precisionParameter = 'connect.decimal.precision';
export const generalizedEnum = 'org.apache.kafka.connect.data.Enum';
export const generalizedUnion = 'org.apache.kafka.connect.data.Union';

export interface ProtobufDataOptions {
  readonly enhancedSchemaSupport: boolean;
  readonly scrubInvalidNames: boolean;
  readonly intForEnums: boolean;
  readonly optionalForNullables: boolean;
  readonly optionalForProto2: boolean;
  readonly wrapperForNullables: boolean;
  readonly wrapperForRawPrimitives: boolean;
  readonly generateStructForNulls: boolean;
  readonly generateIndexForUnions: boolean;
  readonly flattenUnions: boolean;
  readonly generalizedSumTypeSupport: boolean;
  readonly ignoreDefaultForNullables: boolean;
}

/** Messages that stand for Connect's logical types. */
export const logicalMessages: ReadonlyMap<string, string> = new Map([
  [DECIMAL_NAME, 'confluent.type.Decimal'],
  [DATE_NAME, 'google.type.Date'],
  [TIME_NAME, 'google.type.TimeOfDay'],
  [TIMESTAMP_NAME, 'google.protobuf.Timestamp'],
]);

export const filesOfMessages: ReadonlyMap<string, string> = new Map([
  ['confluent.type.Decimal', 'confluent/type/decimal.proto'],
  ['google.type.Date', 'google/type/date.proto'],
  ['google.type.TimeOfDay', 'google/type/timeofday.proto'],
  ['google.protobuf.Timestamp', 'google/protobuf/timestamp.proto'],
]);

/** The scalar inside each wrapper message. */
export const wrappers: ReadonlyMap<string, string> = new Map([
  ['google.protobuf.DoubleValue', 'double'],
  ['google.protobuf.FloatValue', 'float'],
  ['google.protobuf.Int64Value', 'int64'],
  ['google.protobuf.UInt64Value', 'uint64'],
  ['google.protobuf.Int32Value', 'int32'],
  ['google.protobuf.UInt32Value', 'uint32'],
  ['google.protobuf.BoolValue', 'bool'],
  ['google.protobuf.StringValue', 'string'],
  ['google.protobuf.BytesValue', 'bytes'],
]);

export function isUnion(schema: Schema): boolean {
  return (
    schema.type === 'struct' &&
    (schema.name?.startsWith(unionPrefix) === true || schema.parameters?.has(generalizedUnion) === true)
  );
}

export function isEnum(schema: Schema): boolean {
  return schema.parameters?.has(enumParameter) === true || schema.parameters?.has(generalizedEnum) === true;
}

const validName = /^[A-Za-z][A-Za-z0-9_]*$/;

/** As in Avro, but a name may not begin with an underscore either. */
export function scrubName(name: string, scrub: boolean): string {
  if (!scrub || name === '' || validName.test(name)) return name;
  const encoded = [...name]
    .map((char) =>
      /^[A-Za-z0-9_.*-]$/.test(char)
        ? char
        : char === ' '
          ? '+'
          : [...Buffer.from(char.isWellFormed() ? char : '?')]
              .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
              .join(''),
    )
    .join('');
  return (/^[0-9_]/.test(encoded) ? `x${encoded}` : encoded).replace(/[^A-Za-z0-9_]/g, '_');
}

export function splitName(fullName: string, scrub: boolean): [string | null, string] {
  const parts = fullName.split('.').map((part) => scrubName(part, scrub));
  const simple = parts.pop() ?? '';
  return [parts.length === 0 ? null : parts.join('.'), simple];
}
