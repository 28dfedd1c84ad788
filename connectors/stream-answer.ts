import { type FedOutcome, RetriableError } from '../src/api/index.ts';

/** A stream brings a batch again as a whole or not at all. Throws RetriableError for one of which something is not done. */
export function answerStream(outcomes: readonly FedOutcome[]): { readonly batchItemFailures: readonly [] } {
  const left = outcomes.filter((outcome) => outcome.state !== 'done');
  const [first] = left;
  if (first === undefined) return { batchItemFailures: [] };
  throw new RetriableError(`${left.length} of ${outcomes.length} records are not done: ${first.error.message}`, {
    cause: first.error,
  });
}
