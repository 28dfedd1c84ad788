import type { LambdaClient } from '@aws-sdk/client-lambda';
import { type Environment, leanAccess } from '../aws-requests/by-environment.ts';
import { type AwsAccess, SignedHttp } from '../aws-requests/signed-http.ts';

/** Invocations of type `Event`: Lambda queues them and tries them again itself. */
export interface AsyncInvokes {
  /**
   * `functionName`: or its ARN. Resolves when Lambda has taken it; what can be tried again has been, when it rejects, with an
   * error by the name of Lambda's exception.
   */
  invoke(functionName: string, payload: string): Promise<void>;
}

/** Of one invocation, the first among them. */
const attempts = 3;

/**
 * Plain, signed HTTP where the environment says all that it needs, as that of a Lambda function does; otherwise the SDK, which
 * is only loaded then: for whoever hands on a run that is most of a cold start.
 */
export function invokesByEnvironment(environment: Environment): AsyncInvokes {
  const access = leanAccess(environment, 'lambda');
  return access === null ? new SdkInvokes() : new SignedInvokes(access);
}

export class SignedInvokes implements AsyncInvokes {
  readonly #http: SignedHttp;

  constructor(access: AwsAccess) {
    const timeouts = { connectionTimeoutMs: 2000, requestTimeoutMs: 10_000 };
    this.#http = new SignedHttp({ ...access, ...timeouts, service: 'lambda', attempts });
  }

  async invoke(functionName: string, payload: string): Promise<void> {
    await this.#http.send({
      path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
      headers: { 'content-type': 'application/octet-stream', 'x-amz-invocation-type': 'Event' },
      body: payload,
    });
  }

  destroy(): void {
    this.#http.destroy();
  }
}

export class SdkInvokes implements AsyncInvokes {
  #client: LambdaClient | null = null;

  async invoke(functionName: string, payload: string): Promise<void> {
    const { InvokeCommand, LambdaClient } = await import('./lambda-sdk.ts');
    this.#client ??= new LambdaClient({ maxAttempts: attempts });
    const command = { FunctionName: functionName, InvocationType: 'Event', Payload: Buffer.from(payload) } as const;
    await this.#client.send(new InvokeCommand(command));
  }
}
