import { DataError } from '../errors.ts';
import { calendarFromEpochMs } from '../java/calendar.ts';
import { doubleText, floatText } from '../java/number-text.ts';
import { javaClassName } from './connect-class.ts';
import { Decimal, Instant } from './logical.ts';
import type { Schema } from './schema.ts';
import { Float32, Float64, isWrapper } from './schemaless.ts';
import { Struct } from './struct.ts';

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
