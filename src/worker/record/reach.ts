import { isRetriable } from '../../errors.ts';

const longest = 1 << 20;

interface Progress {
  readonly failure: { readonly error: unknown } | null;
}

const mayBeTriedAgain = ({ failure }: Progress) => failure !== null && isRetriable(failure.error);

/** Those that no failure in front of them keeps waiting: what is tried again goes first. */
export function notWaiting<P extends Progress>(all: readonly P[]): readonly P[] {
  const first = all.findIndex(mayBeTriedAgain);
  return first < 0 ? all : all.slice(0, first);
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
    const hasFailed = this.of(all, from).some(mayBeTriedAgain);
    this.#records = hasFailed ? 1 : Math.min(longest, this.#records * 2);
  }
}
