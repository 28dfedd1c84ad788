import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type BuildFailure, type BuildOptions, build, formatMessages, type Message, type Metafile } from 'esbuild';
import { copyFiles, placeBanner, placeDefines } from './bundle-files.ts';
import {
  keepNamespaces,
  lazyModule,
  leaveOutUnused,
  leaveOutValidators,
  loadNamespaces,
  namespaceLoader,
  requireBuiltins,
} from './bundle-imports.ts';
import { namedMap } from './bundle-maps.ts';
import { refuseNative } from './bundle-native.ts';
import { SourceNames } from './bundle-paths.ts';
import { mergeStart } from './bundle-start.ts';

/**
 * Runs esbuild for `bundle.ts`, which must wait for it (a construct is made synchronously) and which needs plugins
 * (esbuild has them only where it does not block). Reads a BundleRequest from standard input and answers with a
 * BundleAnswer.
 */
export interface BundleRequest {
  readonly entry: { readonly name: string; readonly file: string };
  readonly outdir: string;
  /** The folder of this package. */
  readonly drover: string;
  readonly pluginsModule: string;
  /** What stands for `#java`. */
  readonly javaModule: string;
  /** Whether it is the app's, not the empty one of Drover. */
  readonly hasPlugins: boolean;
  /** It is the program that looks at the app's list of plugins, and is run at once. */
  readonly runsIt: boolean;
  readonly minify: BundleMinify;
  readonly target: string;
}

/**
 * `whitespace`: functions and classes keep their names, for traces and for code that asks for them, as in the source.
 * `all`: files a third smaller, but larger maps: 1.12 MB to download for a task function in place of 1.03 MB, as Lambda
 * keeps them compressed. No cold start is shorter for it (see `npm run bundle-report`), nor with names kept by `keepNames`.
 */
export type BundleMinify = 'whitespace' | 'all';

/** A file that is loaded when it is needed, and the module that `import()` names. */
export interface LazyChunk {
  readonly file: string;
  readonly module: string;
}

export type BundleAnswer =
  | { readonly lazy: readonly LazyChunk[]; readonly builtins: readonly string[]; readonly warnings: readonly string[] }
  | { readonly failure: string };

async function bundle(request: BundleRequest) {
  const { entry, outdir } = request;
  const names = new SourceNames(request.drover, request.hasPlugins ? request.pluginsModule : undefined);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const banner = `${placeBanner}${namespaceLoader}`;
  /** Of both passes. */
  const alike = {
    target: request.target,
    bundle: true,
    format: 'esm',
    platform: 'node',
    minifyWhitespace: true,
    minifySyntax: request.minify === 'all',
    minifyIdentifiers: request.minify === 'all',
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
    banner: { js: banner },
    metafile: true,
    write: false,
  } as const satisfies BuildOptions;
  const options: BuildOptions & { metafile: true; write: false } = {
    ...alike,
    entryPoints: { [entry.name]: entry.file },
    outdir,
    outExtension: { '.js': '.mjs' },
    splitting: true,
    mainFields: ['module', 'main'],
    define: { ...placeDefines },
    alias: { '#plugins': request.pluginsModule, '#java': request.javaModule },
    plugins: [
      keepNamespaces,
      refuseNative(names),
      leaveOutUnused,
      leaveOutValidators,
      requireBuiltins,
      copyFiles(names, outdir),
    ],
  };
  const { outputFiles, metafile, warnings } = await build(options);
  const lazy = lazyChunks(metafile);
  const moduleOf = new Map(lazy.map(({ file, module }) => [file, module]));
  const files = await mergeStart({ outputFiles, metafile }, `${entry.name}.mjs`, alike);
  for (const { path, text: code, map, loads } of files) {
    const chunks = loads.filter((file) => moduleOf.has(file));
    writeFileSync(path, loadNamespaces(code, chunks));
    writeFileSync(`${path}.map`, namedMap(map, `${path}.map`, names, moduleOf.get(basename(path))));
  }
  return { lazy, builtins: lazyBuiltins(metafile), warnings: warnings.filter(({ pluginName }) => pluginName !== '') };
}

function lazyChunks({ outputs }: Metafile): LazyChunk[] {
  return Object.entries(outputs).flatMap(([path, { entryPoint }]) => {
    const module = lazyModule(entryPoint);
    return module === undefined ? [] : [{ file: basename(path), module }];
  });
}

/** Built-in modules that `import()` takes from Node itself. */
function lazyBuiltins({ outputs }: Metafile): string[] {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  return [
    ...new Set(imports.filter(({ kind, external }) => kind === 'dynamic-import' && external).map(({ path }) => path)),
  ];
}

/** Loads the app's list as a function would, and looks at what it lists; null: nothing is wrong with it. */
async function problemOfPlugins(request: BundleRequest): Promise<string | null> {
  try {
    execFileSync(process.execPath, [join(request.outdir, `${request.entry.name}.mjs`)], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: loadMs,
    });
  } catch (error) {
    const { stderr = '', code, status } = error as { stderr?: string; code?: string; status?: number };
    if (status === inOrder) return null;
    if (code === 'ETIMEDOUT') return `It did not load within ${loadMs / 1000} seconds.`;
    if (status === unsettledAwait) return 'It awaits, when it is loaded, what never comes.';
    if (stderr.trim() !== '') return stderr.trim();
  }
  return 'It ends the process when it is loaded.';
}

const loadMs = 60_000;
/** See functions/check-plugins.ts. */
const inOrder = 42;
/** Node's exit code for a top-level `await` that nothing is left to end. */
const unsettledAwait = 13;

async function answer(request: BundleRequest): Promise<BundleAnswer> {
  try {
    const { lazy, builtins, warnings } = await bundle(request);
    const problem = request.runsIt ? await problemOfPlugins(request) : null;
    if (problem !== null) return { failure: problem };
    return { lazy, builtins, warnings: warnings.map(({ text: warning }) => warning) };
  } catch (error) {
    const errors = (error as Partial<BuildFailure>).errors;
    if (errors === undefined) throw error;
    return { failure: await messagesOf(errors) };
  }
}

async function messagesOf(errors: readonly Message[]): Promise<string> {
  const formatted = await formatMessages([...errors], { kind: 'error', color: false });
  return formatted.join('').trim();
}

process.stdout.write(JSON.stringify(await answer(JSON.parse(await text(process.stdin)) as BundleRequest)));
