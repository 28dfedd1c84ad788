import { randomUUID } from 'node:crypto';
import type { LambdaClient, LambdaClientConfig } from '@aws-sdk/client-lambda';
import { type Clock, systemClock } from '../clock.ts';
import { ConnectError, RetriableError } from '../errors.ts';
import type { Invoker, RunRequest, TickRequest } from './run-request.ts';

export interface LambdaInvokerOptions {
  /** Name or ARN of the function. */
  readonly functionName: string;
  /** Invokes under way at once; the others wait (L5). Default 50. */
  readonly concurrency?: number;
  readonly client?: LambdaClient;
  readonly clientConfig?: LambdaClientConfig;
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
  #client: Promise<LambdaClient> | null = null;
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
    const [client, { InvokeCommand }] = await Promise.all([this.#connected(), import('./lambda-sdk.ts')]);
    for (let attempt = 1; ; attempt++) {
      // Should it fail, Lambda tells of it with what it was sent: see failed-invocations.ts.
      const payload = Buffer.from(JSON.stringify({ ...request, invocation: randomUUID() }));
      const command = { FunctionName: this.#options.functionName, Payload: payload };
      try {
        await client.send(new InvokeCommand({ ...command, InvocationType: 'Event' }));
        return;
      } catch (cause) {
        const { name, message } = cause as Error;
        if (/AccessDenied|ResourceNotFound|InvalidRequest|RequestTooLarge/.test(name)) {
          throw new ConnectError(
            'invocation.refused',
            `Lambda refused to run ${this.#options.functionName}: ${message}`,
            {
              cause,
            },
          );
        }
        if (attempt === maxAttempts || !throttles.has(name)) {
          throw new RetriableError(`Could not invoke ${this.#options.functionName}: ${name}: ${message}`, {
            code: 'invocation.unavailable',
            cause,
          });
        }
        await this.#clock.sleep(100 * 2 ** attempt);
      }
    }
  }

  /** The client is made by the first invoke: whoever only looks pays nothing. */
  #connected(): Promise<LambdaClient> {
    const { client, clientConfig } = this.#options;
    this.#client ??=
      client !== undefined
        ? Promise.resolve(client)
        : import('./lambda-sdk.ts').then(({ LambdaClient }) => new LambdaClient({ maxAttempts: 3, ...clientConfig }));
    return this.#client;
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
