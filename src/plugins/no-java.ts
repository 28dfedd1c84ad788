import type { AnyPlugin } from '../api/plugin.ts';
import type { Settings } from '../config/config-def.ts';

/*
 * What `#java` means where an app has no Java plugins; else the bundler puts functions/java-described.ts in its place, and
 * functions/java-hosted.ts in the function that runs them.
 */

export const javaPlugins: readonly AnyPlugin[] = [];

/** Whether the runs of a connector with this config need a JVM. Null: there is none. */
export const runsOnJava: ((config: Settings) => boolean) | null = null as ((config: Settings) => boolean) | null;
