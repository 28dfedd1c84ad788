import userPlugins from '#plugins';
import { builtinPlugins } from '../src/plugins/builtin.ts';
import { connectorsOn } from '../src/plugins/connectors/index.ts';
import { offeredPlugins } from '../src/plugins/offered-plugins.ts';
import { registryOf } from '../src/plugins/registry.ts';
import { environment } from './function-context.ts';

/**
 * Drover's own plugins and those of the app, which the bundler puts in place of `#plugins`; of several with one name the
 * last counts. What the installation leaves out is not there.
 */
export const plugins = registryOf(
  offeredPlugins([...builtinPlugins, ...connectorsOn(environment.files), ...userPlugins], {
    allow: environment['drover.plugins.allow'],
    deny: environment['drover.plugins.deny'],
  }),
);
