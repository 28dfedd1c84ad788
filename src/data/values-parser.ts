import { DataError } from '../errors.ts';
import { calendarToEpochMs } from '../java/calendar.ts';
import { Decimal, Instant } from './logical.ts';
import { KeyInterner } from './map-key.ts';
import { textToFloat } from './numbers.ts';
import type { Schema, SchemaAndValue } from './schema.ts';
import {
  BOOLEAN_SCHEMA,
  DATE_SCHEMA,
  decimalSchema,
  FLOAT32_SCHEMA,
  FLOAT64_SCHEMA,
  INT8_SCHEMA,
  INT16_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
  TIME_SCHEMA,
  TIMESTAMP_SCHEMA,
} from './schema-builder.ts';
import { refit } from './schemaless.ts';

/** Java: Values.convertTo, of a parsed element to the type that all elements have. */
export type ConvertElement = (to: Schema, value: unknown) => unknown;

/**
 * Reads a text the way SimpleHeaderConverter does: null, booleans, numbers in the narrowest type that holds them,
 * dates in ISO 8601, arrays and maps; whatever is none of these stays a string. Java: Values.ValueParser.
 */
export function parseText(text: string, convert: ConvertElement): SchemaAndValue | null {
  return parsePlain(text) ?? new ValueParser(text, convert).parse(false);
}

