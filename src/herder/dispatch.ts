import type { Clock } from '../clock.ts';
import type { Invoker, RunId, RunRequest } from '../invocation/run-request.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

export interface DispatchLimits {
  /**
   * Task runs that may be under way at a time (L5). A dispatch hands out at most this many a second, so that a mass
   * wake-up opens its Kafka connections little by little; where `limits.reserveConcurrency` is set, the task function's
   * reserved concurrency holds what is handed out to the same number.
   */
  readonly runsInFlight: number;
  /** Invoke calls under way at a time. */
  readonly concurrency: number;
}

export interface DispatchDeps {
  readonly invoker: Invoker;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly telemetry: Telemetry;
  readonly limits: DispatchLimits;
}

export interface DispatchReport {
  readonly dispatched: number;
  /** Refused by Lambda, or out of time: they stay due, and the next tick finds them. */
  readonly left: number;
}

/**
 * Invokes all of them at once, concurrently, until `deadlineAt` (epoch milliseconds). Never rejects: an invocation
 * that fails leaves its item due. Dispatching something twice is harmless, its lease lets one run (I1).
 */
export async function dispatch(
  deps: DispatchDeps,
  requests: readonly RunRequest[],
  deadlineAt: number,
): Promise<DispatchReport> {
  const { clock, limits } = deps;
  const startedAt = clock.now();
  let next = 0;
  let dispatched = 0;
  const worker = async () => {
    while (next < requests.length) {
      const index = next++;
      const startAt = startedAt + delayOf(index, limits.runsInFlight, deps.random);
      if (startAt >= deadlineAt) return;
      const wait = startAt - clock.now();
      if (wait > 0) await clock.sleep(wait);
      if (await invoke(deps, requests[index]!)) dispatched++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limits.concurrency, requests.length) }, worker));
  const [first] = requests;
  if (first !== undefined) {
    const durationMs = clock.now() - startedAt;
    deps.telemetry.emit('herder.dispatched', { runs: dispatched, first: nameOf(first), durationMs });
  }
  return { dispatched, left: requests.length - dispatched };
}

/** Nothing for the first second's worth; the others a second apart by the batch, jittered inside it. */
function delayOf(index: number, perSecond: number, random: () => number): number {
  const second = Math.floor(index / perSecond);
  return second === 0 ? 0 : Math.round((second - 1 + random()) * 1000);
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
