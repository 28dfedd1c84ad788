/** What became of one of many: the answer, or what a call for it alone would have thrown. */
export type ItemOutcome<T> =
  | { readonly failed: false; readonly answer: T }
  | { readonly failed: true; readonly error: unknown };

/**
 * Of many, in their order. Behind a failure that is retriable there need be none: what is left is asked for again, once
 * that one has had its retries, so that everything is seen in the order in which it came.
 */
export type ItemOutcomes<T> = Promise<readonly ItemOutcome<T>[]>;
