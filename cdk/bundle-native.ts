import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { hadItsTurn, resolveOn } from './bundle-imports.ts';
import { packageFolder, type SourceNames } from './bundle-paths.ts';

interface Manifest {
  readonly name?: string;
  readonly gypfile?: boolean;
  readonly napi?: unknown;
  readonly binary?: { readonly module_name?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const name = 'native-packages';

/**
 * Refuses packages with a part in machine code, which is a file that only runs where it was built for. One that another
 * package can do without (an accelerator) is left out instead: for that package it is not installed.
 */
export function refuseNative(names: SourceNames): Plugin {
  const natives = new Map<string, boolean>();
  return {
    name,
    setup(build) {
      build.onResolve({ filter: /^(?:[a-zA-Z0-9@]|\.{1,2}\/.*\.node$)/ }, async (args) => {
        if (hadItsTurn(name, args) || isBuiltin(args.path) || args.kind === 'entry-point') return;
        const resolved = await resolveOn(build, name, args);
        if (resolved === undefined || resolved.namespace !== 'file' || resolved.external) return resolved;
        const file = resolved.path;
        if (file.endsWith('.node')) return { errors: [{ text: refusal(names.nameOf(file), args.importer, names) }] };
        if (!file.includes('node_modules')) return resolved;
        const folder = packageFolder(file);
        const native = natives.get(folder) ?? isNative(folder);
        natives.set(folder, native);
        if (!native) return resolved;
        const { name: packageName = folder } = manifestOf(folder);
        if (isOptional(packageName, args.importer)) return { path: packageName, namespace: 'left-out' };
        return { errors: [{ text: refusal(packageName, args.importer, names) }] };
      });
      build.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
        contents: `throw Object.assign(new Error(${JSON.stringify(
          `Cannot find module '${path}': it has native code, which is left out of bundles`,
        )}), { code: 'MODULE_NOT_FOUND' });\nmodule.exports = {};`,
      }));
    },
  };
}

function refusal(what: string, importer: string, names: SourceNames): string {
  return (
    `${what}, which ${names.nameOf(importer)} imports, is native code: it runs on the machine that it was built for, and ` +
    'cannot be bundled into a function. Use a package that is JavaScript or WebAssembly, or put this one into a layer ' +
    '(taskFunction.addLayers) and load it with createRequire(import.meta.url) in the start() of your task'
  );
}

const builders = /^(?:bindings|nan|node-addon-api|node-gyp-build|node-gyp-build-optional-packages|prebuild-install)$/;
/** Packages that hold one platform's binary: `@img/sharp-linux-x64`. */
const platformPackage = /[-/](?:linux|linuxmusl|darwin|win32)-(?:x64|ia32|arm64|arm)\b/;

function isNative(folder: string): boolean {
  const { gypfile, napi, binary, dependencies = {}, optionalDependencies = {} } = manifestOf(folder);
  if (gypfile === true || napi !== undefined || binary?.module_name !== undefined) return true;
  if (Object.keys(dependencies).some((one) => builders.test(one) || one.endsWith('/node-pre-gyp'))) return true;
  if (Object.keys(optionalDependencies).some((one) => platformPackage.test(one))) return true;
  if (existsSync(join(folder, 'binding.gyp')) || existsSync(join(folder, 'prebuilds'))) return true;
  return readdirSync(folder).some((file) => file.endsWith('.node'));
}

/** Whether the package of the importing file says that it does without. */
function isOptional(packageName: string, importer: string): boolean {
  if (!importer.includes('node_modules')) return false;
  const { optionalDependencies = {}, peerDependenciesMeta = {} } = manifestOf(packageFolder(importer));
  return packageName in optionalDependencies || peerDependenciesMeta[packageName]?.optional === true;
}

function manifestOf(folder: string): Manifest {
  const file = join(folder, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : {};
}
