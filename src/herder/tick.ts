import type { RunRequest } from '../invocation/run-request.ts';
import type { ClusterStore } from '../storage/cluster-store.ts';
import { type DueIndex, type DueItem, type DuePage, everyTick } from '../storage/due-index.ts';
import { type DispatchDeps, dispatch, requestOf } from './dispatch.ts';

export interface TickDeps extends DispatchDeps {
  readonly dueIndex: DueIndex;
  readonly cluster: ClusterStore;
  /**
   * Asks for another invocation of the coordinator, asynchronously, that calls `onSubMinuteTick`, or for a shard of what is
   * due `onShardTick`.
   */
  readonly startTicking: (shard: number | null) => Promise<void>;
  /** Names this invocation's environment in the ticker's lease. */
  readonly owner: string;
  /** What one coordinator hands out in a minute; where so much is due, each shard gets one of its own. @default 10000 */
  readonly aloneLimit?: number;
}

const minute = 60_000;
/** What fell due this recently is on its way through the stream: only what is older was missed. */
const graceMs = 3000;
/** A ticker looks again this often, for what fell due meanwhile. */
const lookEveryMs = 1000;
/** A ticker with nothing to wait for stays this long: the index is a moment behind the table. */
const lingerMs = 2000;
/** Kept free before the deadline, to give the lease back. */
const marginMs = 2000;
const tickLimit = 1000;

/** Due within a minute, and neither already nor by the schedule alone. */
export function isSoon(dueAt: number, now: number): boolean {
  return dueAt > now && dueAt <= now + minute;
}

/** When a tick that begins now must be over: the next one goes on. */
const endOf = (now: number, deadlineAt: number) => Math.min(deadlineAt - marginMs, now + minute);

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
  const ahead = pending.waiting(found.filter(notByTheSchedule), now);
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
        await deps.startTicking(shard);
      } catch (error) {
        telemetry.emit('herder.dispatch-failed', { run: `the tick of shard ${shard}`, error: String(error) });
        await shardTick(deps, shard, deadlineAt);
      }
    }),
  );
}

/**
 * The tick of one shard of what is due, in its share of the pace. Asked for twice, it is done once: the second waits for its
 * turn, as that of the next minute does, and finds what the first has left.
 */
