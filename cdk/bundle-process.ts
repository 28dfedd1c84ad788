import { text } from 'node:stream/consumers';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/**
 * Runs esbuild for `bundle.ts`, which must wait for it (a construct is made synchronously) and which needs a plugin
 * (esbuild has them only where it does not block). Reads the options from standard input; answers with the input files.
 */
const kafkaLibrary = '@platformatic/kafka';

/** The library does not say so, but its modules only declare: what is not used need not be loaded (100 ms of a cold start). */
const leaveOutUnused: Plugin = {
  name: 'leave-out-unused',
  setup({ onResolve, resolve }) {
    const resolving = Symbol('resolving');
    onResolve({ filter: /^(?:@platformatic\/kafka$|\.)/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === resolving) return;
      const inLibrary = importer.includes(`node_modules/${kafkaLibrary}/`);
      if (path !== kafkaLibrary && !inLibrary) return;
      const resolved = await resolve(path, { importer, kind, resolveDir, pluginData: resolving });
      return { ...resolved, sideEffects: false };
    });
  },
};

const options = JSON.parse(await text(process.stdin)) as BuildOptions;
const result = await build({ ...options, metafile: true, plugins: [leaveOutUnused] });
process.stdout.write(JSON.stringify(Object.keys(result.metafile?.inputs ?? {})));
