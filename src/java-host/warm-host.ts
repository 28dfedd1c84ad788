import { ConnectError, TaskLostError } from '../errors.ts';
import type { HostProcess } from './host-process.ts';
import { capital, type JavaSubject, named } from './java-error.ts';

/** How plugins come to a JVM. */
export type StartHost = () => Promise<HostProcess>;

/** One JVM for all the plugins of a process: started when it is first needed, and anew when it is gone. */
export class WarmHost {
  readonly #start: StartHost;
  #host: Promise<HostProcess> | null = null;

  constructor(start: StartHost) {
    this.#start = start;
  }

  async get(): Promise<HostProcess> {
    const known = this.#host;
    if (known !== null) {
      const host = await known.catch(() => null);
      if (host?.alive) return host;
      if (this.#host === known) this.#host = null;
    }
    this.#host ??= this.#start();
    return await this.#host;
  }

  /** The JVM that is there, if any. */
  async end(): Promise<void> {
    const host = await this.#host?.catch(() => null);
    host?.kill(new ConnectError('java.ended', 'The Java virtual machine was ended'));
    await host?.ended;
  }
}

/** What a plugin may take to come back once its run is over. */
const graceMs = 500;

export interface Limits {
  readonly signal?: AbortSignal;
  readonly limitMs?: number;
  /** What it may take once `signal` has aborted; by default half a second. */
  readonly graceMs?: number;
}

/**
 * Waits for a plugin, but not for ever: for `limitMs`, and once `signal` aborts, for its grace. Then its JVM is ended, as
 * nothing else stops Java code that does not return.
 */
export async function bounded<T>(
  host: HostProcess,
  subject: JavaSubject,
  step: string,
  work: Promise<T>,
  limits: Limits,
): Promise<T> {
  const { signal, limitMs } = limits;
  const giveUpAt = Date.now() + (limitMs ?? Number.POSITIVE_INFINITY);
  let timer: NodeJS.Timeout | undefined;
  const give = () => {
    host.kill(
      new TaskLostError(
        'java.blocked',
        `${capital(named(subject))} did not come back from ${step}; its virtual machine was ended`,
        { retriable: true, javaClass: 'TimeoutException' },
      ),
    );
  };
  const onAbort = () => {
    clearTimeout(timer);
    timer = setTimeout(give, Math.min(limits.graceMs ?? graceMs, Math.max(0, giveUpAt - Date.now())));
  };
  if (limitMs !== undefined) timer = setTimeout(give, limitMs);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** What of a run that ends is left for what it has begun: up to its deadline, and a moment behind that. */
export function untilDeadline({ deadlineAt }: { readonly deadlineAt: number }): Limits {
  return { limitMs: Math.max(0, deadlineAt - Date.now()) + graceMs };
}

/** Resolves when the time is over, or the run. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted) done();
  });
}
