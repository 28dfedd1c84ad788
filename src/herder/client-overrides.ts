import { clientConfig } from '../config/client-config.ts';
import type { Settings } from '../config/config-def.ts';
import { hostRefusals } from '../config/connector-hosts.ts';
import { type ConfigInfo, describeKey, describeValue } from '../config/describe-config.ts';
import { type InstallationIdentity, identityProblem, ownConnection } from '../config/override-identity.ts';
import { allOverrides, type OverridePolicy, overrideRefusal, overridingClients } from '../config/override-policy.ts';
import { parseType, settingsWithPrefix } from '../config/parse-config.ts';
import type { ConfigValue } from '../config/validate-config.ts';
import { ConfigError } from '../errors.ts';
import { javaHashOrder } from '../java/hash-order.ts';

/** What an installation holds against overrides. */
export interface OverrideRules {
  readonly policy: OverridePolicy;
  /** Null: its clients prove to nobody who they are, so a connector's own miss nothing. */
  readonly installation: InstallationIdentity | null;
  /** Those that a config may name for Drover's own clients; none: any. */
  readonly hosts: readonly string[];
}

export const anyOverrides: OverrideRules = { policy: allOverrides, installation: null, hosts: [] };

/**
 * Settings of the Kafka clients that a connector overrides: one that cannot be read is an error, and so is a connection of
 * its own that lacks an identity of its own; what else a client refuses shows, as in Java, when it is made. Secrets are
 * not shown, nor what may hold one under a name that Kafka does not know.
 */
export function clientOverrideInfos(
  kind: 'source' | 'sink',
  settings: Settings,
  { installation }: OverrideRules = anyOverrides,
): { infos: ConfigInfo[]; groups: string[] }[] {
  return overridingClients(kind, settings).map((client) => {
    const prefix = `${client}.override.`;
    const { keys } = clientConfig(client);
    const overrides = settingsWithPrefix(settings, prefix);
    const values = new Map<string, ConfigValue>();
    const shown = (name: string): ConfigValue => {
      const value = values.get(name) ?? {
        name: prefix + name,
        value: null,
        errors: [],
        recommendedValues: [],
        visible: true,
      };
      values.set(name, value);
      return value;
    };
    for (const name of javaHashOrder(Object.keys(overrides))) {
      const text = overrides[name]!;
      const key = keys.get(name);
      const value = shown(name);
      try {
        value.value = key === undefined ? shownUnknown(name, text) : parseType(value.name, text, key.type);
        // Java finds the class when it reads the setting.
        if (key?.type === 'CLASS') key.validator?.check(value.name, value.value);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        value.errors.push(error.message);
      }
    }
    const problem =
      installation === null ? null : identityProblem(installation, ownConnection(installation, overrides), prefix);
    if (problem !== null) shown(problem.key).errors.push(problem.message);
    const infos = [...values].map(([name, value]): ConfigInfo => {
      const key = keys.get(name);
      return {
        definition: key === undefined ? null : { ...describeKey(key), name: value.name },
        value: describeValue(key, value),
      };
    });
    return { infos, groups: [] };
  });
}

/** What the policy does not allow to be overridden, by full name, also where the value is a reference; and refused hosts. */
export function overrideRefusals(
  kind: 'source' | 'sink',
  settings: Settings,
  { policy, hosts }: OverrideRules,
): ReadonlyMap<string, string> {
  const refusals = new Map(hostRefusals(hosts, settings));
  for (const client of overridingClients(kind, settings)) {
    const prefix = `${client}.override.`;
    for (const name of Object.keys(settingsWithPrefix(settings, prefix))) {
      const refusal = overrideRefusal(policy, name);
      if (refusal !== null) refusals.set(prefix + name, refusal);
    }
  }
  return refusals;
}

function shownUnknown(name: string, text: string): string {
  return /password|secret|credential|token|jaas|private/i.test(name) ? '[hidden]' : text;
}
