import { Decimal, Instant } from '../../../data/logical.ts';
import { DataError } from '../../../errors.ts';
import { MS_PER_DAY } from '../../../java/calendar.ts';
import { instantOf, typeName, writeRaw } from '../../../schema-registry/sink.ts';
import type { Source } from './source.ts';
import { writeVarint, writeVarintBig } from './varint.ts';

/** The messages behind Connect's logical types: what stands inside their length. */

/** confluent.type.Decimal: unscaled bytes, precision, scale. */
export function writeDecimal(b: Buffer, p: number, value: unknown): number {
  if (!(value instanceof Decimal)) {
    throw new DataError(`Invalid type for Decimal, expected BigDecimal but was ${typeName(value)}`);
  }
  const bytes = value.toBytes();
  b[p] = 0x0a;
  p = writeRaw(b, writeVarint(b, p + 1, bytes.length), bytes);
  const digits = value.unscaled.toString().replace('-', '').length;
  p = writeIfSet(b, p, 2, digits);
  return writeIfSet(b, p, 3, value.scale);
}

function writeIfSet(b: Buffer, p: number, field: number, value: number): number {
  if (value === 0) return p;
  b[p] = field * 8;
  return value > 0 ? writeVarint(b, p + 1, value) : writeVarintBig(b, p + 1, BigInt(value));
}

export function writeDate(b: Buffer, p: number, value: unknown): number {
  const instant = instantOf(value, 'Date');
  if (!instant.safe || instant.epochMs % MS_PER_DAY !== 0) {
    throw new DataError('Kafka Connect Date type should not have any time fields set to non-zero values.');
  }
  const date = new Date(instant.epochMs);
  if (Number.isNaN(date.getTime())) throw new DataError('The date is out of the range of google.type.Date');
  p = writeIfSet(b, p, 1, date.getUTCFullYear());
  p = writeIfSet(b, p, 2, date.getUTCMonth() + 1);
  return writeIfSet(b, p, 3, date.getUTCDate());
}

export function writeTime(b: Buffer, p: number, value: unknown): number {
  const { epochMs } = instantOf(value, 'Time');
  if (epochMs < 0 || epochMs > MS_PER_DAY) {
    throw new DataError('Time values must use number of millis greater than 0 and less than 86400000');
  }
  p = writeIfSet(b, p, 1, Math.floor(epochMs / 3_600_000) % 24);
  p = writeIfSet(b, p, 2, Math.floor(epochMs / 60_000) % 60);
  p = writeIfSet(b, p, 3, Math.floor(epochMs / 1000) % 60);
  return writeIfSet(b, p, 4, (epochMs % 1000) * 1_000_000);
}

export function writeTimestamp(b: Buffer, p: number, value: unknown): number {
  const instant = instantOf(value, 'Timestamp');
  if (instant.safe) {
    const seconds = Math.floor(instant.epochMs / 1000);
    p = writeIfSet(b, p, 1, seconds);
    return writeIfSet(b, p, 2, (instant.epochMs - seconds * 1000) * 1_000_000);
  }
  const ms = instant.exactMs;
  const nanos = Number(((ms % 1000n) + 1000n) % 1000n);
  b[p] = 8;
  p = writeVarintBig(b, p + 1, (ms - BigInt(nanos)) / 1000n);
  return writeIfSet(b, p, 2, nanos * 1_000_000);
}

/** Fields 1 to 4 of a message of numbers; bytes for a decimal's first. */
function readNumbers(source: Source): { numbers: bigint[]; bytes: Uint8Array } {
  const numbers = [0n, 0n, 0n, 0n, 0n];
  let bytes: Uint8Array = new Uint8Array(0);
  while (source.more()) {
    const tag = source.varint();
    const field = tag >>> 3;
    if ((tag & 7) === 0 && field > 0 && field < 5) numbers[field] = source.varintBig();
    else if ((tag & 7) === 2 && field === 1) bytes = source.bytes();
    else source.skip(tag & 7);
  }
  return { numbers, bytes };
}

export function readDecimal(source: Source): Decimal {
  const { numbers, bytes } = readNumbers(source);
  const scale = Number(BigInt.asIntN(32, numbers[3]!));
  return bytes.length === 0 ? new Decimal(0n, scale) : Decimal.fromBytes(bytes, scale);
}

export function readDate(source: Source): Instant {
  const [, year, month, day] = readNumbers(source).numbers.map((n) => Number(BigInt.asIntN(32, n))) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new DataError(`google.type.Date ${year}-${month}-${day} is not a date`);
  }
  return new Instant(date.getTime());
}

export function readTime(source: Source): Instant {
  const [, hours, minutes, seconds, nanos] = readNumbers(source).numbers.map((n) => Number(BigInt.asIntN(32, n))) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const fits =
    hours >= 0 &&
    hours < 24 &&
    minutes >= 0 &&
    minutes < 60 &&
    seconds >= 0 &&
    seconds < 60 &&
    nanos >= 0 &&
    nanos < 1e9;
  if (!fits) throw new DataError(`google.type.TimeOfDay ${hours}:${minutes}:${seconds}.${nanos} is not a time`);
  return new Instant(((hours * 60 + minutes) * 60 + seconds) * 1000 + Math.floor(nanos / 1_000_000));
}

export function readTimestamp(source: Source): Instant {
  const { numbers } = readNumbers(source);
  const seconds = BigInt.asIntN(64, numbers[1]!);
  const ms = seconds * 1000n + BigInt(Math.floor(Number(BigInt.asIntN(32, numbers[2]!)) / 1_000_000));
  return new Instant(Number.isSafeInteger(Number(ms)) ? Number(ms) : ms);
}
