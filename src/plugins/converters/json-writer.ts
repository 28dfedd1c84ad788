import type { ByteSink } from '../../data/byte-sink.ts';
import { schemaEquals } from '../../data/equality.ts';
import { needsEscapes, quoteJson, specialsIn } from '../../data/json-text.ts';
import type { Schema } from '../../data/schema.ts';
import { Struct } from '../../data/struct.ts';
import { compileJsonEncoder, type JsonEncoding } from './json-encoder.ts';

/** Writes one value of a schema as JSON in UTF-8: the bytes of what the schema's JsonEncoder says. */
export type JsonWriter = (value: unknown, into: ByteSink) => void;

/** The writer of a schema, made once. What is neither text nor struct goes the encoder's way, errors included. */
export function compileJsonWriter(schema: Schema | null, encoding: JsonEncoding): JsonWriter {
  const encode = compileJsonEncoder(schema, encoding);
  const asText: JsonWriter = (value, into) => into.write(encode(value));
  if (schema === null) return asText;
  if (schema.type === 'string') {
    const write = stringWriter();
    return (value, into) => (typeof value === 'string' ? write(value, into) : asText(value, into));
  }
  if (schema.type === 'struct' && schema.fields.length > 0) return compileStruct(schema, encoding, asText);
  return asText;
}

const closingBrace = Buffer.from('}');

function compileStruct(schema: Schema, encoding: JsonEncoding, asText: JsonWriter): JsonWriter {
  const heads = schema.fields.map((field, i) => Buffer.from(`${i === 0 ? '{' : ','}${quoteJson(field.name)}:`));
  const writers = schema.fields.map((field) => compileJsonWriter(field.schema, encoding));
  const count = heads.length;
  return (value, into) => {
    if (!(value instanceof Struct) || (value.schema !== schema && !schemaEquals(value.schema, schema))) {
      asText(value, into);
      return;
    }
    const { values } = value;
    for (let i = 0; i < count; i++) {
      into.copy(heads[i]!);
      writers[i]!(values[i], into);
    }
    into.copy(closingBrace);
  };
}

/** So many different texts in a row, and a field is not taken for one that keeps its text. */
const patience = 8;

/** Writes the texts of one field. Many have the same text in every record: its bytes are kept. */
function stringWriter(): (text: string, into: ByteSink) => void {
  let last = '';
  let lastBytes: Buffer | null = null;
  let misses = 0;
  return (text, into) => {
    if (misses < patience) {
      if (text === last) {
        lastBytes ??= Buffer.from(quoteJson(text));
        into.copy(lastBytes);
        return;
      }
      misses++;
      last = text;
      lastBytes = null;
    }
    writeText(text, into);
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
