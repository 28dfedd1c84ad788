import { isFields } from './fields.ts';

/**
 * A queue whose messages are for several connectors: each says for which by the attribute `drover.feed`, a feed key. It is
 * declared by a key with a `*` at its end.
 */

/** Some messages of an event, as an event of their own. */
export interface SharedPart {
  readonly key: string;
  readonly event: { readonly Records: readonly unknown[] };
}

/** `source`: what its events carry. A connector may be called anything, also with a star at the end: its feed is its own. */
export const isShared = (source: string, key: string): boolean => source !== key && key.endsWith('*');

/** In the order of their first messages. What names no feed of `pattern` is left to that, which no connector has. */
export function shareOut(event: unknown, pattern: string): readonly SharedPart[] {
  const records = isFields(event) && Array.isArray(event.Records) ? (event.Records as unknown[]) : [];
  const beginning = pattern.slice(0, -1);
  const named = (record: unknown) => {
    const attributes = isFields(record) ? record.messageAttributes : undefined;
    const attribute = isFields(attributes) ? attributes['drover.feed'] : undefined;
    const key = isFields(attribute) ? attribute.stringValue : undefined;
    return typeof key === 'string' && key.startsWith(beginning) ? key : pattern;
  };
  const byKey = Map.groupBy(records, named);
  return [...byKey].map(([key, Records]) => ({ key, event: { Records } }));
}

/** What the queue is told of them all. */
export function joinAnswers(answers: readonly unknown[]): { readonly batchItemFailures: readonly unknown[] } {
  return {
    batchItemFailures: answers.flatMap((answer) =>
      isFields(answer) && Array.isArray(answer.batchItemFailures) ? answer.batchItemFailures : [],
    ),
  };
}
