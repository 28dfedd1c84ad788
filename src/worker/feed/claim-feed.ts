import type { FeedKey, SourceConnector } from '../../api/connector.ts';
import type { Settings } from '../../config/config-def.ts';
import { feedTaken } from '../../config/declared-feeds.ts';
import { ConfigError } from '../../errors.ts';
import { createPlugin } from '../../plugins/create-plugin.ts';
import { findConnector } from '../../plugins/registry.ts';
import type { TaskItem } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import type { RunHost } from '../run/run-host.ts';
import { feedOfTask } from './fed-task.ts';

/** The declared event source that the config names; null: it polls. */
export function declaredFeed(host: RunHost, connector: SourceConnector, config: Settings): FeedKey | null {
  const named = connector.createFeed === undefined ? null : (connector.feedKey?.(config, host.settings.home) ?? null);
  return named !== null && host.settings.feeds.covers(named.key) ? named : null;
}

/** The same of a config whose connector may be of any class; null as well for one that is not there. */
export async function feedKeyOf(host: RunHost, config: Settings): Promise<string | null> {
  const plugin = findConnector(host.plugins, 'source', config);
  if (plugin === undefined) return null;
  try {
    return declaredFeed(host, await createPlugin(plugin), config)?.key ?? null;
  } catch {
    // What is wrong with its plugin is for its own run to tell.
    return null;
  }
}

/** Takes the event source, or says who has it. With `hold` it brings nothing until the new task has been seen to start. */
export async function claimFeed(
  { host, lease }: { readonly host: RunHost; readonly lease: Lease },
  { key, setting }: FeedKey,
  hold: boolean,
): Promise<void> {
  const claimed = await host.stores.feeds.claim(lease, key);
  if (!claimed.granted) throw new ConfigError(feedTaken(setting, key, claimed.holder), { key: setting });
  if (hold) await host.stores.feeds.setOpen(lease, key, false);
}

/** The event sources that these tasks stand for. */
export const feedsOf = (tasks: readonly TaskItem[]): string[] =>
  tasks.map(feedOfTask).filter((key): key is string => key !== null);
