import { InvokeCommand, LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import { RetriableError } from '../errors.ts';
import type { Invoker, RunRequest } from './run-request.ts';

/** Hands requests to a Lambda function, which runs them after the call has returned. */
export class LambdaInvoker implements Invoker {
  readonly functionName: string;
  readonly #client: Pick<LambdaClient, 'send'>;

  constructor(
    functionName: string,
    options: { client?: Pick<LambdaClient, 'send'>; config?: LambdaClientConfig } = {},
  ) {
    this.functionName = functionName;
    this.#client = options.client ?? new LambdaClient({ maxAttempts: 3, ...options.config });
  }

  invoke(request: RunRequest): Promise<void> {
    return this.send(request);
  }

  /** Rejects with RetriableError when Lambda did not take it; then nothing runs, or it runs all the same. */
  async send(payload: object): Promise<void> {
    try {
      await this.#client.send(
        new InvokeCommand({
          FunctionName: this.functionName,
          InvocationType: 'Event',
          Payload: Buffer.from(JSON.stringify(payload)),
        }),
      );
    } catch (cause) {
      throw new RetriableError(`${this.functionName} could not be invoked: ${(cause as Error).message}`, {
        cause,
        code: 'invocation.refused',
      });
    }
  }
}
