import { Decimal } from './logical.ts';

/** Java's narrowing conversions and its reading of decimal text, exact where JavaScript's own are not. */

const longMax = 2n ** 63n - 1n;
const longMin = -(2n ** 63n);

/** `(long) d`: truncates, saturates, NaN is 0. */
export function doubleToLong(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return longMax;
  if (value <= -(2 ** 63)) return longMin;
  return BigInt(Math.trunc(value));
}

/** `(int) d`: truncates, saturates, NaN is 0. */
export function doubleToInt(value: number): number {
  if (Number.isNaN(value)) return 0;
  if (value >= 2_147_483_647) return 2_147_483_647;
  if (value <= -2_147_483_648) return -2_147_483_648;
  return Math.trunc(value) + 0;
}

/** `(byte)`, `(short)`, `(int)` of a long: the low bits. */
export function lowBits(value: bigint, bits: 8 | 16 | 32): number {
  return Number(BigInt.asIntN(bits, value));
}

/** Java's BigDecimal.longValue: the low 64 bits of the integer part. */
export function decimalToLong(value: Decimal): bigint {
  return value.scale <= -64 ? 0n : lowLong(value.toBigInt());
}

export function lowLong(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** The float nearest to a decimal number, rounded once (going through a double could round twice). */
export function textToFloat(text: string): number {
  const double = Number(text);
  const float = Math.fround(double);
  if (float === double || Number.isNaN(double) || !Number.isFinite(double)) return float;
  const other = neighbour(float, double);
  const halfway = Number.isFinite(float)
    ? Math.abs(other - double) === Math.abs(double - float)
    : Math.abs(double) === floatOverflow;
  if (!halfway) return float;
  const exact = Decimal.parse(text);
  if (exact === null) return float;
  const order = compareToDouble(exact, double);
  if (order === 0) return float;
  return order > 0 ? Math.max(float, other) : Math.min(float, other);
}

const bits = new DataView(new ArrayBuffer(8));
const floatMax = 3.4028234663852886e38;
/** Half-way between the largest float and the next power of two. */
const floatOverflow = 3.4028235677973366e38;

/** The next float from `float` in the direction of `towards`. */
function neighbour(float: number, towards: number): number {
  if (!Number.isFinite(float)) return float > 0 ? floatMax : -floatMax;
  if (float === 0) return towards > 0 ? 1.401298464324817e-45 : -1.401298464324817e-45;
  bits.setFloat32(0, float);
  const away = towards > float === float > 0;
  bits.setUint32(0, bits.getUint32(0) + (away ? 1 : -1));
  return bits.getFloat32(0);
}

/** Sign of `decimal - double`, exactly. */
function compareToDouble(decimal: Decimal, double: number): number {
  bits.setFloat64(0, double);
  const raw = bits.getBigUint64(0);
  const rawExponent = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xfffffffffffffn;
  const mantissa = (rawExponent === 0 ? fraction : fraction | 0x10000000000000n) * (double < 0 ? -1n : 1n);
  const exponent = (rawExponent === 0 ? 1 : rawExponent) - 1075;
  const left = decimal.unscaled * 10n ** BigInt(Math.max(0, -decimal.scale)) * 2n ** BigInt(Math.max(0, -exponent));
  const right = mantissa * 10n ** BigInt(Math.max(0, decimal.scale)) * 2n ** BigInt(Math.max(0, exponent));
  return left < right ? -1 : left > right ? 1 : 0;
}
