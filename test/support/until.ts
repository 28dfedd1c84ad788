import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again until the answer is neither undefined nor false; what the question throws last is thrown in the end. */
export async function until<T>(
  what: string,
  question: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const { withinMs = 60_000, everyMs = 100 } = options;
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > giveUpAt) throw new Error(`Still not after ${withinMs / 1000} s: ${what}`, { cause });
    await sleep(everyMs);
  }
}
