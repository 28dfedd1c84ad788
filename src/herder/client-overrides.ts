import type { Settings } from '../config/config-def.ts';
import type { ConfigInfo } from '../config/describe-config.ts';
import { settingsWithPrefix } from '../config/parse-config.ts';

const prefixes = {
  source: ['producer.override.', 'admin.override.'],
  sink: ['consumer.override.', 'producer.override.', 'admin.override.'],
} as const;

/**
 * Settings of the Kafka clients that a connector overrides, as it gives them: every one is allowed, as under Connect's
 * policy `All`. A secret among them is not shown.
 */
export function clientOverrideInfos(
  kind: 'source' | 'sink',
  settings: Settings,
): { infos: ConfigInfo[]; groups: string[] }[] {
  return prefixes[kind].map((prefix) => ({
    groups: [],
    infos: Object.entries(settingsWithPrefix(settings, prefix)).map(
      ([name, value]): ConfigInfo => ({
        definition: null,
        value: {
          name: prefix + name,
          value: /password|secret|jaas\.config|private|\.key$/i.test(name) ? '[hidden]' : value,
          recommended_values: [],
          errors: [],
          visible: true,
        },
      }),
    ),
  }));
}
