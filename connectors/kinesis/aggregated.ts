import { createHash } from 'node:crypto';

/**
 * Amazon's producer library puts several records into one of the stream: four bytes of magic, a protobuf message, and the
 * MD5 of the message. What does not fit in any of these is a record like others.
 *
 * The message: 1 = partition keys, 2 = hash keys, 3 = records; a record: 1 = index of its partition key, 2 = of its hash
 * key, 3 = data, 4 = tags.
 */
export interface UserRecord {
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

const magic = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
const digestBytes = 16;

/** The records within; null: it holds none. */
export function splitAggregated(data: Uint8Array): UserRecord[] | null {
  if (data.length < magic.length + digestBytes || !magic.equals(data.subarray(0, magic.length))) return null;
  const message = data.subarray(magic.length, data.length - digestBytes);
  const digest = data.subarray(data.length - digestBytes);
  if (!createHash('md5').update(message).digest().equals(digest)) return null;
  const keys: string[] = [];
  const records: { key: number | null; data: Uint8Array | null }[] = [];
  const isWhole = eachField(message, (field, value) => {
    if (field === 1 && typeof value === 'object') keys.push(Buffer.from(value).toString('utf8'));
    if (field !== 3) return true;
    if (typeof value !== 'object') return false;
    const record: { key: number | null; data: Uint8Array | null } = { key: null, data: null };
    records.push(record);
    return eachField(value, (inner, part) => {
      if (inner === 1 && typeof part === 'number') record.key = part;
      if (inner === 3 && typeof part === 'object') record.data = part;
      return true;
    });
  });
  if (!isWhole) return null;
  const found: UserRecord[] = [];
  for (const { key, data: part } of records) {
    const partitionKey = key === null ? undefined : keys[key];
    if (partitionKey === undefined || part === null) return null;
    found.push({ partitionKey, data: part });
  }
  return found.length === 0 ? null : found;
}

/** False: it is no message of protobuf, or `take` says that a field is wrong. */
function eachField(message: Uint8Array, take: (field: number, value: number | Uint8Array) => boolean): boolean {
  const at = { place: 0 };
  while (at.place < message.length) {
    const tag = varint(message, at);
    if (tag === null || tag < 8) return false;
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0: {
        const value = varint(message, at);
        if (value === null || !take(field, value)) return false;
        break;
      }
      case 1:
        at.place += 8;
        break;
      case 2: {
        const length = varint(message, at);
        if (length === null || length > message.length - at.place) return false;
        if (!take(field, message.subarray(at.place, at.place + length))) return false;
        at.place += length;
        break;
      }
      case 5:
        at.place += 4;
        break;
      default:
        return false;
    }
  }
  return at.place === message.length;
}

const longestVarint = 10;

/** Null: it does not end. Beyond 2^53 it is rounded, which no index and no length is. */
function varint(bytes: Uint8Array, at: { place: number }): number | null {
  let value = 0;
  for (let read = 0; read < longestVarint; read++) {
    const byte = bytes[at.place++];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * read);
    if (byte < 0x80) return value;
  }
  return null;
}
