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
