import type { Settings } from '../config/config-def.ts';
import { type ConfigInfo, describeKey, describeValue } from '../config/describe-config.ts';
import { javaTrim } from '../config/java-text.ts';
import { type ParseOptions, settingsWithPrefix } from '../config/parse-config.ts';
import { validateConfig } from '../config/validate-config.ts';
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
    if (plugin === undefined) return [];
    const prefix = `${key}.`;
    const own = { ...settingsWithPrefix(settings, prefix), 'converter.type': type };
    const values = [...validateConfig(plugin.config, own, options).values()].sort(byJavaHash);
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

/** Java lists these out of a hash map; clients that show groups in order of arrival show them the same way. */
function byJavaHash(a: { name: string }, b: { name: string }): number {
  return bucket(a.name) - bucket(b.name);
}

function bucket(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 16)) & 15;
}
