import type { AwsCredentials } from '../aws-signature.ts';
import type { Settings } from '../config/config-def.ts';
import { type InstallationIdentity, identityProblem, mechanismOf } from '../config/override-identity.ts';
import { ConfigError } from '../errors.ts';
import { anyFile, type FileAccess } from '../files.ts';
import { currentCredentials, mskIamToken, mskRegion } from './msk-iam.ts';

/** PEM text. */
export interface TlsSettings {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** False: the broker's name is not compared with its certificate (Java: an empty endpoint identification algorithm). */
  readonly checkServerName?: boolean;
}

export type SaslSettings =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly token: () => Promise<string> }
  | {
      readonly mechanism: 'AWS_MSK_IAM';
      readonly region: string;
      readonly credentials?: () => Promise<AwsCredentials>;
    };

export interface KafkaSecurity {
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly tls?: TlsSettings;
  readonly sasl?: SaslSettings;
}

export const plaintext: KafkaSecurity = { protocol: 'PLAINTEXT' };

/** The token that goes over SASL/OAUTHBEARER, also for MSK's IAM access control; null with other mechanisms. */
export function bearerToken(sasl: SaslSettings): (() => Promise<string>) | null {
  if (sasl.mechanism === 'OAUTHBEARER') return sasl.token;
  if (sasl.mechanism !== 'AWS_MSK_IAM') return null;
  const credentials = sasl.credentials ?? (() => currentCredentials(process.env));
  return async () => mskIamToken(sasl.region, await credentials(), new Date());
}

function quoted(jaas: string, name: string): string | undefined {
  const match = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]+))`).exec(jaas);
  if (!match) return undefined;
  return match[1] === undefined ? match[2] : match[1].replace(/\\(.)/g, '$1');
}

/** RFC 6749 §4.4: fetches a token with client credentials and keeps it until shortly before it expires. */
function clientCredentialsToken(url: string, clientId: string, clientSecret: string, scope: string | undefined) {
  let token = '';
  let expiresAt = 0;
  return async (): Promise<string> => {
    if (Date.now() < expiresAt) return token;
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope ? { scope } : {}) });
    const { origin } = new URL(url);
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`,
      },
      body,
      // The secret is for this endpoint, not for another that it names.
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
    }).catch((cause: Error) => {
      throw new Error(`The token endpoint ${origin} cannot be reached: ${reasonOf(cause)}`);
    });
    if (!response.ok) throw new Error(`The token endpoint ${origin} answered ${response.status}`);
    const answer = (await response.json()) as { access_token?: unknown; expires_in?: unknown };
    if (typeof answer.access_token !== 'string') throw new Error(`The token endpoint ${origin} sent no access_token`);
    token = answer.access_token;
    const lifetimeMs = (typeof answer.expires_in === 'number' ? answer.expires_in : 60) * 1000;
    expiresAt = Date.now() + lifetimeMs * 0.8;
    return token;
  };
}

const reasonOf = (error: Error) => (error.cause instanceof Error ? error.cause.message : error.message);

function pem(properties: Settings, files: FileAccess, inline: string, location: string): string | undefined {
  const text = properties[inline];
  if (text) return text;
  const path = properties[location];
  if (!path) return undefined;
  let content: Buffer;
  try {
    content = files.read(path);
  } catch (cause) {
    throw new ConfigError(`${location}: ${(cause as Error).message}`, { cause, key: location });
  }
  if (!content.includes('-----BEGIN')) {
    throw new ConfigError(`${location} must name a PEM file; convert the Java key store, or give ${inline}`, {
      key: location,
    });
  }
  return content.toString('utf8');
}

