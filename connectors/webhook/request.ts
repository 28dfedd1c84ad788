import { DataError } from '../../src/api/index.ts';

/** A request as the HTTP API hands it over (payload 2.0), its body being the exact bytes that were sent. */
export interface HookRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case; of one that was sent several times the values have commas between. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly requestId: string;
  /** Epoch milliseconds; null when the event does not say. */
  readonly receivedAt: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** Throws DataError for anything else than such a request. */
export function requestOf(event: unknown): HookRequest {
  const fields = fieldsOf(event);
  const context = fieldsOf(fields?.requestContext);
  const http = fieldsOf(context?.http);
  if (fields === null || context === null || http === null || typeof http.method !== 'string') {
    throw new DataError('Not a request of an HTTP API: it has no requestContext.http.method (payload format 2.0)');
  }
  const body = typeof fields.body === 'string' ? fields.body : '';
  return {
    method: http.method.toUpperCase(),
    path: textOf(fields.rawPath) ?? textOf(http.path) ?? '',
    headers: headersOf(fields.headers),
    body: Buffer.from(body, fields.isBase64Encoded === true ? 'base64' : 'utf8'),
    requestId: textOf(context.requestId) ?? '',
    receivedAt: typeof context.timeEpoch === 'number' ? context.timeEpoch : null,
  };
}

/** Null prototype: a header may be named `constructor`. */
export function headersOf(given: unknown): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(fieldsOf(given) ?? {})) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value;
  }
  return headers;
}

export function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
