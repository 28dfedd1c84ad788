import { allowFields } from '../../data/field-allowance.ts';
import { isJsonObject, readJson, readJsonText, skipJson } from '../../data/json-reader.ts';
import type { Schema, SchemaAndValue } from '../../data/schema.ts';
import { DataError } from '../../errors.ts';
import { asBuffer } from '../../java/utf8.ts';
import { compileJsonDecoder, hasTemporal, type JsonDecoding } from './json-decoder.ts';
import { JsonDocument } from './json-document.ts';
import { schemaFromJson } from './json-schema-text.ts';
import { JsonScan, JsonTemplate, Literal } from './json-template.ts';

interface Envelope {
  /** `{"schema":…,"payload":` as it stands in the messages. */
  readonly prefix: Literal;
  readonly schema: Schema | null;
  readonly template: JsonTemplate | null;
  readonly payload: JsonDocument;
}

const closingBrace = 0x7d;
const recentLimit = 8;

/**
 * Messages of JsonConverter with schemas. A producer writes the same schema with the same bytes each time, so the
 * bytes up to the payload are remembered with what they mean, and the schema is neither decoded nor parsed again.
 */
export class JsonEnvelopes {
  readonly #decoding: JsonDecoding;
  readonly #limit: number;
  readonly #known = new Map<string, Envelope>();
  /** The latest met first. */
  readonly #recent: Envelope[] = [];
  readonly #scan = new JsonScan();

  constructor(decoding: JsonDecoding, cacheSize: number) {
    this.#decoding = decoding;
    this.#limit = Math.max(1, cacheSize);
  }

  read(buffer: Buffer, start: number, end: number): SchemaAndValue {
    const envelope = this.#find(buffer, start, end);
    // Without a schema integers and other numbers differ: those messages are rare, and read exactly.
    if (envelope !== null && envelope.schema !== null) {
      const value =
        envelope.template?.read(this.#scan) ??
        envelope.payload.readWhole(buffer, start + envelope.prefix.bytes.length, end - 1);
      if (value !== undefined) return { schema: envelope.schema, value };
    }
    return this.#readExactly(buffer.subarray(start, end));
  }

  /** Leaves the scan at the payload, its end before the closing brace. */
  #find(buffer: Buffer, start: number, end: number): Envelope | null {
    if (buffer[end - 1] !== closingBrace) return null;
    const recent = this.#recent;
    this.#scan.turnTo(buffer, start, end - 1);
    for (let i = 0; i < recent.length; i++) {
      const envelope = recent[i] as Envelope;
      if (!this.#scan.take(envelope.prefix)) continue;
      if (i > 0) {
        recent.splice(i, 1);
        recent.unshift(envelope);
      }
      return envelope;
    }
    const envelope = this.#learn(asBuffer(buffer).utf8Slice(start, end));
    return envelope !== null && this.#scan.take(envelope.prefix) ? envelope : null;
  }

  /** Null when the message is not laid out as schema, then payload. */
  #learn(text: string): Envelope | null {
    const opening = /^[ \t\r\n]*\{[ \t\r\n]*"schema"[ \t\r\n]*:/.exec(text);
    if (opening === null || text.includes('\ufffd')) return null;
    const schemaEnd = skipJson(text, opening[0].length);
    if (schemaEnd < 0) return null;
    const middle = /[ \t\r\n]*,[ \t\r\n]*"payload"[ \t\r\n]*:/y;
    middle.lastIndex = schemaEnd;
    if (!middle.test(text)) return null;
    const prefix = text.slice(0, middle.lastIndex);
    let envelope = this.#known.get(prefix);
    if (envelope === undefined) {
      const schema = schemaFromJson(readJsonText(text.slice(opening[0].length, schemaEnd)), this.#decoding);
      envelope = {
        prefix: new Literal(prefix),
        schema,
        template: JsonTemplate.of(schema, this.#decoding),
        payload: new JsonDocument(compileJsonDecoder(schema, this.#decoding), hasTemporal(schema)),
      };
      this.#remember(prefix, envelope);
    }
    this.#recent.unshift(envelope);
    if (this.#recent.length > recentLimit) this.#recent.pop();
    return envelope;
  }

  #remember(prefix: string, envelope: Envelope): void {
    if (this.#known.size >= this.#limit) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(prefix, envelope);
  }

  #readExactly(bytes: Uint8Array): SchemaAndValue {
    const node = readJson(bytes);
    if (
      !isJsonObject(node) ||
      Object.keys(node).length !== 2 ||
      node.schema === undefined ||
      node.payload === undefined
    ) {
      throw new DataError(
        'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields.' +
          ' If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.',
      );
    }
    const schema = schemaFromJson(node.schema, this.#decoding);
    allowFields(bytes.length);
    return { schema, value: compileJsonDecoder(schema, this.#decoding)(node.payload) };
  }
}
