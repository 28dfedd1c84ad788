import type { PluginDescriptor, PluginKind, PluginKinds } from '../api/plugin.ts';
import { ConfigError, ConnectError, isRetriable } from '../errors.ts';

/** What the runtime calls on every instance of a kind. */
const methods: { readonly [K in PluginKind]: readonly (keyof PluginKinds[K])[] } = {
  source: ['start', 'taskConfigs', 'createTask', 'stop'],
  sink: ['start', 'taskConfigs', 'createTask', 'stop'],
  converter: ['configure', 'fromConnectData', 'toConnectData'],
  header_converter: ['configure', 'fromConnectHeader', 'toConnectHeader'],
  transformation: ['configure', 'apply'],
  predicate: ['configure', 'test'],
};

/** An instance of the plugin. What its `create` raises, or fails to make, is an error that names the plugin. */
export async function createPlugin<K extends PluginKind>(plugin: PluginDescriptor<K>): Promise<PluginKinds[K]> {
  const { kind, className } = plugin;
  const instance = await askPlugin(className, 'could not be created', () => plugin.create());
  const missing = methods[kind].filter((name) => typeof instance?.[name] !== 'function');
  if (missing.length === 0) return instance;
  throw pluginFailed(className, `create() gave no ${kind.replace('_', ' ')}: ${missing.join('(), ')}() missing`);
}

/**
 * What a plugin answers. What it says of its settings, or of what may work later, stays as it is; any other error
 * becomes ConnectError `plugin.failed` with the plugin's name and words. Java: the REST API answers with the exception's message as well.
 */
export async function askPlugin<T>(className: string, failure: string, ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ConfigError || isRetriable(error)) throw error;
    throw pluginFailed(className, `${failure}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function pluginFailed(className: string, message: string, cause?: unknown): ConnectError {
  const facts = { plugin: className };
  return new ConnectError('plugin.failed', `Plugin ${className}: ${message}`, { cause, facts });
}
