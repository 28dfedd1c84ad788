import {
  type ConfigDef,
  type ConfigSpec,
  type ConfigType,
  defineConfig,
  type Importance,
  type Settings,
} from '../config/config-def.ts';
import { type ConfigInfo, describeKey, describeValue } from '../config/describe-config.ts';
import { isHonouredOverride } from '../config/honoured-overrides.ts';
import { type InstallationIdentity, identityProblem, ownConnection } from '../config/override-identity.ts';
import { allOverrides, type OverridePolicy, overrideRefusal, overridingClients } from '../config/override-policy.ts';
import { parseType, settingsWithPrefix } from '../config/parse-config.ts';
import type { ConfigValue } from '../config/validate-config.ts';
import { ConfigError } from '../errors.ts';
import { adminSettings, consumerSettings, producerSettings, sharedSettings } from './client-settings.ts';

const settingsOf = { producer: producerSettings, consumer: consumerSettings, admin: adminSettings };
type Client = keyof typeof settingsOf;

const defs = new Map<Client, ConfigDef>();

function clientConfigDef(client: Client): ConfigDef {
  let def = defs.get(client);
  if (def === undefined) {
    def = defineConfig(parseSettings(client, `${sharedSettings}${settingsOf[client]}`));
    defs.set(client, def);
  }
  return def;
}

function parseSettings(client: Client, table: string): ConfigSpec {
  const keys = table.split('\n').flatMap((line) => {
    const [name, type, importance, ...rest] = line.split(' ');
    if (name === undefined || type === undefined) return [];
    const text = rest.join(' ');
    const spec = {
      type: type as ConfigType,
      importance: importance as Importance,
      doc: isHonouredOverride(client, name)
        ? `A setting of Kafka's own ${client}.`
        : `A setting of Kafka's own ${client}. It has no effect in Drover.`,
      ...(text === '!' ? {} : { default: text === '-' ? null : text === "''" ? '' : text }),
    };
    return [[name, spec] as const];
  });
  return Object.fromEntries(keys);
}

/** What an installation holds against overrides. */
export interface OverrideRules {
  readonly policy: OverridePolicy;
  /** Null: its clients prove to nobody who they are, so a connector's own miss nothing. */
  readonly installation: InstallationIdentity | null;
}

export const anyOverrides: OverrideRules = { policy: allOverrides, installation: null };

/**
 * Settings of the Kafka clients that a connector overrides: one that cannot be read is an error, and so is a connection of
 * its own that lacks an identity of its own. Secrets are not shown, nor what may hold one under a name that Kafka does not
 * know.
 */
export function clientOverrideInfos(
  kind: 'source' | 'sink',
  settings: Settings,
  { installation }: OverrideRules = anyOverrides,
): { infos: ConfigInfo[]; groups: string[] }[] {
  return overridingClients(kind, settings).map((client) => {
    const prefix = `${client}.override.`;
    const def = clientConfigDef(client);
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
    for (const [name, text] of Object.entries(overrides)) {
      const key = def.keys.get(name);
      const value = shown(name);
      try {
        value.value = key === undefined ? shownUnknown(name, text) : parseType(value.name, text, key.type);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        value.errors.push(error.message);
      }
    }
    const problem =
      installation === null ? null : identityProblem(installation, ownConnection(installation, overrides), prefix);
    if (problem !== null) shown(problem.key).errors.push(problem.message);
    const infos = [...values].map(([name, value]): ConfigInfo => {
      const key = def.keys.get(name);
      return {
        definition: key === undefined ? null : { ...describeKey(key), name: value.name },
        value: describeValue(key, value),
      };
    });
    return { infos, groups: [] };
  });
}

/** What the policy does not allow to be overridden, by full name; also where the value is a reference. */
export function overrideRefusals(
  kind: 'source' | 'sink',
  settings: Settings,
  { policy }: OverrideRules,
): ReadonlyMap<string, string> {
  const refusals = new Map<string, string>();
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
