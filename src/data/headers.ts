import type { Schema } from './schema.ts';

interface Header {
  readonly key: string;
  readonly schema: Schema | null;
  readonly value: unknown;
}

/** Headers are immutable lists: each of these returns another list. Java: ConnectHeaders. */
export function withHeader<H extends Header>(headers: readonly H[], header: H): readonly H[] {
  return [...headers, header];
}

export function withoutHeader<H extends Header>(headers: readonly H[], key: string): readonly H[] {
  return headers.some((header) => header.key === key) ? headers.filter((header) => header.key !== key) : headers;
}

export function lastHeader<H extends Header>(headers: readonly H[], key: string): H | undefined {
  return headers.findLast((header) => header.key === key);
}

export function headersNamed<H extends Header>(headers: readonly H[], key: string): readonly H[] {
  return headers.filter((header) => header.key === key);
}
