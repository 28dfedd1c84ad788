import type { Settings } from '../config/config-def.ts';
import type { ConfigInfos } from '../config/describe-config.ts';
import { asksForRunner, noRunner } from '../config/run-settings.ts';
import { ConnectError } from '../errors.ts';
import { findConnector, type PluginRegistry } from '../plugins/registry.ts';
import type { ConnectorType } from '../storage/items.ts';
import { anyOverrides, overrideRefusals } from './client-overrides.ts';
import { nullMessage, validateConnectorConfig, withoutNulls } from './connector-config-def.ts';
import { droverSettingInfos } from './drover-settings.ts';
import { feedRefusals } from './feed-checks.ts';
import type { ConfigInput } from './herder.ts';
import type { HerderDeps } from './herder-deps.ts';
import { invalidConfig } from './invalid-config.ts';
import { withStartWarnings } from './start-warnings.ts';
import { withTimerWarnings } from './timer-warnings.ts';

const classKey = 'connector.class';

/** What validity depends on beside the config itself. */
type Installation = Pick<HerderDeps, 'plugins' | 'converterDefaults' | 'overrideRules' | 'feedRules' | 'hasRunner'>;

/** The answer of the validate endpoint, for the plugin of the URL. */
export async function validateForPlugin(
  installation: Installation,
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
  return validate(installation, input);
}

/** Java compares only the end of the class name, so that an alias fits its class. */
function withoutSuffix(name: string): string {
  return name.endsWith('Connector') && name.length > 'Connector'.length ? name.slice(0, -'Connector'.length) : name;
}

async function validate(installation: Installation, input: ConfigInput): Promise<ConfigInfos> {
  const { plugins, converterDefaults, overrideRules = anyOverrides, feedRules, hasRunner = false } = installation;
  if ((input[classKey] ?? null) === null) {
    throw new ConnectError('config.invalid', `Connector config ${mapText(input)} contains no connector type`);
  }
  requireFewStages(input);
  const settings = withoutNulls(input);
  const infos = await validateConnectorConfig(plugins, input, converterDefaults, overrideRules);
  const checked = withoutErrorsOfReferences(settings, withDroverSettings(plugins, settings, infos));
  const type = typeOf(plugins, settings);
  const all = withStartWarnings(type, withoutReferences(settings), withTimerWarnings(plugins, settings, checked));
  const refusals = new Map(overrideRefusals(type, settings, overrideRules));
  if (!hasRunner && asksForRunner(settings)) refusals.set('drover.runner', noRunner);
  const refused = withRefusals(all, refusals);
  return feedRules === undefined ? refused : withRefusals(refused, await feedRefusals(plugins, settings, feedRules));
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

const withoutReferences = (settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => !reference.test(value)));

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

function withRefusals(infos: ConfigInfos, refusals: ReadonlyMap<string, string>): ConfigInfos {
  if (refusals.size === 0) return infos;
  let refused = 0;
  const configs = infos.configs.map((config) => {
    const refusal = refusals.get(config.value.name);
    if (refusal === undefined) return config;
    refused++;
    return { ...config, value: { ...config.value, errors: [...config.value.errors, refusal] } };
  });
  return { ...infos, error_count: infos.error_count + refused, configs };
}

function typeOf(plugins: PluginRegistry, settings: Settings): ConnectorType {
  return findConnector(plugins, 'source', settings) !== undefined ? 'source' : 'sink';
}

/** A config to be stored: throws ConnectError `config.invalid` that lists every error, as Java does for POST and PUT. */
export async function requireValid(
  installation: Installation,
  input: ConfigInput,
): Promise<{ config: Settings; type: ConnectorType }> {
  const infos = await validate(installation, input);
  const errors = infos.configs.flatMap(({ value }) => value.errors);
  // Java stores a null of a connector's own setting, and the connector then fails for ever.
  const nulls = Object.values(input).filter((value) => value === null);
  const told = errors.filter((error) => error === nullMessage);
  errors.push(...nulls.slice(told.length).map(() => nullMessage));
  if (errors.length > 0) throw invalidConfig(errors);
  const config = withoutNulls(input);
  return { config, type: typeOf(installation.plugins, config) };
}

/** How Java prints a map. */
function mapText(input: ConfigInput): string {
  return `{${Object.entries(input)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')}}`;
}
