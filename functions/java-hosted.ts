import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostProcess } from '../src/java-host/host-process.ts';
import { javaPlugins as hostedPlugins } from '../src/java-host/hosted-plugins.ts';
import { parseJavaManifest } from '../src/java-host/manifest.ts';
import { environment } from './function-context.ts';

const home = environment['drover.java.home'];

/** `#java` of who has a JVM: the Java function, and the runner. */
export const { plugins: javaPlugins, host } = hostedPlugins({
  manifest: parseJavaManifest(readFileSync(environment['drover.java.manifest'] ?? '', 'utf8')),
  startHost: () =>
    HostProcess.start({
      java: home === null ? 'java' : join(home, 'bin', 'java'),
      jars: environment['drover.java.host'] ?? '',
      packed: home !== null,
      pluginPath: environment['drover.java.plugin.path'],
      options: environment['drover.java.options'].split(' ').filter((option) => option !== ''),
    }),
});

/** Nobody is asked there: it runs what comes. */
export const runsOnJava = null;
