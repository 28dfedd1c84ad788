import type { RunRequest } from '../invocation/run-request.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import type { TaskItem } from '../storage/items.ts';
import { type DispatchDeps, dispatch } from './dispatch.ts';
import { Pace } from './pace.ts';

export interface WakeUpDeps extends DispatchDeps {
  readonly configs: ConfigBackingStore;
}

export interface WakeUpReport {
  readonly connectors: readonly string[];
  /** Tasks that run now because of it, or as soon as the run under way has ended. */
  readonly woken: number;
}

/**
 * Marks the tasks of the named connectors due and dispatches them at once, without the way through the table's stream, and more
 * of them as those end; what could not be dispatched the next tick finds. Rejects when the table does, so that the event is
 * delivered again. Unknown names are no error: a connector may be gone while its bucket still rings.
 */
export async function wakeUp(
  deps: WakeUpDeps,
  connectors: readonly string[],
  deadlineAt: number,
): Promise<WakeUpReport> {
  const { configs, clock } = deps;
  const marks = (await tasksOf(configs, connectors)).map(async ({ connector, task }) => ({
    request: { kind: 'task' as const, connector, task },
    found: await configs.wakeTask(connector, task, clock.now()),
  }));
  const allMarked = Promise.all(marks).then((all) => {
    const woken = all.filter(({ found }) => found !== null).length;
    deps.telemetry.emit('herder.woken', { connectors: connectors.length, tasks: woken });
    return { connectors, woken };
  });
  // What it throws is for the end: those that are marked go first.
  allMarked.catch(() => {});
  await dispatch(deps, free(marks), deadlineAt, new Pace(deps, configs));
  return allMarked;
}

async function tasksOf(configs: ConfigBackingStore, connectors: readonly string[]): Promise<TaskItem[]> {
  const [only] = connectors;
  if (only !== undefined && connectors.length === 1) return configs.getTasks(only);
  return [...(await configs.getConnectorsAndTasks(connectors)).values()].flatMap(({ tasks }) => tasks);
}

/** Those that may run now, each as soon as it is marked. */
async function* free(
  marks: readonly Promise<{ readonly request: RunRequest; readonly found: 'free' | 'running' | null }>[],
): AsyncGenerator<RunRequest> {
  for (const mark of marks) {
    const marked = await mark.catch(() => null);
    if (marked?.found === 'free') yield marked.request;
  }
}
