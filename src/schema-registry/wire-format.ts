import { SerializationError } from '../errors.ts';

/**
 * Confluent's framing: magic byte 0, the schema's id as four bytes big-endian, for Protobuf the message's index path,
 * then the payload.
 */
export const headerLength = 5;

export function writeHeader(into: Uint8Array, at: number, id: number): void {
  into[at] = 0;
  into[at + 1] = id >>> 24;
  into[at + 2] = id >>> 16;
  into[at + 3] = id >>> 8;
  into[at + 4] = id;
}

/** The schema id at `start`; negative for bytes that are not in this framing (the caller raises `badHeader`). */
export function readSchemaId(buffer: Uint8Array, start: number, end: number): number {
  if (end - start < headerLength || buffer[start] !== 0) return -1;
  return (
    ((buffer[start + 1]! << 24) | (buffer[start + 2]! << 16) | (buffer[start + 3]! << 8) | buffer[start + 4]!) >>> 0
  );
}

export function badHeader(buffer: Uint8Array, start: number, end: number): SerializationError {
  if (end - start < headerLength) {
    return new SerializationError(
      `Invalid payload: ${end - start} bytes are too few for a schema registry header of ${headerLength}`,
    );
  }
  return new SerializationError(`Unknown magic byte 0x${buffer[start]!.toString(16).padStart(2, '0')}: expected 0x00`);
}

/** A message's path in its file, as zigzag varints; the common path [0] is the single byte 0. */
export function encodeMessageIndexes(path: readonly number[]): Uint8Array {
  if (path.length === 1 && path[0] === 0) return Uint8Array.of(0);
  const bytes: number[] = [];
  for (const part of [path.length, ...path]) {
    let rest = part * 2;
    while (rest > 0x7f) {
      bytes.push((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

/** The path and the position after it. */
export function readMessageIndexes(
  buffer: Uint8Array,
  start: number,
  end: number,
): { path: number[]; position: number } {
  let position = start;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (position >= end) throw new SerializationError('Invalid payload: it ends within the message indexes');
      const byte = buffer[position++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new SerializationError('Invalid payload: a message index is longer than 32 bits');
  };
  const length = next();
  if (length === 0) return { path: [0], position };
  if (length < 0 || length > end - position) throw new SerializationError(`Invalid message index count ${length}`);
  const path: number[] = [];
  for (let i = 0; i < length; i++) path.push(next());
  return { path, position };
}