export async function shardTick(deps: TickDeps, shard: number, deadlineAt: number): Promise<void> {
  const { clock, cluster, owner, dueIndex } = deps;
  const limits = { ...deps.limits, runsInFlight: Math.ceil(deps.limits.runsInFlight / dueIndex.shards) };
  const paced: TickDeps = { ...deps, limits };
  const endAt = endOf(clock.now(), deadlineAt);
  while (!(await cluster.acquireTicker(owner, clock.now(), endAt + marginMs, shard))) {
    if (clock.now() >= endAt) return;
    await clock.sleep(lookEveryMs);
  }
  try {
    const now = clock.now();
    const pending = new Pending();
    await sweep(paced, pending, await allOf(dueIndex, shard, now), now, endAt);
    await tickUntil(paced, pending, endAt, shard);
  } finally {
    await cluster.releaseTicker(owner, shard);
  }
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
  const { dispatched, left } = await dispatch(deps, requests, endAt);
  deps.telemetry.emit('herder.swept', { due: overdue.length, dispatched, left });
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

/**
 * Dispatches to the second what falls due within this minute, as the only ticker (its lease is in the table). Returns
 * at once when nothing does (L4), unless it was started for something, which the index may not show yet.
 */
export async function tickWithinTheMinute(
  deps: TickDeps,
  deadlineAt: number,
  started: boolean,
  pending = new Pending(),
): Promise<void> {
  const { clock, cluster, owner } = deps;
  const endAt = endOf(clock.now(), deadlineAt);
  if (!(await waitForTurn(deps, pending, endAt, started))) return;
  pending.takeOver(clock.now());
  try {
    await tickUntil(deps, pending, endAt);
  } finally {
    await cluster.releaseTicker(owner);
  }
}

/**
 * True once this is the ticker. Another one may be at it, started in mid-minute: it ends soon, and this one takes over
 * without a gap, as long as there is something to wait for.
 */
async function waitForTurn(deps: TickDeps, pending: Pending, endAt: number, started: boolean): Promise<boolean> {
  const { clock, cluster, owner } = deps;
  while (clock.now() < endAt) {
    const waiting = pending.waiting(await soon(deps, pending, endAt), clock.now());
    if (waiting.length === 0 && !started) return false;
    if (await cluster.acquireTicker(owner, clock.now(), endAt + marginMs)) return true;
    if (waiting.length === 0) return false;
    await clock.sleep(Math.min(lookEveryMs, Math.max(0, endAt - clock.now())));
  }
  return false;
}

async function tickUntil(deps: TickDeps, pending: Pending, endAt: number, shard: number | null = null): Promise<void> {
  const { clock } = deps;
  let idleSince = clock.now();
  while (clock.now() < endAt) {
    const items = await soon(deps, pending, endAt, shard);
    const now = clock.now();
    const ready = pending.take(items, now);
    if (ready.length > 0)
      await dispatch(
        deps,
        ready.map(({ run }) => requestOf(run)),
        endAt,
      );
    const waiting = pending.waiting(items, now);
    if (waiting.length > 0) idleSince = now;
    else if (now - idleSince >= lingerMs) return;
    const nextAt = Math.min(now + lookEveryMs, ...waiting.map(({ at }) => at));
    await clock.sleep(Math.max(10, Math.min(nextAt, endAt) - clock.now()));
  }
}

/** The soonest. Of a shard those that this ticker has dispatched and that have not begun stand in nobody's way. */
async function soon(deps: TickDeps, pending: Pending, until: number, shard: number | null = null): Promise<DueItem[]> {
  if (shard === null) return deps.dueIndex.due(until, tickLimit, everyTick + 1);
  const found: DueItem[] = [];
  let after: string | null = null;
  do {
    const page: DuePage = await deps.dueIndex.duePage(shard, until, everyTick + 1, after, tickLimit);
    found.push(...page.items.filter((item) => !pending.hasDispatched(item)));
    after = page.next;
  } while (after !== null && found.length < tickLimit);
  return found;
}

/** What this ticker has seen: each item is dispatched once per due time, a running one stays in the index meanwhile. */
class Pending {
  readonly #seen = new Map<string, { at: number; dispatched: boolean }>();

  dispatched(item: DueItem): void {
    this.#seen.set(keyOf(item), { at: item.dueAt, dispatched: true });
  }

  hasDispatched(item: DueItem): boolean {
    return this.#seen.get(keyOf(item))?.dispatched === true;
  }

  /** What came due before was for the ticker before: only what is still here after the grace was missed. */
  takeOver(now: number): void {
    for (const seen of this.#seen.values()) if (seen.at <= now) seen.at += graceMs;
  }

  /** Those to dispatch now. */
  take(items: readonly DueItem[], now: number): DueItem[] {
    return items.filter((item) => {
      const seen = this.#note(item, now);
      if (seen.dispatched || seen.at > now) return false;
      seen.dispatched = true;
      return true;
    });
  }

  /** Those still to come, with the time of their dispatch. */
  waiting(items: readonly DueItem[], now: number): { readonly at: number }[] {
    return items.map((item) => this.#note(item, now)).filter((seen) => !seen.dispatched);
  }

  #note(item: DueItem, now: number) {
    const key = keyOf(item);
    let seen = this.#seen.get(key);
    if (seen === undefined) {
      // Already past when first seen: the stream has it, and only if it is still here after the grace it was lost.
      seen = { at: item.dueAt > now ? item.dueAt : Math.max(now, item.dueAt + graceMs), dispatched: false };
      this.#seen.set(key, seen);
    }
    return seen;
  }
}

const keyOf = ({ run, dueAt }: DueItem) => JSON.stringify([run.connector, run.task, dueAt]);
