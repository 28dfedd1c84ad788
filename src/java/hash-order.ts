/**
 * Java Connect holds task configs in a HashMap, and writes them in its order. This is that order: buckets by the
 * string's hash, in a table grown to powers of two at three quarters full; within a bucket, as they were put in.
 */
export function javaHashOrder(keys: readonly string[]): string[] {
  let capacity = 16;
  while (keys.length > capacity * 0.75) capacity *= 2;
  const buckets = Array.from({ length: capacity }, (): string[] => []);
  for (const key of keys) {
    const hash = javaHashCode(key);
    buckets[(hash ^ (hash >>> 16)) & (capacity - 1)]?.push(key);
  }
  return buckets.flat();
}

function javaHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}
