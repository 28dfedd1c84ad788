import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { HttpRequest } from './http.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignerOptions {
  readonly region: string;
  /** Asked anew for each request: they may run out while a proxy is up. */
  readonly credentials: () => Promise<AwsCredentials>;
  /** Default: execute-api. */
  readonly service?: string;
  /** Default: true; AWS's published examples are signed without. */
  readonly contentHash?: boolean;
}

export type Signer = (request: HttpRequest, at?: Date) => Promise<HttpRequest>;

type Bytes = string | ArrayBuffer | ArrayBufferView;

class Sha256 {
  readonly #secret: Bytes | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: Bytes) {
    this.#secret = secret;
    this.#hash = this.#start();
  }

  #start(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#secret));
  }

  update(data: Bytes): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#start();
  }
}

function bytesOf(data: Bytes): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/**
 * Signature Version 4. Only what no proxy on the way touches is signed: host, type, date and body. The query comes back in
 * the spelling that is signed.
 */
export function createSigner({
  region,
  credentials,
  service = 'execute-api',
  contentHash = true,
}: SignerOptions): Signer {
  return async (request, at) => {
    const signer = new SignatureV4({
      region,
      service,
      credentials: { ...(await credentials()) } as Readonly<AwsCredentials> & { sessionToken?: string },
      sha256: Sha256,
      applyChecksum: contentHash,
    });
    const { authorization: _authorization, ...others } = request.headers;
    const url = new URL(request.url);
    const query = new Map<string, string[]>();
    for (const [name, value] of url.searchParams) query.set(name, [...(query.get(name) ?? []), value]);
    const signed = await signer.sign(
      {
        method: request.method,
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: Object.fromEntries(query),
        headers: {
          host: url.host,
          ...(others['content-type'] === undefined ? {} : { 'content-type': others['content-type'] }),
        },
        body: request.body,
      },
      at === undefined ? {} : { signingDate: at },
    );
    url.search = [...query]
      .flatMap(([name, values]) => values.map((value) => `${percent(name)}=${percent(value)}`))
      .join('&');
    return { ...request, url, headers: { ...others, ...signed.headers } };
  };
}

const percent = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
