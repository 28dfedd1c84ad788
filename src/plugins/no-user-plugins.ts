import type { AnyPlugin } from '../api/plugin.ts';

/** What `#plugins` means until the bundling of an app's functions puts the app's own module in its place. */
const plugins: readonly AnyPlugin[] = [];

export default plugins;
