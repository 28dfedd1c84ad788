import type { Clock } from '../clock.ts';
import type { DeclaredFeeds } from '../config/declared-feeds.ts';
import type { EventSources } from '../invocation/event-sources.ts';
import { claimTrustedMs, type FeedClaim, type FeedStore } from '../storage/feed-store.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

export interface FeedSwitches {
  readonly declared: DeclaredFeeds;
  readonly claims: FeedStore;
  readonly eventSources: EventSources;
}

export interface HoldFeedsDeps {
  /** Left out: no event source is declared. */
  readonly feeds?: FeedSwitches;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** A mapping that is on its way to something is asked again so often, within the invocation. */
const settlingMs = 500;
const longestSettlingMs = 10_000;

/**
 * Lets event sources bring their events while their connector takes them, and holds them else: what nobody takes stays
 * where it is, and is not brought and given back until its receive count sends it to a dead letter queue. Safe to repeat,
 * in any number at once: it looks at what is and what is wanted. One that rests is
 * opened by the first tick after its rest. `keys`: these only. Never rejects; the next tick looks
 * again.
 */
export async function bringFeedsInLine(
  { feeds, clock, telemetry }: HoldFeedsDeps,
  deadlineAt: number,
  keys?: readonly string[],
): Promise<void> {
  if (feeds === undefined) return;
  const { declared } = feeds;
  const held = declared.all.filter(({ key, mapping }) => mapping !== null && (keys?.includes(key) ?? true));
  if (held.length === 0) return;
  const isWanted = (claim: FeedClaim | undefined) => claim?.open === true && (claim.restsUntil ?? 0) <= clock.now();
  try {
    const claims = new Map((await feeds.claims.getClaims(held.map(({ key }) => key))).map((one) => [one.key, one]));
    await Promise.all(
      held.map(async ({ key, mapping }) => {
        const open = isWanted(claims.get(key));
        const stillWanted = async () => isWanted((await feeds.claims.getClaims([key]))[0]);
        try {
          const told = await bringInLine(feeds.eventSources, clock, mapping!, { open, stillWanted }, deadlineAt);
          if (told) telemetry.emit('feed.switched', { feed: key, open });
        } catch (error) {
          telemetry.emit('feed.switch-failed', { feed: key, open, error: String(error) });
        }
      }),
    );
  } catch (error) {
    telemetry.emit('feed.switch-failed', { feed: 'every event source', open: false, error: String(error) });
  }
}

/** True: it was told. */
async function bringInLine(
  eventSources: EventSources,
  clock: Clock,
  mapping: string,
  { open, stillWanted }: { readonly open: boolean; readonly stillWanted: () => Promise<boolean> },
  deadlineAt: number,
): Promise<boolean> {
  const until = Math.min(deadlineAt, clock.now() + longestSettlingMs);
  for (;;) {
    const isOpen = await eventSources.isOpen(mapping);
    if (isOpen === open) return false;
    if (isOpen !== null) break;
    if (clock.now() + settlingMs >= until) return false;
    await clock.sleep(settlingMs);
  }
  if (open) {
    // Till then an environment may know whom it fed before, and would bring events there.
    if (clock.now() + claimTrustedMs >= deadlineAt) return false;
    await clock.sleep(claimTrustedMs);
    if (!(await stillWanted())) return false;
  }
  await eventSources.setOpen(mapping, open);
  return true;
}
