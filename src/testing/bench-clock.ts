import type { Clock } from '../clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
  timer: NodeJS.Timeout;
}

/** The system's clock, which `advance` can put forward: who sleeps until then wakes at once. */
export class BenchClock implements Clock {
  #ahead = 0;
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return Date.now() + this.#ahead;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const end = () => {
        clearTimeout(sleeper.timer);
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(signal?.reason);
      };
      const wake = () => {
        end();
        resolve();
      };
      const sleeper: Sleeper = { at: this.now() + ms, wake, timer: setTimeout(wake, ms) };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  advance(ms: number): void {
    this.#ahead += ms;
    const now = this.now();
    for (const sleeper of [...this.#sleepers].sort((one, other) => one.at - other.at)) {
      clearTimeout(sleeper.timer);
      if (sleeper.at <= now) sleeper.wake();
      else sleeper.timer = setTimeout(sleeper.wake, sleeper.at - now);
    }
  }
}
