import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Bundle, bundleProgram, checkPlugins } from '../../cdk/bundle.ts';

/** An app of a test's own: its files, the packages that it has installed, and what its bundles print. */
export class BundledApp {
  readonly folder = mkdtempSync(join(tmpdir(), 'drover-app-'));

  /** Paths within the app, and their text. */
  constructor(files: Readonly<Record<string, string>>) {
    for (const [path, text] of Object.entries({ 'app/package.json': '{"name":"app","type":"module"}', ...files })) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), text);
    }
  }

  at(path: string): string {
    return join(this.folder, path);
  }

  /** Bundles a module as functions are. */
  bundle(module: string): Bundle {
    return bundleProgram('program', this.at(module), { outdir: this.at('out'), pluginsModule: this.at(module) });
  }

  /** Runs what was bundled, and reads the JSON that it prints. */
  runBundle(): unknown {
    const program = join(this.at('out'), 'dist', 'program.mjs');
    return JSON.parse(
      execFileSync(process.execPath, [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  run(module: string): unknown {
    this.bundle(module);
    return this.runBundle();
  }

  checkPlugins(module: string): void {
    checkPlugins({ outdir: this.at('check'), pluginsModule: this.at(module) });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Of a package with one module. */
export function packageFiles(name: string, manifest: object, code: string, more: Record<string, string> = {}) {
  const folder = `app/node_modules/${name}`;
  return {
    [`${folder}/package.json`]: JSON.stringify({ name, version: '1.0.0', main: 'index.js', ...manifest }),
    [`${folder}/index.js`]: code,
    ...Object.fromEntries(Object.entries(more).map(([path, text]) => [`${folder}/${path}`, text])),
  };
}
