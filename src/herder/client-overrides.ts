import { type Client, clientConfig } from '../config/client-config.ts';
import type { Settings } from '../config/config-def.ts';
import { deadLetterTopic } from '../config/connector-config.ts';
import { type ConfigInfo, describeKey, describeValue } from '../config/describe-config.ts';
import { inJavaHashOrder } from '../config/java-text.ts';
import { parseType, settingsWithPrefix } from '../config/parse-config.ts';
import type { ConfigValue } from '../config/validate-config.ts';
import { ConfigError } from '../errors.ts';

/**
 * The clients that a connector of this kind, set up like this, has. A source has all three, as under a worker of Java
 * that has exactly-once source support.
 */
function clientsOf(kind: 'source' | 'sink', settings: Settings): Client[] {
  return kind === 'source' || deadLetterTopic(settings) !== null ? ['producer', 'consumer', 'admin'] : ['consumer'];
}

/**
 * Settings of the Kafka clients that a connector overrides: every one is allowed, as under Connect's policy `All`, and
 * one that cannot be read is an error; what else a client refuses shows, as in Java, when it is made. Secrets are not
 * shown, nor what may hold one under a name that Kafka does not know.
 */
export function clientOverrideInfos(
  kind: 'source' | 'sink',
  settings: Settings,
): { infos: ConfigInfo[]; groups: string[] }[] {
  return clientsOf(kind, settings).map((client) => {
    const prefix = `${client}.override.`;
    const { keys } = clientConfig(client);
    const overrides = settingsWithPrefix(settings, prefix);
    const infos = inJavaHashOrder(Object.keys(overrides)).map((name): ConfigInfo => {
      const text = overrides[name]!;
      const key = keys.get(name);
      const value: ConfigValue = { name: prefix + name, value: null, errors: [], recommendedValues: [], visible: true };
      try {
        value.value = key === undefined ? shownUnknown(name, text) : parseType(value.name, text, key.type);
        // Java finds the class when it reads the setting.
        if (key?.type === 'CLASS') key.validator?.check(value.name, value.value);
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
