import type { Clock } from '../../src/clock.ts';

/** Time that passes only when the test says so, or when everybody sleeps. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  constructor(now = Date.parse('2026-11-23T12:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.#sleepers.push({ at: this.#now + ms, wake: resolve });
    });
  }

  /** Moves time to `until`, waking each sleeper at its own time and letting its work settle before the next. */
  async advanceTo(until: number): Promise<void> {
    await settle();
    for (;;) {
      this.#sleepers.sort((a, b) => a.at - b.at);
      const next = this.#sleepers[0];
      if (next === undefined || next.at > until) break;
      this.#sleepers.shift();
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await settle();
    }
    this.#now = Math.max(this.#now, until);
  }

  advance(ms: number): Promise<void> {
    return this.advanceTo(this.#now + ms);
  }

  /** Lets time pass until the promise is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const noted = promise.finally(() => {
      done = true;
    });
    noted.catch(() => {});
    await settle();
    while (!done) {
      const next = this.#sleepers.reduce((earliest, { at }) => Math.min(earliest, at), Number.POSITIVE_INFINITY);
      if (next === Number.POSITIVE_INFINITY) return promise; // Whatever it waits for is not time.
      await this.advanceTo(next);
    }
    return promise;
  }
}

/** A turn of the event loop: everything that needs no time has happened. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
