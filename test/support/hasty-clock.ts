import type { Clock } from '../../src/clock.ts';

/**
 * Time that passes by itself, in no time, when somebody sleeps for less than a minute; whoever sleeps longer is not woken.
 * For code that waits for real work beside its pauses.
 */
export class HastyClock implements Clock {
  #now = Date.parse('2026-11-23T12:00:00Z');
  /** What somebody else does meanwhile; once. */
  meanwhile: (() => Promise<void>) | null = null;

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms >= 60_000) await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    this.#now += ms;
    const act = this.meanwhile;
    this.meanwhile = null;
    await act?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
