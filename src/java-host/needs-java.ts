import type { Settings } from '../config/config-def.ts';
import { findConnector, type PluginRegistry } from '../plugins/registry.ts';

const converterKeys = ['key.converter', 'value.converter'];

/** Whether anything that the config names is a plugin of Java: the connector or a converter. */
export function needsJava(registry: PluginRegistry, config: Settings): boolean {
  const connector = findConnector(registry, 'source', config) ?? findConnector(registry, 'sink', config);
  if (connector?.runtime === 'java') return true;
  return converterKeys.some((key) => registry.find('converter', config[key]?.trim() ?? '')?.runtime === 'java');
}
