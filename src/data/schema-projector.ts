import { DataError } from '../errors.ts';
import { schemaText } from './connect-schema.ts';
import { parametersEqual } from './equality.ts';
import { doubleToInt, doubleToLong, lowBits } from './numbers.ts';
import type { Schema, SchemaType } from './schema.ts';
import { Struct } from './struct.ts';

/** Java: SchemaProjectorException. */
function projectorError(message: string, cause?: unknown): DataError {
  return new DataError(message, { code: 'data.schema', javaClass: 'SchemaProjectorException', cause });
}

const widening: readonly SchemaType[] = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'];

/**
 * A value written with one schema as another, compatible one wants it: numbers widen, missing fields take their
 * defaults, unknown fields go. Throws a DataError when the schemas are not compatible. Java: SchemaProjector.
 */
export function project(source: Schema, value: unknown, target: Schema): unknown {
  checkCompatible(source, target);
  const absent = value === null || value === undefined;
  if (source.optional && !target.optional) {
    if (target.defaultValue === undefined) {
      throw projectorError('Writer schema is optional, however, target schema does not provide a default value.');
    }
    return absent ? target.defaultValue : projectPresent(source, value, target);
  }
  return absent ? null : projectPresent(source, value, target);
}

function checkCompatible(source: Schema, target: Schema): void {
  if (source.type !== target.type && !promotable(source.type, target.type)) {
    throw projectorError(
      `Schema type mismatch. source type: ${source.type.toUpperCase()} and target type: ${target.type.toUpperCase()}`,
    );
  }
  if (source.name !== target.name) {
    throw projectorError(`Schema name mismatch. source name: ${source.name} and target name: ${target.name}`);
  }
  if (!parametersEqual(source.parameters, target.parameters)) {
    throw projectorError(
      `Schema parameters not equal. source parameters: ${parametersText(source)} and target parameters: ${parametersText(target)}`,
    );
  }
}

function parametersText(schema: Schema): string {
  if (schema.parameters === null) return 'null';
  return `{${[...schema.parameters].map(([key, value]) => `${key}=${value}`).join(', ')}}`;
}

function promotable(source: SchemaType, target: SchemaType): boolean {
  const from = widening.indexOf(source);
  return from >= 0 && from <= widening.indexOf(target);
}

function projectPresent(source: Schema, value: unknown, target: Schema): unknown {
  switch (target.type) {
    case 'struct':
      return projectStruct(source, value as Struct, target);
    case 'array':
      return (value as unknown[]).map((item) => project(source.valueSchema!, item, target.valueSchema!));
    case 'map': {
      const entries = [...(value as Map<unknown, unknown>)].map(([key, item]): [unknown, unknown] => [
        project(source.keySchema!, key, target.keySchema!),
        project(source.valueSchema!, item, target.valueSchema!),
      ]);
      return new Map(entries);
    }
    default:
      return source.type === target.type ? value : widened(value, target.type);
  }
}

function projectStruct(source: Schema, value: Struct, target: Schema): Struct {
  const out = new Struct(target);
  for (const { name, schema } of target.fields) {
    const from = source.field(name);
    if (from !== undefined) {
      try {
        out.put(name, project(from.schema, value.get(name), schema));
      } catch (cause) {
        if (!(cause instanceof DataError) || cause.javaClass !== 'SchemaProjectorException') throw cause;
        throw projectorError(`Error projecting ${name}`, cause);
      }
    } else if (schema.optional) {
      // Left out, which is null.
    } else if (schema.defaultValue !== undefined) {
      out.put(name, schema.defaultValue);
    } else {
      throw projectorError(`Required field \`${name}\` is missing from source schema: ${schemaText(source)}`);
    }
  }
  return out;
}

/** A number of a narrower type; what is not a number (a logical value) stays. */
function widened(value: unknown, type: SchemaType): unknown {
  if (typeof value !== 'number' && typeof value !== 'bigint') return value;
  switch (type) {
    case 'int16':
      return lowBits(BigInt(doubleToInt(Number(value))), 16);
    case 'int32':
      return doubleToInt(Number(value));
    case 'int64':
      return typeof value === 'bigint' ? value : doubleToLong(value);
    case 'float32':
      return Math.fround(Number(value));
    default:
      return Number(value);
  }
}
