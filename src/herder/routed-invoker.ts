import type { Clock } from '../clock.ts';
import type { Settings } from '../config/config-def.ts';
import { asksForRunner } from '../config/run-settings.ts';
import type { Invoker, RunRequest } from '../invocation/run-request.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';

export interface RoutedInvokerOptions {
  readonly tasks: Invoker;
  /** The function with a JVM, which can run anything that `tasks` can; null: there is none. */
  readonly java: { readonly invoker: Invoker; readonly runs: (config: Settings) => boolean } | null;
  /** Takes tasks whose connectors ask for it; their connectors' own runs are bounded, and stay with the functions. Null: there is none. */
  readonly runner: Invoker | null;
  readonly configs: Pick<ConfigBackingStore, 'getConnector'>;
  readonly clock: Clock;
}

/** Where the runs of a connector go. */
interface Route {
  readonly connector: Invoker;
  readonly task: Invoker;
}

/** A connector's many tasks are dispatched together: its config is read once for them. */
const rememberMs = 1000;
const remembered = 10_000;

/**
 * Hands each run to who can run its connector, as the config in the table says now. A config that changes in
 * between costs a run that fails for now, and the next one goes right.
 */
export class RoutedInvoker implements Invoker {
  readonly #options: RoutedInvokerOptions;
  readonly #known = new Map<string, { readonly at: number; readonly route: Promise<Route> }>();

  constructor(options: RoutedInvokerOptions) {
    this.#options = options;
  }

  async invoke(request: RunRequest): Promise<void> {
    if (request.kind === 'probe') return this.#options.tasks.invoke(request);
    const route = await this.#routeOf(request.connector);
    await route[request.kind].invoke(request);
  }

  #routeOf(connector: string): Promise<Route> {
    const now = this.#options.clock.now();
    const known = this.#known.get(connector);
    if (known !== undefined && now - known.at < rememberMs) return known.route;
    if (this.#known.size >= remembered) this.#known.clear();
    const route = this.#read(connector);
    this.#known.set(connector, { at: now, route });
    // What could not be read is asked again by the next.
    route.catch(() => this.#known.delete(connector));
    return route;
  }

  async #read(name: string): Promise<Route> {
    const { tasks, java, runner, configs } = this.#options;
    const config = (await configs.getConnector(name, { evenDeleting: true }))?.config;
    if (config === undefined) return { connector: tasks, task: tasks };
    const connector = java?.runs(config) ? java.invoker : tasks;
    return { connector, task: runner !== null && asksForRunner(config) ? runner : connector };
  }
}
