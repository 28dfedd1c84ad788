import { ConnectError } from '../errors.ts';
import {
  type ConnectorOffset,
  NotPrimitive,
  type OffsetField,
  type OffsetFields,
} from '../herder/connector-offsets.ts';
import type { ConfigInput } from '../herder/herder.ts';
import { JsonNumber, type JsonObject, type JsonValue } from './json-body.ts';

/** Bodies as requests give them, read as Jackson reads Java's: scalars become text, unknown fields are refused. */

export const badRequest = (message: string) => new ConnectError('request.invalid', message);

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

/** An object with no other fields than these. */
export function readObject(value: JsonValue, what: string, fields: readonly string[]): JsonObject {
  if (!isObject(value)) throw badRequest(`The ${what} must be a JSON object`);
  for (const field of value.keys()) {
    if (!fields.includes(field)) {
      throw badRequest(`Unrecognized field "${field}" in the ${what}, known are: ${fields.join(', ')}`);
    }
  }
  return value;
}

/** A scalar as text; null stays null. */
export function readText(value: JsonValue | undefined, what: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || value instanceof JsonNumber) return String(value);
  throw badRequest(`The ${what} must be a string`);
}

export function readConfig(value: JsonValue | undefined, what = 'connector configuration'): ConfigInput {
  if (!isObject(value)) throw badRequest(`The ${what} must be a JSON object of strings`);
  return Object.fromEntries([...value].map(([key, entry]) => [key, readText(entry, `value of "${key}"`)]));
}

export function readOffsets(value: JsonValue): ConnectorOffset[] {
  const offsets = readObject(value, 'request body', ['offsets']).get('offsets') ?? null;
  if (offsets === null) return [];
  if (!Array.isArray(offsets)) throw badRequest('The "offsets" must be a list');
  return offsets.map((entry: JsonValue) => {
    const fields = readObject(entry, 'entry of "offsets"', ['partition', 'offset']);
    return { partition: readFields(fields.get('partition')), offset: readFields(fields.get('offset')) };
  });
}

function readFields(value: JsonValue | undefined): OffsetFields | null {
  if (value === undefined || value === null) return null;
  if (!isObject(value)) throw badRequest('A "partition" and an "offset" must be JSON objects or null');
  return new Map([...value].map(([key, field]) => [key, readField(field)]));
}

const largestLong = 2n ** 63n;

function readField(value: JsonValue): OffsetField {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (value instanceof JsonNumber) return readNumber(value.text);
  if (Array.isArray(value)) return new NotPrimitive('ARRAY', javaText(value));
  return new NotPrimitive('MAP', javaText(value));
}

/** As Java prints lists and maps, for messages that quote what was sent. */
function javaText(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(javaText).join(', ')}]`;
  if (isObject(value)) return `{${[...value].map(([key, entry]) => `${key}=${javaText(entry)}`).join(', ')}}`;
  return String(value);
}

function readNumber(text: string): OffsetField {
  if (!/^-?[0-9]+$/.test(text)) return Number(text);
  const integer = BigInt(text);
  return integer >= largestLong || integer < -largestLong
    ? new NotPrimitive('class java.math.BigInteger', integer.toString())
    : integer;
}
