import { DataError } from '../errors.ts';
import { schemaText } from './connect-schema.ts';
import { javaText } from './connect-text.ts';
import { DATE_NAME, DECIMAL_NAME, Decimal, Instant, TIME_NAME, TIMESTAMP_NAME } from './logical.ts';
import type { Schema } from './schema.ts';
import { unwrap } from './schemaless.ts';
import { Struct } from './struct.ts';

interface Header {
  readonly key: string;
  readonly schema: Schema | null;
  readonly value: unknown;
}

/** Headers are immutable lists: each of these returns another list. Java: ConnectHeaders. */
export function withHeader<H extends Header>(headers: readonly H[], header: H): readonly H[] {
  return [...headers, header];
}

/** The same headers; a struct that came without a schema has its own. Java: ConnectHeader.schema. */
export function withStructSchemas<H extends Header>(headers: readonly H[]): readonly H[] {
  for (const { schema, value } of headers) {
    if (schema === null && value instanceof Struct) {
      return headers.map((header) =>
        header.schema === null && header.value instanceof Struct ? { ...header, schema: header.value.schema } : header,
      );
    }
  }
  return headers;
}

/** Throws a DataError where a header's value is not one of its schema's type. Java: ConnectHeaders.checkSchemaMatches. */
export function checkHeader(schema: Schema | null, value: unknown): void {
  if (schema === null) return;
  if (value === null || value === undefined) {
    if (schema.optional) return;
    throw new DataError(`A null value requires an optional schema but was ${schemaText(schema)}`);
  }
  if (!suits(schema, typeof value === 'object' ? unwrap(schema.type, value) : value)) {
    throw new DataError(`The value ${javaText(schema, value)} is not compatible with the schema ${schemaText(schema)}`);
  }
}

/** By type: a logical name on a type that it does not belong to changes nothing, other than in a struct. */
function suits(schema: Schema, value: unknown): boolean {
  switch (schema.type) {
    case 'int8':
    case 'int16':
      return typeof value === 'number';
    case 'int32':
      if (value instanceof Instant) return schema.name === DATE_NAME || schema.name === TIME_NAME;
      return typeof value === 'number';
    case 'int64':
      return value instanceof Instant ? schema.name === TIMESTAMP_NAME : typeof value === 'bigint';
    case 'float32':
    case 'float64':
      return typeof value === 'number';
    case 'boolean':
    case 'string':
      return typeof value === schema.type;
    case 'bytes':
      return value instanceof Decimal ? schema.name === DECIMAL_NAME : value instanceof Uint8Array;
    case 'array':
      return Array.isArray(value);
    case 'map':
      return value instanceof Map;
    case 'struct':
      return value instanceof Struct;
  }
}
