/**
 * An execution environment of a function: loads its bundle, then runs it for the given events, one after the other. Prints
 * what each step takes as one JSON line. In a plain process, which loads nothing else.
 */
import { readFileSync } from 'node:fs';
import { flushCompileCache, getCompileCacheDir } from 'node:module';
import { pathToFileURL } from 'node:url';

export interface Taken {
  readonly ms: number;
  /** Of all threads. */
  readonly cpuMs: number;
}

export interface Life {
  /** Of Node itself, until it came to this file. */
  readonly start: Taken;
  readonly load: Taken;
  readonly runs: readonly Taken[];
}

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

const [entry = '', eventsFile = ''] = process.argv.slice(2);
const cpuMs = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;
const start: Taken = { ms: performance.now(), cpuMs: cpuMs(process.cpuUsage()) };
const events = JSON.parse(readFileSync(eventsFile, 'utf8')) as unknown[];

async function taken(work: () => Promise<unknown>): Promise<Taken> {
  const before = process.cpuUsage();
  const from = performance.now();
  await work();
  return { ms: performance.now() - from, cpuMs: cpuMs(process.cpuUsage(before)) };
}

let handler: Handler | undefined;
const load = await taken(async () => {
  ({ handler } = (await import(pathToFileURL(entry).href)) as { handler: Handler });
});
const runs: Taken[] = [];
for (const event of events) {
  const context = { awsRequestId: String(runs.length), getRemainingTimeInMillis: () => 60_000 };
  runs.push(
    await taken(async () => {
      const answer = (await handler?.(event, context)) as { statusCode?: number; reason?: string } | undefined;
      const failed = (answer?.statusCode ?? 200) >= 300 || answer?.reason?.startsWith('failed');
      if (failed) throw new Error(JSON.stringify(answer));
    }),
  );
}
if (getCompileCacheDir() !== undefined) flushCompileCache();
console.log(`LIFE ${JSON.stringify({ start, load, runs } satisfies Life)}`);
process.exit(0);
