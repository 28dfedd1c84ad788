import type { PluginKind } from '../api/plugin.ts';
import type { Settings } from '../config/config-def.ts';
import { findConnector, type PluginRegistry } from '../plugins/registry.ts';
import { predicateStages, type StagePlugins, stageAliases, transformStages } from '../plugins/transform-settings.ts';

/** Whether anything that the config names is a plugin of Java. */
export function needsJava(registry: PluginRegistry, config: Settings): boolean {
  const connector = findConnector(registry, 'source', config) ?? findConnector(registry, 'sink', config);
  if (connector?.runtime === 'java') return true;
  const isJava = (kind: PluginKind, key: string) => registry.find(kind, config[key]?.trim() ?? '')?.runtime === 'java';
  const inStages = (stages: StagePlugins) =>
    aliasesOf(config, stages).some((alias) => isJava(stages.kind, `${stages.listKey}.${alias}.type`));
  return (
    isJava('converter', 'key.converter') ||
    isJava('converter', 'value.converter') ||
    isJava('header_converter', 'header.converter') ||
    inStages(transformStages) ||
    inStages(predicateStages)
  );
}

/** What is no list names nothing; its run says what is wrong with it. */
function aliasesOf(config: Settings, { listKey }: StagePlugins): readonly string[] {
  try {
    return stageAliases(config, listKey);
  } catch {
    return [];
  }
}
