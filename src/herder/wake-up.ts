import type { RunRequest } from '../invocation/run-request.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import { type DispatchDeps, dispatch } from './dispatch.ts';

export interface WakeUpDeps extends DispatchDeps {
  readonly configs: ConfigBackingStore;
}

export interface WakeUpReport {
  readonly connectors: readonly string[];
  /** Tasks that run now because of it, or as soon as the run under way has ended. */
  readonly woken: number;
}

/**
 * Marks the tasks of the named connectors due and dispatches them at once, without the way through the table's stream;
 * what could not be dispatched the next tick finds. Rejects when the table does, so that the event is delivered again.
 * Unknown names are no error: a connector may be gone while its bucket still rings.
 */
export async function wakeUp(
  deps: WakeUpDeps,
  connectors: readonly string[],
  deadlineAt: number,
): Promise<WakeUpReport> {
  const woken = await Promise.all(connectors.map((name) => wakeConnector(deps, name)));
  const report = { connectors, woken: woken.reduce((sum, { count }) => sum + count, 0) };
  deps.telemetry.emit('herder.woken', { connectors: connectors.length, tasks: report.woken });
  await dispatch(
    deps,
    woken.flatMap(({ free }) => free),
    deadlineAt,
  );
  return report;
}

async function wakeConnector(
  { configs, clock }: WakeUpDeps,
  connector: string,
): Promise<{ count: number; free: RunRequest[] }> {
  const tasks = await configs.getTasks(connector);
  const woken = await Promise.all(
    tasks.map(async ({ task }) => ({ task, found: await configs.wakeTask(connector, task, clock.now()) })),
  );
  return {
    count: woken.filter(({ found }) => found !== null).length,
    free: woken.flatMap(({ task, found }) => (found === 'free' ? [{ kind: 'task' as const, connector, task }] : [])),
  };
}
