import type { LambdaClient } from '@aws-sdk/client-lambda';
import { ConnectError, RetriableError } from '../errors.ts';

/** Asks a function something and waits for its answer: an invocation of type `RequestResponse`. */
export type FunctionCall = (request: unknown) => Promise<unknown>;

/**
 * Throws RetriableError where Lambda has no room, ConnectError `invocation.refused` where it does not run the function, and
 * `invocation.failed` with the function's own words where that fails.
 */
export function lambdaCall(functionName: string, given?: LambdaClient): FunctionCall {
  let client: Promise<LambdaClient> | null = given === undefined ? null : Promise.resolve(given);
  return async (request) => {
    const { InvokeCommand, LambdaClient } = await import('./lambda-sdk.ts');
    client ??= Promise.resolve(new LambdaClient({ maxAttempts: 3 }));
    const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(request)) });
    const { FunctionError, Payload } = await (await client).send(command).catch((cause: Error) => {
      const message = `Could not ask the function ${functionName}: ${cause.name}: ${cause.message}`;
      if (/AccessDenied|ResourceNotFound|InvalidRequest|RequestTooLarge/.test(cause.name)) {
        throw new ConnectError('invocation.refused', message, { cause });
      }
      throw new RetriableError(message, { code: 'invocation.unavailable', cause });
    });
    const text = Buffer.from(Payload ?? []).toString();
    if (FunctionError !== undefined) {
      throw new ConnectError('invocation.failed', `The function ${functionName} failed: ${errorIn(text)}`);
    }
    return JSON.parse(text) as unknown;
  };
}

/** What Lambda says of it: `{"errorType":…,"errorMessage":…}`. */
function errorIn(text: string): string {
  try {
    const { errorMessage } = JSON.parse(text) as { readonly errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : text;
  } catch {
    return text;
  }
}
