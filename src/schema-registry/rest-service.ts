import type { IncomingMessage, RequestOptions } from 'node:http';
import { type Clock, systemClock } from '../clock.ts';
import { isPassing, RegistryResponseError, RegistryUnreachableError } from './errors.ts';

export interface OAuthSettings {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | null;
  readonly expiryBufferMs: number;
}

export interface RestSettings {
  /** Without user info; at least one. */
  readonly urls: readonly string[];
  /** `user:password`, per URL or the same for all; null where there is none. */
  readonly userInfo: readonly (string | null)[];
  readonly bearerToken: string | null;
  readonly oauth: OAuthSettings | null;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM texts. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly passphrase?: string };
  readonly requestTimeoutMs: number;
  readonly maxRetries: number;
  readonly retryWaitMs: number;
  readonly retryMaxWaitMs: number;
}

const mediaType = 'application/vnd.schemaregistry.v1+json';
/** A registry keeps a schema in one Kafka message of a megabyte; what is far beyond that is no registry's answer. */
const largestAnswer = 16 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * The registry's REST API over keep-alive connections. A request is tried on one URL with back-off while its failure
 * may pass by itself, then on the next URL; the URL that answered stays the first to be asked.
 */
export class RestService {
  readonly #settings: RestSettings;
  readonly #clock: Clock;
  #current = 0;
  #token: { value: string; expiresAt: number } | null = null;
  #request: ((url: URL, options: RequestOptions, body: string | null) => Promise<Answer>) | null = null;

