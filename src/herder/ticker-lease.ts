import type { Clock } from '../clock.ts';
import type { ClusterStore } from '../storage/cluster-store.ts';

export interface TickerLeaseDeps {
  readonly clock: Clock;
  readonly cluster: ClusterStore;
  /** Names this invocation's environment in the ticker's lease. */
  readonly owner: string;
}

/** Short, and it moves: a ticker that dies holds up nobody for longer. */
const leaseMs = 5000;
const renewEveryMs = 2000;
/** A ticker that lives has more left than this. */
const nearEndMs = 2500;

/** Whether there is a ticker, or something that does its work. */
export function isTicking({ cluster }: Pick<TickerLeaseDeps, 'cluster'>, now: number): Promise<boolean> {
  return cluster.tickerHeld(now + nearEndMs);
}

/** False: somebody else has it. */
export function becomeTicker({ clock, cluster, owner }: TickerLeaseDeps, shard: number | null): Promise<boolean> {
  return cluster.acquireTicker(owner, clock.now(), clock.now() + leaseMs, shard);
}

/**
 * Does `work` as the ticker that this became, and gives the lease back. Where it is lost nevertheless, for this process was
 * frozen for long, the work goes on: what two of them dispatch a lease lets run once (I1).
 */
export async function whileTicker(
  deps: TickerLeaseDeps,
  shard: number | null,
  work: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const renewing = renewUntil(deps, shard, over.signal);
  try {
    await work();
  } finally {
    over.abort();
    await renewing;
    await deps.cluster.releaseTicker(deps.owner, shard);
  }
}

async function renewUntil(deps: TickerLeaseDeps, shard: number | null, over: AbortSignal): Promise<void> {
  for (;;) {
    // Rejects when it is over.
    const isOver = await deps.clock.sleep(renewEveryMs, over).then(
      () => false,
      () => true,
    );
    if (isOver) return;
    // One that the table refuses is made up for by the next.
    await becomeTicker(deps, shard).catch(() => {});
  }
}
