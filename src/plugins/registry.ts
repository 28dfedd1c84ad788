import type { AnyPlugin } from '../api/plugin.ts';
import { builtinPlugins } from './builtin.ts';
import { type PluginRegistry, registryOf } from './plugin-registry.ts';

export { type PluginRegistry, registryOf } from './plugin-registry.ts';

/** `extra` are the app's own; one of theirs with the name of a built-in one takes its place. */
export function createRegistry(
  extra: readonly AnyPlugin[] = [],
  builtin: readonly AnyPlugin[] = builtinPlugins,
): PluginRegistry {
  return registryOf([...builtin, ...extra]);
}
