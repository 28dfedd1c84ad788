import type { Invoker, RunId, RunRequest } from '../invocation/run-request.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Pace, type PaceDeps } from './pace.ts';

export interface DispatchDeps extends PaceDeps {
  readonly invoker: Invoker;
  readonly telemetry: Telemetry;
}

/**
 * Invokes all of them, concurrently, as `pace` lets them go, until `deadlineAt` (epoch milliseconds); answers how many. Never
 * rejects: an invocation that fails, or does not fit in, leaves its item due, and the next tick finds it. Dispatching something
 * twice is harmless, its lease lets one run (I1).
 */
export async function dispatch(
  deps: DispatchDeps,
  requests: Iterable<RunRequest> | AsyncIterable<RunRequest>,
  deadlineAt: number,
  pace = new Pace(deps, null),
): Promise<number> {
  const { clock, limits } = deps;
  const startedAt = clock.now();
  const iterator = Symbol.asyncIterator in requests ? requests[Symbol.asyncIterator]() : requests[Symbol.iterator]();
  let dispatched = 0;
  let first: RunRequest | null = null;
  const worker = async () => {
    for (;;) {
      const { value, done } = await iterator.next();
      if (done) return;
      first ??= value;
      if (!(await pace.turn(deadlineAt))) return;
      if (!(await invoke(deps, value))) continue;
      pace.handedOut(value);
      dispatched++;
    }
  };
  await Promise.all(Array.from({ length: limits.concurrency }, worker));
  if (first !== null) {
    const durationMs = clock.now() - startedAt;
    deps.telemetry.emit('herder.dispatched', { runs: dispatched, first: nameOf(first), durationMs });
  }
  return dispatched;
}

async function invoke(deps: DispatchDeps, request: RunRequest): Promise<boolean> {
  try {
    await deps.invoker.invoke(request);
    return true;
  } catch (error) {
    deps.telemetry.emit('herder.dispatch-failed', { run: nameOf(request), error: String(error) });
    return false;
  }
}

export function requestOf(run: RunId): RunRequest {
  return run.task === null
    ? { kind: 'connector', connector: run.connector }
    : { kind: 'task', connector: run.connector, task: run.task };
}

function nameOf(request: RunRequest): string {
  if (request.kind === 'probe') return 'probe';
  return request.kind === 'connector' ? request.connector : `${request.connector}-${request.task}`;
}
