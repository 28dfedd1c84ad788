import { AsyncLocalStorage } from 'node:async_hooks';

type Handler = (error: unknown) => void;

const owner = new AsyncLocalStorage<Handler>();
const active = new Set<Handler>();
let displaced: { event: 'unhandledRejection' | 'uncaughtException'; listeners: Handler[] }[] = [];

/**
 * While a run is under way, a promise that a plugin let fail and an error that it threw in a callback fail its task, not
 * the environment: Node's default, and Lambda's own handler, would end the process and every run in it. In a process
 * with several runs the error goes to the one it comes from, or to all where that cannot be told.
 */
export function watchUnhandledRejections(onError: Handler): {
  run<T>(work: () => Promise<T>): Promise<T>;
  stop(): void;
} {
  if (active.size === 0) install();
  active.add(onError);
  return {
    run: (work) => owner.run(onError, work),
    stop: () => {
      if (active.delete(onError) && active.size === 0) uninstall();
    },
  };
}

function deliver(error: unknown): void {
  const mine = owner.getStore();
  if (mine !== undefined && active.has(mine)) mine(error);
  else for (const handler of active) handler(error);
}

function install(): void {
  displaced = (['unhandledRejection', 'uncaughtException'] as const).map((event) => ({
    event,
    listeners: process.rawListeners(event) as Handler[],
  }));
  for (const { event } of displaced) {
    process.removeAllListeners(event);
    process.on(event, deliver);
  }
}

function uninstall(): void {
  for (const { event, listeners } of displaced) {
    process.removeListener(event, deliver);
    for (const listener of listeners) process.on(event, listener);
  }
  displaced = [];
}
