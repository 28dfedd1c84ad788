import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { relative } from 'node:path';
import type { OnResolveArgs, Plugin, PluginBuild, ResolveResult } from 'esbuild';

/** esbuild plugins for how modules find each other: what is loaded, when, and what `import()` answers. */

const kafkaLibrary = '@platformatic/kafka';

/**
 * What esbuild itself finds, with the plugins that have not had their turn. Undefined: nothing, which esbuild is left to
 * find out for itself, since it forgives that in a `try`.
 */
export async function resolveOn(
  build: PluginBuild,
  name: string,
  args: OnResolveArgs,
): Promise<ResolveResult | undefined> {
  const { path, importer, kind, resolveDir, namespace } = args;
  const pluginData = [...turns(args), name];
  const resolved = await build.resolve(path, { importer, kind, resolveDir, namespace, pluginData, with: args.with });
  return resolved.errors.length > 0 ? undefined : resolved;
}

export function hadItsTurn(name: string, args: OnResolveArgs): boolean {
  return turns(args).includes(name);
}

function turns({ pluginData }: OnResolveArgs): readonly string[] {
  return Array.isArray(pluginData) ? (pluginData as string[]) : [];
}

/** The library does not say so, but its modules only declare: what is not used need not be loaded (100 ms of a cold start). */
export const leaveOutUnused: Plugin = {
  name: 'leave-out-unused',
  setup(build) {
    build.onResolve({ filter: /^(?:@platformatic\/kafka$|\.)/ }, async (args) => {
      if (hadItsTurn('leave-out-unused', args)) return;
      const inLibrary = args.importer.includes(`node_modules/${kafkaLibrary}/`);
      if (args.path !== kafkaLibrary && !inLibrary) return;
      const resolved = await resolveOn(build, 'leave-out-unused', args);
      return resolved && { ...resolved, sideEffects: false };
    });
  },
};

/**
 * It compiles the schemas of its clients' options when it is loaded, with all of Ajv. Drover makes none of those clients:
 * it uses the connection below them. A validator that is asked all the same says so.
 */
export const leaveOutValidators: Plugin = {
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
 * `import` of a built-in module reads each of its properties, and those of these load much that nobody asked for: `http` a
 * second HTTP client (55 ms of a cold start with Node 24), `util` and `fs` another 15 together. `require` reads what is used.
 * Only `export *` must be left to Node: it needs the names.
 */
const dear = 'http|process|fs|util';

export const requireBuiltins: Plugin = {
  name: 'require-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(?:node:)?(?:${dear})$`) }, ({ path, namespace, importer }) => {
      if (namespace === 'required' || exportsAllOf(importer, namespace)) return { path, external: true };
      return { path, namespace: 'required' };
    });
    onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('${path}')`,
    }));
    // esbuild's own list lacks some: `readline/promises` without `node:`.
    onResolve({ filter: /^[a-z]/ }, ({ path }) => (isBuiltin(path) ? { path, external: true } : undefined));
  },
};

const exportsAll = new RegExp(`export\\s*\\*\\s*from\\s*["'](?:node:)?(?:${dear})["']`);

function exportsAllOf(importer: string, namespace: string): boolean {
  return namespace === 'file' && exportsAll.test(readFileSync(importer, 'utf8'));
}

const lazy = 'lazy';

/**
 * `import()` answers what Node would answer. esbuild gives a CommonJS module that is a chunk of its own a default export
 * and nothing else, and leaves out what an ES module passes on from one by `export *`. So a chunk holds a module that
 * takes the namespace by a plain `import`, where esbuild gets it right, and `loadNamespaces` asks the chunk for that.
 */
export const keepNamespaces: Plugin = {
  name: lazy,
  setup(build) {
    build.onResolve({ filter: /.*/ }, async (args) => {
      if (args.kind !== 'dynamic-import' || hadItsTurn(lazy, args)) return;
      const resolved = await resolveOn(build, lazy, args);
      if (resolved === undefined || resolved.external) return resolved;
      const name = resolved.namespace === 'file' ? relative(process.cwd(), resolved.path) : resolved.path;
      // `.mjs`: the default export of a CommonJS module is all of `module.exports`, as with Node.
      return { path: `${name}.mjs`, namespace: lazy, pluginData: args };
    });
    build.onLoad({ filter: /.*/, namespace: lazy }, ({ pluginData }) => {
      const args = pluginData as OnResolveArgs;
      const attributes = Object.keys(args.with).length === 0 ? '' : ` with ${JSON.stringify(args.with)}`;
      return {
        contents: `import * as namespace from ${JSON.stringify(args.path)}${attributes};\nexport { namespace as $n };`,
        resolveDir: args.resolveDir,
      };
    });
  },
};

/** What the module of a lazy chunk was called before it became one; undefined: it is no such chunk. */
export function lazyModule(entryPoint: string | undefined): string | undefined {
  return entryPoint?.startsWith(`${lazy}:`) ? entryPoint.slice(lazy.length + 1, -'.mjs'.length) : undefined;
}

/**
 * For the first line of every file; `import` and this name are equally long, so that source maps stay right. What was loaded
 * is kept: Node's own `import` of it takes a tenth of a millisecond each time, and a run makes its plugins anew.
 */
export const namespaceLoader =
  'const $loaded={},$load_=path=>$loaded[path]??=import(path).then(chunk=>chunk.$n,error=>{delete $loaded[path];throw error});';

/** `chunks`: the names of lazy chunks that this text imports. Throws when it does not import one of them as expected. */
export function loadNamespaces(text: string, chunks: readonly string[]): string {
  let loaded = text;
  for (const chunk of chunks) {
    const next = loaded.replaceAll(`import("./${chunk}")`, `$load_("./${chunk}")`);
    if (next === loaded) throw new Error(`The bundle does not import ${chunk} in the way that was expected`);
    loaded = next;
  }
  return loaded;
}