  constructor(settings: RestSettings, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  get(path: string): Promise<unknown> {
    return this.#send('GET', path, null);
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.#send('POST', path, JSON.stringify(body));
  }

  async #send(method: string, path: string, body: string | null): Promise<unknown> {
    const { urls } = this.#settings;
    let failure: unknown;
    for (let tried = 0; tried < urls.length; tried++) {
      const index = this.#current;
      try {
        return await this.#sendWithRetries(index, method, path, body);
      } catch (error) {
        if (!isPassing(error)) throw error;
        failure = error;
        if (this.#current === index) this.#current = (index + 1) % urls.length;
      }
    }
    throw failure;
  }

  async #sendWithRetries(index: number, method: string, path: string, body: string | null): Promise<unknown> {
    const { maxRetries, retryWaitMs, retryMaxWaitMs } = this.#settings;
    // A dead server is left for the next URL at once; only the last resort is worth waiting for.
    const retries = this.#settings.urls.length > 1 ? Math.min(maxRetries, 1) : maxRetries;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#sendOnce(index, method, path, body);
      } catch (error) {
        if (!isPassing(error) || attempt >= retries) throw error;
        await this.#clock.sleep(Math.min(retryMaxWaitMs, retryWaitMs * 2 ** attempt));
      }
    }
  }

  async #sendOnce(index: number, method: string, path: string, body: string | null): Promise<unknown> {
    const base = this.#settings.urls[index] ?? '';
    const url = new URL(`${base.replace(/\/$/, '')}${path}`);
    const headers: Record<string, string> = {
      ...this.#settings.headers,
      Accept: `${mediaType}, application/json`,
      'Confluent-Accept-Unknown-Properties': 'true',
    };
    if (body !== null) {
      headers['Content-Type'] = mediaType;
      headers['Content-Length'] = String(Buffer.byteLength(body));
    }
    const authorization = await this.#authorization(index);
    if (authorization !== null) headers.Authorization = authorization;
    const answer = await this.#exchange(url, { method, headers }, body);
    return readAnswer(answer, url);
  }

  async #exchange(url: URL, options: RequestOptions, body: string | null): Promise<Answer> {
    this.#request ??= await openTransport(this.#settings);
    return this.#request(url, options, body);
  }

  async #authorization(index: number): Promise<string | null> {
    const { bearerToken, oauth, userInfo } = this.#settings;
    if (oauth !== null) return `Bearer ${await this.#oauthToken(oauth)}`;
    if (bearerToken !== null) return `Bearer ${bearerToken}`;
    const credentials = userInfo[index] ?? null;
    return credentials === null ? null : `Basic ${Buffer.from(credentials).toString('base64')}`;
  }

  /** Client credentials grant (RFC 6749 §4.4); the token is kept until shortly before it expires. */
  async #oauthToken(oauth: OAuthSettings): Promise<string> {
    const now = this.#clock.now();
    if (this.#token !== null && now < this.#token.expiresAt) return this.#token.value;
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (oauth.scope !== null) form.set('scope', oauth.scope);
    const body = form.toString();
    const url = new URL(oauth.tokenUrl);
    const credentials = Buffer.from(`${encodeURIComponent(oauth.clientId)}:${encodeURIComponent(oauth.clientSecret)}`);
    const headers = {
      Accept: 'application/json',
      Authorization: `Basic ${credentials.toString('base64')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': String(Buffer.byteLength(body)),
    };
    const granted = readAnswer(await this.#exchange(url, { method: 'POST', headers }, body), url);
    const token = propertyOf(granted, 'access_token');
    if (typeof token !== 'string') {
      throw new RegistryResponseError(401, 401, `The token endpoint ${url.origin} granted no access_token`);
    }
    const lifetime = Number(propertyOf(granted, 'expires_in') ?? 60) * 1000;
    this.#token = { value: token, expiresAt: now + Math.max(lifetime - oauth.expiryBufferMs, lifetime / 2) };
    return token;
  }
}

export function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function readAnswer(answer: Answer, url: URL): unknown {
  let json: unknown = null;
  try {
    json = answer.body === '' ? null : JSON.parse(answer.body);
  } catch {
    if (answer.status < 400) {
      throw new RegistryUnreachableError(`${url.origin} answered ${answer.status} with something that is not JSON`);
    }
  }
  if (answer.status >= 200 && answer.status < 300) return json;
  const code = Number(propertyOf(json, 'error_code') ?? answer.status);
  const message = propertyOf(json, 'message');
  throw new RegistryResponseError(
    answer.status,
    code,
    typeof message === 'string' ? message : `${url.origin} answered ${answer.status} to ${url.pathname}`,
  );
}

async function openTransport(
  settings: RestSettings,
): Promise<(url: URL, options: RequestOptions, body: string | null) => Promise<Answer>> {
  const [http, https] = await Promise.all([import('node:http'), import('node:https')]);
  const plainAgent = new http.Agent({ keepAlive: true });
  const tlsAgent = new https.Agent({ keepAlive: true, ...settings.tls });
  return (url, options, body) =>
    new Promise((resolve, reject) => {
      const unreachable = (error: Error) => {
        const code = propertyOf(error, 'code');
        const reason = error.message || String(code ?? error.name);
        reject(new RegistryUnreachableError(`${url.origin} cannot be reached: ${reason}`, { cause: error }));
      };
      const signal = AbortSignal.timeout(settings.requestTimeoutMs);
      const onAnswer = (answer: IncomingMessage) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const refuse = () => {
          answer.destroy();
          reject(
            new RegistryResponseError(
              answer.statusCode ?? 0,
              answer.statusCode ?? 0,
              `${url.origin} answered more than ${largestAnswer} bytes to ${url.pathname}, which no schema takes`,
            ),
          );
        };
        if (Number(answer.headers['content-length'] ?? 0) > largestAnswer) {
          refuse();
          return;
        }
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > largestAnswer) refuse();
          else chunks.push(chunk);
        });
        answer.on('error', unreachable);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
      };
      const request =
        url.protocol === 'https:'
          ? https.request(url, { ...options, agent: tlsAgent, signal }, onAnswer)
          : http.request(url, { ...options, agent: plainAgent, signal }, onAnswer);
      request.on('error', (error) => {
        const late = signal.aborted ? new Error(`no answer within ${settings.requestTimeoutMs} ms`) : error;
        unreachable(late);
      });
      request.end(body);
    });
}
