import type { ByteSink } from '../../data/byte-sink.ts';
import { schemaEquals } from '../../data/equality.ts';
import { compileJsonEncoder, type JsonEncoding } from '../../data/json-encoder.ts';
import { needsEscapes, quoteJson, specialsIn } from '../../data/json-text.ts';
import type { Schema } from '../../data/schema.ts';
import { Struct } from '../../data/struct.ts';

/** Writes one value of a schema as JSON in UTF-8: the bytes of what the schema's JsonEncoder says. */
export type JsonWriter = (value: unknown, into: ByteSink) => void;

const nothing = Buffer.alloc(0);
const closingBrace = Buffer.from('}');

/**
 * The writer of a schema, made once. `head` is what stands before the value. What is neither text nor struct goes the
 * encoder's way, errors included.
 */
export function compileJsonWriter(schema: Schema | null, encoding: JsonEncoding, head: Buffer): JsonWriter {
  const encode = compileJsonEncoder(schema, encoding);
  const asText: JsonWriter = (value, into) => {
    const text = encode(value);
    into.copy(head);
    into.write(text);
  };
  if (schema?.type === 'string') return compileString(head, asText);
  if (schema?.type === 'struct' && schema.fields.length > 0) return compileStruct(schema, encoding, head, asText);
  return asText;
}

function compileStruct(schema: Schema, encoding: JsonEncoding, head: Buffer, asText: JsonWriter): JsonWriter {
  const writers = schema.fields.map((field, i) => {
    const before = `${i === 0 ? '{' : ','}${quoteJson(field.name)}:`;
    return compileJsonWriter(field.schema, encoding, Buffer.concat([i === 0 ? head : nothing, Buffer.from(before)]));
  });
  const count = writers.length;
  return (value, into) => {
    if (!(value instanceof Struct) || (value.schema !== schema && !schemaEquals(value.schema, schema))) {
      asText(value, into);
      return;
    }
    const { values } = value;
    for (let i = 0; i < count; i++) writers[i]!(values[i], into);
    into.copy(closingBrace);
  };
}

/** So many different texts, and a field is no more taken for one that keeps its text. */
const patience = 8;

/** Many a field has the same text in every record: its bytes are kept. */
function compileString(head: Buffer, asText: JsonWriter): JsonWriter {
  let last: string | null = null;
  let lastBytes = nothing;
  let misses = 0;
  return (value, into) => {
    if (typeof value !== 'string') {
      asText(value, into);
      return;
    }
    if (misses < patience) {
      if (value === last) {
        if (lastBytes === nothing) lastBytes = Buffer.concat([head, Buffer.from(quoteJson(value))]);
        into.copy(lastBytes);
        return;
      }
      misses++;
      last = value;
      lastBytes = nothing;
    }
    into.copy(head);
    writeText(value, into);
  };
}

const longestLooped = 16;

/** A text in quotes. It is written as it is, and then looked through for what must be escaped. */
function writeText(text: string, into: ByteSink): void {
  const { length } = text;
  into.reserve(length * 3 + 2);
  const start = into.position;
  const { bytes } = into;
  const from = start + 1;
  let size = length;
  if (length <= longestLooped) {
    let seen = 0;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code === 0x22 || code === 0x5c) seen |= 0x80;
      seen |= code;
      bytes[from + i] = code;
    }
    if (seen >= 0x80) {
      into.write(quoteJson(text));
      return;
    }
  } else {
    size = bytes.utf8Write(text, from);
    if (size === length ? hasSpecials(into.view, bytes, from, from + size) : needsEscapes(text)) {
      into.write(quoteJson(text));
      return;
    }
  }
  bytes[start] = 0x22;
  bytes[from + size] = 0x22;
  into.position = from + size + 1;
}

/** In ASCII. */
function hasSpecials(view: DataView, bytes: Buffer, start: number, end: number): boolean {
  let marks = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) marks |= specialsIn(view.getInt32(at, true));
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte < 0x20 || byte === 0x22 || byte === 0x5c) return true;
  }
  return marks !== 0;
}
