import type { FailedInvocations } from '../invocation/failed-invocations.ts';
import type { TickRequest } from '../invocation/run-request.ts';
import { becameDue, type TableChange } from '../storage/table-change.ts';
import { dispatch, requestOf } from './dispatch.ts';
import { bringFeedsInLine, type HoldFeedsDeps } from './hold-feeds.ts';
import { Pace } from './pace.ts';
import { type TakeOverDeps, takeOver } from './take-over.ts';
import { scheduledTick, shardTick, type TickDeps } from './tick.ts';
import { isSoon, tickWithinTheMinute } from './ticker.ts';
import { isTicking } from './ticker-lease.ts';
import { type WakeUpReport, wakeUp } from './wake-up.ts';

export interface CoordinatorDeps extends TickDeps, TakeOverDeps, HoldFeedsDeps {}

/**
 * The Herder's reactions. Each may run any number of times at once: what they do is a conditional write or an
 * invocation that a lease makes harmless. `deadlineAt` is the epoch millisecond at which the invocation is killed.
 */
export interface Coordinator {
  /** Items of the table changed: what became due is dispatched at once, without a write. */
  onStream(changes: readonly TableChange[], deadlineAt: number): Promise<void>;
  /** The schedule, once a minute: dispatches what is due and was missed, the probe, then what falls due in the minute. */
  onTick(deadlineAt: number): Promise<void>;
  /** Asked for by `startTicking`: only what falls due within the minute. */
  onSubMinuteTick(deadlineAt: number): Promise<void>;
  /** Asked for by `startTicking`: a tick of one shard of what is due, where that is more than one coordinator hands out. */
  onShardTick(shard: number, deadlineAt: number): Promise<void>;
  /**
   * Lambda has told of invocations that failed: what the runs held is free, and dispatched again; the ticks are asked for
   * again.
   */
  onFailedInvocations(failed: FailedInvocations, deadlineAt: number): Promise<void>;
  /** An event from outside has named connectors whose tasks should look now. */
  onWakeUp(connectors: readonly string[], deadlineAt: number): Promise<WakeUpReport>;
}

/** How long after asking for a ticker nobody asks again: it needs a moment to take its lease. */
const startingMs = 1000;

/** A tick that dies of what it does is not asked for without end: the schedule brings the next one. */
const mostDeaths = 3;

/** What the dead one's lease keeps to itself for its last seconds, this one waits for. */
async function tickInPlaceOf({ startTicking, telemetry }: CoordinatorDeps, dead: TickRequest): Promise<void> {
  const { deaths = 0 } = dead;
  telemetry.emit('herder.tick-died', { tick: dead.kind, deaths: deaths + 1 });
  if (deaths < mostDeaths) await startTicking({ ...dead, deaths: deaths + 1 });
}

export function createCoordinator(deps: CoordinatorDeps): Coordinator {
  const { clock } = deps;
  let startedTickingAt = Number.NEGATIVE_INFINITY;

  /** Somebody must dispatch what is due soon: the ticker, if it is not at it already (L4). */
  const ensureTicking = async () => {
    const now = clock.now();
    if (now - startedTickingAt < startingMs || (await isTicking(deps, now))) return;
    startedTickingAt = now;
    await deps.startTicking({ kind: 'sub-minute-tick' });
  };

  return {
    async onStream(changes, deadlineAt) {
      const now = clock.now();
      const due = becameDue(changes);
      const runs = due.filter(({ dueAt }) => dueAt <= now).map(({ run }) => requestOf(run));
      await dispatch(deps, runs, deadlineAt, new Pace(deps, deps.configs));
      if (due.some((item) => isSoon(item.dueAt, now))) await ensureTicking();
      const feeds = changes.filter((change) => change.kind === 'feed');
      const keys = feeds.map(({ before, after }) => (after ?? before)?.key).filter((key) => key !== undefined);
      if (keys.length > 0) await bringFeedsInLine(deps, deadlineAt, keys);
    },

    async onTick(deadlineAt) {
      // Beside each other: an event source takes its time to open, and what is due does not wait for it.
      await Promise.all([bringFeedsInLine(deps, deadlineAt), scheduledTick(deps, deadlineAt)]);
    },

    onSubMinuteTick: (deadlineAt) => tickWithinTheMinute(deps, deadlineAt, true),

    onShardTick: (shard, deadlineAt) => shardTick(deps, shard, deadlineAt),

    async onFailedInvocations({ runs, ticks }, deadlineAt) {
      await Promise.all([takeOver(deps, runs, deadlineAt), ...ticks.map((tick) => tickInPlaceOf(deps, tick))]);
    },

    onWakeUp: (connectors, deadlineAt) => wakeUp(deps, connectors, deadlineAt),
  };
}
