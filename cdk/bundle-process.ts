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

/**
 * It compiles the schemas of its clients' options when it is loaded, with all of Ajv. Drover makes none of those clients:
 * it uses the connection below them. A validator that is asked all the same says so.
 */
const leaveOutValidators: Plugin = {
  name: 'leave-out-validators',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^ajv\/dist\/2020\.js$/ }, ({ path, importer }) =>
      importer.includes(`node_modules/${kafkaLibrary}/`) ? { path, namespace: 'validators' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'validators' }, () => ({
      contents: `export class Ajv2020 {
        addKeyword() {}
        compile() {
          return () => {
            throw new Error('The options of ${kafkaLibrary} are not validated in this bundle');
          };
        }
      }`,
    }));
  },
};

/**
 * `import` of these built-in modules reads each of their properties, and those of `http` load a second HTTP client (55 ms
 * of a cold start with Node 24); `require` reads what is used.
 */
const requireBuiltins: Plugin = {
  name: 'require-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?(?:http|process)$/ }, ({ path, namespace }) =>
      namespace === 'required' ? { path, external: true } : { path, namespace: 'required' },
    );
    onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('${path}')`,
    }));
  },
};

const options = JSON.parse(await text(process.stdin)) as BuildOptions;
const result = await build({
  ...options,
  metafile: true,
  plugins: [leaveOutUnused, leaveOutValidators, requireBuiltins],
});
process.stdout.write(JSON.stringify(Object.keys(result.metafile?.inputs ?? {})));
