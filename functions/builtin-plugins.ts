import { connectorsOn } from '../connectors/index.ts';
import { type AnyPlugin, anyFile, type FileAccess, type LoadAvro } from '../src/api/index.ts';
import { recordPlugins } from '../src/plugins/index.ts';
import { type PluginRegistry, registryOf } from '../src/plugins/registry.ts';

const avro: LoadAvro = async () => (await import('../src/plugins/converters/avro/plain-avro.ts')).plainAvro;

/** Every plugin that comes with Drover; the only list of them. `files`: those that connectors may name. */
export const builtinPluginsOn = (files: FileAccess): readonly AnyPlugin[] => [
  ...connectorsOn({ files, avro }),
  ...recordPlugins,
];

export const builtinPlugins = builtinPluginsOn(anyFile);

/** `extra` are the app's own; one of theirs with the name of a built-in one takes its place. */
export function createRegistry(
  extra: readonly AnyPlugin[] = [],
  builtin: readonly AnyPlugin[] = builtinPlugins,
): PluginRegistry {
  return registryOf([...builtin, ...extra]);
}
