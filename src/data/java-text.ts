import { DataError } from '../errors.ts';
import { calendarFromEpochMs } from './java-calendar.ts';
import { javaClassName } from './java-class.ts';
import { Decimal, Instant } from './logical.ts';
import type { Schema } from './schema.ts';
import { Float32, Float64, isWrapper } from './schemaless.ts';
import { Struct } from './struct.ts';

/** Java's Double.toString since JDK 19: the shortest decimal that reads back, at least one digit on each side. */
export function doubleText(value: number): string {
  if (Number.isInteger(value) && value > -1e7 && value < 1e7) {
    return value === 0 && Object.is(value, -0) ? '-0.0' : `${value}.0`;
  }
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e7) return String(value);
  if (!Number.isFinite(value)) return String(value);
  let text = String(value);
  if (!text.includes('e')) text = value.toExponential();
  if (!text.includes('.')) {
    // One digit would do, but Java writes two; then the nearest two-digit decimal is the one to show.
    const two = value.toExponential(1);
    if (Number(two) === value) text = two;
  }
  return javaExponent(text);
}

/** Java's Float.toString since JDK 19. */
export function floatText(value: number): string {
  const float = Math.fround(value);
  if (Number.isInteger(float) && float > -1e7 && float < 1e7) return doubleText(float);
  if (!Number.isFinite(float)) return String(float);
  const size = Math.abs(float);
  const digits = shortestFloat(float);
  if (size >= 1e-3 && size < 1e7) return String(Number(digits));
  if (!/^-?\d(\.0*)?e/.test(digits)) return javaExponent(digits.replace(/\.?0+e/, 'e'));
  const two = float.toExponential(1);
  return javaExponent(Math.fround(Number(two)) === float ? two : digits);
}

/** `1.5e+21` → `1.5E21`, `1e-7` → `1.0E-7`. */
function javaExponent(text: string): string {
  const at = text.indexOf('e');
  const mantissa = text.slice(0, at);
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${text.slice(text[at + 1] === '+' ? at + 2 : at + 1)}`;
}

/** The shortest decimal that rounds to this float, in exponent notation. */
function shortestFloat(float: number): string {
  // Any six digits identify a normal float, so a shorter answer is these six without their zeros.
  const normal = Math.abs(float) >= 1.1754943508222875e-38;
  for (let fraction = normal ? 5 : 0; fraction < 9; fraction++) {
    const nearest = float.toExponential(fraction);
    if (Math.fround(Number(nearest)) === float) return evenIfHalfway(float, nearest, fraction);
    // Below a power of two the gap is half as wide: the nearest decimal may miss where the next one up still fits.
    const next = nextDecimal(nearest, fraction);
    if (Math.fround(next) === float) return next.toExponential();
  }
  return float.toExponential(8);
}

/** JavaScript rounds a tie up, Java to the even digit. */
function evenIfHalfway(float: number, nearest: string, fraction: number): string {
  const longer = float.toExponential(fraction + 1);
  if (!longer.includes('5e') || Number(longer) !== float || !/[13579]e/.test(nearest)) return nearest;
  const down = longer.replace('5e', 'e').replace('.e', 'e');
  return Math.fround(Number(down)) === float ? down : nearest;
}

function nextDecimal(text: string, fraction: number): number {
  const [mantissa = '', exponent = ''] = text.split('e');
  const negative = mantissa.startsWith('-');
  const digits = BigInt(mantissa.replace(/[-.]/g, '')) + 1n;
  return Number(`${negative ? '-' : ''}${digits}e${Number(exponent) - fraction}`);
}

/** What Java's `toString` gives; `schema` is the value's, or null. */
export function javaText(schema: Schema | null, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return numberText(schema, value);
  }
  if (value instanceof Struct) return structText(value);
  if (Array.isArray(value)) {
    const element = schema?.type === 'array' ? schema.valueSchema : null;
    return `[${value.map((item) => javaText(element, item)).join(', ')}]`;
  }
  if (value instanceof Map) {
    const keys = schema?.type === 'map' ? schema.keySchema : null;
    const values = schema?.type === 'map' ? schema.valueSchema : null;
    const entries = [...value].map(([key, item]) => `${javaText(keys, key)}=${javaText(values, item)}`);
    return `{${entries.join(', ')}}`;
  }
  if (value instanceof Decimal) return value.toString();
  if (value instanceof Instant) return dateText(value);
  if (value instanceof Uint8Array) return '[B@0';
  if (value instanceof Float32) return floatText(value.value);
  if (value instanceof Float64) return doubleText(value.value);
  if (isWrapper(value)) return String(value.value);
  throw new DataError(`Cannot print a value of ${javaClassName(schema, value)}`);
}

export function numberText(schema: Schema | null, value: number): string {
  switch (schema?.type) {
    case 'int8':
    case 'int16':
    case 'int32':
      return String(value);
    case 'float32':
      return floatText(value);
    default:
      return doubleText(value);
  }
}

function structText(struct: Struct): string {
  const parts: string[] = [];
  for (const { name, index, schema } of struct.schema.fields) {
    const value = struct.values[index] ?? null;
    if (value !== null) parts.push(`${name}=${javaText(schema, value)}`);
  }
  return `Struct{${parts.join(',')}}`;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Java's Date.toString in UTC. */
function dateText(value: Instant): string {
  const at = calendarFromEpochMs(value.safe ? value.epochMs : value.exactMs);
  const two = (n: number) => String(n).padStart(2, '0');
  const year = at.year > 0 ? at.year : 1 - at.year;
  return `${weekdays[at.weekday]} ${months[at.month]} ${two(at.day)} ${two(at.hour)}:${two(at.minute)}:${two(at.second)} UTC ${year}`;
}
