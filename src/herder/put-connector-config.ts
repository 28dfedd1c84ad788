import type { Settings } from '../config/config-def.ts';
import { ConnectError } from '../errors.ts';
import { javaHashOrder } from '../java/hash-order.ts';
import type { ConnectorType, TargetState, TaskItem } from '../storage/items.ts';
import { connectorAndTasks, isMissing, notFound } from './connector-lookup.ts';
import { reserveFeed } from './feed-checks.ts';
import type { ConfigInput, ConnectorInfo } from './herder.ts';
import type { HerderDeps } from './herder-deps.ts';
import { requireValid } from './validate-connector-config.ts';

/** One conditional write that also makes the connector due; the table's stream does the rest (I6). */
export async function createConnector(
  deps: HerderDeps,
  name: string,
  input: ConfigInput,
  targetState: TargetState,
): Promise<ConnectorInfo> {
  const { config, type } = await requireValid(deps, named(name, input));
  requireFit(config);
  await reserve(deps, config, async () => targetState);
  await deps.configs.createConnector(name, type, config, targetState, deps.clock.now());
  return connectorInfo(name, type, config, []);
}

export async function putConnectorConfig(
  deps: HerderDeps,
  name: string,
  input: ConfigInput,
): Promise<{ created: boolean; info: ConnectorInfo }> {
  const { config, type } = await requireValid(deps, named(name, input));
  requireFit(config);
  await reserve(deps, config, async () => (await deps.configs.getConnector(name))?.targetState);
  const { created } = await deps.configs.putConnectorConfig(name, type, config, deps.clock.now());
  const tasks = created ? [] : await deps.configs.getTasks(name);
  return { created, info: connectorInfo(name, type, config, tasks) };
}

/**
 * KIP-477: adds and replaces keys, a null removes one. The result is validated as a whole, its `name` included, and stands in
 * the order of the HashMap that Java patches in.
 */
export async function patchConnectorConfig(deps: HerderDeps, name: string, patch: ConfigInput): Promise<ConnectorInfo> {
  const { connector } = await connectorAndTasks(deps, name);
  const merged: Record<string, string> = { ...connector.config };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = value;
  }
  const inOrder = javaHashOrder(Object.keys(merged)).map((key) => [key, merged[key]!]);
  const { config, type } = await requireValid(deps, Object.fromEntries(inOrder));
  requireFit(config);
  await reserve(deps, config, async () => connector.targetState);
  const changed = await deps.configs.replaceConnectorConfig(
    name,
    connector.configVersion,
    type,
    config,
    deps.clock.now(),
  );
  // Somebody changed it since it was read: patch what is there now.
  if (!changed) return patchConnectorConfig(deps, name, patch);
  return connectorInfo(name, type, config, await deps.configs.getTasks(name));
}

export async function deleteConnector(deps: HerderDeps, name: string): Promise<void> {
  await deps.configs.deleteConnector(name, deps.clock.now()).catch((error) => {
    throw isMissing(error) ? notFound(name) : error;
  });
}

/** For what is to run; `targetState`: undefined for a connector that is being made. */
async function reserve(
  { plugins, feedRules }: HerderDeps,
  config: Settings,
  targetState: () => Promise<TargetState | undefined>,
): Promise<void> {
  if (feedRules !== undefined)
    await reserveFeed(plugins, config, feedRules, async () => (await targetState()) !== 'STOPPED');
}

/** The name of the URL or the request goes into the config; one that is there must be the same. */
function named(name: string, input: ConfigInput): ConfigInput {
  const inner = input.name ?? null;
  if (inner !== null && inner !== name) {
    throw new ConnectError(
      'request.invalid',
      `Connector name configuration (${inner}) doesn't match connector name in the URL (${name})`,
    );
  }
  return { ...input, name };
}

/** An item of the table holds 400 KB, in which the connector's state and trace must find room too. */
const largestConfig = 300_000;
function requireFit(config: Settings): void {
  const bytes = Buffer.byteLength(JSON.stringify(config));
  if (bytes > largestConfig) {
    throw new ConnectError(
      'connector.too_large',
      `The connector configuration takes ${bytes} bytes, at most ${largestConfig} are possible`,
    );
  }
}

export function connectorInfo(
  name: string,
  type: ConnectorType,
  config: Settings,
  tasks: readonly TaskItem[],
): ConnectorInfo {
  const ids = tasks.map(({ task }) => ({ connector: name, task })).sort((a, b) => a.task - b.task);
  return { name, config, tasks: ids, type };
}
