import { ConnectSchema } from '../data/connect-schema.ts';
import { Decimal, Instant } from '../data/logical.ts';
import type { Field, Schema, SchemaType } from '../data/schema.ts';
import { BigInteger, Float32, Float64, Int8, Int16, Int32, unwrap } from '../data/schemaless.ts';
import { Struct } from '../data/struct.ts';
import { ConnectError } from '../errors.ts';
import { isDate, isDecimal, schemaTypes } from './data-writer.ts';
import type { FrameReader } from './wire.ts';

/** The counterpart of the host's writer. Schemas keep their identity from frame to frame. */
export class DataReader {
  #schemas: Schema[] = [];

  schema(from: FrameReader): Schema | null {
    const reference = from.uint();
    if (reference === 0) return null;
    if (reference >= 3) {
      const known = this.#schemas[reference - 3];
      if (known === undefined)
        throw new ConnectError('java.protocol', `The Java host names an unknown schema: ${reference - 3}`);
      return known;
    }
    if (reference === 2) this.#schemas = [];
    const type = schemaTypes[from.byte()];
    if (type === undefined) throw new ConnectError('java.protocol', 'The Java host sends a schema of an unknown type');
    const flags = from.byte();
    const name = from.textOrNull();
    const doc = from.textOrNull();
    const version = (flags & 2) === 0 ? null : from.int32();
    const parameters = (flags & 4) === 0 ? null : readParameters(from);
    const keySchema = type === 'map' ? this.schema(from) : null;
    const valueSchema = type === 'map' || type === 'array' ? this.schema(from) : null;
    const fields = type === 'struct' ? this.#readFields(from) : [];
    const optional = (flags & 1) !== 0;
    const given = (flags & 8) === 0 ? undefined : this.#free(from);
    const defaultValue = given === undefined ? undefined : bare(type, given);
    const made = new ConnectSchema(type, {
      optional,
      name,
      version,
      doc,
      parameters,
      defaultValue,
      keySchema,
      valueSchema,
      fields,
    });
    this.#schemas.push(made);
    return made;
  }

  #readFields(from: FrameReader): Field[] {
    const count = from.uint();
    const fields: Field[] = [];
    for (let index = 0; index < count; index++) {
      const name = from.text();
      fields.push({ name, index, schema: this.schema(from) as Schema });
    }
    return fields;
  }

  value(from: FrameReader, schema: Schema | null): unknown {
    if (schema === null) return this.#free(from);
    switch (from.byte()) {
      case 0:
        return null;
      case 1:
        return this.#fitting(from, schema);
      default:
        return misfit(schema.type, this.#free(from));
    }
  }

  #fitting(from: FrameReader, schema: Schema): unknown {
    if (schema.name !== null) {
      if (isDecimal(schema)) return readDecimal(from);
      if (isDate(schema)) return new Instant(from.int64());
    }
    switch (schema.type) {
      case 'int8':
        return from.int8();
      case 'int16':
        return from.int16();
      case 'int32':
        return from.int32();
      case 'int64':
        return from.int64();
      case 'float32':
        return from.float32();
      case 'float64':
        return from.float64();
      case 'boolean':
        return from.byte() !== 0;
      case 'string':
        return from.text();
      case 'bytes':
        return from.bytes();
      case 'array': {
        const count = from.uint();
        const list: unknown[] = [];
        for (let i = 0; i < count; i++) list.push(this.value(from, schema.valueSchema));
        return list;
      }
      case 'map': {
        const count = from.uint();
        const map = new Map<unknown, unknown>();
        for (let i = 0; i < count; i++) {
          const key = this.value(from, schema.keySchema);
          map.set(key, this.value(from, schema.valueSchema));
        }
        return map;
      }
      case 'struct':
        return this.#struct(from, schema);
    }
  }

  #struct(from: FrameReader, schema: Schema): Struct {
    const { fields } = schema;
    const values: unknown[] = new Array(fields.length);
    for (let index = 0; index < fields.length; index++) values[index] = this.value(from, fields[index]!.schema);
    return new Struct(schema, values);
  }

  #free(from: FrameReader): unknown {
    const tag = from.byte();
    switch (tag) {
      case 0:
        return null;
      case 1:
        return new Int8(from.int8());
      case 2:
        return new Int16(from.int16());
      case 3:
        return new Int32(from.int32());
      case 4:
        return from.int64();
      case 5:
        return new Float32(from.float32());
      case 6:
        return from.float64();
      case 7:
        return from.byte() !== 0;
      case 8:
        return from.text();
      case 9:
        return from.bytes();
      case 10: {
        const count = from.uint();
        const list: unknown[] = [];
        for (let i = 0; i < count; i++) list.push(this.#free(from));
        return list;
      }
      case 11: {
        const count = from.uint();
        const map = new Map<unknown, unknown>();
        for (let i = 0; i < count; i++) {
          const key = this.#free(from);
          map.set(key, this.#free(from));
        }
        return map;
      }
      case 12:
        return this.#struct(from, this.schema(from) as Schema);
      case 13:
        return readDecimal(from);
      case 14:
        return new Instant(from.int64());
      case 15:
        return new BigInteger(Decimal.fromBytes(from.bytes(), 0).unscaled);
      default:
        throw new ConnectError('java.protocol', `The Java host sends a value of an unknown kind: ${tag}`);
    }
  }
}

function readParameters(from: FrameReader): Map<string, string> {
  const parameters = new Map<string, string>();
  for (let left = from.uint(); left > 0; left--) {
    const key = from.text();
    parameters.set(key, from.text());
  }
  return parameters;
}

function readDecimal(from: FrameReader): Decimal {
  const scale = from.int32();
  return Decimal.fromBytes(from.bytes(), scale);
}

function bare(type: SchemaType, value: unknown): unknown {
  return typeof value === 'object' ? unwrap(type, value) : value;
}

/** A double that stands beside a schema of another numeric type must not pass for that type. */
function misfit(type: SchemaType, value: unknown): unknown {
  return typeof value === 'number' && type !== 'float64' ? new Float64(value) : value;
}
