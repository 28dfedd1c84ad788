import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type AwsCredentials, algorithm, Signature, sha256, stampOf } from '../aws-signature.ts';
import { droverVersion } from '../version.ts';
import type { Retries, RetryStrategy, SdkError } from './retries.ts';

/** Who asks, and where; what an environment says of it is in by-environment.ts. */
export interface AwsAccess {
  /** As `https://dynamodb.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
}

export interface SignedHttpOptions extends AwsAccess {
  /** As signatures name it. */
  readonly service: string;
  /** Of one request, the first among them. */
  readonly attempts: number;
  readonly connectionTimeoutMs: number;
  /** Of silence. */
  readonly requestTimeoutMs: number;
  /** Names of failures that say how things are, and are not looked at any further. */
  readonly answers?: ReadonlySet<string>;
  /** @default 50 */
  readonly maxSockets?: number;
  readonly now?: () => number;
}

/** One POST. */
export interface SignedRequest {
  /** Encoded as it goes over the wire. @default '/' */
  readonly path?: string;
  /** With names in lower case; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/**
 * AWS over plain HTTP, for requests that are few and alike: what the SDK does for any request of any service is most of what
 * such a one takes, and loading it most of a cold function's first. What is tried again, how often and how much later is
 * decided by the SDK's own strategy (retries.ts). Credentials are given and fixed: those of a Lambda environment.
 */
export class SignedHttp {
  readonly #options: SignedHttpOptions;
  readonly #url: URL;
  readonly #signature: Signature;
  readonly #agent: HttpAgent;
  readonly #request: typeof httpRequest;
  /** Loaded when first something fails. */
  #strategy: Promise<RetryStrategy> | null = null;
  readonly #now: () => number;
  /** Milliseconds that AWS's clock is ahead of this one, as far as it matters. */
  #clockOffset = 0;

  constructor(options: SignedHttpOptions) {
    this.#options = options;
    this.#url = new URL(options.endpoint);
    this.#signature = new Signature(options.service, options.region, options.credentials);
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

  /** The answer's body. Rejects with what AWS has refused, by the exception's name, or with what the network has thrown. */
  async send(request: SignedRequest): Promise<string> {
    let retries: Retries | null = null;
    for (;;) {
      const clockOffset = this.#clockOffset;
      try {
        const { status, headers, text } = await this.#ask(request);
        if (status >= 300) throw failureOf(status, headers, text);
        retries?.succeeded();
        return text;
      } catch (error) {
        let failure = error as RequestError;
        if (this.#options.answers?.has(failure.name)) throw failure;
        this.#strategy ??= loadStrategy(this.#options.attempts);
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

  #ask({ path = '/', headers: given, body }: SignedRequest): Promise<Answer> {
    const { hostname, port, pathname } = this.#url;
    const whole = `${pathname.replace(/\/$/, '')}${path}`;
    const headers = this.#headers(whole, given, body);
    const { connectionTimeoutMs, requestTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const agent = this.#agent;
      const options = { method: 'POST', hostname, port, path: whole, headers, agent, timeout: requestTimeoutMs };
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
        const late = setTimeout(() => giveUp(`No connection within ${connectionTimeoutMs} ms`), connectionTimeoutMs);
        socket.once('connect', () => clearTimeout(late));
        socket.once('close', () => clearTimeout(late));
      });
      request.end(body);
    });
  }

  /** What is signed stands in the order of its names, as the signature wants it. */
  #headers(path: string, given: Readonly<Record<string, string>>, body: string): Record<string, string> {
    const { accessKeyId, sessionToken } = this.#options.credentials;
    const stamp = stampOf(new Date(this.#now() + this.#clockOffset));
    const signed: Record<string, string> = {
      ...given,
      host: this.#url.host,
      'x-amz-date': stamp,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    };
    const names = Object.keys(signed).sort();
    const lines = names.map((name) => `${name}:${signed[name]}\n`).join('');
    // Encoded once more than on the wire.
    const signedPath = path.split('/').map(encodeURIComponent).join('/');
    const canonical = `POST\n${signedPath}\n\n${lines}\n${names.join(';')}\n${sha256(body)}`;
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

/** An exception of AWS, or what the network has thrown. */
type RequestError = SdkError & { readonly date?: string };

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
