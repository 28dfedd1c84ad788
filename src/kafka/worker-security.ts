import { ConfigError } from '../errors.ts';
import type { KafkaSecurity, SaslSettings, TlsSettings } from './security.ts';

export interface WorkerSecurity {
  readonly protocol: KafkaSecurity['protocol'];
  readonly mechanism: 'AWS_MSK_IAM' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'PLAIN';
  readonly region: string;
  /** The secret's text: a JSON object; null when none is configured. */
  readonly secret: string | null;
}

/** How the installation's own functions speak to the brokers; throws ConfigError naming the missing part of the secret. */
export function workerSecurity({ protocol, mechanism, region, secret }: WorkerSecurity): KafkaSecurity {
  const fields = secretFields(secret);
  const usesTls = protocol === 'SSL' || protocol === 'SASL_SSL';
  const usesSasl = protocol === 'SASL_SSL' || protocol === 'SASL_PLAINTEXT';
  return {
    protocol,
    ...(usesTls ? { tls: tlsOf(fields) } : {}),
    ...(usesSasl ? { sasl: saslOf(mechanism, region, fields) } : {}),
  };
}

function saslOf(mechanism: WorkerSecurity['mechanism'], region: string, fields: Map<string, string>): SaslSettings {
  if (mechanism === 'AWS_MSK_IAM') return { mechanism, region };
  return { mechanism, username: need(fields, 'username'), password: need(fields, 'password') };
}

function tlsOf(fields: Map<string, string>): TlsSettings {
  const certificate = fields.get('certificate');
  const ca = fields.get('ca');
  const passphrase = fields.get('passphrase');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate, key: need(fields, 'key') }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

const setting = 'drover.security.secret';

function need(fields: Map<string, string>, name: string): string {
  const value = fields.get(name);
  if (value === undefined) throw new ConfigError(`The secret that ${setting} names has no ${name}`, { key: setting });
  return value;
}

function secretFields(secret: string | null): Map<string, string> {
  if (secret === null) return new Map();
  let parsed: unknown;
  try {
    parsed = JSON.parse(secret);
  } catch {
    // The cause would print the secret.
    parsed = null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new ConfigError(`The secret that ${setting} names is not a JSON object`, { key: setting });
  }
  return new Map(Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
