import { javaPlugins } from '#java';
import userPlugins from '#plugins';
import { offeredPlugins } from '../src/plugins/offered-plugins.ts';
import { requirePlugins } from '../src/plugins/plugin-list.ts';
import { type PluginRegistry, registryOf } from '../src/plugins/registry.ts';
import { builtinPluginsOn } from './builtin-plugins.ts';
import { environment } from './function-context.ts';

/**
 * Drover's own plugins and those of the app, which the bundler puts in place of `#plugins`, of several with one name the
 * last; and beside them what Java plugins there are (`#java`). What the installation leaves out is not there. Throws ConfigError for a list that is malformed, which the
 * bundler would have refused: it looks different where it runs.
 */
export function loadPlugins(): PluginRegistry {
  const all = [...builtinPluginsOn(environment.files), ...requirePlugins(userPlugins), ...javaPlugins];
  return registryOf(
    offeredPlugins(all, { allow: environment['drover.plugins.allow'], deny: environment['drover.plugins.deny'] }),
  );
}
