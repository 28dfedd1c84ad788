import {
  atJsonPointer,
  BYTES_SCHEMA,
  DataError,
  type Header,
  type Headers,
  INT32_SCHEMA,
  type JsonPointer,
  readWholeSchemaless,
  type SourceOffset,
  type SourcePartition,
  SourceRecord,
  STRING_SCHEMA,
  splitJsonArray,
} from '../../src/api/index.ts';
import { type ContentType, textOf } from './body.ts';
import { Refusal } from './refusal.ts';

/** How a body becomes records. */
export interface RecordRules {
  readonly topic: string;
  readonly value: 'json' | 'string' | 'bytes';
  readonly split: 'none' | 'array' | 'lines';
  readonly splitPointer: JsonPointer;
  readonly most: number;
  readonly keyPointer: JsonPointer | null;
  /** In lower case, as those below. */
  readonly keyHeader: string | null;
  readonly keyRequired: boolean;
  readonly idPointer: JsonPointer | null;
  readonly idHeader: string | null;
  /** Names as records have them. */
  readonly headers: readonly string[];
}

/** What is told of a request beside its body. */
export interface RequestFacts {
  readonly headers: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** Epoch milliseconds; the time of the records. */
  readonly receivedAt: number | null;
  readonly contentType: ContentType;
}

/**
 * What cannot be read, or lacks its key, is an unreadable record among the others (400, 422 for who sends it). Throws
 * Refusal for what no policy lets pass: 413 for too many, 415 for a charset that is not known.
 */
export function recordsOf(body: Buffer, facts: RequestFacts, rules: RecordRules, partition: SourcePartition) {
  const headers = sharedHeaders(facts, rules);
  const offset = { request: facts.requestId };
  const unreadable = (refusal: Refusal, raw: Buffer, own: Headers = headers) =>
    SourceRecord.unreadable(
      new DataError(refusal.message, { cause: refusal }),
      partition,
      offset,
      rules.topic,
      null,
      raw,
      own,
    );
  const pieces = withinContent(
    () => piecesOf(body, facts.contentType, rules),
    (refusal) => refusal,
  );
  if (pieces instanceof Refusal) return [unreadable(pieces, body)];
  return pieces.map((piece, index) => {
    const indexed: Headers =
      rules.split === 'none' ? headers : [...headers, { key: 'webhook.index', schema: INT32_SCHEMA, value: index }];
    return withinContent(
      () => recordOf(piece, { facts, rules, index, headers: indexed, partition, offset }),
      (refusal) => unreadable(refusal, rawOf(piece, body), indexed),
    );
  });
}

function withinContent<T, R>(make: () => T, refused: (refusal: Refusal) => R): T | R {
  try {
    return make();
  } catch (error) {
    if (error instanceof Refusal && error.ofContent) return refused(error);
    throw error;
  }
}

function recordOf(
  piece: Piece,
  about: {
    readonly facts: RequestFacts;
    readonly rules: RecordRules;
    readonly index: number;
    readonly headers: Headers;
    readonly partition: SourcePartition;
    readonly offset: SourceOffset;
  },
): SourceRecord {
  const { facts, rules, index, headers, partition, offset } = about;
  const { schema, value } = valueOfPiece(piece, rules, index);
  // Only what a pointer asks for is parsed, when the value itself is taken as it is.
  const json = rules.value === 'json' ? () => value : once(() => parsed(textOfPiece(piece, facts), rules, index));
  const id = idOf(rules, facts, json);
  const key = keyOf(rules, facts, json, index);
  return new SourceRecord(
    partition,
    offset,
    rules.topic,
    null,
    key === null ? null : STRING_SCHEMA,
    key,
    schema,
    value,
    facts.receivedAt,
    id === null ? headers : [{ key: 'webhook.id', schema: STRING_SCHEMA, value: id }, ...headers],
  );
}

/** A body that does not come to be records, as it came. */
export function unreadableBody(
  error: Error,
  body: Buffer,
  facts: Pick<RequestFacts, 'headers' | 'requestId'>,
  rules: RecordRules,
  partition: SourcePartition,
): SourceRecord {
  const offset = { request: facts.requestId };
  return SourceRecord.unreadable(error, partition, offset, rules.topic, null, body, sharedHeaders(facts, rules));
}

/** A parsed value, a text, or bytes, as the rules want the value; those to be parsed still are texts. */
type Piece = { readonly json: unknown } | { readonly text: string } | { readonly bytes: Buffer };

function piecesOf(body: Buffer, contentType: ContentType, rules: RecordRules): Piece[] {
  const pieces = split(body, contentType, rules);
  if (pieces.length > rules.most) {
    throw new Refusal(
      413,
      `The request has ${pieces.length} records, this hook takes ${rules.most}: send fewer at once (the setting is http.record.max)`,
    );
  }
  return pieces;
}

