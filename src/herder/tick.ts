import { ConnectError } from '../errors.ts';
import type { RunRequest, TickRequest } from '../invocation/run-request.ts';
import { type DueIndex, type DueItem, type DuePage, everyTick } from '../storage/due-index.ts';
import { dispatch, requestOf } from './dispatch.ts';
import { endOf, graceMs, lookEveryMs, Pending, type TickerDeps, tickUntil, tickWithinTheMinute } from './ticker.ts';
import { becomeTicker, whileTicker } from './ticker-lease.ts';

export interface TickDeps extends TickerDeps {
  /** Asks for another invocation of the coordinator, asynchronously, for this. */
  readonly startTicking: (tick: TickRequest) => Promise<void>;
  /** What one coordinator hands out in a minute; where so much is due, each shard gets one of its own. @default 10000 */
  readonly aloneLimit?: number;
}

const minute = 60_000;

/**
 * The schedule's tick: dispatches everything overdue, which is what polls by the minute, what a lost stream record would
 * have woken, and what a dead run left behind (L1), then what falls due within the minute. The work is one query for what
 * is due, however many connectors exist (L2).
 */
export async function scheduledTick(deps: TickDeps, deadlineAt: number): Promise<void> {
  const now = deps.clock.now();
  const endAt = endOf(now, deadlineAt);
  const { aloneLimit = 10_000 } = deps;
  const [found, watched] = await Promise.all([deps.dueIndex.due(endAt, aloneLimit), deps.dueIndex.watched(null, 1)]);
  const probe: RunRequest[] = watched.items.length > 0 ? [{ kind: 'probe' }] : [];
  if (found.length === aloneLimit) {
    await Promise.all([dispatch(deps, probe, endAt), shareOut(deps, deadlineAt)]);
    return;
  }
  const pending = new Pending();
  await sweep(deps, pending, found, now, endAt, probe);
  const ahead = pending.look(found.filter(notByTheSchedule), now, now);
  if (ahead.length > 0) await tickWithinTheMinute(deps, deadlineAt, false, pending);
}

/** A coordinator for each shard. One that cannot be had is this one. */
async function shareOut(deps: TickDeps, deadlineAt: number): Promise<void> {
  const { clock, cluster, dueIndex, owner, telemetry } = deps;
  // Whoever would ask for a ticker in this minute need not: the shards have theirs. It is left to expire.
  await cluster.acquireTicker(owner, clock.now(), clock.now() + minute);
  const shards = Array.from({ length: dueIndex.shards }, (_, shard) => shard);
  telemetry.emit('herder.shared-out', { shards: shards.length });
  await Promise.all(
    shards.map(async (shard) => {
      try {
        await deps.startTicking({ kind: 'shard-tick', shard });
      } catch (error) {
        telemetry.emit('herder.dispatch-failed', { run: `the tick of shard ${shard}`, error: String(error) });
        await shardTick(deps, shard, deadlineAt);
      }
    }),
  );
}

/**
 * The tick of one shard of what is due, in its share of the pace. Asked for twice, it is done once: the second waits for its
 * turn, as that of the next minute does, and finds what the first has left. Throws ConnectError `invocation.invalid`.
 */
export async function shardTick(deps: TickDeps, shard: number, deadlineAt: number): Promise<void> {
  const { clock, dueIndex } = deps;
  if (shard >= dueIndex.shards) {
    throw new ConnectError('invocation.invalid', `There is no shard ${shard}: they are 0 to ${dueIndex.shards - 1}`);
  }
  const limits = { ...deps.limits, runsInFlight: Math.ceil(deps.limits.runsInFlight / dueIndex.shards) };
  const paced: TickDeps = { ...deps, limits };
  const endAt = endOf(clock.now(), deadlineAt);
  while (!(await becomeTicker(deps, shard))) {
    if (clock.now() >= endAt) return;
    await clock.sleep(lookEveryMs);
  }
  await whileTicker(deps, shard, async () => {
    const now = clock.now();
    const pending = new Pending();
    await sweep(paced, pending, await allOf(dueIndex, shard, now), now, endAt);
    await tickUntil(paced, pending, endAt, shard);
  });
}

async function allOf(dueIndex: DueIndex, shard: number, until: number): Promise<DueItem[]> {
  const found: DueItem[] = [];
  let after: string | null = null;
  do {
    const page: DuePage = await dueIndex.duePage(shard, until, 0, after);
    found.push(...page.items);
    after = page.next;
  } while (after !== null);
  return found;
}

/** Dispatches what of `found` is overdue. */
async function sweep(
  deps: TickDeps,
  pending: Pending,
  found: readonly DueItem[],
  now: number,
  endAt: number,
  first: readonly RunRequest[] = [],
): Promise<void> {
  const overdue = found.filter(({ dueAt }) => dueAt <= now - graceMs);
  for (const item of overdue) pending.dispatched(item);
  const requests = [...first, ...inTurn(overdue, deps.random).map(({ run }) => requestOf(run))];
  const dispatched = await dispatch(deps, requests, endAt);
  deps.telemetry.emit('herder.swept', { due: overdue.length, dispatched, left: requests.length - dispatched });
}

/**
 * What waits for this minute's tick alone stays in the index as it is, run or not: so that, where there is more than can be
 * handed out, it is not the same that are left each time, they begin anywhere, and after those that are due once.
 */
function inTurn(overdue: readonly DueItem[], random: () => number): DueItem[] {
  const polled = overdue.filter((item) => !notByTheSchedule(item));
  const start = Math.floor(random() * polled.length);
  return [...overdue.filter(notByTheSchedule), ...polled.slice(start), ...polled.slice(0, start)];
}

const notByTheSchedule = ({ dueAt }: DueItem) => dueAt > everyTick;
