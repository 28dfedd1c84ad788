import { ConnectError } from '../errors.ts';
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

/**
 * Waits for a plugin, but not for ever: when `signal` aborts, or after `limitMs`, it has `graceMs` more to come back. Then
 * its JVM is ended, as nothing else stops Java code that does not return.
 */
export async function bounded<T>(
  host: HostProcess,
  subject: JavaSubject,
  step: string,
  work: Promise<T>,
  limits: { readonly signal?: AbortSignal; readonly limitMs?: number; readonly graceMs: number },
): Promise<T> {
  const { signal, limitMs, graceMs } = limits;
  let timer: NodeJS.Timeout | undefined;
  const give = () => {
    host.kill(
      new ConnectError(
        'java.blocked',
        `${capital(named(subject))} did not come back from ${step}; its virtual machine was ended`,
        { retriable: true, javaClass: 'TimeoutException' },
      ),
    );
  };
  const onAbort = () => {
    clearTimeout(timer);
    timer = setTimeout(give, graceMs);
  };
  if (signal?.aborted) onAbort();
  else {
    signal?.addEventListener('abort', onAbort, { once: true });
    if (limitMs !== undefined) timer = setTimeout(give, limitMs);
  }
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
