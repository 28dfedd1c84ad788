import type { FeedKey, SourceConnector } from '../../api/connector.ts';
import type { Settings } from '../../config/config-def.ts';
import { feedTaken } from '../../config/declared-feeds.ts';
import { ConfigError } from '../../errors.ts';
import type { TaskItem } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import type { RunHost } from '../run/run-host.ts';
import { feedOfTask } from './fed-task.ts';

/** The declared event source that the config names; null: it polls. */
export function declaredFeed(host: RunHost, connector: SourceConnector, config: Settings): FeedKey | null {
  const named = connector.createFeed === undefined ? null : (connector.feedKey?.(config, host.settings.home) ?? null);
  return named !== null && host.settings.feeds.covers(named.key) ? named : null;
}

/** Takes the event source, or says who has it. */
export async function claimFeed(host: RunHost, lease: Lease, { key, setting }: FeedKey): Promise<void> {
  const claimed = await host.stores.feeds.claim(lease, key);
  if (claimed.granted) return;
  throw new ConfigError(feedTaken(setting, key, claimed.holder), { key: setting });
}

/** The event sources that these tasks stand for. */
export const feedsOf = (tasks: readonly TaskItem[]): string[] =>
  tasks.map(feedOfTask).filter((key): key is string => key !== null);
