import { type InvokedRun, type RunId, takenUpWithinMs } from '../invocation/run-request.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import { everyTick } from '../storage/due-index.ts';
import type { ConnectorItem, TaskItem } from '../storage/items.ts';
import type { LeaseStore } from '../storage/lease-store.ts';
import { type DispatchDeps, dispatch, requestOf } from './dispatch.ts';

export interface TakeOverDeps extends DispatchDeps {
  readonly configs: ConfigBackingStore;
  readonly leases: LeaseStore;
}

/** So far may the clocks of two functions be apart: a lease that ends now has ended for every one of them. */
const clockSkewMs = 1000;
const firstPauseMs = 5000;

/**
 * Ends the leases of runs that Lambda says have failed, and dispatches what they left undone (L1). A run that has given
 * back its lease, or was followed by another, is none of this: the invocation stands in the lease (I1).
 *
 * One that dies again and again without a commit is not started at once each time: 5 s after the second death, three
 * times as long after each more, and never later than its lease would have ended by itself. Those due later the next
 * tick finds.
 */
export async function takeOver(deps: TakeOverDeps, failed: readonly InvokedRun[], deadlineAt: number): Promise<void> {
  const ended = await Promise.all(failed.map((run) => endLeases(deps, run)));
  const free = ended.flat();
  if (failed.length > 0) deps.telemetry.emit('herder.took-over', { failed: failed.length, free: free.length });
  await dispatch(deps, free.map(requestOf), deadlineAt);
}

/** Which of them may be run now. */
async function endLeases(deps: TakeOverDeps, { request, invocation }: InvokedRun): Promise<RunId[]> {
  const free: RunId[] = [];
  for (const { run, item } of await candidates(deps, request)) {
    const now = deps.clock.now();
    if (run.task !== null && request.kind === 'connector' && mayBeLeftToIt(item, now)) {
      if ((await deps.configs.wakeTask(run.connector, run.task, now)) === 'free') free.push(run);
      continue;
    }
    if (item.leaseInvocation !== invocation) continue;
    const pause = pauseAfter(item.fruitlessRuns);
    const isEnded = await deps.leases.expire(run, invocation, pause === 0 ? now - clockSkewMs : now + pause);
    if (isEnded && pause === 0) free.push(run);
  }
  return free;
}

/** Its connector's invocation was to go on with it, and has not come so far. */
function mayBeLeftToIt({ leaseOwner, dueAt }: ConnectorItem | TaskItem, now: number): boolean {
  return leaseOwner === null && dueAt !== null && dueAt !== everyTick && dueAt <= now + takenUpWithinMs;
}

interface Candidate {
  readonly run: RunId;
  readonly item: ConnectorItem | TaskItem;
}

/** What the run may have held: of a connector also one of its tasks, which its invocation has gone on with. */
async function candidates({ configs }: TakeOverDeps, request: InvokedRun['request']): Promise<Candidate[]> {
  if (request.kind === 'probe') return [];
  const { connector } = request;
  if (request.kind === 'task') {
    const item = await configs.getTask(connector, request.task);
    return item === undefined ? [] : [{ run: { connector, task: request.task }, item }];
  }
  const found = await configs.getConnectorAndTasks(connector, { evenDeleting: true });
  if (found === undefined) return [];
  const tasks = found.tasks.map((item) => ({ run: { connector, task: item.task }, item }));
  return [{ run: { connector, task: null }, item: found.connector }, ...tasks];
}

function pauseAfter(fruitless: number): number {
  return fruitless <= 1 ? 0 : firstPauseMs * 3 ** (fruitless - 2);
}
