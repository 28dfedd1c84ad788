import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleAnswer, BundleMinify, BundleRequest, LazyChunk } from './bundle-process.ts';

export type FunctionName = 'rest' | 'coordinator' | 'task' | 'mirror' | 'feed' | 'connectors' | 'java-task';
/** What is bundled alike: the runner is a program that no function runs. */
export type ProgramName = FunctionName | 'runner';

/** Of every installation; `java-task` is there with Java plugins only. */
export const functionNames = [
  'rest',
  'coordinator',
  'task',
  'mirror',
  'feed',
  'connectors',
] as const satisfies readonly FunctionName[];

const here = dirname(fileURLToPath(import.meta.url));
/** The folder of this package, `dist` in the published one: the functions lie beside this folder in both. */
const drover = join(here, '..');
/** `.ts` in the checkout, `.js` in the published package. */
const extension = extname(fileURLToPath(import.meta.url));

export interface BundleSettings {
  /** Emptied, then filled with what the function needs. */
  readonly outdir: string;
  /** Module whose default export lists the app's own plugins. */
  readonly pluginsModule?: string | undefined;
  /** Whether there are Java plugins: without them nothing of what they need is in a bundle. @default false */
  readonly java?: boolean | undefined;
  /** @default 'whitespace' */
  readonly minify?: BundleMinify;
  /** Node's major version where it will run. */
  readonly nodeVersion?: string;
}

export interface BundleOptions extends BundleSettings {
  readonly name: ProgramName;
}

export interface Bundle {
  /** What `import()` loads when it is needed. */
  readonly lazy: readonly LazyChunk[];
  /** Of these, what Node has built in. */
  readonly builtins: readonly string[];
}

/** Bundles one function, once the app's plugins are seen to be in order. */
export function bundleFunction(options: BundleOptions): Bundle {
  const { name, pluginsModule } = options;
  if (pluginsModule !== undefined && !checked.has(pluginsModule)) checkPlugins({ ...options, pluginsModule });
  return bundleProgram(name, join(drover, 'functions', `${name}${extension}`), options);
}

/** Bundles any program as functions are. */
export function bundleProgram(name: string, file: string, settings: BundleSettings): Bundle {
  return bundle({ name, file }, settings, `The function ${name} cannot be bundled.`);
}

const checked = new Set<string>();

/** Loads the app's list of plugins out of a bundle in `outdir`, which is removed again. Throws with all that is wrong. */
export function checkPlugins(settings: BundleSettings & { readonly pluginsModule: string }): void {
  const { pluginsModule, outdir } = settings;
  const entry = { name: 'check-plugins', file: join(drover, 'functions', `check-plugins${extension}`) };
  bundle(entry, settings, `The plugins of ${pluginsModule} cannot be used.`);
  rmSync(outdir, { recursive: true, force: true });
  checked.add(pluginsModule);
}

/**
 * One program with its dependencies as ES modules in `dist/`, each with a source map beside it. Code that is loaded on
 * demand (`await import()`) becomes a file of its own, so that a cold start reads only what its run needs.
 */
function bundle(entry: BundleRequest['entry'], settings: BundleSettings, failure: string): Bundle {
  const { outdir, pluginsModule } = settings;
  if (pluginsModule !== undefined && !existsSync(pluginsModule)) {
    throw new Error(`plugins is ${pluginsModule}, and there is no such file: name the module that lists your plugins`);
  }
  rmSync(outdir, { recursive: true, force: true });
  const answer = runProcess({
    entry,
    outdir: join(resolve(outdir), 'dist'),
    drover: resolve(drover),
    pluginsModule: resolve(pluginsModule ?? join(drover, 'src', 'plugins', `no-user-plugins${extension}`)),
    hasPlugins: pluginsModule !== undefined,
    javaModule: resolve(drover, javaModule(entry.name, settings.java ?? false)),
    runsIt: entry.name === 'check-plugins',
    minify: settings.minify ?? 'whitespace',
    target: `node${settings.nodeVersion ?? '24'}`,
  });
  if ('failure' in answer) throw new Error(`${failure}\n${answer.failure}`);
  for (const warning of answer.warnings) process.stderr.write(`${warning}\n`);
  return answer;
}

/** What `#java` stands for. */
function javaModule(name: string, java: boolean): string {
  if (name === 'java-task' || (name === 'runner' && java)) return join('functions', `java-hosted${extension}`);
  return java ? join('functions', `java-described${extension}`) : join('src', 'plugins', `no-java${extension}`);
}

/** See there, why it is a process of its own. */
function runProcess(request: BundleRequest): BundleAnswer {
  const output = execFileSync(process.execPath, [join(here, `bundle-process${extension}`)], {
    input: JSON.stringify(request),
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return JSON.parse(output.toString()) as BundleAnswer;
}

/** The handler as Lambda wants it named. */
export function handlerOf(name: FunctionName): string {
  return `dist/${name}.handler`;
}

/** Bytes of all files of a bundle but for its source maps, which are read when something fails. */
export function bundleSize(outdir: string): number {
  return sizeOf(outdir, (file) => !file.endsWith('.map'));
}

export function mapSize(outdir: string): number {
  return sizeOf(outdir, (file) => file.endsWith('.map'));
}

function sizeOf(outdir: string, counts: (file: string) => boolean): number {
  return readdirSync(outdir, { recursive: true, encoding: 'utf8' })
    .filter(counts)
    .map((file) => statSync(join(outdir, file)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}
