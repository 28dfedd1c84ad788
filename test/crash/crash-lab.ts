import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { bundleProgram } from '../../cdk/bundle.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';
import { type CrashOrder, type CrashReport, runBudgetMs } from './crash-child.ts';

/** How a child ended: by itself with a report, or killed. */
export type Ending = { readonly killed: true } | ({ readonly killed: false } & CrashReport);

export interface Death {
  /** After so many steps. */
  readonly dieAt?: number;
  /** At that moment. */
  readonly dieAfterMs?: number;
  /** In the second run of its process. */
  readonly warm?: boolean;
}

/**
 * Runs requests in processes of their own and kills them. The next child is always being started while one runs, so
 * that a kill costs little. Time moves on past the lease of every killed child: the clocks of later children are ahead.
 */
export class CrashLab {
  readonly #tableName: string;
  readonly #logFile: string | null;
  readonly #children = new ReadyChildren('crash-child.ts');
  #clockAheadMs = 0;
  kills = 0;

  /** `logFile` takes the log of all runs. */
  constructor(tableName: string, logFile: string | null = null) {
    this.#tableName = tableName;
    this.#logFile = logFile;
  }

  /** What Date.now() is for the next child. */
  now(): number {
    return Date.now() + this.#clockAheadMs;
  }

  /** Without a death the run is left to end. */
  async run(request: RunRequest, death: Death = {}): Promise<Ending> {
    return this.#run(request, runBudgetMs, death);
  }

  /** As Lambda does it: the run knows its deadline, and is killed at it unless it has ended, one way or another. */
  async runToDeadline(request: RunRequest, budgetMs: number): Promise<Ending> {
    return this.#run(request, budgetMs, { dieAfterMs: budgetMs });
  }

  async #run(request: RunRequest, budgetMs: number, death: Death): Promise<Ending> {
    const child = await this.#children.next();
    const order: CrashOrder = {
      tableName: this.#tableName,
      request,
      clockAheadMs: this.#clockAheadMs,
      dieAt: death.dieAt ?? null,
      budgetMs,
      warm: death.warm ?? false,
      logFile: this.#logFile,
    };
    let report: CrashReport | null = null;
    child.on('message', (message) => {
      if (message !== 'ready') report = message as CrashReport;
    });
    const exited = once(child, 'exit');
    child.send(order);
    const killer =
      death.dieAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), death.dieAfterMs);
    await exited;
    clearTimeout(killer);
    if (report !== null) return { killed: false, ...(report as CrashReport) };
    this.kills++;
    this.#clockAheadMs += budgetMs + defaultWorkerSettings.leaseMarginMs + 1000;
    return { killed: true };
  }

  close(): void {
    this.#children.close();
  }
}

const compileCache = join(tmpdir(), 'drover-crash-compile-cache');

/** Processes that have said `ready` before they are asked for: one is always being started ahead. */
export class ReadyChildren {
  readonly #file: string;
  #spare: { readonly child: ChildProcess; readonly ready: Promise<unknown> };

  constructor(file: string) {
    this.#file = file;
    this.#spare = startChild(file);
  }

  async next(): Promise<ChildProcess> {
    const { child, ready } = this.#spare;
    await ready;
    this.#spare = startChild(this.#file);
    return child;
  }

  close(): void {
    this.#spare.child.kill('SIGKILL');
  }
}

const programs = new Map<string, string>();
let bundles: string | null = null;

/** A child as one program, bundled as functions are: it starts in a tenth of the time that its sources would take. */
function programOf(file: string): string {
  let program = programs.get(file);
  if (program === undefined) {
    if (bundles === null) {
      const folder = mkdtempSync(join(tmpdir(), 'drover-crash-children-'));
      process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
      bundles = folder;
    }
    const name = basename(file, '.ts');
    const outdir = join(bundles, name);
    bundleProgram(name, join(import.meta.dirname, file), { outdir });
    program = join(outdir, 'dist', `${name}.mjs`);
    programs.set(file, program);
  }
  return program;
}

function startChild(file: string) {
  const child = fork(programOf(file), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Hundreds of children read the same modules: compiled once, they start in a fraction of the time.
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
    // Out of memory is to be reached before the machine is.
    execArgv: [
      '--max-old-space-size=256',
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=TimeoutNegativeWarning',
    ],
  });
  return { child, ready: once(child, 'message') };
}

/** Mulberry32: the same numbers for the same seed, which a failing test prints. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
