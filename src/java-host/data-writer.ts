import { javaClassName } from '../data/connect-class.ts';
import { schemaEquals } from '../data/equality.ts';
import { DATE_NAME, DECIMAL_NAME, Decimal, Instant, TIME_NAME, TIMESTAMP_NAME } from '../data/logical.ts';
import type { Schema, SchemaType } from '../data/schema.ts';
import { BigInteger, Float32, Float64, Int8, Int16, Int32, withWidth } from '../data/schemaless.ts';
import { isInstance, Struct } from '../data/struct.ts';
import { DataError } from '../errors.ts';
import type { FrameWriter } from './wire.ts';

/** By the order of Java's Schema.Type. */
export const schemaTypes: readonly SchemaType[] = [
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'boolean',
  'string',
  'bytes',
  'array',
  'map',
  'struct',
];

const mostSchemas = 2000;
const logicalDates = new Set([DATE_NAME, TIME_NAME, TIMESTAMP_NAME]);

export const isDecimal = (schema: Schema) => schema.name === DECIMAL_NAME;
export const isDate = (schema: Schema) => schema.name !== null && logicalDates.has(schema.name);

/**
 * Schemas and values as bytes, for a reader of the host. A schema is written out once and named by its number from then
 * on, as long as this writer lives; docs/java-host-protocol.md has the format.
 */
export class DataWriter {
  #numbers = new Map<Schema, number>();
  #count = 0;
  #starts = true;

  /** After a frame that was not sent: what it has defined is unknown to the reader. */
  forget(): void {
    this.#numbers = new Map();
    this.#count = 0;
    this.#starts = true;
  }

  schema(out: FrameWriter, schema: Schema | null): void {
    if (schema === null) {
      out.uint(0);
      return;
    }
    const number = this.#numbers.get(schema);
    if (number === undefined) this.#define(out, schema);
    else out.uint(number + 3);
  }

  #define(out: FrameWriter, schema: Schema): void {
    if (this.#count >= mostSchemas) this.forget();
    out.uint(this.#starts ? 2 : 1);
    this.#starts = false;
    const { version, parameters, defaultValue } = schema;
    out.byte(schemaTypes.indexOf(schema.type));
    out.byte(
      (schema.optional ? 1 : 0) |
        (version === null ? 0 : 2) |
        (parameters === null ? 0 : 4) |
        (defaultValue === undefined ? 0 : 8),
    );
    out.textOrNull(schema.name).textOrNull(schema.doc);
    if (version !== null) out.int32(version);
    if (parameters !== null) {
      out.uint(parameters.size);
      for (const [key, value] of parameters) out.text(key).text(value);
    }
    if (schema.type === 'map') this.schema(out, schema.keySchema);
    if (schema.type === 'map' || schema.type === 'array') this.schema(out, schema.valueSchema);
    if (schema.type === 'struct') {
      out.uint(schema.fields.length);
      for (const field of schema.fields) {
        out.text(field.name);
        this.schema(out, field.schema);
      }
    }
    // A default stands beside no schema when it is read: it tells its width itself.
    if (defaultValue !== undefined) this.#free(out, withWidth(defaultValue, schema.type));
    this.#numbers.set(schema, this.#count++);
  }

  value(out: FrameWriter, schema: Schema | null, value: unknown): void {
    if (schema === null) {
      this.#free(out, value);
    } else if (value === null || value === undefined) {
      out.byte(0);
    } else if (fits(schema, value)) {
      out.byte(1);
      this.#fitting(out, schema, value);
    } else {
      out.byte(2);
      this.#free(out, value);
    }
  }

  #fitting(out: FrameWriter, schema: Schema, value: unknown): void {
    if (value instanceof Decimal) {
      out.int32(value.scale).bytes(value.toBytes());
      return;
    }
    if (value instanceof Instant) {
      out.int64(value.exactMs);
      return;
    }
    switch (schema.type) {
      case 'int8':
        out.byte((value as number) & 0xff);
        break;
      case 'int16':
        out.int16(value as number);
        break;
      case 'int32':
        out.int32(value as number);
        break;
      case 'int64':
        out.int64(value as bigint);
        break;
      case 'float32':
        out.float32(value as number);
        break;
      case 'float64':
        out.float64(value as number);
        break;
      case 'boolean':
        out.byte(value === true ? 1 : 0);
        break;
      case 'string':
        out.text(value as string);
        break;
      case 'bytes':
        out.bytes(value as Uint8Array);
        break;
      case 'array': {
        const list = value as readonly unknown[];
        out.uint(list.length);
        for (const item of list) this.value(out, schema.valueSchema, item);
        break;
      }
      case 'map': {
        const map = value as ReadonlyMap<unknown, unknown>;
        out.uint(map.size);
        for (const [key, item] of map) {
          this.value(out, schema.keySchema, key);
          this.value(out, schema.valueSchema, item);
        }
        break;
      }
      case 'struct':
        this.#fields(out, value as Struct);
        break;
    }
  }

  #fields(out: FrameWriter, struct: Struct): void {
    for (const { index, schema } of struct.schema.fields) this.value(out, schema, struct.values[index]);
  }

  /** A value that says itself what it is. */
  #free(out: FrameWriter, value: unknown): void {
    switch (typeof value) {
      case 'number':
        out.byte(6).float64(value);
        return;
      case 'bigint':
        out.byte(4).int64(BigInt.asIntN(64, value));
        return;
      case 'boolean':
        out.byte(7).byte(value ? 1 : 0);
        return;
      case 'string':
        out.byte(8).text(value);
        return;
      case 'undefined':
        out.byte(0);
        return;
    }
    if (value === null) out.byte(0);
    else if (value instanceof Int8) out.byte(1).byte(value.value & 0xff);
    else if (value instanceof Int16) out.byte(2).int16(value.value);
    else if (value instanceof Int32) out.byte(3).int32(value.value);
    else if (value instanceof Float32) out.byte(5).float32(value.value);
    else if (value instanceof Float64) out.byte(6).float64(value.value);
    else if (value instanceof Uint8Array) out.byte(9).bytes(value);
    else if (Array.isArray(value)) {
      out.byte(10).uint(value.length);
      for (const item of value) this.#free(out, item);
    } else if (value instanceof Map) {
      out.byte(11).uint(value.size);
      for (const [key, item] of value) {
        this.#free(out, key);
        this.#free(out, item);
      }
    } else if (value instanceof Struct) {
      out.byte(12);
      this.schema(out, value.schema);
      this.#fields(out, value);
    } else if (value instanceof Decimal) out.byte(13).int32(value.scale).bytes(value.toBytes());
    else if (value instanceof Instant) out.byte(14).int64(value.exactMs);
    else if (value instanceof BigInteger) out.byte(15).bytes(new Decimal(value.value, 0).toBytes());
    else throw new DataError(`Connect has no type for a value of the class ${javaClassName(null, value)}`);
  }
}

function fits(schema: Schema, value: unknown): boolean {
  if (value instanceof Struct)
    return value.schema === schema || (schema.type === 'struct' && schemaEquals(value.schema, schema));
  return isInstance(schema, value);
}
