import type { Lease } from './lease-store.ts';
import type { SourceOffsetEntry } from './offset-backing-store.ts';

/** Who is fed by an event source. */
export interface FeedClaim {
  readonly key: string;
  /** Null: nobody. */
  readonly connector: string | null;
  /** Its events are taken; else the event source is held: the connector is paused, stopped or FAILED, or has not started. */
  readonly open: boolean;
  /** Epoch milliseconds: when an event last came while it fed nobody; null: never since. */
  readonly unclaimedAt: number | null;
  /** Epoch milliseconds: held so long, since what its events need is away; null: it is not. */
  readonly restsUntil: number | null;
  /** Epoch milliseconds: until then it is kept for a connector that was just made, whose run has not taken it yet; null: it has. */
  readonly reservedUntil: number | null;
  /** How often in a row it has rested, without an event that was delivered in between. */
  readonly rests: number;
}

/** So long, in milliseconds, whoever brings events trusts what it has read of a claim and its connector. */
export const claimTrustedMs = 2000;

/** The setting of a task's config that makes it the one that stands for a feed. */
export const feedSetting = 'drover.feed.key';

/** An offset of a fed connector, with what was committed when the event was looked at; null: nothing. */
export interface FedOffset {
  readonly entry: SourceOffsetEntry;
  readonly before: string | null;
}

/** What some events came to. */
export interface FedProgress {
  readonly runs: number;
  readonly records: number;
  readonly bytes: number;
  /** Something was delivered, or there was nothing to. */
  readonly succeeded: boolean;
  /** In seconds, how far behind the last event was and how long until what is next is lost; null: its source does not say. */
  readonly lag: { readonly seconds: number | null; readonly left: number | null } | null;
}

/**
 * Event sources and whom they feed. A claim stands as long as its connector has tasks: taken by the connector's run before
 * it writes them, opened by the run of the fed task, held and given back by the connector's run. What has been left by a
 * connector that is no more is taken over.
 */
export interface FeedStore {
  /** Strongly consistent; missing ones are left out. */
  getClaims(keys: readonly string[]): Promise<FeedClaim[]>;
  /** Takes the event source for the connector of the lease; else tells who has it. Throws FencedError. */
  claim(lease: Lease, key: string): Promise<{ readonly granted: true } | { readonly granted: false; holder: string }>;
  /**
   * Keeps it for the connector until its run takes it, if nobody has it; else tells whose it is. One that is never taken is
   * anybody's after `until`.
   */
  reserve(key: string, connector: string, now: number, until: number): Promise<string>;
  /** Gives it back, if it is the connector's. Throws FencedError. */
  release(lease: Lease, key: string): Promise<void>;
  /** Events may come, or not, if it is the connector's; a rest is over. Throws FencedError. */
  setOpen(lease: Lease, key: string, open: boolean): Promise<void>;
  /**
   * An item cannot be processed: the fed task is FAILED and its event source held, in one write. False, and no effect, when
   * the task is not as the event found it any more.
   */
  fail(key: string, connector: string, generation: number, trace: string, workerId: string): Promise<boolean>;
  /** Holds it for some time, `rests` times in a row by now. No effect if it rests already, or is not the connector's. */
  rest(key: string, connector: string, rests: number, now: number, until: number): Promise<void>;
  /** What its events need is there again. No effect if it is not the connector's. */
  endRest(key: string, connector: string): Promise<void>;
  noteUnclaimed(key: string, now: number): Promise<void>;
  /** Adds to the fed task's counters. No effect on a task that is not there. */
  addProgress(connector: string, progress: FedProgress, now: number): Promise<void>;
  /** False, and no effect, when one of them is not as it was before: another invocation has come further. */
  commitOffsets(connector: string, offsets: readonly FedOffset[]): Promise<boolean>;
}
