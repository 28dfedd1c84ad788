import userPlugins from '#plugins';
import { createRegistry } from '../src/plugins/registry.ts';

/** Drover's own plugins and those of the app, which the bundler puts in place of `#plugins`. */
export const plugins = createRegistry(userPlugins);
