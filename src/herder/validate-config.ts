import type { Settings } from '../config/config-def.ts';
import type { ConfigInfo, ConfigInfos } from '../config/describe-config.ts';
import { ConnectError } from '../errors.ts';
import type { PluginRegistry } from '../plugins/registry.ts';
import type { ConnectorType } from '../storage/items.ts';
import { validateConnectorConfig } from './connector-config-def.ts';
import { droverSettingInfos } from './drover-settings.ts';
import type { ConfigInput } from './herder.ts';

const classKey = 'connector.class';
const nullMessage = 'Null value can not be supplied as the configuration value.';

/** The answer of the validate endpoint, for the plugin of the URL. */
export async function validateForPlugin(
  plugins: PluginRegistry,
  plugin: string,
  input: ConfigInput,
): Promise<ConfigInfos> {
  const included = input[classKey] ?? null;
  if (included !== null && !withoutSuffix(included).endsWith(withoutSuffix(plugin))) {
    throw new ConnectError(
      'request.invalid',
      `Included connector type ${included} does not match request type ${plugin}`,
    );
  }
  return validate(plugins, input);
}

/** Java compares only the end of the class name, so that an alias fits its class. */
function withoutSuffix(name: string): string {
  return name.endsWith('Connector') && name.length > 'Connector'.length ? name.slice(0, -'Connector'.length) : name;
}

async function validate(plugins: PluginRegistry, input: ConfigInput): Promise<ConfigInfos> {
  if ((input[classKey] ?? null) === null) {
    throw new ConnectError('config.invalid', `Connector config ${mapText(input)} contains no connector type`);
  }
  requireFewStages(input);
  const nulls = Object.keys(input).filter((key) => input[key] === null);
  const settings = withoutNulls(input);
  const all = withDroverSettings(plugins, settings, await validateConnectorConfig(plugins, settings));
  const infos = withoutErrorsOfReferences(settings, all);
  return nulls.length === 0 ? infos : withNullErrors(infos, nulls);
}

/** Each alias brings a dozen settings that carry its name, and all of them are described in the answer. */
const mostAliases = 200;
const longestAlias = 255;
const aliasLists = ['transforms', 'predicates', 'topic.creation.groups'];

function requireFewStages(input: ConfigInput): void {
  for (const key of aliasLists) {
    const aliases = (input[key] ?? '').split(',', mostAliases + 1);
    if (aliases.length > mostAliases) {
      throw new ConnectError(
        'config.invalid',
        `The setting ${key} lists more than ${mostAliases} aliases, which is the most that a connector may have`,
      );
    }
    if (aliases.some((alias) => alias.length > longestAlias)) {
      throw new ConnectError(
        'config.invalid',
        `The setting ${key} has an alias of more than ${longestAlias} characters, which is the most that one may have`,
      );
    }
  }
}

function withDroverSettings(plugins: PluginRegistry, settings: Settings, infos: ConfigInfos): ConfigInfos {
  const more = droverSettingInfos(typeOf(plugins, settings), settings);
  if (more.length === 0) return infos;
  return {
    ...infos,
    error_count: more.reduce((count, { value }) => count + value.errors.length, infos.error_count),
    groups: [...infos.groups, 'Drover'],
    configs: [...infos.configs, ...more],
  };
}

/** `${provider:path:key}`, which only a run may resolve. */
const reference = /\$\{[^}:]*:[^}]*\}/;

/** What a reference stands for is checked where it is resolved: here it is neither a number nor one of a list. */
function withoutErrorsOfReferences(settings: Settings, infos: ConfigInfos): ConfigInfos {
  if (!Object.values(settings).some((value) => reference.test(value))) return infos;
  const configs = infos.configs.map((config) => {
    const { value } = config;
    if (value.errors.length === 0 || !reference.test(settings[value.name] ?? '')) return config;
    return { ...config, value: { ...value, value: settings[value.name]!, errors: [] } };
  });
  return { ...infos, error_count: configs.reduce((count, { value }) => count + value.errors.length, 0), configs };
}

function typeOf(plugins: PluginRegistry, settings: Settings): ConnectorType {
  return plugins.find('source', settings[classKey] ?? '') !== undefined ? 'source' : 'sink';
}

function withoutNulls(input: ConfigInput): Settings {
  return Object.fromEntries(Object.entries(input).filter((entry): entry is [string, string] => entry[1] !== null));
}

function withNullErrors(infos: ConfigInfos, nulls: readonly string[]): ConfigInfos {
  const left = new Set(nulls);
  const configs: ConfigInfo[] = infos.configs.map((config) => {
    if (!left.delete(config.value.name)) return config;
    return { ...config, value: { ...config.value, errors: [...config.value.errors, nullMessage] } };
  });
  for (const name of left) {
    configs.push({
      definition: null,
      value: { name, value: null, recommended_values: [], errors: [nullMessage], visible: true },
    });
  }
  return { ...infos, error_count: infos.error_count + nulls.length, configs };
}

/** A config to be stored: throws ConnectError `config.invalid` that lists every error, as Java does for POST and PUT. */
export async function requireValid(
  plugins: PluginRegistry,
  input: ConfigInput,
): Promise<{ config: Settings; type: ConnectorType }> {
  const infos = await validate(plugins, input);
  if (infos.error_count > 0) {
    const errors = infos.configs.flatMap(({ value }) => value.errors);
    throw new ConnectError(
      'config.invalid',
      `Connector configuration is invalid and contains the following ${infos.error_count} error(s):\n` +
        `${errors.join('\n')}\nYou can also find the above list of errors at the endpoint ` +
        '`/connector-plugins/{connectorType}/config/validate`',
    );
  }
  const config = withoutNulls(input);
  return { config, type: typeOf(plugins, config) };
}

/** How Java prints a map. */
function mapText(input: ConfigInput): string {
  return `{${Object.entries(input)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')}}`;
}
