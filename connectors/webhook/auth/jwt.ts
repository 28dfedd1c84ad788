import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from 'jose';
import { ConfigError } from '../../../src/api/index.ts';
import { Refusal } from '../refusal.ts';
import type { HookRequest } from '../request.ts';
import type { Authenticate } from './authenticate.ts';

export interface JwtRules {
  readonly jwksUrl: string | null;
  /** JSON text of a key set; instead of the URL. */
  readonly jwks: string | null;
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  readonly scopes: readonly string[];
  readonly toleranceSeconds: number;
}

/** Key sets by their URL, for as long as the environment lives: an event has a feed of its own. */
const remoteKeys = new Map<string, JWTVerifyGetKey>();
const mostKeySets = 100;

/** Loads the library when the first token is to be verified. `now`: epoch milliseconds. */
export function jwtAuth(rules: JwtRules, now: () => number): Authenticate {
  const inline = rules.jwks === null ? null : keySetOf(rules.jwks);
  return async (request) => {
    const token = tokenOf(request);
    const jose = await import('./jose.ts');
    const keys = inline === null ? remote(jose, rules.jwksUrl!) : jose.createLocalJWKSet(inline);
    let payload: JWTPayload;
    try {
      const verified = await jose.jwtVerify(token, keys, {
        issuer: rules.issuer,
        audience: [...rules.audience],
        algorithms: [...rules.algorithms],
        clockTolerance: rules.toleranceSeconds,
        currentDate: new Date(now()),
        requiredClaims: ['exp'],
      });
      payload = verified.payload;
    } catch (cause) {
      throw refusalOf(jose, cause);
    }
    const held = scopesOf(payload);
    if (rules.scopes.every((scope) => held.has(scope))) return;
    throw new Refusal(403, `The token lacks a scope: this hook needs ${rules.scopes.join(' ')}`, {
      headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${rules.scopes.join(' ')}"` },
    });
  };
}

type Jose = typeof import('./jose.ts');

function remote(jose: Jose, url: string): JWTVerifyGetKey {
  let keys = remoteKeys.get(url);
  if (keys === undefined) {
    if (remoteKeys.size >= mostKeySets) remoteKeys.clear();
    keys = jose.createRemoteJWKSet(new URL(url), {
      cacheMaxAge: 600_000,
      cooldownDuration: 30_000,
      timeoutDuration: 5000,
    });
    remoteKeys.set(url, keys);
  }
  return keys;
}

function tokenOf({ headers }: HookRequest): string {
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token !== undefined) return token;
  throw new Refusal(401, 'This hook needs a token: send it as "Authorization: Bearer <token>"', {
    headers: { 'www-authenticate': 'Bearer' },
  });
}

/** Anything that is not the token's fault is ours, and passes: keys that could not be fetched, say. */
function refusalOf(jose: Jose, cause: unknown): Refusal {
  const { errors } = jose;
  const wrong = (what: string) =>
    new Refusal(401, what, { cause, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } });
  if (cause instanceof errors.JWTExpired) return wrong('The token has expired: get another');
  if (cause instanceof errors.JWTClaimValidationFailed) {
    return wrong(`The token is not for this hook: its claim ${cause.claim} is missing or another than the hook takes`);
  }
  if (cause instanceof errors.JOSEAlgNotAllowed)
    return wrong('The token is signed with an algorithm that this hook does not take');
  if (
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JWSInvalid ||
    cause instanceof errors.JWTInvalid ||
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JWKSMultipleMatchingKeys ||
    cause instanceof errors.JOSENotSupported
  ) {
    return wrong('The token is not signed by the issuer that this hook trusts');
  }
  return new Refusal(503, 'The keys of the issuer cannot be had just now: try again later', { cause });
}

function scopesOf(payload: JWTPayload): ReadonlySet<string> {
  const { scope, scp } = payload;
  return new Set(
    [scope, scp].flatMap((claim) => (typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [])),
  );
}

function keySetOf(text: string): JSONWebKeySet {
  try {
    const value: unknown = JSON.parse(text);
    const keys = (value as { keys?: unknown } | null)?.keys;
    if (Array.isArray(keys) && keys.every((key) => typeof key?.kty === 'string')) return value as JSONWebKeySet;
  } catch {
    // Told below.
  }
  throw new ConfigError('http.auth.jwt.jwks is no JWKS: it must be {"keys": […]}', { key: 'http.auth.jwt.jwks' });
}
