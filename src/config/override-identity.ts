import { isConnectionSetting } from './client-config.ts';
import type { Settings } from './config-def.ts';

/**
 * Whom the installation's own clients talk to, and how they prove who they are: no more than which way, so that it can be
 * told without the secret.
 */
export interface InstallationIdentity {
  /** `host:port,host:port`. */
  readonly bootstrapServers: string;
  readonly protocol: string;
  /** Under SASL_PLAINTEXT and SASL_SSL. */
  readonly mechanism: string | null;
  /** Whether a client certificate is shown. */
  readonly certificate: boolean;
}

export interface IdentityProblem {
  /** The setting that is missing or cannot be, without the client's prefix. */
  readonly key: string;
  readonly message: string;
}

const iamMechanism = 'AWS_MSK_IAM';

/** How MSK's users of Java write that they are who the worker is. */
const iamInJava: Readonly<Record<string, RegExp>> = {
  'sasl.jaas.config': /^software\.amazon\.msk\.auth\.iam\.IAMLoginModule\s+required\s*;?$/,
  'sasl.client.callback.handler.class': /^software\.amazon\.msk\.auth\.iam\.IAMClientCallbackHandler$/,
};

/**
 * Of a client's overrides those that lead it elsewhere, or make it somebody else, than the installation's own clients:
 * what only repeats the installation's settings is left out. If none is left, the client is the installation's own.
 */
export function ownConnection(installation: InstallationIdentity, overrides: Settings): Settings {
  const own = new Map(Object.entries(overrides).filter(([key]) => isConnectionSetting(key)));
  const repeats = (key: string, same: (value: string) => boolean) => {
    const value = own.get(key);
    if (value !== undefined && same(value.trim())) own.delete(key);
  };
  const known = serversOf(installation.bootstrapServers);
  repeats('bootstrap.servers', (value) => serversOf(value).every((server) => known.includes(server)));
  repeats('security.protocol', (value) => value.toUpperCase() === installation.protocol);
  repeats('sasl.mechanism', (value) => value.toUpperCase() === installation.mechanism);
  const left = [...own];
  const isIam = installation.mechanism === iamMechanism;
  if (isIam && left.every(([key, value]) => iamInJava[key]?.test(value.trim()) === true)) return {};
  // Named whole: a protocol that is the installation's own still belongs to what the connector brings.
  return left.length === 0
    ? {}
    : Object.fromEntries(Object.entries(overrides).filter(([key]) => isConnectionSetting(key)));
}

/**
 * What a client still lacks that overrides its connection. It gets nothing of the installation's identity, neither user nor
 * token nor certificate: these would go to whomever the config names. `prefix` (`producer.override.`) is for the message.
 */
export function identityProblem(
  installation: InstallationIdentity,
  own: Settings,
  prefix: string,
): IdentityProblem | null {
  const overridden = Object.keys(own);
  if (overridden.length === 0) return null;
  const protocol = (own['security.protocol'] ?? installation.protocol).trim().toUpperCase();
  const because = `${overridden.map((key) => prefix + key).join(', ')} ${overridden.length === 1 ? 'is' : 'are'} set, so nothing of the installation's own identity is used`;
  const problem = (key: string, message: string) => ({ key, message: `${because}: ${message}` });
  if (protocol === 'SSL') {
    const inherited = own['security.protocol'] === undefined && installation.certificate;
    if (!inherited || isGiven(own, 'ssl.keystore.certificate.chain') || isGiven(own, 'ssl.keystore.location')) {
      return null;
    }
    return problem(
      'ssl.keystore.certificate.chain',
      `security.protocol is SSL with a client certificate; give ${prefix}ssl.keystore.certificate.chain and ` +
        `${prefix}ssl.keystore.key, or ${prefix}security.protocol for brokers that want no certificate`,
    );
  }
  if (protocol !== 'SASL_PLAINTEXT' && protocol !== 'SASL_SSL') return null;
  const mechanism = mechanismOf(installation, own);
  switch (mechanism) {
    case iamMechanism:
      return problem(
        'sasl.mechanism',
        `${prefix}sasl.mechanism cannot be ${iamMechanism}, which proves to be the role of Drover's own function; ` +
          `give ${prefix}sasl.mechanism and ${prefix}sasl.jaas.config of a user of the connector's own`,
      );
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      if (isGiven(own, 'sasl.jaas.config')) return null;
      if (isGiven(own, 'sasl.username') && isGiven(own, 'sasl.password')) return null;
      return problem(
        'sasl.jaas.config',
        `security.protocol is ${protocol} with ${mechanism} and needs ${prefix}sasl.jaas.config with username and password`,
      );
    case 'OAUTHBEARER': {
      if (isGiven(own, 'sasl.oauthbearer.token')) return null;
      const key = 'sasl.oauthbearer.token.endpoint.url';
      if (isGiven(own, key)) return null;
      return problem(key, `security.protocol is ${protocol} with OAUTHBEARER and needs ${prefix}${key}`);
    }
    default:
      return null;
  }
}

/** The mechanism's name is no secret: a connector may bring a user of its own and leave the way of proving it alone. */
export function mechanismOf(installation: InstallationIdentity, own: Settings): string | null {
  return own['sasl.mechanism']?.trim().toUpperCase() ?? installation.mechanism;
}

const isGiven = (own: Settings, key: string) => (own[key] ?? '').trim() !== '';

function serversOf(list: string): string[] {
  return list.split(',').map((server) => server.trim().toLowerCase());
}
