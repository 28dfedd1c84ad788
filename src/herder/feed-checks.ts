import type { FeedHome, FeedKey } from '../api/connector.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config/config-def.ts';
import { type DeclaredFeeds, feedTaken } from '../config/declared-feeds.ts';
import { asksForRunner } from '../config/run-settings.ts';
import { ConfigError } from '../errors.ts';
import { createPlugin } from '../plugins/create-plugin.ts';
import { findConnector, type PluginRegistry } from '../plugins/registry.ts';
import type { FeedStore } from '../storage/feed-store.ts';
import { invalidConfig } from './invalid-config.ts';

/** The event sources that the deployment declares, and whom they feed. */
export interface FeedRules {
  readonly declared: DeclaredFeeds;
  readonly claims: FeedStore;
  readonly home: FeedHome;
  readonly clock: Clock;
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
  rules: FeedRules,
): Promise<ReadonlyMap<string, string>> {
  const named = await feedOf(plugins, settings, rules);
  if (named === null) return new Map();
  const { key, setting, undeclared } = named;
  if (!rules.declared.covers(key)) {
    const mayBe = undeclared === undefined || (settings[setting] ?? '').trim() === '';
    return new Map(mayBe ? [] : [[setting, undeclared]]);
  }
  if (asksForRunner(settings)) {
    return new Map([
      ['drover.runner', `Events of ${key} bring the records of this connector: leave drover.runner out`],
    ]);
  }
  const [claim] = await rules.claims.getClaims([key]);
  const holder = claim?.connector ?? null;
  const isOver = claim?.reservedUntil != null && claim.reservedUntil <= rules.clock.now();
  if (holder === null || holder === settings.name || isOver) return new Map();
  return new Map([[setting, feedTaken(setting, key, holder)]]);
}

/** As long as the first run of a connector may take to begin. */
const reservedMs = 120_000;

/**
 * Of two connectors that are made for one event source at the same time, one is refused. What is reserved by a connector that
 * is not made after all, or never runs, is another's two minutes later. `willRun`: a stopped one keeps it from nobody. Throws
 * ConnectError `config.invalid`.
 */
export async function reserveFeed(
  plugins: PluginRegistry,
  settings: Settings,
  rules: FeedRules,
  willRun: () => Promise<boolean>,
): Promise<void> {
  const named = await feedOf(plugins, settings, rules);
  if (named === null || !rules.declared.covers(named.key) || !(await willRun())) return;
  const { key, setting } = named;
  const name = settings.name ?? '';
  const now = rules.clock.now();
  const holder = await rules.claims.reserve(key, name, now, now + reservedMs);
  if (holder !== name) throw invalidConfig([feedTaken(setting, key, holder)]);
}

/** The event source that the settings name; null: none. */
async function feedOf(plugins: PluginRegistry, settings: Settings, { home }: FeedRules): Promise<FeedKey | null> {
  const descriptor = findConnector(plugins, 'source', settings);
  if (descriptor === undefined) return null;
  const connector = await createPlugin(descriptor);
  try {
    return connector.feedKey?.(settings, home) ?? null;
  } catch (error) {
    // Its settings have errors of their own.
    if (error instanceof ConfigError) return null;
    throw error;
  }
}
