import { schemaEquals } from '../../../data/equality.ts';
import { DATE_NAME, DECIMAL_NAME, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
import type { Field, Schema } from '../../../data/schema.ts';
import { Struct } from '../../../data/struct.ts';
import { DataError } from '../../../errors.ts';
import { schemaKey } from '../../../schema-registry/schema-key.ts';
import {
  fitting,
  invalidType,
  replaceLoneSurrogates,
  type Sink,
  typeName,
  writeDouble,
  writeFloat,
  writeRaw,
} from '../../../schema-registry/sink.ts';
import * as c from './conventions.ts';
import type { Message, MessageField } from './descriptor.ts';
import * as logical from './logical.ts';
import { writeVarint, writeVarintBig } from './varint.ts';

/** Writes a value that is not null at a position and answers the position after it. */
export type Encode = (value: unknown, position: number) => number;

export const wireTypes: Readonly<Record<string, number>> = {
  double: 1,
  fixed64: 1,
  sfixed64: 1,
  float: 5,
  fixed32: 5,
  sfixed32: 5,
  string: 2,
  bytes: 2,
  message: 2,
};

/**
 * Compiles the way from values of a Connect schema to a message; fields are found by name. `own` says that the message
 * was made from the schema: a field that it lacks then is an error, where a registered version may leave fields out.
 */
export function compileEncoder(
  schema: Schema,
  message: Message,
  sink: Sink,
  options: c.ProtobufDataOptions,
  own: boolean,
): Encode {
  return new EncoderCompiler(sink, options, own).root(schema, message);
}

class EncoderCompiler {
  readonly #sink: Sink;
  readonly #options: c.ProtobufDataOptions;
  readonly #own: boolean;
  readonly #known = new Map<Message, Map<string, { encode: Encode | null }>>();

  constructor(sink: Sink, options: c.ProtobufDataOptions, own: boolean) {
    this.#sink = sink;
    this.#options = options;
    this.#own = own;
  }

  root(schema: Schema, message: Message): Encode {
    if (schema.type === 'struct') return this.#struct(schema, message);
    return this.#wrapper(schema, message);
  }

  /** A wrapper message around a scalar: its field `value`. */
  #wrapper(schema: Schema, message: Message): Encode {
    const field = message.field('value');
    if (field === undefined) throw new DataError(`${message.fullName} is not a wrapper of a ${schema.type}`);
    return this.#field(schema, field, false);
  }

  #struct(schema: Schema, message: Message): Encode {
    let byKey = this.#known.get(message);
    if (byKey === undefined) {
      byKey = new Map();
      this.#known.set(message, byKey);
    }
    const key = schemaKey(schema);
    const open = byKey.get(key);
    if (open !== undefined) return (value, position) => open.encode!(value, position);
    const slot: { encode: Encode | null } = { encode: null };
    byKey.set(key, slot);
    slot.encode = this.#structOf(schema, message);
    return slot.encode;
  }

  #structOf(schema: Schema, message: Message): Encode {
    const parts: { number: number; index: number; member: number; fallback: unknown; encode: Encode }[] = [];
    const unions: { index: number; schema: Schema }[] = [];
    for (const field of schema.fields) {
      if (c.isUnion(field.schema) && field.schema.type === 'struct') {
        unions.push({ index: field.index, schema: field.schema });
        for (const member of field.schema.fields) {
          const target = this.#target(message, member);
          if (target === undefined) continue;
          const encode = this.#field(member.schema, target, true);
          parts.push({ number: target.number, index: field.index, member: member.index, fallback: null, encode });
        }
        continue;
      }
      if (field.schema.type === 'array' && c.isUnion(field.schema.valueSchema!)) {
        const encode = noneOf(field.schema.valueSchema!, field.name);
        parts.push({ number: 0, index: field.index, member: -1, fallback: this.#fallback(field), encode });
        continue;
      }
      const target = this.#target(message, field);
      if (target === undefined) {
        if (this.#own) {
          const encode = missingField(field.name, message);
          parts.push({ number: 0, index: field.index, member: -1, fallback: this.#fallback(field), encode });
        }
        continue;
      }
      parts.push({
        number: target.number,
        index: field.index,
        member: -1,
        fallback: this.#fallback(field),
        encode: this.#field(field.schema, target, target.oneof !== null),
      });
    }
    // Messages are written in the order of their field numbers, as every Protobuf library does.
    parts.sort((a, b) => a.number - b.number);
    return (value, position) => {
      const { values } = structOf(value, schema);
      for (const union of unions) checkUnion(values[union.index], union.schema);
      let p = position;
      for (const part of parts) {
        let item = values[part.index] ?? part.fallback;
        if (part.member >= 0 && item !== null) item = memberOf(item as Struct, part.member);
        if (item !== null && item !== undefined) p = part.encode(item, p);
      }
      return p;
    };
  }

  #target(message: Message, field: Field): MessageField | undefined {
    return message.field(c.scrubName(field.name, this.#options.scrubInvalidNames));
  }

  #fallback(field: Field): unknown {
    const { schema } = field;
    if (schema.optional && this.#options.ignoreDefaultForNullables) return null;
    return schema.defaultValue ?? null;
  }

  /** Writes a field's tag and value. */
  #field(schema: Schema, field: MessageField, inOneof: boolean): Encode {
    if (field.repeated) return this.#repeated(schema, field);
    const presence = field.presence || inOneof || field.defaultValue !== undefined;
    return this.#tagged(schema, field, !presence);
  }

  #tagged(schema: Schema, field: MessageField, omitZero: boolean): Encode {
    const sink = this.#sink;
    const wireType = wireTypes[field.type] ?? 0;
    const tag = field.number * 8 + wireType;
    if (field.type === 'message') {
      const encode = this.#message(schema, field.message!);
      return (value, position) => writeNested(sink, writeVarint(sink.bytes, position, tag), encode, value);
    }
    const write = this.#scalar(schema, field);
    if (!omitZero) return (value, position) => write(value, writeVarint(sink.bytes, position, tag));
    const isZero = zeroTest(field);
    return (value, position) => {
      if (isZero(value)) return position;
      return write(value, writeVarint(sink.bytes, position, tag));
    };
  }

  #repeated(schema: Schema, field: MessageField): Encode {
    if (schema.type === 'map') {
      // Not `entry`: a list or a map as value makes the entry a message like others, which only a reader minds.
      const [key, value] = [field.message?.field('key'), field.message?.field('value')];
      if (key === undefined || value === undefined) {
        throw new DataError(`The Protobuf field ${field.name} is not a map`);
      }
      return this.#map(schema, field, key, value);
    }
    if (schema.type !== 'array') throw new DataError(`The Protobuf field ${field.name} is repeated, the data is not`);
    const sink = this.#sink;
    const elementSchema = schema.valueSchema!;
    if (elementSchema.type === 'map' || elementSchema.type === 'array') return noneOf(elementSchema, field.name);
    if (!field.packed || field.type === 'string' || field.type === 'bytes' || field.type === 'message') {
      const encode = this.#tagged(elementSchema, field, false);
      return (value, position) => {
        let p = position;
        for (const item of listOf(value)) p = encode(present(item), p);
        return p;
      };
    }
    const write = this.#scalar(elementSchema, field);
    const writeAll: Encode = (value, position) => {
      let p = position;
      for (const item of value as unknown[]) p = write(present(item), p);
      return p;
    };
    return (value, position) => {
      if (listOf(value).length === 0) return position;
      return writeNested(sink, writeVarint(sink.bytes, position, field.number * 8 + 2), writeAll, value);
    };
  }

  #map(schema: Schema, field: MessageField, key: MessageField, value: MessageField): Encode {
    const sink = this.#sink;
    const writeKey = this.#field(schema.keySchema!, key, false);
    const writeValue = this.#field(schema.valueSchema!, value, false);
    const writeEntry: Encode = (entry, position) => {
      const [k, v] = entry as [unknown, unknown];
      let p = k === null || k === undefined ? position : writeKey(k, position);
      if (v !== null && v !== undefined) p = writeValue(v, p);
      return p;
    };
    const tag = field.number * 8 + 2;
    return (map, position) => {
      if (!(map instanceof Map)) throw invalidType('map', map);
      let p = position;
      for (const entry of map) p = writeNested(sink, writeVarint(sink.bytes, p, tag), writeEntry, entry);
      return p;
    };
  }

  #message(schema: Schema, message: Message): Encode {
    const sink = this.#sink;
    switch (schema.name) {
      case DECIMAL_NAME:
        return (value, position) => logical.writeDecimal(sink.bytes, position, value);
      case DATE_NAME:
        return (value, position) => logical.writeDate(sink.bytes, position, value);
      case TIME_NAME:
        return (value, position) => logical.writeTime(sink.bytes, position, value);
      case TIMESTAMP_NAME:
        return (value, position) => logical.writeTimestamp(sink.bytes, position, value);
      default:
        return schema.type === 'struct' ? this.#struct(schema, message) : this.#wrapper(schema, message);
    }
  }

  #scalar(schema: Schema, field: MessageField): Encode {
    const sink = this.#sink;
    if (field.type === 'enum') return this.#enum(schema, field);
    switch (field.type) {
      case 'string':
        return (value, p) => writeText(sink.bytes, p, value);
      case 'bytes':
        return (value, p) => {
          if (!(value instanceof Uint8Array)) throw invalidType('bytes', value);
          return writeRaw(sink.bytes, writeVarint(sink.bytes, p, value.length), value);
        };
      case 'bool':
        return (value, p) => {
          sink.bytes[p] = fitting('boolean', value) === true ? 1 : 0;
          return p + 1;
        };
      case 'float':
        return (value, p) => writeFloat(sink.bytes, p, numberOf(schema, value));
      case 'double':
        return (value, p) => writeDouble(sink.bytes, p, numberOf(schema, value));
      default:
        return this.#integer(schema, field.type);
    }
  }

  #enum(schema: Schema, field: MessageField): Encode {
    const sink = this.#sink;
    const type = field.enumType!;
    if (schema.type !== 'string') return (value, p) => writeVarintSigned(sink.bytes, p, numberOf(schema, value));
    return (value, p) => {
      const number = type.numbers.get(value as string);
      if (number === undefined) throw new DataError(`${String(value)} is not a value of the enum ${type.fullName}`);
      return writeVarintSigned(sink.bytes, p, number);
    };
  }

  #integer(schema: Schema, type: string): Encode {
    const sink = this.#sink;
    const read = (value: unknown): number | bigint =>
      schema.type === 'int64' ? (fitting('int64', value) as bigint) : numberOf(schema, value);
    switch (type) {
      case 'sint32':
        return (value, p) => {
          const n = Number(read(value)) | 0;
          return writeVarint(sink.bytes, p, ((n << 1) ^ (n >> 31)) >>> 0);
        };
      case 'uint32':
        return (value, p) => writeVarint(sink.bytes, p, Number(BigInt.asUintN(32, BigInt(read(value)))));
      case 'fixed32':
      case 'sfixed32':
        return (value, p) => writeFixed(sink.bytes, p, BigInt(read(value)), 4);
      case 'sint64':
        return (value, p) => {
          const n = BigInt(read(value));
          return writeVarintBig(sink.bytes, p, BigInt.asUintN(64, (n << 1n) ^ (n >> 63n)));
        };
      case 'fixed64':
      case 'sfixed64':
        return (value, p) => writeFixed(sink.bytes, p, BigInt(read(value)), 8);
      default:
        return (value, p) => {
          const n = read(value);
          return typeof n === 'number' ? writeVarintSigned(sink.bytes, p, n) : writeVarintBig(sink.bytes, p, n);
        };
    }
  }
}

