import { allowFields, fillFields } from '../../../data/field-allowance.ts';
import { DATE_NAME, DECIMAL_NAME, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
import type { Schema } from '../../../data/schema.ts';
import { Struct } from '../../../data/struct.ts';
import { ConnectError, DataError, SerializationError } from '../../../errors.ts';
import { readDouble, readFloat } from '../../../schema-registry/sink.ts';
import type * as c from './conventions.ts';
import type { Message, MessageField } from './descriptor.ts';
import { wireTypes } from './encoder.ts';
import * as logical from './logical.ts';
import { Source } from './source.ts';
import { layoutOf } from './to-connect-schema.ts';

/** Reads the message that lies in `buffer[start, end)`. */
export type Decode = (buffer: Buffer, start: number, end: number) => unknown;

type ReadValue = (source: Source) => unknown;

interface Slot {
  readonly index: number;
  readonly wireType: number;
  readonly read: ReadValue;
  readonly packable: boolean;
  readonly kind: 'one' | 'list' | 'map' | 'member';
  /** The struct that stands for a oneof, and the member's place in it. */
  readonly union: Schema | null;
  readonly member: number;
}

/** Compiles the way from a message to Connect values; `schema` is the one that toConnectSchema gave for it. */
export function compileDecoder(message: Message, schema: Schema, options: c.ProtobufDataOptions): Decode {
  const compiler = new DecoderCompiler(options);
  const read = schema.type === 'struct' ? compiler.struct(message, schema) : compiler.wrapper(message, schema);
  const source = new Source();
  return (buffer, start, end) => {
    source.buffer = buffer;
    source.position = start;
    source.end = end;
    allowFields(end - start);
    try {
      return read(source);
    } catch (error) {
      if (error instanceof ConnectError) throw error;
      throw new SerializationError('Invalid Protobuf data', { cause: error });
    }
  };
}

class DecoderCompiler {
  readonly #options: c.ProtobufDataOptions;
  readonly #known = new Map<Schema, Map<Message, { read: ReadValue | null }>>();

  constructor(options: c.ProtobufDataOptions) {
    this.#options = options;
  }

  struct(message: Message, schema: Schema): ReadValue {
    let byMessage = this.#known.get(schema);
    if (byMessage === undefined) {
      byMessage = new Map();
      this.#known.set(schema, byMessage);
    }
    const open = byMessage.get(message);
    if (open !== undefined) return (source) => open.read!(source);
    const slot: { read: ReadValue | null } = { read: null };
    byMessage.set(message, slot);
    slot.read = this.#structOf(message, schema);
    return slot.read;
  }

  #structOf(message: Message, schema: Schema): ReadValue {
    const slots: (Slot | undefined)[] = [];
    const far = new Map<number, Slot>();
    const initial: unknown[] = [];
    const lists: number[] = [];
    const maps: number[] = [];
    const fresh: { index: number; make: () => unknown }[] = [];
    const place = (field: MessageField, slot: Slot) => {
      if (field.number < 64) slots[field.number] = slot;
      else far.set(field.number, slot);
    };
    for (const [index, part] of layoutOf(message, this.#options).entries()) {
      const fieldSchema = schema.fields[index]!.schema;
      initial[index] = null;
      if ('members' in part) {
        for (const [member, field] of part.members.entries()) {
          const inner = fieldSchema.fields[member]!.schema;
          place(field, { ...this.#slot(field, inner, index), kind: 'member', union: fieldSchema, member });
        }
        continue;
      }
      const slot = this.#slot(part.field, fieldSchema, index);
      place(part.field, slot);
      if (slot.kind === 'list') lists.push(index);
      else if (slot.kind === 'map') maps.push(index);
      else if (!this.#absentIsNull(part.field)) initial[index] = defaultOf(part.field, fieldSchema);
      else if (this.#options.generateStructForNulls && part.field.type === 'message' && part.field.oneof === null) {
        fresh.push({ index, make: () => slot.read(emptySource()) });
      }
    }
    return (source) => {
      fillFields(initial.length);
      const values = initial.slice();
      for (const index of lists) values[index] = [];
      for (const index of maps) values[index] = new Map();
      while (source.position < source.end) {
        const tag = source.varint();
        const number = tag >>> 3;
        const slot = number < 64 ? slots[number] : far.get(number);
        if (slot === undefined) source.skip(tag & 7);
        else readSlot(source, slot, tag & 7, values);
      }
      if (source.position > source.end) throw new SerializationError('Invalid Protobuf data: it ends within a value');
      for (const { index, make } of fresh) values[index] ??= make();
      return new Struct(schema, values);
    };
  }

  #absentIsNull(field: MessageField): boolean {
    if (field.type === 'message' || field.oneof !== null || field.proto3Optional) return true;
    return field.optionalKeyword && this.#options.optionalForProto2;
  }

  #slot(field: MessageField, schema: Schema, index: number): Slot {
    const wireType = wireTypes[field.type] ?? 0;
    const common = { index, wireType, union: null, member: -1 };
    const entry = field.repeated ? (field.message?.entry ?? null) : null;
    if (entry !== null && schema.type === 'map') {
      return { ...common, kind: 'map', packable: false, read: nested(this.#entry(entry.key, entry.value, schema)) };
    }
    const elementSchema = field.repeated ? schema.valueSchema! : schema;
    return {
      ...common,
      kind: field.repeated ? 'list' : 'one',
      packable: field.repeated && wireType !== 2,
      read: this.#value(field, elementSchema),
    };
  }

  #entry(key: MessageField, value: MessageField, schema: Schema): ReadValue {
    const readKey = this.#value(key, schema.keySchema!);
    const readValue = this.#value(value, schema.valueSchema!);
    const noKey = defaultOf(key, schema.keySchema!);
    const valueMessage = value.type === 'message';
    const noValue = valueMessage ? null : defaultOf(value, schema.valueSchema!);
    return (source) => {
      let k = noKey;
      let v: unknown = noValue;
      while (source.position < source.end) {
        const tag = source.varint();
        if (tag >>> 3 === 1) k = readKey(source);
        else if (tag >>> 3 === 2) v = readValue(source);
        else source.skip(tag & 7);
      }
      // In a map an absent message is an empty one.
      if (valueMessage && v === null) v = readValue(emptySource());
      return [k, v];
    };
  }

  /** A wrapper message alone: its scalar, zero when it is not there. */
  wrapper(message: Message, schema: Schema): ReadValue {
    const field = message.field('value');
    if (field === undefined) throw new DataError(`${message.fullName} is not a wrapper`);
    const read = this.#value(field, schema);
    const zero = defaultOf(field, schema);
    return (source) => {
      let value = zero;
      while (source.position < source.end) {
        const tag = source.varint();
        if (tag >>> 3 === 1) value = read(source);
        else source.skip(tag & 7);
      }
      return value;
    };
  }

  #value(field: MessageField, schema: Schema): ReadValue {
    if (field.type === 'message') return nested(this.#message(field.message!, schema));
    if (field.type === 'enum') {
      const { names, name } = field.enumType!;
      if (schema.type === 'int32') return (source) => source.varint() | 0;
      return (source) => {
        const number = source.varint() | 0;
        return names.get(number) ?? `UNKNOWN_ENUM_VALUE_${name}_${number}`;
      };
    }
    return scalarReader(field, schema);
  }

  #message(message: Message, schema: Schema): ReadValue {
    switch (schema.name) {
      case DECIMAL_NAME:
        return logical.readDecimal;
      case DATE_NAME:
        return logical.readDate;
      case TIME_NAME:
        return logical.readTime;
      case TIMESTAMP_NAME:
        return logical.readTimestamp;
      default:
        return schema.type === 'struct' ? this.struct(message, schema) : this.wrapper(message, schema);
    }
  }
}

function readSlot(source: Source, slot: Slot, wireType: number, values: unknown[]): void {
  if (slot.packable && wireType === 2) {
    const list = values[slot.index] as unknown[];
    const end = source.varint() + source.position;
    if (end > source.end) throw new SerializationError('Invalid Protobuf data: it ends within a list');
    while (source.position < end) list.push(slot.read(source));
    return;
  }
  if (wireType !== slot.wireType) {
    // An unknown field to Protobuf: another type under the same number.
    source.skip(wireType);
    return;
  }
  const value = slot.read(source);
  switch (slot.kind) {
    case 'one':
      values[slot.index] = value;
      return;
    case 'list':
      (values[slot.index] as unknown[]).push(value);
      return;
    case 'map': {
      const [key, item] = value as [unknown, unknown];
      (values[slot.index] as Map<unknown, unknown>).set(key, item);
      return;
    }
    case 'member': {
      const union = slot.union!;
      const members: unknown[] = new Array(union.fields.length).fill(null);
      members[slot.member] = value;
      values[slot.index] = new Struct(union, members);
    }
  }
}

/** Reads behind a length, within it. */
function nested(read: ReadValue): ReadValue {
  return (source) => {
    if (source === empty) return read(source);
    const size = source.varint();
    const outer = source.end;
    const end = source.position + size;
    if (end > outer) throw new SerializationError('Invalid Protobuf data: it ends within a message');
    source.end = end;
    const value = read(source);
    source.position = end;
    source.end = outer;
    return value;
  };
}

const empty = new Source();

function emptySource(): Source {
  empty.position = 0;
  empty.end = 0;
  return empty;
}

function scalarReader({ type, utf8 }: MessageField, schema: Schema): ReadValue {
  switch (type) {
    case 'string':
      return utf8 ? (source) => source.validText() : (source) => source.text();
    case 'bytes':
      return (source) => source.bytes();
    case 'bool':
      return (source) => source.varintBig() !== 0n;
    case 'float':
      return (source) => readFloat(source.buffer, source.take(4));
    case 'double':
      return (source) => readDouble(source.buffer, source.take(8));
    case 'int32':
      if (schema.type === 'int8') return (source) => (source.varint() << 24) >> 24;
      if (schema.type === 'int16') return (source) => (source.varint() << 16) >> 16;
      return (source) => source.varint() | 0;
    case 'sint32':
      return (source) => {
        const n = source.varint();
        return (n >>> 1) ^ -(n & 1);
      };
    case 'sfixed32':
      return (source) => source.buffer.readInt32LE(source.take(4));
    case 'fixed32':
      return (source) => BigInt(source.buffer.readUInt32LE(source.take(4)));
    case 'uint32':
      return (source) => BigInt(source.varint() >>> 0);
    case 'sint64':
      return (source) => {
        const n = source.varintBig();
        return (n >> 1n) ^ -(n & 1n);
      };
    case 'fixed64':
    case 'sfixed64':
      return (source) => source.buffer.readBigInt64LE(source.take(8));
    default:
      return (source) => BigInt.asIntN(64, source.varintBig());
  }
}

/** What a field is that is not there and does not say so. */
function defaultOf(field: MessageField, schema: Schema): unknown {
  const given = field.defaultValue;
  switch (schema.type) {
    case 'string':
      if (field.type === 'enum')
        return String(given ?? field.enumType!.names.get(0) ?? [...field.enumType!.numbers.keys()][0]);
      return given === undefined ? '' : String(given);
    case 'boolean':
      return given === true || given === 'true';
    case 'bytes':
      return new Uint8Array(Buffer.from(given === undefined ? '' : String(given)));
    case 'int64':
      return given === undefined ? 0n : BigInt(String(given));
    default:
      return given === undefined ? 0 : Number(given);
  }
}
