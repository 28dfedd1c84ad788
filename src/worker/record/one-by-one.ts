import type { ItemOutcome } from '../../api/item-outcome.ts';
import { isRetriable } from '../../errors.ts';

/** Calls in order, up to the first that may be tried again: what comes behind it is to wait for that. */
export async function oneByOne<T, A>(
  items: readonly T[],
  call: (item: T) => A | Promise<A>,
): Promise<ItemOutcome<A>[]> {
  const outcomes: ItemOutcome<A>[] = [];
  for (const item of items) {
    try {
      const answer = call(item);
      outcomes.push({ failed: false, answer: answer instanceof Promise ? await answer : answer });
    } catch (error) {
      outcomes.push({ failed: true, error });
      if (isRetriable(error)) break;
    }
  }
  return outcomes;
}

/** Of one thing with several parts: what each of them answers, or what the first that has failed has thrown. */
export function together<T>(outcomes: readonly ItemOutcome<T>[]): {
  readonly answers: readonly T[];
  readonly failure: { readonly error: unknown } | null;
} {
  const answers: T[] = [];
  for (const outcome of outcomes) {
    if (outcome.failed) return { answers, failure: { error: outcome.error } };
    answers.push(outcome.answer);
  }
  return { answers, failure: null };
}
