import { type ConfigKeyInfo, describeConfig } from '../config/describe-config.ts';
import { parseVersionRange, versionProblem } from '../config/plugin-version.ts';
import { ConnectError, NotFoundError } from '../errors.ts';
import { pluginConfigDef } from './connector-config-def.ts';
import type { PluginInfo } from './herder.ts';
import type { HerderDeps } from './herder-deps.ts';

const connectorKinds: readonly string[] = ['source', 'sink'];

/** Sorted by class name, as Java lists them. What is there twice, in TypeScript and in Java, is listed once. */
export function plugins(deps: HerderDeps, connectorsOnly: boolean): PluginInfo[] {
  const listed = deps.plugins
    .list()
    .filter(({ kind }) => !connectorsOnly || connectorKinds.includes(kind))
    .map(({ className, kind, version }) => ({ className, kind, version }))
    .sort((a, b) => (a.className < b.className ? -1 : a.className > b.className ? 1 : 0));
  return [...new Map(listed.map((info) => [JSON.stringify(info), info])).values()];
}

/** The settings of a plugin; of a connector also those that every connector has. `version`: a version or a range. */
export async function pluginConfig(
  deps: HerderDeps,
  name: string,
  version: string | null,
): Promise<readonly ConfigKeyInfo[]> {
  if (version !== null) requireRange(version);
  const plugin = deps.plugins.findAny(name, { version: version ?? undefined });
  if (plugin === undefined) throw new NotFoundError('plugin.not_found', `Unknown plugin ${name}.`);
  const problem =
    version === null ? null : versionProblem(plugin.className, version, deps.plugins.versionsOf(plugin.className));
  if (problem !== null) throw new ConnectError('request.invalid', problem);
  return describeConfig(pluginConfigDef(deps.plugins, plugin));
}

function requireRange(version: string): void {
  try {
    parseVersionRange(version);
  } catch (cause) {
    throw new ConnectError('request.invalid', `Invalid version specification: ${version}`, { cause });
  }
}
