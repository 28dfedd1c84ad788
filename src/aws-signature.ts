import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Lambda puts its role's credentials there; null: they are not there. */
export function credentialsIn(environment: Readonly<Record<string, string | undefined>>): AwsCredentials | null {
  const accessKeyId = environment.AWS_ACCESS_KEY_ID;
  const secretAccessKey = environment.AWS_SECRET_ACCESS_KEY;
  const sessionToken = environment.AWS_SESSION_TOKEN;
  if (!accessKeyId || !secretAccessKey) return null;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

export const algorithm = 'AWS4-HMAC-SHA256';

export const sha256 = (text: string): string => hash('sha256', text, 'hex');

/** As `20260102T030405Z`. */
export const stampOf = (date: Date): string => `${date.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;

/**
 * AWS's Signature Version 4 for one service in one region, by its specification. The day's key is kept, and as a key object:
 * making one of bytes costs more than the signature.
 */
export class Signature {
  readonly #credentials: AwsCredentials;
  readonly #region: string;
  readonly #service: string;
  #key: { readonly day: string; readonly object: KeyObject } | null = null;

  constructor(service: string, region: string, credentials: AwsCredentials) {
    this.#service = service;
    this.#region = region;
    this.#credentials = credentials;
  }

  scope(stamp: string): string {
    return `${stamp.slice(0, 8)}/${this.#region}/${this.#service}/aws4_request`;
  }

  /** Of a canonical request, in hex. */
  of(canonicalRequest: string, stamp: string): string {
    const toSign = `${algorithm}\n${stamp}\n${this.scope(stamp)}\n${sha256(canonicalRequest)}`;
    return createHmac('sha256', this.#keyOf(stamp.slice(0, 8)))
      .update(toSign)
      .digest('hex');
  }

  #keyOf(day: string): KeyObject {
    if (this.#key?.day === day) return this.#key.object;
    const parts = [day, this.#region, this.#service, 'aws4_request'];
    const secret: Buffer | string = `AWS4${this.#credentials.secretAccessKey}`;
    const bytes = parts.reduce<Buffer | string>((key, part) => createHmac('sha256', key).update(part).digest(), secret);
    const object = createSecretKey(bytes as Buffer);
    this.#key = { day, object };
    return object;
  }
}
