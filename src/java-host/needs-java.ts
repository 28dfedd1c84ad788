import type { PluginKind } from '../api/plugin.ts';
import type { Settings } from '../config/config-def.ts';
import { findConnector, type PluginRegistry } from '../plugins/registry.ts';

const converters: readonly (readonly [string, PluginKind])[] = [
  ['key.converter', 'converter'],
  ['value.converter', 'converter'],
  ['header.converter', 'header_converter'],
];

const stages: readonly (readonly [string, PluginKind])[] = [
  ['transforms', 'transformation'],
  ['predicates', 'predicate'],
];

/** Whether anything that the config names is a plugin of Java: the connector, a converter, a transformation, a predicate. */
export function needsJava(registry: PluginRegistry, config: Settings): boolean {
  const connector = findConnector(registry, 'source', config) ?? findConnector(registry, 'sink', config);
  if (connector?.runtime === 'java') return true;
  const isJava = ([kind, name]: readonly [PluginKind, string | undefined]) =>
    name !== undefined && registry.find(kind, name.trim())?.runtime === 'java';
  return (
    converters.some(([key, kind]) => isJava([kind, config[key]])) ||
    stages.some(([key, kind]) => aliasesOf(config[key]).some((alias) => isJava([kind, config[`${key}.${alias}.type`]])))
  );
}

function aliasesOf(list: string | undefined): string[] {
  return (list ?? '').split(',').map((alias) => alias.trim());
}
