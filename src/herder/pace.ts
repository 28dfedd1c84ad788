import type { Clock } from '../clock.ts';
import type { RunId, RunRequest } from '../invocation/run-request.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import type { TaskItem } from '../storage/items.ts';

export interface DispatchLimits {
  /**
   * Task runs that may be under way at a time (L5). A dispatch hands out at most this many, and others as they end or a second
   * later, so that a mass wake-up opens its Kafka connections little by little; where `limits.reserveConcurrency` is set, the task function's
   * reserved concurrency holds what is handed out to the same number.
   */
  readonly runsInFlight: number;
  /** Invoke calls under way at a time. */
  readonly concurrency: number;
}

export interface PaceDeps {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly limits: DispatchLimits;
}

/** What tells how the runs go. */
type Tasks = Pick<ConfigBackingStore, 'getTasksOf'>;

/** How often it is looked which runs are over, while others wait for that. */
const lookEveryMs = 50;
/** Of one look: one request for so many items. */
const mostLookedAt = 100;

/**
 * When the next run of a dispatch may be handed out (L5): the first `runsInFlight` at once, the others a second later each
 * time, jittered inside it; or, where it is followed how the runs go, as soon as one before them is over. What a burst brings is
 * moved in moments, and its runs need not wait for seconds that nobody uses.
 */
export class Pace {
  readonly #deps: PaceDeps;
  /** Null: by the second alone. */
  readonly #configs: Tasks | null;
  readonly #startedAt: number;
  readonly #handedOut: { readonly run: RunId & { readonly task: number }; readonly at: number }[] = [];
  #turns = 0;
  #over = 0;
  #looking: Promise<void> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: PaceDeps, configs: Tasks | null) {
    this.#deps = deps;
    this.#configs = configs;
    this.#startedAt = deps.clock.now();
  }

  /** Resolves when it is the caller's turn; false: that would be after `deadlineAt`. */
  async turn(deadlineAt: number): Promise<boolean> {
    const { clock, limits, random } = this.#deps;
    const index = this.#turns++;
    const second = Math.floor(index / limits.runsInFlight);
    const startAt = this.#startedAt + (second === 0 ? 0 : Math.round((second - 1 + random()) * 1000));
    while (index >= limits.runsInFlight + this.#over) {
      const wait = startAt - clock.now();
      if (wait <= 0) break;
      if (this.#configs === null) {
        if (startAt >= deadlineAt) return false;
        await clock.sleep(wait);
        break;
      }
      if (clock.now() >= deadlineAt) return false;
      await clock.sleep(Math.min(wait, lookEveryMs, deadlineAt - clock.now()));
      await this.#look(this.#configs);
    }
    return clock.now() < deadlineAt;
  }

  /** It is on its way. */
  handedOut(request: RunRequest): void {
    if (this.#configs === null || request.kind !== 'task') return;
    const { connector, task } = request;
    this.#handedOut.push({ run: { connector, task }, at: this.#deps.clock.now() });
  }

  /** All who wait share one look. A table that does not answer leaves it at the seconds. */
  #look(configs: Tasks): Promise<void> {
    if (this.#looking !== null) return this.#looking;
    const now = this.#deps.clock.now();
    if (now - this.#lookedAt < lookEveryMs) return Promise.resolve();
    this.#lookedAt = now;
    this.#looking = this.#ask(configs)
      .catch(() => {})
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  async #ask(configs: Tasks): Promise<void> {
    const asked = this.#handedOut.splice(0, mostLookedAt);
    const items = new Map<string, TaskItem>();
    try {
      for (const item of await configs.getTasksOf(asked.map(({ run }) => run))) items.set(keyOf(item), item);
    } catch (error) {
      this.#handedOut.push(...asked);
      throw error;
    }
    const now = this.#deps.clock.now();
    const left = asked.filter(({ run, at }) => !isOver(items.get(keyOf(run)), at, now));
    this.#over += asked.length - left.length;
    // Behind those that were not looked at: each has its turn.
    this.#handedOut.push(...left);
  }
}

/** What it was handed out for is done, or nothing that a run could do. */
function isOver(item: TaskItem | undefined, handedOutAt: number, now: number): boolean {
  if (item === undefined) return true;
  if (item.leaseOwner !== null) return false;
  return item.dueAt === null || item.dueAt > now || (item.counters.lastRunAt ?? 0) >= handedOutAt;
}

/** A run, as a key. */
export const keyOf = ({ connector, task }: RunId) => `${task} ${connector}`;
