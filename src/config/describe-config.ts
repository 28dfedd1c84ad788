import type { ConfigDef, ConfigKey, ConfigType, ConfigWidth, Importance } from './config-def.ts';
import { defaultOf } from './parse-config.ts';
import { type ConfigValue, configTextOf } from './validate-config.ts';

/** One setting as `/connector-plugins/{plugin}/config` answers it. Java: rest.entities.ConfigKeyInfo. */
export interface ConfigKeyInfo {
  readonly name: string;
  readonly type: ConfigType;
  readonly required: boolean;
  readonly default_value: string | null;
  readonly importance: Importance;
  readonly documentation: string;
  readonly group: string | null;
  readonly order_in_group: number;
  readonly width: ConfigWidth;
  readonly display_name: string;
  readonly dependents: readonly string[];
}

/** Java: rest.entities.ConfigValueInfo. */
export interface ConfigValueInfo {
  readonly name: string;
  readonly value: string | null;
  readonly recommended_values: readonly (string | null)[];
  readonly errors: readonly string[];
  readonly visible: boolean;
  /** Left out where there is nothing to warn of; Java has none. */
  readonly warnings?: readonly string[];
}

/** Java: rest.entities.ConfigInfo; settings that nobody declared but that have errors come without a definition. */
export interface ConfigInfo {
  readonly definition: ConfigKeyInfo | null;
  readonly value: ConfigValueInfo;
}

/** The answer of `/connector-plugins/{plugin}/config/validate`. Java: rest.entities.ConfigInfos. */
export interface ConfigInfos {
  readonly name: string;
  readonly error_count: number;
  readonly groups: readonly string[];
  readonly configs: readonly ConfigInfo[];
}

export function describeKey(key: ConfigKey): ConfigKeyInfo {
  return {
    name: key.name,
    type: key.type,
    required: key.required,
    default_value: key.required ? null : configTextOf(key, defaultOf(key)),
    importance: key.importance,
    documentation: key.doc,
    group: key.group,
    order_in_group: key.orderInGroup,
    width: key.width,
    display_name: key.displayName,
    dependents: key.dependents,
  };
}

export function describeConfig(def: ConfigDef): ConfigKeyInfo[] {
  return [...def.keys.values()].filter((key) => !key.internal).map(describeKey);
}

export function describeValue(key: ConfigKey | undefined, value: ConfigValue): ConfigValueInfo {
  return {
    name: value.name,
    value: configTextOf(key, value.value),
    recommended_values: value.recommendedValues.map((recommended) => configTextOf(key, recommended)),
    errors: value.errors,
    visible: value.visible,
  };
}
