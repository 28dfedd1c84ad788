import type { Clock } from '../../clock.ts';
import type { DeclaredFeeds } from '../../config/declared-feeds.ts';
import { claimTrustedMs, type FeedClaim } from '../../storage/feed-store.ts';
import type { ConnectorItem, TaskItem } from '../../storage/items.ts';
import type { Stores } from '../../storage/stores.ts';

/** Who is to have the events of an event source now. */
export type FedConnector =
  | {
      readonly state: 'open';
      readonly connector: ConnectorItem;
      readonly task: TaskItem;
      readonly claim: FeedClaim;
    }
  | { readonly state: 'held'; readonly name: string; readonly why: string }
  | { readonly state: 'unclaimed' };

const mostKept = 1000;
/** An event source that feeds nobody is noted so often, not by the event. */
const noteEveryMs = 60_000;

/** Whom event sources feed, asked of the table every other second at most: not by the event (I1 does not need it). */
export class FedConnectors {
  readonly #stores: Stores;
  readonly #clock: Clock;
  readonly #declared: DeclaredFeeds;
  readonly #known = new Map<string, { readonly until: number; readonly found: Promise<FedConnector> }>();
  readonly #notedAt = new Map<string, number>();

  /** `declared`: the event sources whose events are noted when nobody takes them. */
  constructor(stores: Stores, clock: Clock, declared: DeclaredFeeds) {
    this.#stores = stores;
    this.#declared = declared;
    this.#clock = clock;
  }

  find(key: string): Promise<FedConnector> {
    const now = this.#clock.now();
    const known = this.#known.get(key);
    if (known !== undefined && known.until > now) return known.found;
    const found = this.#look(key);
    if (this.#known.size >= mostKept) this.#known.clear();
    this.#known.set(key, { until: now + claimTrustedMs, found });
    found.catch(() => this.forget(key));
    return found;
  }

  /** What is known of it has just changed. */
  forget(key: string): void {
    this.#known.delete(key);
  }

  async #look(key: string): Promise<FedConnector> {
    const { feeds, config } = this.#stores;
    const [claim] = await feeds.getClaims([key]);
    if (claim === undefined || claim.connector === null) {
      await this.#note(key);
      return { state: 'unclaimed' };
    }
    const name = claim.connector;
    const [connector, task] = await Promise.all([config.getConnector(name), config.getTask(name, 0)]);
    if (connector === undefined || task === undefined) return { state: 'held', name, why: 'is being deleted' };
    if (claim.open && !task.revoked && connector.targetState === 'STARTED') {
      return { state: 'open', connector, task, claim };
    }
    return { state: 'held', name, why: whyHeld(connector, task) };
  }

  async #note(key: string): Promise<void> {
    const now = this.#clock.now();
    // Whoever calls a webhook may make up any name.
    if (!this.#declared.names(key)) return;
    if (now - (this.#notedAt.get(key) ?? Number.NEGATIVE_INFINITY) < noteEveryMs) return;
    if (this.#notedAt.size >= mostKept) this.#notedAt.clear();
    this.#notedAt.set(key, now);
    await this.#stores.feeds.noteUnclaimed(key, now);
  }
}

function whyHeld(connector: ConnectorItem, task: TaskItem): string {
  if (connector.targetState !== 'STARTED') return `is ${connector.targetState}`;
  if (task.state === 'FAILED') return 'is FAILED';
  return 'is about to start';
}
