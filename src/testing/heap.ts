import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Struct } from '../data/struct.ts';

let collect: (() => void) | null = null;

/** Bytes that are in use after a garbage collection, buffers outside of the heap among them. */
function usedMemory(): number {
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  // What the first one finds of buffers is freed beside the program; the second one waits for that.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The largest growth of memory that it is shown; looks each time that so many bytes have gone by since it last did. */
export class MemoryWatch {
  readonly #everyBytes: number;
  /** The least that was in use: what earlier work has left may be let go of only now, and is nobody's growth. */
  #before: number;
  #since: number;
  growth = 0;

  constructor(everyBytes: number) {
    this.#everyBytes = everyBytes;
    this.#since = 0;
    this.#before = usedMemory();
  }

  passed(bytes: number): void {
    this.#since += bytes;
    if (this.#since < this.#everyBytes) return;
    this.#since = 0;
    const used = usedMemory();
    this.#before = Math.min(this.#before, used);
    this.growth = Math.max(this.growth, used - this.#before);
  }
}

const recordOverhead = 100;

/** Roughly what a record takes: its text and bytes, and something for itself. */
export function roughSize({ key, value }: { readonly key: unknown; readonly value: unknown }): number {
  return recordOverhead + sizeOf(key) + sizeOf(value);
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  const parts = value instanceof Struct ? value.values : value instanceof Map ? [...value].flat() : value;
  return Array.isArray(parts)
    ? parts.reduce((sum: number, part) => sum + sizeOf(part), recordOverhead)
    : recordOverhead;
}
