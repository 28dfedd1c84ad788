import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

export type FunctionName = 'rest' | 'coordinator' | 'task' | 'mirror';

export const functionNames: readonly FunctionName[] = ['rest', 'coordinator', 'task', 'mirror'];

const here = dirname(fileURLToPath(import.meta.url));
/** `.ts` in the checkout, `.js` in the published package: the functions lie beside this folder in both. */
const extension = extname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

export interface BundleOptions {
  readonly name: FunctionName;
  /** Emptied, then filled with what the function needs. */
  readonly outdir: string;
  /** Module whose default export lists the app's own plugins. */
  readonly pluginsModule?: string | undefined;
  readonly minify?: boolean;
  /** Node's major version where it will run. */
  readonly nodeVersion?: string;
}

/**
 * Bundles one function with its dependencies as ES modules. Code that is loaded on demand (`await import()`) becomes a
 * file of its own, so that a cold start reads only what its run needs. Everything lies in `dist/`, because the Kafka
 * client reads `../dist/native.wasm` from beside its own module.
 */
export function bundleFunction(options: BundleOptions): void {
  const dist = join(options.outdir, 'dist');
  rmSync(options.outdir, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const inputs = runEsbuild({
    entryPoints: { [options.name]: join(here, '..', 'functions', `${options.name}${extension}`) },
    outdir: dist,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: `node${options.nodeVersion ?? '24'}`,
    mainFields: ['module', 'main'],
    minify: options.minify ?? true,
    legalComments: 'none',
    logLevel: 'error',
    banner: { js: "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);" },
    alias: { '#plugins': options.pluginsModule ?? join(here, '..', 'src', 'plugins', `no-user-plugins${extension}`) },
  });
  const usesKafka = inputs.some((file) => file.includes('@platformatic/wasm-utils'));
  if (usesKafka) cpSync(wasmFile(), join(dist, 'native.wasm'));
}

/** In a process of its own; see there. Throws with esbuild's own words. Returns the files that went in. */
function runEsbuild(options: BuildOptions): string[] {
  const program = join(here, `bundle-process${extension}`);
  const output = execFileSync(process.execPath, [program], {
    input: JSON.stringify(options),
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return JSON.parse(output.toString()) as string[];
}

/** The handler as Lambda wants it named. */
export function handlerOf(name: FunctionName): string {
  return `dist/${name}.handler`;
}

/** Bytes of all files of a bundle, and of those that a cold start reads before the first request. */
export function bundleSize(outdir: string): number {
  return readdirSync(outdir, { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(join(outdir, file)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

function wasmFile(): string {
  const kafka = createRequire(require.resolve('@platformatic/kafka'));
  let folder = dirname(kafka.resolve('@platformatic/wasm-utils'));
  while (!existsSync(join(folder, 'dist', 'native.wasm'))) {
    if (folder === dirname(folder)) throw new Error('@platformatic/wasm-utils has no dist/native.wasm');
    folder = dirname(folder);
  }
  return join(folder, 'dist', 'native.wasm');
}
