import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type AwsCredentials, algorithm, Signature, sha256, stampOf } from '../../aws-signature.ts';
import { droverVersion } from '../../version.ts';
import type { Retries, RetryStrategy, SdkError } from './retries.ts';
import {
  maxAttempts,
  type TableOperation,
  type TableOperations,
  type TableRequests,
  timeouts,
} from './table-requests.ts';

export interface SignedRequestsOptions {
  /** As `https://dynamodb.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** @default 50 */
  readonly maxSockets?: number;
  /** Of one request, the first among them; default: `maxAttempts`. */
  readonly attempts?: number;
  /** Of silence; default: `timeouts.requestTimeout`. */
  readonly requestTimeoutMs?: number;
  readonly now?: () => number;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/**
 * DynamoDB over plain HTTP: a run's requests are few and alike, and what the SDK does for any request of any service was
 * half of a small run's CPU. Values cross as they are, since those of tables are JSON already; what is tried again, how
 * often and how much later is decided by the SDK's own strategy (retries.ts). Credentials are given and fixed:
 * those of a Lambda environment (requests-by-environment.ts).
 */
export class SignedRequests implements TableRequests {
  readonly #options: SignedRequestsOptions;
  readonly #url: URL;
  readonly #signature: Signature;
  readonly #agent: HttpAgent;
  readonly #request: typeof httpRequest;
  /** Loaded when first something fails. */
  #strategy: Promise<RetryStrategy> | null = null;
  readonly #now: () => number;
  /** Milliseconds that AWS's clock is ahead of this one, as far as it matters. */
  #clockOffset = 0;

  constructor(options: SignedRequestsOptions) {
    this.#options = options;
    this.#url = new URL(options.endpoint);
    this.#signature = new Signature('dynamodb', options.region, options.credentials);
    const isPlain = this.#url.protocol === 'http:';
    this.#agent = new (isPlain ? HttpAgent : HttpsAgent)({
      keepAlive: true,
      maxSockets: options.maxSockets ?? 50,
      // The connection that was used last is the least likely to have been closed meanwhile.
      scheduling: 'lifo',
    });
    this.#request = isPlain ? httpRequest : httpsRequest;
    this.#now = options.now ?? Date.now;
  }

  async send<Operation extends TableOperation>(
    operation: Operation,
    input: TableOperations[Operation]['input'],
  ): Promise<TableOperations[Operation]['output']> {
    // By it DynamoDB knows a transaction that it has done already, when the request comes once more.
    const token = operation === 'TransactWriteItems' ? { ClientRequestToken: randomUUID() } : {};
    const body = JSON.stringify({ ...token, ...input });
    let retries: Retries | null = null;
    for (;;) {
      const clockOffset = this.#clockOffset;
      try {
        const { status, headers, text } = await this.#ask(operation, body);
        if (status >= 300) throw failureOf(status, headers, text);
        const output = JSON.parse(text) as TableOperations[Operation]['output'];
        retries?.succeeded();
        return output;
      } catch (error) {
        let failure = error as RequestError;
        if (answers.has(failure.name)) throw failure;
        this.#strategy ??= loadStrategy(this.#options.attempts ?? maxAttempts);
        const strategy = await this.#strategy;
        const skew = strategy.clockSkewOf(failure, failure.date, this.#now() + clockOffset);
        if (skew !== null) {
          this.#clockOffset = clockOffset + skew;
          failure = Object.assign(failure, { $metadata: { ...failure.$metadata, clockSkewCorrected: true as const } });
        }
        retries ??= await strategy.begin();
        await retries.again(failure).catch(() => {
          throw failure;
        });
      }
    }
  }

  destroy(): void {
    this.#agent.destroy();
  }

  #ask(operation: TableOperation, body: string): Promise<Answer> {
    const { hostname, port, pathname: path } = this.#url;
    const headers = this.#headers(operation, body);
    const { connectionTimeout, requestTimeout } = timeouts;
    const { requestTimeoutMs = requestTimeout } = this.#options;
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', hostname, port, path, headers, agent: this.#agent, timeout: requestTimeoutMs };
      const request = this.#request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      const giveUp = (what: string) => request.destroy(Object.assign(new Error(what), { name: 'TimeoutError' }));
      request.on('error', reject);
      request.on('timeout', () => giveUp(`No answer within ${requestTimeoutMs} ms`));
      request.on('socket', (socket) => {
        if (!socket.connecting) return;
        const late = setTimeout(() => giveUp(`No connection within ${connectionTimeout} ms`), connectionTimeout);
        socket.once('connect', () => clearTimeout(late));
        socket.once('close', () => clearTimeout(late));
      });
      request.end(body);
    });
  }

  /** What is signed stands in the order of its names, as the signature wants it. */
  #headers(operation: TableOperation, body: string): Record<string, string> {
    const { accessKeyId, sessionToken } = this.#options.credentials;
    const stamp = stampOf(new Date(this.#now() + this.#clockOffset));
    const signed: Record<string, string> = {
      'content-type': 'application/x-amz-json-1.0',
      host: this.#url.host,
      'x-amz-date': stamp,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    };
    const names = Object.keys(signed);
    const lines = names.map((name) => `${name}:${signed[name]}\n`).join('');
    const canonical = `POST\n${this.#url.pathname}\n\n${lines}\n${names.join(';')}\n${sha256(body)}`;
    const credential = `Credential=${accessKeyId}/${this.#signature.scope(stamp)}`;
    const signature = `Signature=${this.#signature.of(canonical, stamp)}`;
    return {
      ...signed,
      authorization: `${algorithm} ${credential}, SignedHeaders=${names.join(';')}, ${signature}`,
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': `drover/${droverVersion}`,
    };
  }
}

/** An exception of DynamoDB, or what the network has thrown. */
type RequestError = SdkError & { readonly date?: string };

/** Failures that say how things are, and are not looked at any further. */
const answers: ReadonlySet<string> = new Set(['ConditionalCheckFailedException', 'TransactionCanceledException']);

async function loadStrategy(attempts: number): Promise<RetryStrategy> {
  const { retryStrategy } = await import('./retries.ts');
  return retryStrategy(attempts);
}

function failureOf(status: number, headers: IncomingMessage['headers'], text: string): RequestError {
  const { __type: type, message, Message, ...more } = parseFailure(text);
  const name = String(type ?? headers['x-amzn-errortype'] ?? `HTTP ${status}`);
  return Object.assign(new Error(String(message ?? Message ?? text.slice(0, 200))) as SdkError, {
    ...more,
    // `com.amazonaws.dynamodb.v20120810#ThrottlingException`, or with an address behind a colon.
    name: name.replace(/^.*#/, '').replace(/:.*$/, ''),
    $metadata: { httpStatusCode: status },
    ...(headers.date === undefined ? {} : { date: headers.date }),
  });
}

/** What is no JSON came from something in between. */
function parseFailure(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
