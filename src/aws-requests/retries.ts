import {
  isClockSkewError,
  isServerError,
  isThrottlingError,
  isTransientError,
  StandardRetryStrategy,
} from '@smithy/core/retry';

/** An error as the SDK looks at it. */
export type SdkError = Parameters<typeof isThrottlingError>[0];

/** The retries of one request. */
export interface Retries {
  /** Resolves when it is to be sent again; rejects when not. */
  again(error: SdkError): Promise<void>;
  succeeded(): void;
}

export interface RetryStrategy {
  begin(): Promise<Retries>;
  /** Milliseconds that a clock which said `now` is behind AWS's, where that is why it has refused a request; else null. */
  clockSkewOf(error: SdkError, date: string | undefined, now: number): number | null;
}

/** Below it AWS takes a signature, and what it refuses has another reason. */
const clockSkewMs = 300_000;

/**
 * What is sent again, how often and how much later, as the SDK's standard strategy decides it; there is one for all requests,
 * which bounds what they send again together. Not its adaptive one: that slows down every request when one partition
 * of the table is hot, and no connector is to feel another (L6).
 */
export function retryStrategy(attempts: number): RetryStrategy {
  const strategy = new StandardRetryStrategy(attempts);
  return {
    async begin() {
      let token = await strategy.acquireInitialRetryToken('');
      return {
        async again(error) {
          token = await strategy.refreshRetryTokenForRetry(token, { error, errorType: errorTypeOf(error) });
        },
        succeeded: () => strategy.recordSuccess(token),
      };
    },
    clockSkewOf(error, date, now) {
      const skew = Date.parse(date ?? '') - now;
      return isClockSkewError(error) && Math.abs(skew) >= clockSkewMs ? skew : null;
    },
  };
}

function errorTypeOf(error: SdkError) {
  if (isThrottlingError(error)) return 'THROTTLING';
  if (isTransientError(error)) return 'TRANSIENT';
  return isServerError(error) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
}
