import { isRetriable } from '../../errors.ts';

const longest = 1 << 20;

interface Progress {
  readonly failure: { readonly error: unknown } | null;
}

/**
 * How many records are taken on together. Behind a failure that may be tried again the others wait, and what was handed
 * over of them was handed over in vain: next time it is fewer, and then more again.
 */
export class Reach {
  #records = longest;

  of<P>(all: readonly P[], from: number): readonly P[] {
    return all.slice(from, from + this.#records);
  }

  /** Looks at what became of those that `of` has answered. */
  heed(all: readonly Progress[], from: number): void {
    const hasFailed = this.of(all, from).some(({ failure }) => failure !== null && isRetriable(failure.error));
    this.#records = hasFailed ? 1 : Math.min(longest, this.#records * 2);
  }
}