/** What most headers are: a word, a whole number, a boolean or a date with nothing around it; null for the rest. */
function parsePlain(text: string): SchemaAndValue | null {
  const first = text.charCodeAt(0);
  if ((first >= 0x30 && first <= 0x39) || first === 0x2d) {
    if (text.length <= 15 && /^-?\d+$/.test(text)) return wholeOf(Number(text));
    return text.length === 10 && /^\d{4}-\d\d-\d\d$/.test(text) ? parseTemporal(text) : null;
  }
  if (!/^[A-Za-z_][^\s:,{}[\]"\\]*$/.test(text) || text === 'null') return null;
  if (text === 'true') return trueValue;
  return text === 'false' ? falseValue : { schema: STRING_SCHEMA, value: text };
}

function wholeOf(value: number): SchemaAndValue {
  if ((value << 24) >> 24 === value) return { schema: INT8_SCHEMA, value: value + 0 };
  if ((value << 16) >> 16 === value) return { schema: INT16_SCHEMA, value };
  if ((value | 0) === value) return { schema: INT32_SCHEMA, value };
  return { schema: INT64_SCHEMA, value: BigInt(value) };
}

const trueValue: SchemaAndValue = { schema: BOOLEAN_SCHEMA, value: true };
const falseValue: SchemaAndValue = { schema: BOOLEAN_SCHEMA, value: false };

class ValueParser {
  readonly #tokens: Tokens;
  readonly #convert: ConvertElement;

  constructor(text: string, convert: ConvertElement) {
    this.#tokens = new Tokens(text);
    this.#convert = convert;
  }

  parse(embedded: boolean): SchemaAndValue | null {
    const tokens = this.#tokens;
    if (!tokens.hasNext()) return null;
    if (embedded && tokens.take('"')) return this.#quoted();
    if (this.#literal(embedded, 'null')) return null;
    if (this.#literal(embedded, 'true')) return trueValue;
    if (this.#literal(embedded, 'false')) return falseValue;

    const start = tokens.mark();
    try {
      if (tokens.take('[')) return this.#array();
      if (tokens.take('{')) return this.#map();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      tokens.rewind(start);
    }
    const token = tokens.next();
    return isBlank(token) ? { schema: STRING_SCHEMA, value: token } : this.#scalar(embedded, javaTrim(token));
  }

  #literal(embedded: boolean, text: string): boolean {
    const start = this.#tokens.mark();
    if (this.#tokens.take(text) && (embedded || !this.#tokens.hasNext())) return true;
    this.#tokens.rewind(start);
    return false;
  }

  #scalar(embedded: boolean, token: string): SchemaAndValue {
    const first = token[0] as string;
    const digit = /\p{Nd}/u.test(first);
    if (digit) {
      const temporal = this.#temporal(token);
      if (temporal !== null) return temporal;
    }
    if (digit || first === '+' || first === '-') {
      const decimal = Decimal.parse(token);
      if (decimal !== null) return parseNumber(decimal);
    }
    if (embedded) throw new DataError('Failed to parse embedded value');
    return { schema: STRING_SCHEMA, value: this.#tokens.text };
  }

  /** A time or timestamp is cut into five tokens by its colons. */
  #temporal(token: string): SchemaAndValue | null {
    const start = this.#tokens.mark();
    const rest = this.#tokens.nextFew(4);
    if (rest !== null) {
      const temporal = parseTemporal(token + rest);
      if (temporal !== null) return temporal;
    }
    this.#tokens.rewind(start);
    return parseTemporal(token);
  }

  #quoted(): SchemaAndValue {
    const tokens = this.#tokens;
    let content = '';
    while (tokens.hasNext() && !tokens.take('"')) content += tokens.next();
    return parseTemporal(content) ?? { schema: STRING_SCHEMA, value: content };
  }

  #array(): SchemaAndValue {
    const tokens = this.#tokens;
    const elements: (SchemaAndValue | null)[] = [];
    const common = new CommonSchema();
    while (tokens.hasNext()) {
      if (tokens.take(']')) {
        const element = common.schema;
        if (element === null) {
          const values = elements.map((item) => (item === null ? null : refit(item.schema, null, item.value)));
          return { schema: new SchemaBuilder('array').build(), value: values };
        }
        const values = elements.map((item) => aligned(element, item, this.#convert));
        return { schema: SchemaBuilder.array(element).build(), value: values };
      }
      if (tokens.take(',')) throw new DataError(`Unable to parse an empty array element: ${tokens.text}`);
      const element = this.parse(true);
      common.merge(element);
      elements.push(element);
      const position = tokens.mark();
      if (tokens.take(']')) tokens.rewind(position);
      else if (!tokens.take(',')) throw new DataError("Array elements missing ',' delimiter");
    }
    throw new DataError(
      tokens.previous === ','
        ? `Array is missing element after ',': ${tokens.text}`
        : `Array is missing terminating ']': ${tokens.text}`,
    );
  }

  #map(): SchemaAndValue {
    const tokens = this.#tokens;
    const entries: [SchemaAndValue, SchemaAndValue | null][] = [];
    const keys = new CommonSchema();
    const values = new CommonSchema();
    while (tokens.hasNext()) {
      if (tokens.take('}')) return mapOf(keys.schema, values.schema, entries, this.#convert);
      if (tokens.take(',')) throw new DataError(`Unable to parse a map entry with no key or value: ${tokens.text}`);
      const key = this.parse(true);
      if (key === null || key.value === null) {
        throw new DataError(`Map entry may not have a null key: ${tokens.text}`);
      }
      if (!tokens.take(':')) {
        throw new DataError(`Map entry is missing ':' at ${tokens.position} in ${tokens.text}`);
      }
      const value = this.parse(true);
      entries.push([key, value]);
      tokens.take(',');
      keys.merge(key);
      values.merge(value);
    }
    throw new DataError(
      tokens.previous === ','
        ? `Map is missing element after ',': ${tokens.text}`
        : `Map is missing terminating '}': ${tokens.text}`,
    );
  }
}

function mapOf(
  keySchema: Schema | null,
  valueSchema: Schema | null,
  entries: readonly [SchemaAndValue, SchemaAndValue | null][],
  convert: ConvertElement,
): SchemaAndValue {
  // Without a common key schema Java drops the common value schema too.
  const common = keySchema === null ? null : valueSchema;
  const map = new Map<unknown, unknown>();
  const keys = new KeyInterner();
  for (const [key, value] of entries) {
    const plainKey = keySchema === null ? refit(key.schema, null, key.value) : aligned(keySchema, key, convert);
    const plainValue =
      common === null
        ? value === null
          ? null
          : refit(value.schema, null, value.value)
        : aligned(common, value, convert);
    map.set(keys.intern(plainKey), plainValue);
  }
  return { schema: new SchemaBuilder('map', keySchema, common).build(), value: map };
}

function aligned(schema: Schema, item: SchemaAndValue | null, convert: ConvertElement): unknown {
  const value = item === null ? null : item.value;
  if (Array.isArray(value) || value instanceof Map) {
    convert(schema, value);
    return refit(item?.schema ?? null, schema, value);
  }
  return convert(schema, typeof value === 'number' ? refit(item?.schema ?? null, null, value) : value);
}

const byte = { min: -128n, max: 127n, schema: INT8_SCHEMA };
const short = { min: -32_768n, max: 32_767n, schema: INT16_SCHEMA };
const int = { min: -2_147_483_648n, max: 2_147_483_647n, schema: INT32_SCHEMA };
const long = { min: -(2n ** 63n), max: 2n ** 63n - 1n, schema: INT64_SCHEMA };

function parseNumber(decimal: Decimal): SchemaAndValue {
  const { scale } = decimal;
  const whole = wholeNumber(decimal);
  if (whole !== null) {
    for (const { min, max, schema } of [byte, short, int]) {
      if (whole >= min && whole <= max) return { schema, value: Number(whole) };
    }
    if (whole >= long.min && whole <= long.max) return { schema: long.schema, value: whole };
  }
  if (scale !== 0) {
    const text = decimal.toString();
    const float = textToFloat(text);
    if (Number.isFinite(float)) return { schema: FLOAT32_SCHEMA, value: float };
    const double = Number(text);
    if (Number.isFinite(double)) return { schema: FLOAT64_SCHEMA, value: double };
  }
  return { schema: decimalSchema(scale), value: decimal };
}

/** The value if it has no fraction and could be a long. */
function wholeNumber({ unscaled, scale }: Decimal): bigint | null {
  if (unscaled === 0n) return 0n;
  if (scale === 0) return unscaled;
  if (scale < 0) return scale < -18 ? null : unscaled * 10n ** BigInt(-scale);
  if (scale > unscaled.toString().length) return null;
  const power = 10n ** BigInt(scale);
  return unscaled % power === 0n ? unscaled / power : null;
}

function parseTemporal(text: string): SchemaAndValue | null {
  const token = text.includes('\\') ? text.replaceAll('\\:', ':') : text;
  switch (token.length) {
    case 10:
      return readDate(token, 'y-M-d', DATE_SCHEMA);
    case 13:
      return readDate(token, 'H:m:s.SZ', TIME_SCHEMA);
    case 24:
      return readDate(token, 'y-M-dTH:m:s.SZ', TIMESTAMP_SCHEMA);
    default:
      return null;
  }
}

/**
 * Java's lenient SimpleDateFormat: each field is any whole number after optional blanks, out-of-range fields roll
 * over, and text after the last field is ignored.
 */
function readDate(text: string, pattern: string, schema: Schema): SchemaAndValue | null {
  const fields: Record<string, number> = { y: 1970, M: 1, d: 1, H: 0, m: 0, s: 0, S: 0 };
  let at = 0;
  for (const part of pattern) {
    if (part in fields) {
      const number = readInteger(text, at);
      if (number === null) return null;
      fields[part] = number.value;
      at = number.end;
    } else if (text[at] === part) {
      at++;
    } else {
      return null;
    }
  }
  const { y, M, d, H, m, s, S } = fields as Record<'y' | 'M' | 'd' | 'H' | 'm' | 's' | 'S', number>;
  const epochMs = calendarToEpochMs({ year: y, month: M - 1, day: d, hour: H, minute: m, second: s, ms: S });
  return { schema, value: new Instant(epochMs) };
}

/** As Java's DecimalFormat reads an integer: a minus sign, digits of any script, an exponent. */
const integerText = /[ \t]*(-?)(?:(\p{Nd}+)(?:E(-?\p{Nd}+))?|(∞)|(NaN))/uy;

function readInteger(text: string, start: number): { value: number; end: number } | null {
  let at = start;
  let value = 0;
  let code = text.charCodeAt(at);
  while (code >= 0x30 && code <= 0x39) {
    value = value * 10 + code - 0x30;
    code = text.charCodeAt(++at);
  }
  const plain = at > start && at - start < 10 && code !== 0x45 && !(code > 0x7f);
  return plain ? { value, end: at } : readOddInteger(text, start);
}

function readOddInteger(text: string, start: number): { value: number; end: number } | null {
  integerText.lastIndex = start;
  const match = integerText.exec(text);
  if (match === null) return null;
  const [all, sign, digits, exponent, infinity, notANumber] = match;
  if (notANumber !== undefined) return { value: 0, end: start + all.length };
  const end = start + all.length;
  const decimal =
    infinity === undefined ? Decimal.parse(`${digits}${exponent === undefined ? '' : `E${exponent}`}`) : null;
  const size = infinity === undefined ? Math.trunc(decimal?.toNumber() ?? 0) : Number.POSITIVE_INFINITY;
  const signed = sign === '-' ? -size : size;
  return { value: toInt(signed), end };
}

/** Java's Number.intValue of a Long (wraps) or, beyond a long, of a Double (saturates). */
function toInt(value: number): number {
  if (value >= 2 ** 63) return 2_147_483_647;
  if (value < -(2 ** 63)) return -2_147_483_648;
  return Number(BigInt.asIntN(32, BigInt(value)));
}

/** The narrowest schema that all elements fit; null when there is none. */
class CommonSchema {
  schema: Schema | null = null;
  #compatible = true;

  merge(item: SchemaAndValue | null): void {
    if (item === null || item.schema === null || !this.#compatible) return;
    this.schema = this.schema === null ? item.schema : mergeSchemas(this.schema, item.schema);
    this.#compatible = this.schema !== null;
  }
}

const widening = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'];

function mergeSchemas(previous: Schema, next: Schema): Schema | null {
  if (previous.type === next.type) return next;
  const left = widening.indexOf(previous.type);
  const right = widening.indexOf(next.type);
  if (left < 0 || right < 0) return null;
  return left > right ? previous : next;
}

/** Java's String.trim: everything up to the blank. */
function javaTrim(text: string): string {
  return text.replace(/^[\0- ]+|[\0- ]+$/g, '');
}

function isBlank(text: string): boolean {
  return /^[\0- ]*$/.test(text);
}

/** Cuts a text at the delimiters `: , { } [ ] "` unless a backslash stands before them. */
class Tokens {
  readonly text: string;
  position = 0;
  previous: string | null = null;
  #next: string | null = null;

  constructor(text: string) {
    this.text = text;
  }

  mark(): number {
    return this.position - (this.#next?.length ?? 0);
  }

  rewind(position: number): void {
    this.position = position;
    this.#next = null;
    this.previous = null;
  }

  hasNext(): boolean {
    return this.#next !== null || this.position < this.text.length;
  }

  next(): string {
    this.previous = this.#next ?? this.#cut();
    this.#next = null;
    return this.previous;
  }

  /** The text of the next tokens, or null when there are not that many. */
  nextFew(count: number): string | null {
    const start = this.mark();
    for (let i = 0; i < count; i++) {
      if (!this.hasNext()) {
        this.rewind(start);
        return null;
      }
      this.next();
    }
    return this.text.slice(start, this.position);
  }

  /** Consumes the next token if it is this one, blanks around it aside. */
  take(expected: string): boolean {
    if (this.#next === null) {
      if (!this.hasNext()) return false;
      this.#next = this.#cut();
    }
    while (isBlank(this.#next) && this.position < this.text.length) this.#next = this.#cut();
    if (javaTrim(this.#next) !== expected) return false;
    this.#next = null;
    return true;
  }

  #cut(): string {
    const start = this.position;
    let escaped = false;
    for (; this.position < this.text.length; this.position++) {
      switch (this.text[this.position]) {
        case '\\':
          escaped = !escaped;
          break;
        case ':':
        case ',':
        case '{':
        case '}':
        case '[':
        case ']':
        case '"':
          if (!escaped) {
            if (start === this.position) this.position++;
            return this.text.slice(start, this.position);
          }
          escaped = false;
          break;
        default:
          escaped = false;
      }
    }
    return this.text.slice(start);
  }
}