function split(body: Buffer, contentType: ContentType, rules: RecordRules): Piece[] {
  const { value } = rules;
  switch (rules.split) {
    case 'none':
      return value === 'bytes' ? [{ bytes: body }] : [{ text: textOf(body, contentType) }];
    case 'lines':
      return value === 'bytes' ? linesOf(body) : linesOfText(textOf(body, contentType));
    case 'array': {
      const text = textOf(body, contentType);
      if (rules.splitPointer.length > 0) return elementsOf(text, rules.splitPointer).map((json) => ({ json }));
      const elements = readable(() => splitJsonArray(text), 'The body', 'no JSON array');
      return elements.map((element) => (value === 'bytes' ? { bytes: Buffer.from(element) } : { text: element }));
    }
  }
}

function elementsOf(text: string, pointer: JsonPointer): readonly unknown[] {
  const found = atJsonPointer(
    readable(() => readJson(text), 'The body'),
    pointer,
  );
  if (Array.isArray(found)) return found;
  throw new Refusal(400, `What is at /${pointer.join('/')} in the body is no JSON array: send one there`);
}

/** Blank lines are left out; a line may end with CR LF. */
function linesOfText(text: string): Piece[] {
  return text
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    .filter((line) => line.trim() !== '')
    .map((line) => ({ text: line }));
}

function linesOf(body: Buffer): Piece[] {
  const lines: Piece[] = [];
  for (let from = 0; from < body.length; ) {
    const found = body.indexOf(0x0a, from);
    const end = found < 0 ? body.length : found;
    const line = body.subarray(from, end > from && body[end - 1] === 0x0d ? end - 1 : end);
    if (line.some((byte) => byte !== 0x20 && byte !== 0x09)) lines.push({ bytes: line });
    from = end + 1;
  }
  return lines;
}

function valueOfPiece(piece: Piece, rules: RecordRules, index: number) {
  if ('json' in piece) return { schema: null, value: piece.json };
  if ('bytes' in piece) return { schema: BYTES_SCHEMA, value: piece.bytes };
  if (rules.value === 'json') return { schema: null, value: parsed(piece.text, rules, index) };
  return { schema: STRING_SCHEMA, value: piece.text };
}

/** For the dead letter: of an element inside a body that is the body, in which it is as it was written. */
function rawOf(piece: Piece, body: Buffer): Buffer {
  if ('bytes' in piece) return piece.bytes;
  return 'text' in piece ? Buffer.from(piece.text) : body;
}

function textOfPiece(piece: Piece, facts: RequestFacts): string {
  if ('text' in piece) return piece.text;
  return 'bytes' in piece ? textOf(piece.bytes, facts.contentType) : '';
}

function parsed(text: string, rules: RecordRules, index: number): unknown {
  return readable(() => readJson(text), placeOf(rules, index));
}

const placeOf = (rules: RecordRules, index: number) =>
  rules.split === 'none' ? 'The body' : `Record ${index + 1} of the body`;

function readJson(text: string): unknown {
  if (text.trim() === '') throw new DataError('it is empty');
  const bytes = Buffer.from(text);
  return readWholeSchemaless(bytes, 0, bytes.length);
}

function readable<T>(read: () => T, place: string, what = 'no JSON'): T {
  try {
    return read();
  } catch (cause) {
    throw new Refusal(400, `${place} is ${what}: ${(cause as Error).message}`, { cause });
  }
}

function sharedHeaders({ headers }: Pick<RequestFacts, 'headers'>, rules: RecordRules): Header[] {
  return rules.headers.flatMap((name) => {
    const value = headers[name.toLowerCase()];
    return value === undefined ? [] : [{ key: name, schema: STRING_SCHEMA, value }];
  });
}

function keyOf(rules: RecordRules, facts: RequestFacts, json: () => unknown, index: number): string | null {
  const { keyHeader, keyPointer } = rules;
  const found =
    keyHeader !== null ? facts.headers[keyHeader] : keyPointer !== null ? atJsonPointer(json(), keyPointer) : undefined;
  const key = scalarText(found);
  if (key === undefined) {
    throw new Refusal(
      422,
      `${placeOf(rules, index)} has an object or an array where its key is read from: http.record.key.pointer must lead to a text or a number`,
    );
  }
  if (key === null && rules.keyRequired) {
    const where = keyHeader === null ? `at /${keyPointer?.join('/') ?? ''}` : `in the header ${keyHeader}`;
    throw new Refusal(422, `${placeOf(rules, index)} has no key: send it ${where}`);
  }
  return key;
}

function idOf(rules: RecordRules, facts: RequestFacts, json: () => unknown): string | null {
  if (rules.idHeader !== null) return facts.headers[rules.idHeader] ?? null;
  return rules.idPointer === null ? null : (scalarText(atJsonPointer(json(), rules.idPointer)) ?? null);
}

/** Null where there is nothing, undefined for what has no text of its own. */
function scalarText(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? undefined : String(value);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
