import { createRequire } from 'node:module';

export type Crc32c = (bytes: Uint8Array) => number;

/**
 * The checksum of record batches: in native code where the machine has it installed, and without the copy that the
 * client library makes of every batch. A function's bundle goes without native modules and takes the library's
 * WebAssembly.
 */
export async function loadCrc32c(): Promise<Crc32c> {
  try {
    // Out of the bundler's sight: it would want to carry every platform's binary.
    const native: { readonly crc32c: Crc32c } = createRequire(import.meta.url)('@node-rs/crc32');
    return (bytes) => native.crc32c(bytes);
  } catch {
    return (await import('./library.ts')).crc32c;
  }
}
