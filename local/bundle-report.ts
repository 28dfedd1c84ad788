import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFunction, bundleSize, type FunctionName, functionNames, mapSize } from '../cdk/bundle.ts';
import { environmentVariable } from '../src/environment.ts';
import { projectFolder } from './folders.ts';

/** Size of each function's bundle and the time its import takes in a fresh process: what a cold start pays. */
export interface BundleReport {
  readonly name: FunctionName;
  /** All files but source maps. */
  readonly totalKb: number;
  readonly mapsKb: number;
  /** The entry and the chunks that it imports at once, not on demand. */
  readonly entryKb: number;
  /** As deployed: the maps lie beside the files, and are read when a trace is made. */
  readonly imported: Imported;
  /** With Node's own --enable-source-maps, which reads the map of every file that is loaded. */
  readonly withNodesMaps: Imported;
  /** With minified names, which traces and code that asks for names would show. */
  readonly withoutNames: Imported;
  /** From an error to its trace, the first time and after that, in milliseconds. */
  readonly firstTraceMs: number;
  readonly laterTraceMs: number;
}

/** Of a fresh process; medians of several. */
export interface Imported {
  readonly ms: number;
  readonly cpuMs: number;
}

interface Sample extends Imported {
  readonly bytes: number;
  readonly firstTraceMs: number;
  readonly laterTraceMs: number;
}

const samples = 15;

function measureBundle(name: FunctionName): BundleReport {
  const outdir = mkdtempSync(join(tmpdir(), `drover-report-${name}-`));
  const [whole, short] = [join(outdir, 'whole'), join(outdir, 'short')];
  try {
    bundleFunction({ name, outdir: whole });
    bundleFunction({ name, outdir: short, minify: 'all' });
    const ways = [
      { folder: whole, flags: [] },
      { folder: whole, flags: ['--enable-source-maps'] },
      { folder: short, flags: [] },
    ];
    // In turns, so that what else the machine does falls on all alike.
    const rounds = Array.from({ length: samples }, () =>
      ways.map(({ folder, flags }) => importOnce(join(folder, 'dist', `${name}.mjs`), flags)),
    );
    const of = (way: number, part: keyof Sample) => median(rounds.map((round) => round[way]![part]));
    const imported = (way: number) => ({ ms: Math.round(of(way, 'ms')), cpuMs: Math.round(of(way, 'cpuMs')) });
    return {
      name,
      totalKb: kb(bundleSize(whole)),
      mapsKb: kb(mapSize(whole)),
      entryKb: kb(of(0, 'bytes')),
      imported: imported(0),
      withNodesMaps: imported(1),
      withoutNames: imported(2),
      firstTraceMs: Math.round(of(0, 'firstTraceMs')),
      laterTraceMs: of(0, 'laterTraceMs'),
    };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const kb = (bytes: number): number => Math.round(bytes / 1024);

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

/** What every function wants to be told when it is loaded. */
export const loadEnvironment: Readonly<Record<string, string>> = {
  AWS_REGION: 'us-east-1',
  [environmentVariable('drover.table.name')]: 'drover',
  [environmentVariable('bootstrap.servers')]: '127.0.0.1:1',
  [environmentVariable('drover.task.function')]: 'task',
  [environmentVariable('drover.log.level')]: 'OFF',
};

/** Counts what is read from the bundle's folder while it is imported, and lets it fail once it is. */
function importOnce(entry: string, flags: readonly string[]): Sample {
  const script = `
    const { registerHooks } = await import('node:module');
    const { statSync } = await import('node:fs');
    const { fileURLToPath } = await import('node:url');
    let bytes = 0;
    registerHooks({ load: (url, context, next) => {
      if (url.startsWith('file:')) bytes += statSync(fileURLToPath(url)).size;
      return next(url, context);
    } });
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const { handler } = await import(process.argv[1]);
    const ms = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    // What the calls below load is not of the import.
    const imported = bytes;
    const trace = async () => {
      const error = await handler(null, {}).then(() => null, (error) => error);
      const at = performance.now();
      String(error?.stack);
      return performance.now() - at;
    };
    const firstTraceMs = await trace();
    const laterTraceMs = await trace();
    console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000, bytes: imported, firstTraceMs, laterTraceMs }));
    process.exit(0);`;
  const env = { ...process.env, ...loadEnvironment };
  const printed = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script, entry], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '');
}

function page(reports: readonly BundleReport[]): string {
  const rows = reports.map(({ name, imported, withNodesMaps, withoutNames, ...report }) => {
    const time = ({ ms, cpuMs }: Imported) => `${ms} (${cpuMs})`;
    const traces = `${report.firstTraceMs}, then ${report.laterTraceMs.toFixed(1)}`;
    const sizes = [report.totalKb, report.mapsKb, report.entryKb].map((size) => size.toLocaleString('en'));
    return `| ${[name, ...sizes, time(imported), time(withNodesMaps), time(withoutNames), traces].join(' | ')} |`;
  });
  return `# The functions' bundles

${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model.trim()}, Node ${process.versions.node}. \`npm run bundle-report\`; each time is the median of ${samples} fresh
processes, ms (CPU ms in brackets). *At import* is what a cold start reads before the first request.

| function | files, kB | maps, kB | at import, kB | import | with --enable-source-maps | with minified names | a trace, ms |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Traces name the source at no cost for a cold start: maps are read when the first trace is made. Names of functions and
classes are kept, for traces and for code that asks for them.
`;
}

if (import.meta.main) {
  const text = page(functionNames.map(measureBundle));
  console.log(text);
  writeFileSync(join(projectFolder, 'test', 'bench', 'results', 'bundle.md'), text);
}
