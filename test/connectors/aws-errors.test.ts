import { expect, test } from 'vitest';
import { awsError } from '../../connectors/aws-errors.ts';
import { isRetriable } from '../../src/errors.ts';

const failure = (name: string, more = {}) => Object.assign(new Error('said so'), { name, ...more });
const answered = (httpStatusCode: number) => ({
  $fault: httpStatusCode < 500 ? 'client' : 'server',
  $metadata: { httpStatusCode },
});

test.each([
  ['a throttle', failure('ProvisionedThroughputExceededException', answered(400))],
  ['another', failure('LimitExceededException', answered(400))],
  ['a fault of the service', failure('InternalServerError', answered(500))],
  ['what the SDK calls retriable', failure('Whatever', { ...answered(400), $retryable: { throttling: false } })],
  ['no answer', failure('TimeoutError')],
  ['a connection that was cut', failure('Error', { code: 'ECONNRESET' })],
  ['credentials that have run out', failure('ExpiredTokenException', answered(403))],
])('%s may pass', (_what, cause) => {
  const error = awsError('The table orders cannot be scanned', cause);
  expect(isRetriable(error)).toBe(true);
  expect(error.message).toBe(`The table orders cannot be scanned: ${cause.name}: said so`);
  expect(error.cause).toBe(cause);
});

test.each([
  ['no right', failure('AccessDeniedException', answered(400))],
  ['nothing there', failure('ResourceNotFoundException', answered(400))],
  ['a wrong request', failure('ValidationException', answered(400))],
  ['no credentials at all', failure('CredentialsProviderError')],
])('%s does not', (_what, cause) => {
  expect(isRetriable(awsError('The table orders cannot be scanned', cause))).toBe(false);
});
