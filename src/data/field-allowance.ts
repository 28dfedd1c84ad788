import { DataError } from '../errors.ts';

/**
 * An empty struct is a few bytes of a payload, however many fields it has in memory. A payload may fill so many fields
 * at once, and some more per byte: far more than data has, and not so many that one record takes a minute or the heap.
 */
const atOnce = 1_000_000;
const perByte = 8;

// Conversion is synchronous: one payload is read at a time.
let left = Number.POSITIVE_INFINITY;

/** Before a payload of so many bytes is read. */
export function allowFields(bytes: number): void {
  left = atOnce + perByte * bytes;
}

/** For each struct that is read. Throws DataError. */
export function fillFields(count: number): void {
  left -= count;
  if (left < 0) throw new DataError('The structs of this record have far more fields than the record has bytes');
}
