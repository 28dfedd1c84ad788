import type { Settings } from '../../config/config-def.ts';
import { requireAllowedHosts } from '../../config/connector-hosts.ts';
import { requireAllowedOverrides } from '../../config/override-policy.ts';
import type { ConnectorType } from '../../storage/items.ts';
import type { WorkerSettings } from '../worker-settings.ts';

/**
 * What the installation lets a connector's config reach. Throws ConfigError naming the setting. Validation has asked the
 * same; but not of what references stand for, and not of what was allowed by an earlier deployment.
 */
export async function requireAllowed(settings: WorkerSettings, type: ConnectorType, config: Settings): Promise<void> {
  requireAllowedOverrides(settings.overridePolicy, type, config);
  await requireAllowedHosts(settings.connectorHosts, config, settings.runtimeApi);
}
