import { DataError } from '../errors.ts';
import { MS_PER_DAY } from '../java/calendar.ts';
import { javaDigits } from '../java/text.ts';
import type { Schema } from './schema.ts';

export const DECIMAL_NAME = 'org.apache.kafka.connect.data.Decimal';
export const DATE_NAME = 'org.apache.kafka.connect.data.Date';
export const TIME_NAME = 'org.apache.kafka.connect.data.Time';
export const TIMESTAMP_NAME = 'org.apache.kafka.connect.data.Timestamp';
export const DECIMAL_SCALE = 'scale';

/** What a Date, Time or Timestamp schema holds: milliseconds since 1970-01-01T00:00Z, any 64-bit number of them. */
export class Instant {
  /** Epoch milliseconds; rounded when beyond ±2^53, where only `exactMs` is right. */
  readonly epochMs: number;
  readonly #exact: bigint | null;

  constructor(epochMs: number | bigint) {
    if (typeof epochMs === 'number') {
      this.epochMs = epochMs;
      this.#exact = null;
    } else {
      const exact = BigInt.asIntN(64, epochMs);
      this.epochMs = Number(exact);
      this.#exact = Number.isSafeInteger(this.epochMs) ? null : exact;
    }
  }

  get exactMs(): bigint {
    return this.#exact ?? BigInt(this.epochMs);
  }

  equals(other: unknown): boolean {
    return other instanceof Instant && this.epochMs === other.epochMs && this.#exact === other.#exact;
  }

  /** True when `epochMs` is exact. */
  get safe(): boolean {
    return this.#exact === null;
  }
}

const decimalText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,10}))?$/;

/** An exact decimal: `unscaled` × 10^-`scale`. Java: BigDecimal. */
export class Decimal {
  readonly unscaled: bigint;
  readonly scale: number;

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled;
    this.scale = scale;
  }

  /** Reads what Java's `new BigDecimal(String)` reads; null for anything else. */
  static parse(text: string): Decimal | null {
    const parts = decimalText.exec(javaDigits(text));
    if (parts === null) return null;
    const whole = parts[2] as string;
    const fraction = parts[3] ?? '';
    if (whole.length + fraction.length === 0) return null;
    const exponent = Number(parts[4] ?? 0);
    const scale = fraction.length - exponent;
    if (!isInt32(exponent) || !isInt32(scale)) return null;
    const digits = BigInt(whole + fraction);
    return new Decimal(parts[1] === '-' ? -digits : digits, scale === 0 ? 0 : scale);
  }

  /** Big-endian two's complement of the unscaled value, as few bytes as possible. */
  static fromBytes(bytes: Uint8Array, scale: number): Decimal {
    if (bytes.length === 0) throw new DataError('Zero length BigInteger');
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
    return new Decimal(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)), scale);
  }

  toBytes(): Uint8Array {
    const magnitude = this.unscaled < 0n ? -this.unscaled - 1n : this.unscaled;
    const bits = magnitude === 0n ? 0 : magnitude.toString(2).length;
    const length = (bits >> 3) + 1;
    const hex = BigInt.asUintN(length * 8, this.unscaled).toString(16);
    return Buffer.from(hex.padStart(length * 2, '0'), 'hex');
  }

  equals(other: unknown): boolean {
    return other instanceof Decimal && this.unscaled === other.unscaled && this.scale === other.scale;
  }

  /** Nearest double. */
  toNumber(): number {
    return Number(this.toString());
  }

  /** The integer part, rounded towards zero. */
  toBigInt(): bigint {
    if (this.scale === 0 || this.unscaled === 0n) return this.unscaled;
    if (this.scale < 0) return this.unscaled * 10n ** BigInt(-this.scale);
    if (this.scale > this.unscaled.toString().length) return 0n;
    return this.unscaled / 10n ** BigInt(this.scale);
  }

  /** Equal as numbers, whatever the scales. */
  compareTo(other: Decimal): number {
    const scale = Math.max(this.scale, other.scale);
    const left = this.unscaled * 10n ** BigInt(scale - this.scale);
    const right = other.unscaled * 10n ** BigInt(scale - other.scale);
    return left < right ? -1 : left > right ? 1 : 0;
  }

  /** Java's BigDecimal.toString: scientific notation when the scale is negative or the number very small. */
  toString(): string {
    const negative = this.unscaled < 0n;
    const digits = (negative ? -this.unscaled : this.unscaled).toString();
    if (this.scale === 0) return negative ? `-${digits}` : digits;
    const adjusted = digits.length - 1 - this.scale;
    if (this.scale > 0 && adjusted >= -6) return this.toPlainString();
    const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    const exponent = adjusted === 0 ? '' : `E${adjusted > 0 ? '+' : ''}${adjusted}`;
    return `${negative ? '-' : ''}${mantissa}${exponent}`;
  }

  toPlainString(): string {
    const negative = this.unscaled < 0n;
    let digits = (negative ? -this.unscaled : this.unscaled).toString();
    if (this.scale > 0) {
      digits = digits.padStart(this.scale + 1, '0');
      digits = `${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`;
    } else if (this.scale < 0 && this.unscaled !== 0n) {
      digits += '0'.repeat(-this.scale);
    }
    return negative ? `-${digits}` : digits;
  }
}

/** Decimal, Date, Time and Timestamp in the plain type of their schema, and back. Java: fromLogical, toLogical. */
export function decimalScale(schema: Schema): number {
  const text = schema.parameters?.get(DECIMAL_SCALE);
  if (text === undefined) throw new DataError('Invalid Decimal schema: scale parameter not found.');
  if (!/^[+-]?\d+$/.test(text) || !isInt32(Number(text))) {
    throw new DataError('Invalid scale parameter found in Decimal schema: ');
  }
  return Number(text);
}

export function decimalToBytes(schema: Schema, value: Decimal): Uint8Array {
  const scale = decimalScale(schema);
  if (value.scale !== scale) {
    throw new DataError(
      `Decimal value has mismatching scale for given Decimal schema. Schema has scale ${scale}, value has scale ${value.scale}.`,
    );
  }
  return value.toBytes();
}

export function decimalFromBytes(schema: Schema, bytes: Uint8Array): Decimal {
  return Decimal.fromBytes(bytes, decimalScale(schema));
}

/** Days since the epoch. */
export function dateToInt(value: Instant): number {
  if (!value.safe ? value.exactMs % BigInt(MS_PER_DAY) !== 0n : value.epochMs % MS_PER_DAY !== 0) {
    throw new DataError('Kafka Connect Date type should not have any time fields set to non-zero values.');
  }
  return value.safe ? (value.epochMs / MS_PER_DAY) | 0 : Number(BigInt.asIntN(32, value.exactMs / BigInt(MS_PER_DAY)));
}

export function dateFromInt(days: number): Instant {
  return new Instant(days * MS_PER_DAY);
}

/** Milliseconds since midnight. */
export function timeToInt(value: Instant): number {
  if (value.epochMs < 0 || value.epochMs > MS_PER_DAY) {
    throw new DataError('Kafka Connect Time type should not have any date fields set to non-zero values.');
  }
  return value.epochMs;
}

export function timeFromInt(ms: number): Instant {
  if (ms < 0 || ms > MS_PER_DAY) {
    throw new DataError('Time values must use number of milliseconds greater than 0 and less than 86400000');
  }
  return new Instant(ms);
}

function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= -2_147_483_648 && value <= 2_147_483_647;
}
