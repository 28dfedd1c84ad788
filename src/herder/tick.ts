import type { ClusterStore } from '../storage/cluster-store.ts';
import { type DueIndex, type DueItem, everyTick } from '../storage/due-index.ts';
import { type DispatchDeps, dispatch, requestOf } from './dispatch.ts';

export interface TickDeps extends DispatchDeps {
  readonly dueIndex: DueIndex;
  readonly cluster: ClusterStore;
  readonly owner: string;
}

const minute = 60_000;
/** What fell due this recently is on its way through the stream: only what is older was missed. */
const graceMs = 3000;
/** A ticker looks again this often, for what fell due meanwhile. */
const lookEveryMs = 1000;
/**
 * A pause shorter than a look is over before one can see it, and was not over when the stream told of it: nobody has
 * dispatched it then. Others that fell due since the last look are the stream's, which takes less than this.
 */
const sinceLastLookGraceMs = 1000;
/** Where there is such a pause there are more of them: so long the ticker looks this often. */
const hurriedMs = 10_000;
const hurriedLookEveryMs = 250;
/** How long a ticker has been asked for before it looks for the first time. */
const startingMs = 1000;
/** A ticker with nothing to wait for stays this long: the index is a moment behind the table. */
const lingerMs = 2000;
/** Kept free before the deadline, to give the lease back. */
const marginMs = 2000;
const sweepLimit = 10_000;
const tickLimit = 1000;

/** Due within a minute, and neither already nor by the schedule alone. */
export function isSoon(dueAt: number, now: number): boolean {
  return dueAt > now && dueAt <= now + minute;
}

/**
 * Dispatches everything overdue: what polls by the minute, what a lost stream record would have woken, and what a dead
 * run left behind (L1). The work is one query for what is due, however many connectors exist (L2).
 */
async function sweep(deps: TickDeps, pending: Pending, deadlineAt: number): Promise<void> {
  const now = deps.clock.now();
  const [due, watched] = await Promise.all([
    deps.dueIndex.due(now - graceMs, sweepLimit),
    deps.dueIndex.watched(null, 1),
  ]);
  for (const item of due) pending.dispatched(item);
  const requests = due.map(({ run }) => requestOf(run));
  if (watched.items.length > 0) requests.unshift({ kind: 'probe' });
  const { dispatched, left } = await dispatch(deps, requests, deadlineAt - marginMs);
  deps.telemetry.emit('herder.swept', { due: due.length, dispatched, left });
}

/** The schedule's tick: what was missed, then what falls due within the minute. */
export async function scheduledTick(deps: TickDeps, deadlineAt: number): Promise<void> {
  const pending = new Pending();
  await sweep(deps, pending, deadlineAt);
  await tickWithinTheMinute(deps, deadlineAt, false, pending);
}

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
  const endAt = Math.min(deadlineAt - marginMs, clock.now() + minute);
  if (started) pending.looked(clock.now() - startingMs);
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
    const waiting = (await look(deps, pending, endAt)).waiting();
    if (waiting.length === 0 && !started) return false;
    if (await cluster.acquireTicker(owner, clock.now(), endAt + marginMs)) return true;
    if (waiting.length === 0) return false;
    await clock.sleep(Math.min(lookEveryMs, Math.max(0, endAt - clock.now())));
  }
  return false;
}

async function tickUntil(deps: TickDeps, pending: Pending, endAt: number): Promise<void> {
  const { clock } = deps;
  let idleSince = clock.now();
  let hurriedUntil = 0;
  while (clock.now() < endAt) {
    const seen = await look(deps, pending, endAt);
    const now = clock.now();
    const ready = seen.take(now);
    if (ready.some(({ dueAt }) => now - dueAt >= sinceLastLookGraceMs && now - dueAt < graceMs))
      hurriedUntil = now + hurriedMs;
    if (ready.length > 0)
      await dispatch(
        deps,
        ready.map(({ run }) => requestOf(run)),
        endAt,
      );
    const waiting = seen.waiting();
    if (waiting.length > 0) idleSince = now;
    else if (now - idleSince >= lingerMs) return;
    const nextAt = Math.min(
      now + (now < hurriedUntil ? hurriedLookEveryMs : lookEveryMs),
      ...waiting.map(({ at }) => at),
    );
    await clock.sleep(Math.max(10, Math.min(nextAt, endAt) - clock.now()));
  }
}

/** What is due until then and was not dispatched yet. */
async function look({ dueIndex, clock }: TickDeps, pending: Pending, until: number) {
  const lookedAt = clock.now();
  const items = await dueIndex.due(until, tickLimit, everyTick + 1);
  const now = clock.now();
  const seen = items.map((item) => ({ item, state: pending.note(item, now) })).filter(({ state }) => !state.dispatched);
  pending.looked(lookedAt);
  return {
    /** Those to dispatch now. */
    take: (at: number): DueItem[] =>
      seen
        .filter(({ state }) => state.at <= at)
        .map(({ item, state }) => {
          state.dispatched = true;
          return item;
        }),
    /** Those still to come, with the time of their dispatch. */
    waiting: (): readonly { readonly at: number }[] =>
      seen.map(({ state }) => state).filter(({ dispatched }) => !dispatched),
  };
}

interface Seen {
  /** When it is to be dispatched. */
  at: number;
  dispatched: boolean;
}

/** What this ticker has seen: each item is dispatched once per due time, a running one stays in the index meanwhile. */
class Pending {
  readonly #seen = new Map<string, Seen>();
  #lookedAt = Number.POSITIVE_INFINITY;

  dispatched(item: DueItem): void {
    this.#seen.set(keyOf(item), { at: item.dueAt, dispatched: true });
  }

  /** What came due before was for the ticker before: only what is still here after the grace was missed. */
  takeOver(now: number): void {
    for (const seen of this.#seen.values()) if (seen.at <= now) seen.at += graceMs;
  }

  looked(at: number): void {
    this.#lookedAt = at;
  }

  note(item: DueItem, now: number): Seen {
    const key = keyOf(item);
    let seen = this.#seen.get(key);
    if (seen === undefined) {
      seen = { at: this.#dispatchAt(item.dueAt, now), dispatched: false };
      this.#seen.set(key, seen);
    }
    return seen;
  }

  /** Already past when first seen: the stream has it, and only if it is still here after the grace it was lost. */
  #dispatchAt(dueAt: number, now: number): number {
    if (dueAt > now) return dueAt;
    return Math.max(now, dueAt + (dueAt > this.#lookedAt ? sinceLastLookGraceMs : graceMs));
  }
}

const keyOf = ({ run, dueAt }: DueItem) => JSON.stringify([run.connector, run.task, dueAt]);