/** Reads Kafka's own client properties: security.protocol, sasl.*, ssl.*. Key stores are PEM; JKS is refused by name. */
export function securityFromProperties(properties: Settings, files: FileAccess = anyFile): KafkaSecurity {
  const protocol = (properties['security.protocol'] ?? 'PLAINTEXT').trim().toUpperCase();
  if (protocol !== 'PLAINTEXT' && protocol !== 'SSL' && protocol !== 'SASL_PLAINTEXT' && protocol !== 'SASL_SSL') {
    throw new ConfigError(`security.protocol is "${protocol}"; it must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL`, {
      key: 'security.protocol',
    });
  }
  let tls: TlsSettings | undefined;
  if (protocol === 'SSL' || protocol === 'SASL_SSL') {
    const ca = pem(properties, files, 'ssl.truststore.certificates', 'ssl.truststore.location');
    const certificate = pem(properties, files, 'ssl.keystore.certificate.chain', 'ssl.keystore.location');
    const key = properties['ssl.keystore.key'] ?? (certificate?.includes('PRIVATE KEY') ? certificate : undefined);
    if (certificate !== undefined && key === undefined) {
      throw new ConfigError('ssl.keystore.certificate.chain is set but ssl.keystore.key is not', {
        key: 'ssl.keystore.key',
      });
    }
    const passphrase = properties['ssl.key.password'];
    tls = {
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
      ...(passphrase ? { passphrase } : {}),
      checkServerName: (properties['ssl.endpoint.identification.algorithm'] ?? 'https') !== '',
    };
  }
  let sasl: SaslSettings | undefined;
  if (protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL') sasl = saslFromProperties(properties);
  return { protocol, ...(tls ? { tls } : {}), ...(sasl ? { sasl } : {}) };
}

/** Which way these clients prove who they are, without what they prove it with. */
export function identityOf(bootstrapServers: string, { protocol, tls, sasl }: KafkaSecurity): InstallationIdentity {
  return {
    bootstrapServers,
    protocol,
    mechanism: sasl?.mechanism ?? null,
    certificate: tls?.certificate !== undefined,
  };
}

/**
 * The security of a client whose connection a connector overrides: of the installation's it keeps what anybody may know
 * (protocol, mechanism, and the authority that its brokers' certificates are of) and nothing that proves who it is.
 * `own`: see `ownConnection`. Throws ConfigError that names what is missing, `prefix` and all.
 */
export function overriddenSecurity(
  installation: InstallationIdentity,
  base: KafkaSecurity,
  own: Settings,
  { prefix, files }: { readonly prefix: string; readonly files: FileAccess },
): KafkaSecurity {
  const problem = identityProblem(installation, own, prefix);
  if (problem !== null) throw new ConfigError(problem.message, { key: prefix + problem.key });
  const mechanism = mechanismOf(installation, own);
  const known: Record<string, string> = {
    'security.protocol': base.protocol,
    ...(mechanism === null ? {} : { 'sasl.mechanism': mechanism }),
    ...(base.tls?.ca === undefined || own['ssl.truststore.location']
      ? {}
      : { 'ssl.truststore.certificates': base.tls.ca }),
    ...(base.tls?.checkServerName === false ? { 'ssl.endpoint.identification.algorithm': '' } : {}),
  };
  try {
    return securityFromProperties({ ...known, ...own }, files);
  } catch (cause) {
    if (!(cause instanceof ConfigError) || typeof cause.facts.key !== 'string') throw cause;
    throw new ConfigError(`${prefix}${cause.facts.key}: ${cause.message}`, { cause, key: prefix + cause.facts.key });
  }
}

function saslFromProperties(properties: Settings): SaslSettings {
  const mechanism = (properties['sasl.mechanism'] ?? 'GSSAPI').trim().toUpperCase();
  const jaas = properties['sasl.jaas.config'] ?? '';
  switch (mechanism) {
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512': {
      const username = quoted(jaas, 'username') ?? properties['sasl.username'];
      const password = quoted(jaas, 'password') ?? properties['sasl.password'];
      if (username === undefined || password === undefined) {
        throw new ConfigError(`sasl.mechanism=${mechanism} needs username and password in sasl.jaas.config`, {
          key: 'sasl.jaas.config',
        });
      }
      return { mechanism, username, password };
    }
    case 'OAUTHBEARER': {
      const fixed = properties['sasl.oauthbearer.token'];
      if (fixed !== undefined) return { mechanism, token: async () => fixed };
      const url = properties['sasl.oauthbearer.token.endpoint.url'];
      const clientId = properties['sasl.oauthbearer.client.credentials.client.id'] ?? quoted(jaas, 'clientId');
      const clientSecret =
        properties['sasl.oauthbearer.client.credentials.client.secret'] ?? quoted(jaas, 'clientSecret');
      if (!url || clientId === undefined || clientSecret === undefined) {
        throw new ConfigError(
          'sasl.mechanism=OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url, and clientId and clientSecret in sasl.jaas.config',
          { key: 'sasl.oauthbearer.token.endpoint.url' },
        );
      }
      checkEndpoint(url);
      const scope = properties['sasl.oauthbearer.scope'] ?? quoted(jaas, 'scope');
      return { mechanism, token: clientCredentialsToken(url, clientId, clientSecret, scope) };
    }
    case 'AWS_MSK_IAM': {
      const region =
        properties['drover.msk.region'] ?? mskRegion(properties['bootstrap.servers']) ?? process.env.AWS_REGION;
      if (!region) {
        throw new ConfigError(
          'sasl.mechanism=AWS_MSK_IAM needs a region: bootstrap.servers names none, so set AWS_REGION or drover.msk.region',
          {
            key: 'drover.msk.region',
          },
        );
      }
      return { mechanism, region };
    }
    default:
      throw new ConfigError(
        `sasl.mechanism "${mechanism}" is not supported; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM`,
        { key: 'sasl.mechanism' },
      );
  }
}

function checkEndpoint(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return;
  throw new ConfigError('sasl.oauthbearer.token.endpoint.url must be an http or https URL without user and password', {
    key: 'sasl.oauthbearer.token.endpoint.url',
  });
}
