import { type ConfigKeyInfo, describeConfig } from '../config/describe-config.ts';
import { NotFoundError } from '../errors.ts';
import { pluginConfigDef } from './connector-config-def.ts';
import type { PluginInfo } from './herder.ts';
import type { HerderDeps } from './herder-deps.ts';

const connectorKinds: readonly string[] = ['source', 'sink'];

/** Sorted by kind, then class name, as Java lists them. */
export function plugins(deps: HerderDeps, connectorsOnly: boolean): PluginInfo[] {
  return deps.plugins
    .list()
    .filter(({ kind }) => !connectorsOnly || connectorKinds.includes(kind))
    .map(({ className, kind, version }) => ({ className, kind, version }))
    .sort((a, b) => (a.className < b.className ? -1 : a.className > b.className ? 1 : 0));
}

/** The settings of a plugin; of a connector also those that every connector has. */
export async function pluginConfig(deps: HerderDeps, name: string): Promise<readonly ConfigKeyInfo[]> {
  const plugin = deps.plugins.findAny(name);
  if (plugin === undefined) throw new NotFoundError('plugin.not_found', `Unknown plugin ${name}.`);
  return describeConfig(pluginConfigDef(deps.plugins, plugin));
}
