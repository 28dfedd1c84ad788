import type { FeedHome } from '../api/connector.ts';
import type { Settings } from '../config/config-def.ts';
import { type DeclaredFeeds, feedTaken } from '../config/declared-feeds.ts';
import { ConfigError } from '../errors.ts';
import { createPlugin } from '../plugins/create-plugin.ts';
import { findConnector, type PluginRegistry } from '../plugins/registry.ts';
import type { FeedStore } from '../storage/feed-store.ts';

/** The event sources that the deployment declares, and whom they feed. */
export interface FeedRules {
  readonly declared: DeclaredFeeds;
  readonly claims: FeedStore;
  readonly home: FeedHome;
}

/** A declared event source, and whom it feeds. */
export interface FeedReport {
  readonly key: string;
  /** Null: nobody. */
  readonly connector: string | null;
  /** Its events are taken; else it is held. */
  readonly open: boolean;
  /** Epoch milliseconds: when an event last came while it fed nobody. */
  readonly unclaimedAt: number | null;
  /** Epoch milliseconds: held so long, since what its events need is away. */
  readonly restsUntil: number | null;
}

/** What is declared one by one; which webhooks there are is for their connectors to say. */
export async function feedReports({ declared, claims }: FeedRules): Promise<readonly FeedReport[]> {
  const keys = declared.all.map(({ key }) => key).filter((key) => !key.endsWith('*'));
  if (keys.length === 0) return [];
  const known = new Map((await claims.getClaims(keys)).map((claim) => [claim.key, claim]));
  return keys.map((key) => {
    const { connector = null, open = false, unclaimedAt = null, restsUntil = null } = known.get(key) ?? {};
    return { key, connector, open, unclaimedAt, restsUntil };
  });
}

/** An event source feeds one connector: by the setting that names it, why this one cannot have it. */
export async function feedRefusals(
  plugins: PluginRegistry,
  settings: Settings,
  { declared, claims, home }: FeedRules,
): Promise<ReadonlyMap<string, string>> {
  const descriptor = findConnector(plugins, 'source', settings);
  if (descriptor === undefined || declared.all.length === 0) return new Map();
  const connector = await createPlugin(descriptor);
  let named: ReturnType<NonNullable<typeof connector.feedKey>>;
  try {
    named = connector.feedKey?.(settings, home) ?? null;
  } catch (error) {
    // Its settings have errors of their own.
    if (error instanceof ConfigError) return new Map();
    throw error;
  }
  if (named === null || !declared.covers(named.key)) return new Map();
  const [claim] = await claims.getClaims([named.key]);
  const holder = claim?.connector ?? null;
  if (holder === null || holder === settings.name) return new Map();
  return new Map([[named.setting, feedTaken(named.setting, named.key, holder)]]);
}
