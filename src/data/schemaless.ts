import type { Schema, SchemaType } from './schema.ts';

/**
 * Numbers whose width no schema tells. Beside a schema of the same type the bare number stands instead; a wrapper
 * beside another schema is a value that does not fit, which validation refuses as Java refuses the wrong boxed class.
 */
export class Int8 {
  readonly value: number;
  constructor(value: number) {
    this.value = (value << 24) >> 24;
  }

  equals(other: unknown): boolean {
    return other instanceof Int8 && Object.is(this.value, other.value);
  }
}

export class Int16 {
  readonly value: number;
  constructor(value: number) {
    this.value = (value << 16) >> 16;
  }

  equals(other: unknown): boolean {
    return other instanceof Int16 && Object.is(this.value, other.value);
  }
}

export class Int32 {
  readonly value: number;
  constructor(value: number) {
    this.value = value | 0;
  }

  equals(other: unknown): boolean {
    return other instanceof Int32 && Object.is(this.value, other.value);
  }
}

export class Float32 {
  readonly value: number;
  constructor(value: number) {
    this.value = Math.fround(value);
  }

  equals(other: unknown): boolean {
    return other instanceof Float32 && Object.is(this.value, other.value);
  }
}

/** Only needed where a double stands beside a schema of another numeric type; without a schema it is a bare number. */
export class Float64 {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }

  equals(other: unknown): boolean {
    return other instanceof Float64 && Object.is(this.value, other.value);
  }
}

/** Java's BigInteger: only schemaless JSON or a connector can make one. */
export class BigInteger {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }

  equals(other: unknown): boolean {
    return other instanceof BigInteger && Object.is(this.value, other.value);
  }
}

export type Wrapper = Int8 | Int16 | Int32 | Float32 | Float64 | BigInteger;

/** The bare value when the wrapper is of exactly this type, as a schema of that type wants it; else the wrapper. */
export function unwrap(type: SchemaType, value: unknown): unknown {
  switch (type) {
    case 'int8':
      return value instanceof Int8 ? value.value : value;
    case 'int16':
      return value instanceof Int16 ? value.value : value;
    case 'int32':
      return value instanceof Int32 ? value.value : value;
    case 'float32':
      return value instanceof Float32 ? value.value : value;
    case 'float64':
      return value instanceof Float64 ? value.value : value;
    default:
      return value;
  }
}

/** The schemaless form of a value that stood beside a schema: numbers narrower than float64 get their wrapper. */
function wrap(schema: Schema | null, value: unknown): unknown {
  return schema === null ? value : withWidth(value, schema.type);
}

/** Gives a number that stands beside no schema the width of its type. */
export function withWidth(value: unknown, target: SchemaType): unknown {
  if (typeof value !== 'number') return value;
  switch (target) {
    case 'int8':
      return new Int8(value);
    case 'int16':
      return new Int16(value);
    case 'int32':
      return new Int32(value);
    case 'float32':
      return new Float32(value);
    default:
      return value;
  }
}

/**
 * The same value for another schema beside it: what stood as a bare number under `from` becomes a wrapper where `to`
 * is of another type, all the way down. The identity when nothing changes.
 */
export function refit(from: Schema | null, to: Schema | null, value: unknown): unknown {
  if (from === to) return value;
  if (typeof value === 'number') {
    const wrapped = wrap(from, value);
    if (to === null) return wrapped;
    return typeof wrapped === 'number' && to.type !== 'float64' ? asMisfit(to.type, wrapped) : unwrap(to.type, wrapped);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const fromValue = from?.type === 'array' ? from.valueSchema : null;
    const toValue = to?.type === 'array' ? to.valueSchema : null;
    return fromValue === toValue ? value : value.map((item) => refit(fromValue, toValue, item));
  }
  if (value instanceof Map) {
    const fromMap = from?.type === 'map' ? from : null;
    const toMap = to?.type === 'map' ? to : null;
    const entries = [...value].map(([key, item]): [unknown, unknown] => [
      refit(fromMap?.keySchema ?? null, toMap?.keySchema ?? null, key),
      refit(fromMap?.valueSchema ?? null, toMap?.valueSchema ?? null, item),
    ]);
    return new Map(entries);
  }
  return to === null ? value : unwrap(to.type, value);
}

/** A double beside a schema of another numeric type must not pass for that type. */
function asMisfit(type: SchemaType, value: number): unknown {
  return type === 'int8' || type === 'int16' || type === 'int32' || type === 'float32' ? new Float64(value) : value;
}

export function isWrapper(value: unknown): value is Wrapper {
  return (
    value instanceof Int32 ||
    value instanceof Int8 ||
    value instanceof Int16 ||
    value instanceof Float32 ||
    value instanceof Float64 ||
    value instanceof BigInteger
  );
}
