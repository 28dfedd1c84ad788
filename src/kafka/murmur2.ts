const seed = 0x9747b28c | 0;
const m = 0x5bd1e995;

/** The hash by which Java's default partitioner places keys (32 bits, signed). */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start;
  let hash = seed ^ length;
  let at = start;
  for (const stop = start + (length & ~3); at < stop; at += 4) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    hash = Math.imul(hash, m) ^ Math.imul(k, m);
  }
  const rest = length & 3;
  if (rest > 0) {
    if (rest > 2) hash ^= bytes[at + 2]! << 16;
    if (rest > 1) hash ^= bytes[at + 1]! << 8;
    hash = Math.imul(hash ^ bytes[at]!, m);
  }
  hash = Math.imul(hash ^ (hash >>> 13), m);
  return hash ^ (hash >>> 15);
}
