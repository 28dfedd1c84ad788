import { ConflictError, ConnectError, NotFoundError } from '../errors.ts';

/** The body of every refusal, exactly: strict clients break on one field more. Java: rest.entities.ErrorMessage. */
export interface ErrorMessage {
  readonly error_code: number;
  readonly message: string;
}

/** Refusals that come from the path, the method and the headers, in the words of Java's REST server. */
const routingMessages: Readonly<Record<number, string>> = {
  404: 'HTTP 404 Not Found',
  405: 'HTTP 405 Method Not Allowed',
  406: 'HTTP 406 Not Acceptable',
  415: 'HTTP 415 Unsupported Media Type',
};

export function routingError(status: 404 | 405 | 406 | 415): ErrorMessage {
  return { error_code: status, message: routingMessages[status]! };
}

/** By code, or by the first part of it (`body.` for `body.malformed`). */
const statuses: Readonly<Record<string, number>> = {
  'config.invalid': 400,
  'request.invalid': 400,
  'body.malformed': 400,
  'body.too_deep': 400,
  'body.too_large': 413,
  'connector.too_large': 413,
  'answer.too_large': 413,
  'offsets.not_stopped': 400,
  'offsets.unsupported': 400,
  // What a connector says about offsets that it refuses leaves Java as a 500 with the connector's words.
  'offsets.refused': 500,
  // A plugin that fails where it is asked for its settings answers with its own words, as in Java.
  'plugin.failed': 500,
  'loggers.unknown_level': 404,
  'loggers.invalid_name': 400,
  'loggers.too_many': 400,
  'storage.key_too_long': 400,
  'storage.refused': 400,
  'storage.unavailable': 503,
};

/**
 * The one place that chooses an HTTP status for an error. What nobody foresaw answers 500 without its message: that may
 * hold what only the log should.
 */
export function mapError(error: unknown): { readonly answer: ErrorMessage; readonly foreseen: boolean } {
  const status = statusOf(error);
  if (status === null) {
    return { answer: { error_code: 500, message: 'Internal server error; the log tells more' }, foreseen: false };
  }
  return { answer: { error_code: status, message: (error as Error).message }, foreseen: true };
}

function statusOf(error: unknown): number | null {
  if (!(error instanceof ConnectError)) return null;
  const byCode = statuses[error.code];
  if (byCode !== undefined) return byCode;
  if (error instanceof NotFoundError) return 404;
  if (error instanceof ConflictError) return 409;
  return error.retriable ? 503 : null;
}
