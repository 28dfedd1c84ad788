/** What the sender gets. */
export interface HookAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Seconds after which it is worth trying again what failed for our own reasons. */
const retryAfterSeconds = 5;

/** A request that is not taken. The message is for the sender: it names the fix, and nothing that is secret. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    { headers, cause }: { headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.headers = { ...(status === 503 ? { 'retry-after': String(retryAfterSeconds) } : {}), ...headers };
  }

  /** What is in the body is wrong: `errors.tolerance` may let it pass. */
  get ofContent(): boolean {
    return this.status === 400 || this.status === 422;
  }

  answer(): HookAnswer {
    return answerJson(this.status, { error_code: this.status, message: this.message }, this.headers);
  }
}

export function answerJson(
  statusCode: number,
  body: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): HookAnswer {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}
