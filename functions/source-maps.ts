import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Stack traces name the files and lines of the source. A bundle's maps lie beside its files and are read for
 * the first trace that somebody looks at: a cold start pays nothing for them, where Node's own --enable-source-maps reads
 * the map of every file that is loaded (`npm run bundle-report` measures both).
 */
Error.prepareStackTrace = (error, sites) =>
  [titleOf(error), ...sites.map((site) => `    at ${frameOf(site)}`)].join('\n');

const maps = new Map<string, SourceMap | null>();

function titleOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}

function frameOf(site: NodeJS.CallSite): string {
  const frame = String(site);
  const file = site.getFileName();
  const [line, column] = [site.getLineNumber(), site.getColumnNumber()];
  if (typeof file !== 'string' || line === null || column === null) return frame;
  const entry = mapOf(file)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !('originalSource' in entry)) return frame;
  const source = `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  return frame.replace(`${file}:${line}:${column}`, () => source);
}

function mapOf(file: string): SourceMap | null {
  let map = maps.get(file);
  if (map === undefined) {
    map = /^file:.*\.mjs$/.test(file) ? readMap(`${fileURLToPath(file)}.map`) : null;
    maps.set(file, map);
  }
  return map;
}

function readMap(path: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload);
  } catch {
    // A trace without a map is still a trace.
    return null;
  }
}
