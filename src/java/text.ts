/** Small text rules in which Java and JavaScript differ. */

/** Java's String.trim: takes off everything up to U+0020, and nothing else. */
export function javaTrim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end);
}

const decimal = /^[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)$/;
const hexadecimal = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)[fFdD]?$/;

/** Java's Double.parseDouble, hexadecimal form and type suffix included; null for what it refuses. */
export function parseJavaDouble(text: string): number | null {
  const trimmed = javaTrim(text);
  if (decimal.test(trimmed))
    return Number(/(?:NaN|Infinity)$/.test(trimmed) ? trimmed : trimmed.replace(/[fFdD]$/, ''));
  const hex = hexadecimal.exec(trimmed);
  if (hex === null) return null;
  const [, sign, whole, fraction, exponent] = hex;
  const digits = `${whole}${fraction}`;
  if (digits === '') return null;
  const magnitude = Number(BigInt(`0x${digits}`)) * 2 ** (Number(exponent) - 4 * fraction!.length);
  return sign === '-' ? -magnitude : magnitude;
}

/** Decimal digits of every script as ASCII, for Java's integer parsers take them all. */
export function javaDigits(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text;
  return text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0)!;
    let zero = code;
    while (code - zero < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero--;
    return String(code - zero);
  });
}
