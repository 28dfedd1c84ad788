import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import { type DueIndex, type DueItem, type DuePage, everyTick } from '../storage/due-index.ts';
import { type DispatchDeps, dispatch, requestOf } from './dispatch.ts';
import { keyOf } from './pace.ts';
import { becomeTicker, type TickerLeaseDeps, whileTicker } from './ticker-lease.ts';

export interface TickerDeps extends DispatchDeps, TickerLeaseDeps {
  readonly dueIndex: DueIndex;
  readonly configs: ConfigBackingStore;
}

const minute = 60_000;
/** What fell due this recently is on its way through the stream: only what is older was missed. */
export const graceMs = 3000;
/** A ticker looks again this often, for what fell due meanwhile. */
export const lookEveryMs = 1000;
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
/** Of one look. */
const tickLimit = 1000;

/** Due within a minute, and neither already nor by the schedule alone. */
export function isSoon(dueAt: number, now: number): boolean {
  return dueAt > now && dueAt <= now + minute;
}

/** When a tick that begins now must be over: the next one goes on. */
export const endOf = (now: number, deadlineAt: number) => Math.min(deadlineAt - marginMs, now + minute);

/**
 * Dispatches to the second what falls due within this minute, as the only ticker (its lease is in the table). Returns
 * at once when nothing does (L4), unless it was started for something, which the index may not show yet.
 */
export async function tickWithinTheMinute(
  deps: TickerDeps,
  deadlineAt: number,
  started: boolean,
  pending = new Pending(),
): Promise<void> {
  const { clock } = deps;
  const endAt = endOf(clock.now(), deadlineAt);
  if (started) pending.looked(clock.now() - startingMs);
  if (!(await waitForTurn(deps, pending, endAt, started))) return;
  pending.takeOver(clock.now());
  await whileTicker(deps, null, () => tickUntil(deps, pending, endAt));
}

/**
 * True once this is the ticker. Another one may be at it, started in mid-minute: it ends soon, and this one takes over
 * without a gap, as long as there is something to wait for.
 */
async function waitForTurn(deps: TickerDeps, pending: Pending, endAt: number, started: boolean): Promise<boolean> {
  const { clock } = deps;
  while (clock.now() < endAt) {
    const waiting = (await look(deps, pending, endAt, null)).waiting();
    if (waiting.length === 0 && !started) return false;
    if (await becomeTicker(deps, null)) return true;
    if (waiting.length === 0) return false;
    await clock.sleep(Math.min(lookEveryMs, Math.max(0, endAt - clock.now())));
  }
  return false;
}

/** As whoever holds the lease; `shard`: looks at this one alone. */
export async function tickUntil(
  deps: TickerDeps,
  pending: Pending,
  endAt: number,
  shard: number | null = null,
): Promise<void> {
  const { clock } = deps;
  let idleSince = clock.now();
  let hurriedUntil = 0;
  while (clock.now() < endAt) {
    const seen = await look(deps, pending, endAt, shard);
    const now = clock.now();
    const ready = seen.take(now);
    if (ready.some(({ dueAt }) => now - dueAt >= sinceLastLookGraceMs && now - dueAt < graceMs))
      hurriedUntil = now + hurriedMs;
    if (ready.length > 0) {
      const runs = await withoutThoseThatRun(deps, ready, now);
      await dispatch(
        deps,
        runs.map(({ run }) => requestOf(run)),
        endAt,
      );
    }
    const waiting = seen.waiting();
    if (waiting.length > 0) idleSince = now;
    else if (now - idleSince >= lingerMs) return;
    const pauseMs = now < hurriedUntil ? hurriedLookEveryMs : lookEveryMs;
    const nextAt = Math.min(now + pauseMs, ...waiting.map(({ at }) => at));
    await clock.sleep(Math.max(10, Math.min(nextAt, endAt) - clock.now()));
  }
}

/**
 * A run stays in the index: what has been due for a while may be one of the stream's, and under way. Its end, or Lambda, will
 * tell.
 */
async function withoutThoseThatRun(
  { configs }: TickerDeps,
  ready: readonly DueItem[],
  now: number,
): Promise<readonly DueItem[]> {
  const late = ready.flatMap(({ run, dueAt }) =>
    run.task !== null && now - dueAt >= sinceLastLookGraceMs ? [{ connector: run.connector, task: run.task }] : [],
  );
  if (late.length === 0) return ready;
  // A table that does not answer leaves it to the leases.
  const items = await configs.getTasksOf(late).catch(() => []);
  const running = new Set(
    items.filter(({ leaseOwner, leaseExpiresAt }) => leaseOwner !== null && leaseExpiresAt > now).map(keyOf),
  );
  return ready.filter(({ run }) => !running.has(keyOf(run)));
}

/** What is due until then and was not dispatched yet. */
async function look({ dueIndex, clock }: TickerDeps, pending: Pending, until: number, shard: number | null) {
  const lookedAt = clock.now();
  const items =
    shard === null
      ? await dueIndex.due(until, tickLimit, everyTick + 1)
      : await soonestOf(dueIndex, shard, pending, until);
  const seen = pending.look(items, lookedAt, clock.now());
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

/** Those that are dispatched already and have not begun stand in nobody's way. */
async function soonestOf(dueIndex: DueIndex, shard: number, pending: Pending, until: number): Promise<DueItem[]> {
  const found: DueItem[] = [];
  let after: string | null = null;
  do {
    const page: DuePage = await dueIndex.duePage(shard, until, everyTick + 1, after, tickLimit);
    found.push(...page.items.filter((item) => !pending.hasDispatched(item)));
    after = page.next;
  } while (after !== null && found.length < tickLimit);
  return found;
}

interface Seen {
  /** When it is to be dispatched. */
  at: number;
  dispatched: boolean;
}

/** What a ticker has seen: each item is dispatched once per due time, a running one stays in the index meanwhile. */
export class Pending {
  readonly #seen = new Map<string, Seen>();
  #lookedAt = Number.POSITIVE_INFINITY;

  dispatched(item: DueItem): void {
    this.#seen.set(onceKeyOf(item), { at: item.dueAt, dispatched: true });
  }

  hasDispatched(item: DueItem): boolean {
    return this.#seen.get(onceKeyOf(item))?.dispatched === true;
  }

  /** What came due before was for the ticker before: only what is still here after the grace was missed. */
  takeOver(now: number): void {
    for (const seen of this.#seen.values()) if (seen.at <= now) seen.at += graceMs;
  }

  looked(at: number): void {
    this.#lookedAt = at;
  }

  /** Of what a look has found, asked for at `lookedAt`, what was not dispatched yet. */
  look(items: readonly DueItem[], lookedAt: number, now: number): { readonly item: DueItem; readonly state: Seen }[] {
    const seen = items.map((item) => ({ item, state: this.#note(item, now) }));
    this.#lookedAt = lookedAt;
    return seen.filter(({ state }) => !state.dispatched);
  }

  #note(item: DueItem, now: number): Seen {
    const key = onceKeyOf(item);
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

const onceKeyOf = ({ run, dueAt }: DueItem) => `${dueAt} ${keyOf(run)}`;
