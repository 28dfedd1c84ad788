import { ConfigError } from '../errors.ts';
import { javaTrim } from '../java/text.ts';
import type { Client } from './client-config.ts';
import type { Settings } from './config-def.ts';
import { deadLetterTopic } from './connector-config.ts';
import { parseType, settingsWithPrefix } from './parse-config.ts';

/** Which settings of the Kafka clients a connector may override. Java: ConnectorClientConfigOverridePolicy. */
export interface OverridePolicy {
  /** As Java's messages name it. */
  readonly name: string;
  /** `key` without the client's prefix. */
  allows(key: string): boolean;
}

const overridePolicyKey = 'connector.client.config.override.policy';
const overrideAllowlistKey = 'connector.client.config.override.allowlist';

export const allOverrides: OverridePolicy = { name: 'All', allows: () => true };

const principalSettings = ['sasl.jaas.config', 'sasl.mechanism', 'security.protocol'];

/** The policy that a worker's settings choose, by its alias or its class. */
export function overridePolicy(worker: Settings): OverridePolicy {
  const given = javaTrim(worker[overridePolicyKey] ?? 'All');
  const name = given
    .replace(/^org\.apache\.kafka\.connect\.connector\.policy\./, '')
    .replace(/ConnectorClientConfigOverridePolicy$/, '');
  switch (name) {
    case 'All':
      return allOverrides;
    case 'None':
      return { name, allows: () => false };
    case 'Principal':
      return { name, allows: (key) => principalSettings.includes(key) };
    case 'Allowlist': {
      const allowed = parseType(overrideAllowlistKey, worker[overrideAllowlistKey] ?? '', 'LIST') as string[];
      return { name, allows: (key) => allowed.includes(key) };
    }
    default:
      throw new ConfigError(`${overridePolicyKey} is "${given}"; it must be All, Allowlist, Principal or None`, {
        key: overridePolicyKey,
      });
  }
}

/** What Java says of a setting that the policy does not let through; null: it does. */
export function overrideRefusal(policy: OverridePolicy, key: string): string | null {
  if (policy.allows(key)) return null;
  return `The '${policy.name}' policy does not allow '${key}' to be overridden in the connector configuration.`;
}

/**
 * The clients that a connector of this kind, set up like this, has. A source has all three, as under a worker of Java
 * that has exactly-once source support.
 */
export function overridingClients(kind: 'source' | 'sink', settings: Settings): Client[] {
  return kind === 'source' || deadLetterTopic(settings) !== null ? ['producer', 'consumer', 'admin'] : ['consumer'];
}

/** Throws for the first override that the policy does not let through: a config may be older than the policy. */
export function requireAllowedOverrides(policy: OverridePolicy, kind: 'source' | 'sink', settings: Settings): void {
  for (const client of overridingClients(kind, settings)) {
    for (const key of Object.keys(settingsWithPrefix(settings, `${client}.override.`))) {
      const refusal = overrideRefusal(policy, key);
      if (refusal === null) continue;
      throw new ConfigError(`Client Config Overrides not allowed: ${client}.override.${key}: ${refusal}`, {
        key: `${client}.override.${key}`,
      });
    }
  }
}
