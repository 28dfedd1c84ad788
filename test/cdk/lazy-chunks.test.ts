import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { bundleFunction, functionNames } from '../../cdk/bundle.ts';
import { loadEnvironment } from '../../local/bundle-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-lazy-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Exports = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What each module exports, and of which type; imported in a process of its own. `part`: the namespace lies in there. */
function exportsOf(wanted: Readonly<Record<string, string>>, part: string): Exports {
  const script = `
    const [modules, part] = JSON.parse(process.argv[1]);
    const found = {};
    for (const [name, url] of Object.entries(modules)) {
      const module = await import(url);
      const namespace = part === '' ? module : module[part];
      found[name] = Object.fromEntries(Object.keys(namespace).map((key) => [key, typeof namespace[key]]));
    }
    console.log(JSON.stringify(found));
    process.exit();`;
  const args = ['--input-type=module', '-e', script, JSON.stringify([wanted, part])];
  // What a function shares with what it loads lies in its own file, which is then loaded too.
  const env = { ...process.env, ...loadEnvironment };
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env }));
}

const bundles = functionNames.map((name) => {
  const outdir = join(folder, name);
  return { name, outdir, ...bundleFunction({ name, outdir }) };
});
const modules = [...new Set(bundles.flatMap(({ lazy }) => lazy.map(({ module }) => module)))];

/** Node cannot load what AWS's packages keep for bundlers: those are bundled with nothing lazy in them. */
function sources(): Record<string, string> {
  const whole = modules.filter((module) => module.includes('/dist-es/'));
  buildSync({
    entryPoints: whole.map((module) => ({ in: module, out: module })),
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
  const urlOf = (module: string) => {
    if (module.startsWith('node:')) return module;
    return pathToFileURL(whole.includes(module) ? join(folder, `${module}.cjs`) : module).href;
  };
  return Object.fromEntries(modules.map((module) => [module, urlOf(module)]));
}

const inSource = exportsOf(sources(), '');

describe.each(bundles)('what the function $name loads when it is needed', ({ outdir, lazy, builtins }) => {
  it('loads out of the bundle, with all that the module exports in the source', { timeout: 60_000 }, () => {
    expect(lazy.length).toBeGreaterThan(5);
    const files = lazy.map(({ file, module }) => [module, pathToFileURL(join(outdir, 'dist', file)).href]);
    const bundled = exportsOf(Object.fromEntries(files), '$n');
    for (const { module } of lazy) {
      // What Node adds to CommonJS modules, and what only marks them.
      const { 'module.exports': _, __esModule: __, default: byDefault, ...named } = inSource[module]!;
      const hasNoDefault = module.includes('/dist-es/') || byDefault === undefined;
      expect(bundled[module], module).toMatchObject(hasNoDefault ? named : { ...named, default: byDefault });
    }
  });

  it('leaves to Node only what Node has', () => {
    expect(builtins.every((module) => module.startsWith('node:'))).toBe(true);
  });
});
