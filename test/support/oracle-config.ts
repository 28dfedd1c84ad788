import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import type { ConfigDef, Settings } from '../../src/config/config-def.ts';
import { sinkConnectorConfig, sourceConnectorConfig } from '../../src/config/connector-config.ts';
import { describeKey, describeValue } from '../../src/config/describe-config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { validateConfig } from '../../src/config/validate-config.ts';
import { ConnectError } from '../../src/errors.ts';
import { commonConfigDef } from '../../src/herder/connector-config-def.ts';
import type { PluginRegistry } from '../../src/plugins/registry.ts';
import { createTransformationChain } from '../../src/worker/record/transformation-chain.ts';
import type { Json } from './oracle-codec.ts';
import type { AnyRecord, OraclePlugins } from './oracle-operations.ts';

const runtimePackage = 'org.apache.kafka.connect.runtime.';

/** The parts of the data oracle that answer for plugins, their settings and chains. */
export function oraclePlugins(registry: PluginRegistry = createRegistry()): OraclePlugins {
  return {
    find: (name, kinds) => kinds.map((kind) => registry.find(kind, name) as AnyPlugin | undefined).find(Boolean),
    chain: async (settings, sink) => {
      const def: ConfigDef = sink ? sinkConnectorConfig : sourceConnectorConfig;
      parseConfig(def, settings, { resolveClass: (name) => registry.classNameOf(name) ?? null });
      const chain = await createTransformationChain(settings, registry);
      return (record: AnyRecord) => chain.apply(record as never) as AnyRecord | null;
    },
    validate: async (name, settings) => {
      const { def } = named(registry, name);
      if (def === sourceConnectorConfig) return validated(commonConfigDef(registry, 'source'), settings, registry);
      if (def === sinkConnectorConfig) return validated(commonConfigDef(registry, 'sink'), settings, registry);
      return validated(def, settings, registry);
    },
    configDef: async (name, docs) => {
      const { className, def } = named(registry, name);
      return { class: className, keys: [...def.keys.values()].map((key) => keyJson(key.name, def, docs)) };
    },
  };
}

function named(registry: PluginRegistry, name: string): { className: string; def: ConfigDef } {
  if (name === `${runtimePackage}SourceConnectorConfig`) return { className: name, def: sourceConnectorConfig };
  if (name === `${runtimePackage}SinkConnectorConfig`) return { className: name, def: sinkConnectorConfig };
  const plugin = registry.findAny(name);
  if (plugin === undefined) throw new ConnectError('plugin.not_found', `Failed to find any class that matches ${name}`);
  return { className: plugin.className, def: plugin.config };
}

function validated(def: ConfigDef, settings: Settings, registry: PluginRegistry): Json {
  const values = validateConfig(def, settings, { resolveClass: (name) => registry.classNameOf(name) ?? null });
  return [...values.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((value): Json => {
      const info = describeValue(def.keys.get(value.name), value);
      return {
        name: info.name,
        value: info.value,
        errors: [...info.errors],
        ...(info.recommended_values.length === 0 ? {} : { recommendedValues: [...info.recommended_values] }),
        ...(info.visible ? {} : { visible: false }),
      };
    });
}

function keyJson(name: string, def: ConfigDef, docs: boolean): Json {
  const key = def.keys.get(name)!;
  const info = describeKey(key);
  return {
    name,
    type: info.type,
    required: info.required,
    default: info.default_value,
    importance: info.importance,
    group: info.group,
    order: info.order_in_group,
    width: info.width,
    displayName: info.display_name,
    dependents: [...info.dependents],
    validator: key.validator?.description ?? null,
    ...(key.internal ? { internal: true } : {}),
    ...(docs ? { doc: info.documentation } : {}),
  };
}
