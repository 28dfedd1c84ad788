import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFunction, type FunctionName, functionNames } from '../cdk/bundle.ts';
import { environmentVariable } from '../src/environment.ts';

/** Size of each function's bundle and the time its import takes in a fresh process: what a cold start pays. */
export interface BundleReport {
  readonly name: FunctionName;
  /** All files. */
  readonly totalKb: number;
  /** The entry and the chunks that it imports at once, not on demand. */
  readonly entryKb: number;
  /** Median of several fresh processes. */
  readonly importMs: number;
}

const samples = 7;

export function measureBundle(name: FunctionName): BundleReport {
  const outdir = mkdtempSync(join(tmpdir(), `drover-report-${name}-`));
  try {
    bundleFunction({ name, outdir });
    const dist = join(outdir, 'dist');
    const entry = join(dist, `${name}.mjs`);
    const bytes = readdirSync(dist).reduce((sum, file) => sum + statSync(join(dist, file)).size, 0);
    const times = Array.from({ length: samples }, () => importOnce(entry)).sort((one, other) => one.ms - other.ms);
    const median = times[Math.floor(samples / 2)]!;
    return { name, totalKb: kb(bytes), entryKb: kb(median.bytes), importMs: Math.round(median.ms) };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const kb = (bytes: number): number => Math.round(bytes / 1024);

/** Counts what is read from the bundle's folder while it is imported. */
function importOnce(entry: string): { ms: number; bytes: number } {
  const script = `
    const { registerHooks } = await import('node:module');
    const { statSync } = await import('node:fs');
    const { fileURLToPath } = await import('node:url');
    let bytes = 0;
    registerHooks({ load: (url, context, next) => {
      if (url.startsWith('file:')) bytes += statSync(fileURLToPath(url)).size;
      return next(url, context);
    } });
    const startedAt = performance.now();
    await import(process.argv[1]);
    console.log(JSON.stringify({ ms: performance.now() - startedAt, bytes }));
    process.exit(0);`;
  const env = {
    ...process.env,
    AWS_REGION: 'us-east-1',
    [environmentVariable('drover.table.name')]: 'drover',
    [environmentVariable('bootstrap.servers')]: '127.0.0.1:1',
    [environmentVariable('drover.task.function')]: 'task',
  };
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script, entry], {
    env,
    encoding: 'utf8',
  });
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '');
}

if (import.meta.main) {
  console.log('function      all files   at import   import time');
  for (const name of functionNames) {
    const { totalKb, entryKb, importMs } = measureBundle(name);
    const columns = [`${totalKb} kB`.padStart(10), `${entryKb} kB`.padStart(10), `${importMs} ms`.padStart(9)];
    console.log(`${name.padEnd(13)}${columns.join('  ')}`);
  }
}
