import type { ConfigDef, Settings } from '../../config/config-def.ts';
import { sinkConnectorConfig, sourceConnectorConfig } from '../../config/connector-config.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { versionProblem } from '../../config/plugin-version.ts';
import { topicGroups } from '../../config/topic-creation-config.ts';
import { ConfigError } from '../../errors.ts';
import { connectorWish } from '../../plugins/registry.ts';
import type { ConnectorType } from '../../storage/items.ts';
import type { RunHost } from './run-host.ts';

/** Settings that were found in order, by who has looked: an environment's plugins and its own settings do not change. */
const inOrder = new WeakMap<RunHost['plugins'], WeakMap<Settings, ConnectorType>>();

/**
 * The same for the run of a task, which comes again and again with the very same config, in the same memory, as long as
 * nobody has changed it (known-tasks.ts): that is looked at once.
 */
export function requireSettingsOnce(...given: Parameters<typeof requireSettings>): void {
  const [{ plugins }, { type }, config] = given;
  const known = inOrder.get(plugins) ?? new WeakMap<Settings, ConnectorType>();
  if (known.get(config) === type) return;
  requireSettings(...given);
  known.set(config, type);
  inOrder.set(plugins, known);
}

/**
 * Throws ConfigError for the first of Connect's own settings that a connector cannot start with. Validation has seen
 * most of them; but not what references stand for, what was imported, or what a later deployment has taken away.
 */
export function requireSettings(
  host: Pick<RunHost, 'plugins' | 'settings'>,
  connector: { readonly name: string; readonly type: ConnectorType },
  config: Settings,
): void {
  const { plugins } = host;
  const def: ConfigDef = connector.type === 'source' ? sourceConnectorConfig : sinkConnectorConfig;
  const resolveClass = (name: string) => plugins.classNameOf(name) ?? null;
  parseConfig(def, { ...config, name: connector.name }, { resolveClass });
  requireVersion(host, connector.type, config, 'connector.class', 'connector.plugin.version');
  requireVersion(host, 'converter', config, 'key.converter', 'key.converter.plugin.version');
  requireVersion(host, 'converter', config, 'value.converter', 'value.converter.plugin.version');
  requireVersion(host, 'header_converter', config, 'header.converter', 'header.converter.plugin.version');
  if (connector.type === 'source' && host.settings.topicCreationEnable) topicGroups(config);
}

function requireVersion(
  { plugins }: Pick<RunHost, 'plugins'>,
  kind: ConnectorType | 'converter' | 'header_converter',
  config: Settings,
  classKey: string,
  versionKey: string,
): void {
  const version = config[versionKey];
  const wish = classKey === 'connector.class' ? connectorWish(config) : { version };
  const plugin = plugins.find(kind, config[classKey]?.trim() ?? '', wish);
  if (version === undefined || plugin === undefined) return;
  const problem = versionProblem(plugin.className, version, plugins.versionsOf(plugin.className, wish));
  if (problem !== null) throw new ConfigError(problem, { key: versionKey });
}
