import { type ConfigDef, type ConfigKey, mergeConfigs, type Settings } from '../config/config-def.ts';
import { type ConfigInfo, describeKey, describeValue } from '../config/describe-config.ts';
import { runSettings, sinkRunSettings, sourceRunSettings } from '../config/run-settings.ts';
import { validateConfig } from '../config/validate-config.ts';
import { planSettings } from '../invocation/run-plan.ts';
import type { ConnectorType } from '../storage/items.ts';

const prefix = 'drover.';
const common = mergeConfigs(planSettings, runSettings);

/** The settings of a connector that Connect does not have. */
const droverSettings: Readonly<Record<ConnectorType, ConfigDef>> = {
  source: mergeConfigs(common, sourceRunSettings),
  sink: mergeConfigs(common, sinkRunSettings),
};

export const droverNames = (type: ConnectorType): Iterable<string> => droverSettings[type].keys.keys();

/**
 * What is to be said about the Drover settings that a config holds. Those that it does not hold are left out: the
 * answers to a plain Connect config carry nothing that Java's would not.
 */
export function droverSettingInfos(type: ConnectorType, settings: Settings): ConfigInfo[] {
  const { keys } = droverSettings[type];
  const values = validateConfig(droverSettings[type], settings);
  return Object.keys(settings)
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      const key = keys.get(name);
      return key === undefined
        ? unknownSetting(name, settings[name]!, keys)
        : { definition: { ...describeKey(key), group: 'Drover' }, value: describeValue(key, values.get(name)!) };
    });
}

function unknownSetting(name: string, value: string, keys: ReadonlyMap<string, ConfigKey>): ConfigInfo {
  const error = `There is no setting ${name}: those of Drover are ${[...keys.keys()].sort().join(', ')}`;
  return { definition: null, value: { name, value, recommended_values: [], errors: [error], visible: true } };
}
