import { DataError } from '../../src/api/index.ts';

/** A request as the HTTP API hands it over (payload 2.0), its body being the exact bytes that were sent. */
export interface HookRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case; of one that was sent several times the values have commas between. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The gateway has taken the body for text that it is not, and put other bytes in the place of some. */
  readonly damaged: boolean;
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
  const text = typeof fields.body === 'string' ? fields.body : '';
  const headers = headersOf(fields.headers);
  const body = Buffer.from(text, fields.isBase64Encoded === true ? 'base64' : 'utf8');
  return {
    method: http.method.toUpperCase(),
    path: textOf(fields.rawPath) ?? textOf(http.path) ?? '',
    headers,
    body,
    damaged: fields.isBase64Encoded !== true && isDamaged(body, headers),
    requestId: textOf(context.requestId) ?? '',
    receivedAt: typeof context.timeEpoch === 'number' ? context.timeEpoch : null,
  };
}

/**
 * Of a content type that it knows as text (`text/*`, JSON, XML, JavaScript) API Gateway hands a body on as text, by which
 * bytes that are no UTF-8 are replaced. Of what is compressed some always are; what was replaced has another length. A body
 * that only says that it is compressed is whole.
 */
function isDamaged(body: Buffer, headers: Readonly<Record<string, string>>): boolean {
  if (body.length === 0) return false;
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity' && body.includes(replacement)) return true;
  const length = headers['content-length'];
  return length !== undefined && Number(length) !== body.length;
}

const replacement = Buffer.from('\ufffd');

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
