/** Varint of a whole number from 0 to 2^53. */
export function writeVarint(b: Uint8Array, p: number, value: number): number {
  let rest = value;
  while (rest > 0x7fffffff) {
    const low = rest % 128;
    b[p++] = low | 0x80;
    rest = (rest - low) / 128;
  }
  while (rest > 0x7f) {
    b[p++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  b[p++] = rest;
  return p;
}

/** Varint of any 64-bit integer, negative ones as their two's complement in ten bytes. */
export function writeVarintBig(b: Uint8Array, p: number, value: bigint): number {
  const number = Number(value);
  if (number >= 0 && number < Number.MAX_SAFE_INTEGER) return writeVarint(b, p, number);
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    b[p++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  b[p++] = Number(rest);
  return p;
}
