import { Decimal, Instant } from './logical.ts';
import type { Schema } from './schema.ts';
import { BigInteger, Float32, Float64, Int8, Int16, Int32 } from './schemaless.ts';

/**
 * What Java would hold in the place of a value. A bare number beside a schema has the schema's width; without one, or
 * beside a schema that is not numeric, it is a Double.
 */
export type JavaClass =
  | 'Byte'
  | 'Short'
  | 'Integer'
  | 'Long'
  | 'Float'
  | 'Double'
  | 'Boolean'
  | 'String'
  | 'byte[]'
  | 'List'
  | 'Map'
  | 'Struct'
  | 'BigDecimal'
  | 'BigInteger'
  | 'Date'
  | 'Object';

export function javaClass(schema: Schema | null, value: unknown): JavaClass {
  switch (typeof value) {
    case 'string':
      return 'String';
    case 'boolean':
      return 'Boolean';
    case 'bigint':
      return 'Long';
    case 'number':
      switch (schema?.type) {
        case 'int8':
          return 'Byte';
        case 'int16':
          return 'Short';
        case 'int32':
          return 'Integer';
        case 'float32':
          return 'Float';
        default:
          return 'Double';
      }
  }
  if (typeof value !== 'object' || value === null) return 'Object';
  if (value instanceof Uint8Array) return 'byte[]';
  if (Array.isArray(value)) return 'List';
  if (value instanceof Map) return 'Map';
  if (value instanceof Instant) return 'Date';
  if (value instanceof Decimal) return 'BigDecimal';
  if (value instanceof Int32) return 'Integer';
  if (value instanceof Int8) return 'Byte';
  if (value instanceof Int16) return 'Short';
  if (value instanceof Float32) return 'Float';
  if (value instanceof Float64) return 'Double';
  if (value instanceof BigInteger) return 'BigInteger';
  return 'values' in value && 'schema' in value ? 'Struct' : 'Object';
}

const fullNames: Record<JavaClass, string> = {
  Byte: 'java.lang.Byte',
  Short: 'java.lang.Short',
  Integer: 'java.lang.Integer',
  Long: 'java.lang.Long',
  Float: 'java.lang.Float',
  Double: 'java.lang.Double',
  Boolean: 'java.lang.Boolean',
  String: 'java.lang.String',
  'byte[]': '[B',
  List: 'java.util.ArrayList',
  Map: 'java.util.LinkedHashMap',
  Struct: 'org.apache.kafka.connect.data.Struct',
  BigDecimal: 'java.math.BigDecimal',
  BigInteger: 'java.math.BigInteger',
  Date: 'java.util.Date',
  Object: 'java.lang.Object',
};

/** As Java prints a class: `class java.lang.Integer`. */
export function javaClassName(schema: Schema | null, value: unknown): string {
  return `class ${fullNames[javaClass(schema, value)]}`;
}
