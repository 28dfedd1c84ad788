import { createHmac, timingSafeEqual } from 'node:crypto';
import { ConfigError } from '../../../src/api/index.ts';
import { Refusal } from '../refusal.ts';
import type { HookRequest } from '../request.ts';
import type { Authenticate } from './authenticate.ts';

/** How a sender signs the exact bytes of a body. */
export interface HmacScheme {
  readonly algorithm: 'sha256' | 'sha512' | 'sha1';
  readonly secretEncoding: 'utf8' | 'base64' | 'hex';
  /** Taken off a secret that begins so. */
  readonly secretPrefix: string;
  /** `{body}`, `{timestamp}`, `{method}`, `{path}`, `{header:<name>}` and text. */
  readonly signed: string;
  readonly signature: {
    readonly header: string;
    readonly prefix: string;
    readonly encoding: 'hex' | 'base64';
  };
  /** Between the parts of a header. */
  readonly separator: ',' | ' ' | null;
  /** Where the signed time is, in seconds or milliseconds since 1970; null: no time is signed. */
  readonly timestamp: { readonly header: string; readonly prefix: string } | null;
}

/** Most signatures of one request that are looked at. */
const mostSignatures = 16;

/** Any of `secrets` will do. `now`: epoch milliseconds. */
export function hmacAuth(
  scheme: HmacScheme,
  secrets: readonly string[],
  toleranceSeconds: number,
  now: () => number,
): Authenticate {
  const keys = secrets.map((secret) => keyOf(secret, scheme));
  const template = parseTemplate(scheme.signed);
  const { header, prefix } = scheme.signature;
  return (request) => {
    const parts = partsOf(request, header, scheme.separator);
    if (parts === null) throw refused(`This hook needs a signature: send it in the header ${header}`);
    const signatures = parts
      .flatMap((part) => bytesOf(part, prefix, scheme.signature.encoding))
      .slice(0, mostSignatures);
    if (signatures.length === 0) {
      throw refused(
        `The header ${header} holds no signature as this hook knows them: ${prefix}<${scheme.signature.encoding}>`,
      );
    }
    const timestamp = scheme.timestamp === null ? null : timestampOf(request, scheme.timestamp, scheme.separator);
    let known = false;
    for (const key of keys) {
      const mac = createHmac(scheme.algorithm, key);
      for (const piece of template) mac.update(piece(request, timestamp ?? ''));
      const expected = mac.digest();
      for (const signature of signatures) {
        // All are compared, so that the time it takes does not tell which was right.
        known = (signature.length === expected.length && timingSafeEqual(signature, expected)) || known;
      }
    }
    if (!known) {
      throw refused('The signature does not fit: sign the exact bytes that are sent, with the secret of this hook');
    }
    if (timestamp !== null) checkAge(timestamp, toleranceSeconds, now());
  };
}

/** Of an unreadable secret there must be no key: what Node makes of it may be empty, with which anybody can sign. */
function keyOf(secret: string, { secretEncoding, secretPrefix }: HmacScheme): Buffer {
  const text = secret.startsWith(secretPrefix) ? secret.slice(secretPrefix.length) : secret;
  if (secretEncoding === 'utf8') return Buffer.from(text, 'utf8');
  const isWhole = secretEncoding === 'hex' ? wholeHex.test(text) : wholeBase64.test(text);
  if (isWhole) return Buffer.from(text, secretEncoding);
  const key = 'http.auth.hmac.secrets';
  throw new ConfigError(`The setting ${key} holds a secret that is not written in ${secretEncoding}`, { key });
}

const wholeHex = /^(?:[\da-f]{2})+$/i;
const wholeBase64 = /^[\w+/-]{2,}={0,2}$/;

const refused = (message: string) => new Refusal(401, message, { headers: { 'www-authenticate': 'Signature' } });

function partsOf({ headers }: HookRequest, header: string, separator: HmacScheme['separator']): string[] | null {
  const value = headers[header.toLowerCase()];
  if (value === undefined) return null;
  return (separator === null ? [value] : value.split(separator)).map((part) => part.trim());
}

function bytesOf(part: string, prefix: string, encoding: 'hex' | 'base64'): Buffer[] {
  if (!part.startsWith(prefix)) return [];
  const text = part.slice(prefix.length);
  const isWhole = encoding === 'hex' ? wholeHex.test(text) : wholeBase64.test(text);
  return isWhole ? [Buffer.from(text, encoding)] : [];
}

function timestampOf(
  request: HookRequest,
  { header, prefix }: NonNullable<HmacScheme['timestamp']>,
  separator: HmacScheme['separator'],
): string {
  const parts = partsOf(request, header, separator) ?? [];
  const found = parts.find((part) => part.startsWith(prefix))?.slice(prefix.length);
  if (found !== undefined && /^\d{1,15}$/.test(found)) return found;
  throw refused(
    `This hook needs the time that was signed: send it in the header ${header} as ${prefix}<seconds since 1970>`,
  );
}

/** Later than any time in seconds that a clock of today may show. */
const firstOfMilliseconds = 100_000_000_000;

function checkAge(timestamp: string, toleranceSeconds: number, now: number): void {
  const time = Number(timestamp);
  const seconds = time >= firstOfMilliseconds ? time / 1000 : time;
  const apart = Math.round(Math.abs(now / 1000 - seconds));
  if (apart <= toleranceSeconds) return;
  throw refused(
    `The signed time is ${apart} s from now, this hook takes ${toleranceSeconds}: sign anew, or set the clock of the sender right`,
  );
}

type Piece = (request: HookRequest, timestamp: string) => string | Buffer;

/** Throws ConfigError. */
export function parseTemplate(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const [text] of template.matchAll(/\{[^{}]*\}|[^{]+|\{/g)) pieces.push(pieceOf(text));
  if (!/\{body\}/.test(template)) {
    throw new ConfigError(`http.auth.hmac.signed is "${template}": without {body} the body is not signed`, {
      key: 'http.auth.hmac.signed',
    });
  }
  return pieces;
}

function pieceOf(text: string): Piece {
  const header = /^\{header:([^{}]+)\}$/.exec(text)?.[1]?.toLowerCase();
  if (header !== undefined) return ({ headers }) => headers[header] ?? '';
  switch (text) {
    case '{body}':
      return ({ body }) => body;
    case '{timestamp}':
      return (_request, timestamp) => timestamp;
    case '{method}':
      return ({ method }) => method;
    case '{path}':
      return ({ path }) => path;
  }
  if (!text.startsWith('{') || text === '{') return () => text;
  throw new ConfigError(
    `http.auth.hmac.signed has ${text}: it may have {body}, {timestamp}, {method}, {path} and {header:<name>}`,
    { key: 'http.auth.hmac.signed' },
  );
}
