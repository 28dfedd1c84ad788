import userPlugins from '#plugins';
import { requirePlugins } from '../src/plugins/plugin-list.ts';
import { createRegistry, type PluginRegistry } from '../src/plugins/registry.ts';

/**
 * Drover's own plugins and those of the app, which the bundler puts in place of `#plugins`. Throws ConfigError for a list
 * that is malformed, which the bundler would have refused: it looks different where it runs.
 */
export function loadPlugins(): PluginRegistry {
  return createRegistry(requirePlugins(userPlugins));
}
