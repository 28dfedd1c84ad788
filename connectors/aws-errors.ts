import { ConnectError, RetriableError } from '../src/api/index.ts';

interface AwsFailure extends Error {
  readonly $fault?: string;
  readonly $retryable?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const throttles = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'ThrottlingException',
  'KMSThrottlingException',
]);
/** Of credentials that are renewed. */
const renewed = new Set(['ExpiredTokenException', 'ExpiredToken', 'TokenRefreshRequired']);

export const isThrottle = (error: unknown): boolean => throttles.has((error as Error)?.name);

/**
 * What an AWS client has thrown, as an error that names what was asked. Retriable where another time may do: throttled,
 * a fault of the service, no answer at all.
 */
export function awsError(asked: string, cause: unknown): Error {
  const { name, message, $fault, $retryable, $metadata } = cause as AwsFailure;
  const status = $metadata?.httpStatusCode;
  const text = `${asked}: ${name}: ${message}`;
  const passes =
    $retryable !== undefined || $fault === 'server' || isThrottle(cause) || renewed.has(name) || (status ?? 500) >= 500;
  return passes && name !== 'CredentialsProviderError'
    ? new RetriableError(text, { cause, code: 'aws.retriable' })
    : new ConnectError('aws.refused', text, { cause });
}
