import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServiceOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Receives what it prints. */
  readonly logFile: string;
  /** Resolves when the service answers; rejects to be asked again. */
  readonly ready: () => Promise<unknown>;
  readonly timeoutMs?: number;
  /** Called as soon as there is a process, long before it answers. */
  readonly onSpawn?: ((service: ServiceHandle) => void) | undefined;
}

/** A process of ours that outlives the program that started it, with all that it starts itself. */
export interface ServiceHandle {
  readonly name: string;
  readonly pid: number;
  /** Tells the process from a later one of the same id. */
  readonly identity: string;
  readonly logFile: string;
}

/** Starts a process in a group of its own and waits until it answers. Ends it again when it does not. */
export async function startService(options: ServiceOptions): Promise<ServiceHandle> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.command, options.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  closeSync(log);
  let ended: string | null = null;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code, signal) => {
    ended ??= signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`;
  });
  child.unref();
  if (child.pid === undefined) {
    await sleep(0);
    throw new Error(`${options.name} could not be started: ${ended ?? options.command}`);
  }
  const handle = {
    name: options.name,
    pid: child.pid,
    identity: processIdentity(child.pid) ?? '',
    logFile: options.logFile,
  };
  options.onSpawn?.(handle);
  const giveUpAt = Date.now() + (options.timeoutMs ?? 120_000);
  for (;;) {
    try {
      await options.ready();
      if (ended === null) return handle;
    } catch {
      // Not yet.
    }
    if (ended !== null || Date.now() > giveUpAt) {
      const reason = ended ?? `it did not answer within ${(options.timeoutMs ?? 120_000) / 1000} s`;
      await stopService(handle);
      throw new Error(`${options.name} did not start: ${reason}. Its log, ${options.logFile}, ends:\n${tail(handle)}`);
    }
    await sleep(50);
  }
}

/** Ends the service and whatever it started; true if there was something to end. */
export async function stopService(service: ServiceHandle, graceMs = 8000): Promise<boolean> {
  if (!isRunning(service)) return false;
  signalService(service, 'SIGTERM');
  const killAt = Date.now() + graceMs;
  while (isRunning(service) && Date.now() < killAt) await sleep(25);
  signalService(service, 'SIGKILL');
  while (isRunning(service)) await sleep(25);
  return true;
}

/** Reaches the service and all processes that it started. */
export function signalService(service: ServiceHandle, signal: NodeJS.Signals): void {
  try {
    process.kill(-service.pid, signal);
  } catch {
    // Gone.
  }
}

export function isRunning(service: ServiceHandle): boolean {
  const identity = processIdentity(service.pid);
  return identity !== null && (service.identity === '' || identity === service.identity);
}

/** When the process was started, in the machine's own words; null: there is none (or only its remains). */
function processIdentity(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? '');
  } catch {
    if (process.platform === 'linux') return null;
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? null : line.slice(line.indexOf(' ')).trim();
  } catch {
    return null;
  }
}

/** The last lines of what the service printed. */
function tail(service: { readonly logFile: string }, lines = 15): string {
  try {
    return readFileSync(service.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
