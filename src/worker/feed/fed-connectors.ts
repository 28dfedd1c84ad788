import type { Clock } from '../../clock.ts';
import type { Settings } from '../../config/config-def.ts';
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
  readonly #feedKeyOf: (config: Settings) => Promise<string | null>;
  readonly #known = new Map<string, { readonly until: number; readonly found: Promise<FedConnector> }>();
  readonly #notedAt = new Map<string, number>();

  /**
   * `declared`: the event sources whose events are noted when nobody takes them. `feedKeyOf`: the declared one that a
   * connector's config names.
   */
  constructor(
    stores: Stores,
    clock: Clock,
    declared: DeclaredFeeds,
    feedKeyOf: (config: Settings) => Promise<string | null>,
  ) {
    this.#stores = stores;
    this.#declared = declared;
    this.#feedKeyOf = feedKeyOf;
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
      const waiting = await this.#waiting(key);
      if (waiting !== null) return waiting;
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

  /**
   * A connector that is stopped, or has not begun yet, has no claim. Of an event source that is one of many, the ending
   * names the connector, so that it can be told from one that is not there.
   */
  async #waiting(key: string): Promise<FedConnector | null> {
    const name = this.#declared.endingOf(key);
    const connector = name === null || name === '' ? undefined : await this.#stores.config.getConnector(name);
    if (connector === undefined || connector.deleting) return null;
    if ((await this.#feedKeyOf(connector.config)) !== key) return null;
    return { state: 'held', name: connector.name, why: whyHeld(connector) };
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

function whyHeld(connector: ConnectorItem, task?: TaskItem): string {
  if (connector.targetState !== 'STARTED') return `is ${connector.targetState}`;
  if ((task ?? connector).state === 'FAILED') return 'is FAILED';
  return 'is about to start';
}
