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
import { javaTrim } from '../config/java-text.ts';
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

/**
 * The clients that a connector of this kind, set up like this, has. A source has all three, as under a worker of Java
 * that has exactly-once source support.
 */
function clientsOf(kind: 'source' | 'sink', settings: Settings): Client[] {
  const deadLetters = javaTrim(settings['errors.deadletterqueue.topic.name'] ?? '') !== '';
  return kind === 'source' || deadLetters ? ['producer', 'consumer', 'admin'] : ['consumer'];
}

/**
 * Settings of the Kafka clients that a connector overrides: every one is allowed, as under Connect's policy `All`, and
 * one that cannot be read is an error. Secrets are not shown, nor what may hold one under a name that Kafka does not know.
 */
export function clientOverrideInfos(
  kind: 'source' | 'sink',
  settings: Settings,
): { infos: ConfigInfo[]; groups: string[] }[] {
  return clientsOf(kind, settings).map((client) => {
    const prefix = `${client}.override.`;
    const def = clientConfigDef(client);
    const infos = Object.entries(settingsWithPrefix(settings, prefix)).map(([name, text]): ConfigInfo => {
      const key = def.keys.get(name);
      const value: ConfigValue = { name: prefix + name, value: null, errors: [], recommendedValues: [], visible: true };
      try {
        value.value = key === undefined ? shownUnknown(name, text) : parseType(value.name, text, key.type);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        value.errors.push(error.message);
      }
      return {
        definition: key === undefined ? null : { ...describeKey(key), name: value.name },
        value: describeValue(key, value),
      };
    });
    return { infos, groups: [] };
  });
}

function shownUnknown(name: string, text: string): string {
  return /password|secret|credential|token|jaas|private/i.test(name) ? '[hidden]' : text;
}
