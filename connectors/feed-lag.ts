import type { FedOutcome } from '../src/api/index.ts';

/** What tells how far behind an event source is, of what its event brought: the first that is not done, else the last. */
export function lagging<T>(items: readonly T[], outcomes: readonly FedOutcome[]): T | undefined {
  return items.at(outcomes.findIndex(({ state }) => state !== 'done'));
}

/** Whole seconds, none where clocks disagree. */
export const secondsOf = (ms: number): number => Math.max(0, Math.round(ms / 1000));
