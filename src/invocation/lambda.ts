import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../clock.ts';
import { ConnectError, RetriableError } from '../errors.ts';
import type { AsyncInvokes } from './async-invokes.ts';
import type { Invoker, RunRequest, TickRequest } from './run-request.ts';

export interface LambdaInvokerOptions {
  readonly invokes: AsyncInvokes;
  /** Name or ARN of the function. */
  readonly functionName: string;
  /** Invokes under way at once; the others wait (L5). Default 50. */
  readonly concurrency?: number;
  readonly clock?: Clock;
}

const maxAttempts = 5;
const throttles = new Set([
  'TooManyRequestsException',
  'ThrottlingException',
  'EC2ThrottledException',
  'ServiceException',
  'TimeoutError',
]);

/** Hands run requests to the task function: asynchronous `Event` invokes, which Lambda queues and retries itself. */
export class LambdaInvoker implements Invoker {
  readonly #options: LambdaInvokerOptions;
  readonly #clock: Clock;
  readonly #concurrency: number;
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: LambdaInvokerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#concurrency = options.concurrency ?? 50;
  }

  /** Resolves when Lambda has taken the request. RetriableError when it does not: what is due stays due. */
  async invoke(request: RunRequest | TickRequest): Promise<void> {
    await this.#enter();
    try {
      await this.#invoke(request);
    } finally {
      this.#leave();
    }
  }

  async #invoke(request: RunRequest | TickRequest): Promise<void> {
    const { invokes, functionName } = this.#options;
    for (let attempt = 1; ; attempt++) {
      // Should it fail, Lambda tells of it with what it was sent: see failed-invocations.ts.
      const payload = JSON.stringify({ ...request, invocation: randomUUID() });
      try {
        await invokes.invoke(functionName, payload);
        return;
      } catch (cause) {
        const { name, message } = cause as Error;
        if (/AccessDenied|ResourceNotFound|InvalidRequest|RequestTooLarge/.test(name)) {
          throw new ConnectError('invocation.refused', `Lambda refused to run ${functionName}: ${message}`, { cause });
        }
        if (attempt === maxAttempts || !throttles.has(name)) {
          throw new RetriableError(`Could not invoke ${functionName}: ${name}: ${message}`, {
            code: 'invocation.unavailable',
            cause,
          });
        }
        await this.#clock.sleep(100 * 2 ** attempt);
      }
    }
  }

  async #enter(): Promise<void> {
    if (this.#active < this.#concurrency) this.#active++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** A place is handed on, never freed and taken again. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#active--;
    else next();
  }
}
