import type { Settings } from '../config/config-def.ts';
import { type ConfigInfo, describeKey, describeValue } from '../config/describe-config.ts';
import { type ParseOptions, settingsWithPrefix } from '../config/parse-config.ts';
import { versionProblem } from '../config/plugin-version.ts';
import { validateConfig } from '../config/validate-config.ts';
import { ConfigError } from '../errors.ts';
import { javaHashOrder } from '../java/hash-order.ts';
import { javaTrim } from '../java/text.ts';
import type { PluginRegistry } from '../plugins/registry.ts';

const roles = [
  { key: 'header.converter', kind: 'header_converter', type: 'header' },
  { key: 'key.converter', kind: 'converter', type: 'key' },
  { key: 'value.converter', kind: 'converter', type: 'value' },
] as const;

/** The settings of the converters that a connector names itself, each under its prefix. */
export function converterInfos(
  registry: PluginRegistry,
  settings: Settings,
  options: ParseOptions,
): { infos: ConfigInfo[]; groups: string[] }[] {
  return roles.flatMap(({ key, kind, type }) => {
    const name = settings[key];
    const plugin = name === undefined ? undefined : registry.find(kind, javaTrim(name));
    if (plugin === undefined || !isThere(registry, plugin, settings[`${key}.plugin.version`])) return [];
    const prefix = `${key}.`;
    const own = { ...settingsWithPrefix(settings, prefix), 'converter.type': type };
    const byName = validateConfig(plugin.config, own, options);
    // Java lists these out of a hash map; clients that show groups in order of arrival show them the same way.
    const values = javaHashOrder([...byName.keys()]).map((setting) => byName.get(setting)!);
    const infos = values.map((value): ConfigInfo => {
      const configKey = plugin.config.keys.get(value.name);
      const prefixed = { ...value, name: prefix + value.name };
      const definition = configKey === undefined ? null : { ...describeKey(configKey), name: prefixed.name };
      return { definition, value: describeValue(configKey, prefixed) };
    });
    const groups = infos.flatMap(({ definition }) => definition?.group ?? []);
    return [{ infos, groups: [...new Set(groups)] }];
  });
}

function isThere(
  registry: PluginRegistry,
  plugin: { readonly className: string },
  version: string | undefined,
): boolean {
  if (version === undefined) return true;
  try {
    return versionProblem(plugin.className, version, registry.versionsOf(plugin.className)) === null;
  } catch (error) {
    // No version at all: the setting itself says so, and the converter is taken as it is there.
    if (error instanceof ConfigError) return true;
    throw error;
  }
}
