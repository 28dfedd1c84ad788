import type { Clock } from '../clock.ts';
import type { Settings } from '../config/config-def.ts';
import type { Invoker, RunRequest } from '../invocation/run-request.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';

export interface RoutedInvokerOptions {
  readonly tasks: Invoker;
  /** The function with a JVM; it can run anything that `tasks` can. */
  readonly java: Invoker;
  readonly runsOnJava: (config: Settings) => boolean;
  readonly configs: Pick<ConfigBackingStore, 'getConnector'>;
  readonly clock: Clock;
}

/** A connector's many tasks are dispatched together: its config is read once for them. */
const rememberMs = 1000;
const remembered = 10_000;

/**
 * Hands each run to the function that can run its connector, as the config in the table says now. A config that changes in
 * between costs a run that fails for now, and the next one goes right.
 */
export class RoutedInvoker implements Invoker {
  readonly #options: RoutedInvokerOptions;
  readonly #known = new Map<string, { readonly at: number; readonly isJava: Promise<boolean> }>();

  constructor(options: RoutedInvokerOptions) {
    this.#options = options;
  }

  async invoke(request: RunRequest): Promise<void> {
    const { tasks, java } = this.#options;
    const isJava = request.kind !== 'probe' && (await this.#isJava(request.connector));
    await (isJava ? java : tasks).invoke(request);
  }

  #isJava(connector: string): Promise<boolean> {
    const now = this.#options.clock.now();
    const known = this.#known.get(connector);
    if (known !== undefined && now - known.at < rememberMs) return known.isJava;
    if (this.#known.size >= remembered) this.#known.clear();
    const isJava = this.#read(connector);
    this.#known.set(connector, { at: now, isJava });
    // What could not be read is asked again by the next.
    isJava.catch(() => this.#known.delete(connector));
    return isJava;
  }

  async #read(name: string): Promise<boolean> {
    const connector = await this.#options.configs.getConnector(name, { evenDeleting: true });
    return connector !== undefined && this.#options.runsOnJava(connector.config);
  }
}
