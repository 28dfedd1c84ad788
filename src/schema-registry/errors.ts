import { ConnectError, DataError, RetriableError } from '../errors.ts';

/** An answer of the registry other than 2xx; `errorCode` is the registry's own (40401, 40403, 409…). */
export class RegistryResponseError extends Error {
  override readonly name = 'RestClientException';
  readonly status: number;
  readonly errorCode: number;

  constructor(status: number, errorCode: number, message: string) {
    super(`${message}; error code: ${errorCode}`);
    this.status = status;
    this.errorCode = errorCode;
  }
}

/** No answer at all: refused, reset, unresolvable name, time-out, or an answer that is not the registry's JSON. */
export class RegistryUnreachableError extends Error {
  override readonly name = 'RegistryUnreachable';
}

const passing = new Set([408, 429, 500, 502, 503, 504]);

export function isPassing(error: unknown): boolean {
  return (
    error instanceof RegistryUnreachableError || (error instanceof RegistryResponseError && passing.has(error.status))
  );
}

/** The Connect error that a converter raises for a failed registry call; what may pass by itself is retriable. */
export function toConnectError(error: unknown, doing: string): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof RegistryUnreachableError) {
    return new RetriableError(`${doing}: ${error.message}`, { cause: error, code: 'registry.unreachable' });
  }
  if (error instanceof RegistryResponseError) {
    const facts = { status: error.status, errorCode: error.errorCode };
    const message = `${doing}: ${error.message}`;
    if (passing.has(error.status))
      return new RetriableError(message, { cause: error, code: 'registry.unavailable', facts });
    if (error.status === 401) {
      return new ConnectError('registry.unauthenticated', message, {
        cause: error,
        javaClass: 'AuthenticationException',
        facts,
      });
    }
    if (error.status === 403) {
      return new ConnectError('registry.unauthorized', message, {
        cause: error,
        javaClass: 'AuthorizationException',
        facts,
      });
    }
    const code =
      error.status === 404 ? 'registry.not_found' : error.status === 409 ? 'registry.incompatible' : 'registry.refused';
    return new DataError(message, { cause: error, code });
  }
  return new DataError(`${doing}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