function numberOf(schema: Schema, value: unknown): number {
  return Number(typeof value === 'number' ? value : fitting(schema.type, value));
}

function writeVarintSigned(b: Buffer, p: number, n: number): number {
  return n >= 0 ? writeVarint(b, p, n) : writeVarintBig(b, p, BigInt(n));
}

function writeFixed(b: Buffer, p: number, value: bigint, size: number): number {
  let rest = BigInt.asUintN(size * 8, value);
  for (let i = 0; i < size; i++) {
    b[p + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return p + size;
}

function writeText(b: Buffer, p: number, value: unknown): number {
  let text = fitting('string', value) as string;
  if (!text.isWellFormed()) text = replaceLoneSurrogates(text);
  const bytes = Buffer.byteLength(text);
  const start = writeVarint(b, p, bytes);
  if (start + bytes > b.length) return writeRaw(b, start, Buffer.from(text));
  b.write(text, start, bytes, 'utf8');
  return start + bytes;
}

/** A length before content whose length is not known yet: one byte is kept free, and rarely the content moves. */
function writeNested(sink: Sink, position: number, encode: Encode, value: unknown): number {
  const start = position + 1;
  const end = encode(value, start);
  const length = end - start;
  const b = sink.bytes;
  if (length < 128) {
    b[position] = length;
    return end;
  }
  const size = length < 0x4000 ? 2 : length < 0x200000 ? 3 : length < 0x10000000 ? 4 : 5;
  if (end + size > b.length) return Number.POSITIVE_INFINITY;
  b.copyWithin(position + size, start, end);
  writeVarint(b, position, length);
  return end + size - 1;
}

function zeroTest(field: MessageField): (value: unknown) => boolean {
  if (field.type === 'string') return (value) => value === '';
  if (field.type === 'bytes') return (value) => value instanceof Uint8Array && value.length === 0;
  if (field.type === 'bool') return (value) => value === false;
  if (field.type === 'enum') {
    const zero = field.enumType!.names.get(0);
    return (value) => value === 0 || (zero !== undefined && value === zero);
  }
  // Minus zero is written: it is not the default.
  return (value) => Object.is(value, 0) || value === 0n;
}

/** Structs of one name in one message share its fields: what only the other one has has no place. */
function missingField(name: string, message: Message): Encode {
  return () => {
    throw new DataError(
      `Cannot find field with name ${name} in ${message.fullName}: two different structs there have the same name`,
    );
  };
}

/** A list whose elements Protobuf cannot express: it may be empty. */
function noneOf(elementSchema: Schema, name: string): Encode {
  return (value, position) => {
    if (listOf(value).length === 0) return position;
    throw new DataError(
      `The field ${name} is an array of ${c.isUnion(elementSchema) ? 'unions' : `${elementSchema.type}s`}, which Protobuf cannot express unless it is empty`,
    );
  };
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalidType('array', value);
}

function present(value: unknown): unknown {
  if (value === null || value === undefined) throw new DataError('A repeated Protobuf field cannot hold null');
  return value;
}

function structOf(value: unknown, schema: Schema): Struct {
  if (!(value instanceof Struct)) throw new DataError(`Invalid type for STRUCT: ${typeName(value)}`);
  if (value.schema !== schema && schemaKey(value.schema) !== schemaKey(schema) && !schemaEquals(value.schema, schema)) {
    throw new DataError('Mismatching struct schema');
  }
  return value;
}

/** Only the first member that is set counts. */
function memberOf(union: Struct, member: number): unknown {
  for (let i = 0; i < union.values.length; i++) {
    const value = union.values[i] ?? union.schema.fields[i]?.schema.defaultValue ?? null;
    if (value !== null) return i === member ? value : null;
  }
  return null;
}

function checkUnion(value: unknown, schema: Schema): void {
  if (value === null || value === undefined) return;
  const { values } = structOf(value, schema);
  const set = schema.fields.some((field) => (values[field.index] ?? field.schema.defaultValue ?? null) !== null);
  if (!set) throw new DataError('Cannot find non-null field');
}
