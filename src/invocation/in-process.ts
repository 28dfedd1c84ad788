import type { Invoker, RunRequest } from './run-request.ts';

/**
 * Calls what it is given, in this process and without waiting for it, as Lambda's asynchronous invoke does: for tests
 * and laptops. At most `concurrency` run at once; the others queue.
 */
export class InProcessInvoker implements Invoker {
  readonly #run: (request: RunRequest) => Promise<unknown>;
  readonly #onError: (error: unknown, request: RunRequest) => void;
  readonly #concurrency: number;
  readonly #queue: RunRequest[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(
    run: (request: RunRequest) => Promise<unknown>,
    options: { readonly concurrency?: number; readonly onError?: (error: unknown, request: RunRequest) => void } = {},
  ) {
    this.#run = run;
    this.#onError = options.onError ?? (() => {});
    this.#concurrency = options.concurrency ?? Number.POSITIVE_INFINITY;
  }

  async invoke(request: RunRequest): Promise<void> {
    this.#queue.push(request);
    this.#startNext();
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #startNext(): void {
    while (this.#running.size < this.#concurrency) {
      const request = this.#queue.shift();
      if (request === undefined) return;
      const running = this.#one(request).finally(() => {
        this.#running.delete(running);
        this.#startNext();
      });
      this.#running.add(running);
    }
  }

  async #one(request: RunRequest): Promise<void> {
    try {
      await this.#run(request);
    } catch (error) {
      this.#onError(error, request);
    }
  }
}
