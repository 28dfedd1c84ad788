import { readFileSync } from 'node:fs';
import { describedPlugins } from '../src/java-host/described-plugins.ts';
import { parseJavaManifest } from '../src/java-host/manifest.ts';
import { environment } from './function-context.ts';

/** `#java` of the function with a JVM. */
export const javaPlugins = describedPlugins(
  parseJavaManifest(readFileSync(environment['drover.java.manifest'] ?? '', 'utf8')),
  null,
);

/** Nobody is asked there: it runs what comes. */
export const runsOnJava = null;
