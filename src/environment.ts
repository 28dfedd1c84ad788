import type { Settings } from './config/config-def.ts';
import { apacheConverters } from './config/connector-config.ts';
import { type DeclaredFeeds, parseDeclaredFeeds } from './config/declared-feeds.ts';
import { type EnvironmentSettings, type EnvironmentValues, environmentConfig } from './config/environment-config.ts';
import { type OverridePolicy, overridePolicy } from './config/override-policy.ts';
import { parseConfig, parseKey, settingsWithPrefix } from './config/parse-config.ts';
import { invalidValue } from './config/validators.ts';
import { ConfigError } from './errors.ts';
import { type FileAccess, fileAccess } from './files.ts';

/** What a function knows before it has asked anybody. */
export interface Environment extends EnvironmentValues {
  /** Everything as a Connect worker would have it in its properties: the declared settings and `drover.worker.settings`. */
  readonly workerSettings: Settings;
  readonly overridePolicy: OverridePolicy;
  readonly feeds: DeclaredFeeds;
  /** The files that connectors may name. */
  readonly files: FileAccess;
  /** The connectors that everything from a queue or topic wakes, by its ARN. */
  readonly wakeSources: WakeSources;
  /** Those that the config provider `file` reads. */
  readonly providerFiles: FileAccess;
  /** `key.converter`, `value.converter`, `header.converter` with their prefixed settings: for connectors that name none. */
  readonly converterDefaults: Settings;
}

export function environmentVariable(setting: string): string {
  return `DROVER_${setting
    .replace(/^drover\./, '')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

/** Throws ConfigError naming the variable. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const settings: Record<string, string> = {};
  for (const name of environmentConfig.keys.keys()) {
    const value = variables[environmentVariable(name)];
    if (value !== undefined) settings[name] = value;
  }
  return namingVariable(() => {
    const values = parseConfig(environmentConfig, settings);
    checkTogether(values);
    const workerSettings = { ...defaults(), ...settings, ...parseWorkerSettings(values['drover.worker.settings']) };
    const files = foldersOf('drover.file.folders', values['drover.file.folders'], allowFolder);
    const paths = values[allowedPathsKey];
    return {
      ...values,
      workerSettings,
      converterDefaults: converterDefaults(workerSettings),
      overridePolicy: overridePolicy(workerSettings),
      feeds: parseDeclaredFeeds(values['drover.feeds'], 'drover.feeds'),
      files,
      wakeSources: parseWakeSources(values['drover.wake.sources']),
      providerFiles: paths === null ? files : foldersOf(allowedPathsKey, paths, allowPath),
    };
  });
}

/** How an installation allows a folder, in the words of whoever deploys it. */
const allowFolder = 'To allow it, deploy with its folder in fileFolders (drover.file.folders)';

const allowedPathsKey = 'config.providers.file.param.allowed.paths';
const allowPath = `To allow it, deploy with its folder in ${allowedPathsKey}`;

function foldersOf(key: string, folders: readonly string[], advice: string): FileAccess {
  try {
    return fileAccess({ folders, advice });
  } catch (cause) {
    throw new ConfigError(`${key}: ${(cause as Error).message}`, { cause, key });
  }
}

function namingVariable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const key = error instanceof ConfigError ? error.facts.key : undefined;
    const isNamed = typeof key !== 'string' || (error as Error).message.includes(environmentVariable(key));
    const hint = isNamed ? '' : ` (environment variable ${environmentVariable(key)})`;
    throw new ConfigError(`${(error as Error).message}${hint}`, {
      cause: error,
      ...(typeof key === 'string' ? { key } : {}),
    });
  }
}

/**
 * Reads settings as the functions will, for who writes them; those in `later` get their values when the stack is
 * deployed. Gives the values that are known now. Throws ConfigError whose `facts.key` names the setting.
 */
export function checkSettings(
  settings: EnvironmentSettings,
  later: ReadonlySet<string> = new Set(),
): Partial<EnvironmentValues> {
  for (const name of Object.keys(settings)) {
    if (!environmentConfig.keys.has(name)) {
      const known = [...environmentConfig.keys.keys()].join(', ');
      throw new ConfigError(`${name} is no setting of Drover; there are ${known}`, { key: name });
    }
  }
  const values: Record<string, unknown> = {};
  for (const key of environmentConfig.keys.values()) {
    if (!later.has(key.name)) values[key.name] = parseKey(key, settings as Settings);
  }
  const known = values as Partial<EnvironmentValues>;
  checkTogether(known);
  if (known['drover.worker.settings'] !== undefined) parseWorkerSettings(known['drover.worker.settings']);
  if (known['drover.wake.sources'] !== undefined) parseWakeSources(known['drover.wake.sources']);
  return known;
}

const storageTopics = ['config.storage.topic', 'offset.storage.topic', 'status.storage.topic'] as const;

/** What no setting can say alone. */
function checkTogether(values: Partial<EnvironmentValues>): void {
  const seen = new Map<string, string>();
  for (const key of storageTopics) {
    const topic = values[key];
    if (topic === undefined) continue;
    const other = seen.get(topic);
    if (other !== undefined) throw invalidValue(key, topic, `It is ${other} already: each needs a topic of its own`);
    seen.set(topic, key);
  }
  const floor = values['drover.idle.floor.ms'];
  const ceiling = values['drover.idle.ceiling.ms'];
  if (floor !== undefined && ceiling !== undefined && floor > ceiling) {
    throw invalidValue('drover.idle.floor.ms', floor, `It must not be above drover.idle.ceiling.ms, ${ceiling}`);
  }
}

function converterDefaults(workerSettings: Settings): Settings {
  const defaults: Record<string, string> = {};
  for (const name of Object.keys(apacheConverters)) {
    defaults[name] = workerSettings[name]!;
    const own = settingsWithPrefix(workerSettings, `${name}.`);
    for (const [key, value] of Object.entries(own)) defaults[`${name}.${key}`] = value;
  }
  return defaults;
}

/** The variables of these settings. */
export function writeEnvironment(settings: EnvironmentSettings): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) variables[environmentVariable(name)] = value;
  return variables;
}

function defaults(): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const key of environmentConfig.keys.values()) {
    if (key.defaultValue !== undefined && key.defaultValue !== null) settings[key.name] = String(key.defaultValue);
  }
  return settings;
}

/** Queues and topics by their ARNs, and the connectors that what they bring wakes. */
export type WakeSources = ReadonlyMap<string, readonly string[]>;

function parseWakeSources(text: string): WakeSources {
  const key = 'drover.wake.sources';
  const parsed = parseJson(key, text);
  if (!Array.isArray(parsed)) throw new ConfigError(`${key} must be a JSON array`, { key });
  const sources = new Map<string, readonly string[]>();
  for (const entry of parsed as readonly unknown[]) {
    const { source, wakes } = (entry ?? {}) as { readonly source?: unknown; readonly wakes?: unknown };
    const areNames = Array.isArray(wakes) && wakes.every((name) => typeof name === 'string');
    if (typeof source !== 'string' || !areNames) {
      throw new ConfigError(`${key} must hold objects like {"source": ARN, "wakes": [connector, …]}`, { key });
    }
    sources.set(source, [...(sources.get(source) ?? []), ...(wakes as string[])]);
  }
  return sources;
}

function parseJson(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${key} is not JSON: ${(cause as Error).message}`, { cause, key });
  }
}

const workerSetting = /^(?:key|value|header)\.converter(?:\..+)?$/;

const clientSetting = /^(producer|consumer|admin)\.(.+)$/;

/** What to do instead of naming it. */
function mendOf(stray: string): string {
  if (environmentConfig.keys.has(stray)) return 'set it by itself';
  const [, client, setting] = clientSetting.exec(stray) ?? [];
  if (client === undefined) return 'leave it out, it has no effect here';
  return `leave it out, and give ${client}.override.${setting} to each connector that needs it`;
}

function parseWorkerSettings(text: string): Settings {
  const key = 'drover.worker.settings';
  const parsed = parseJson(key, text);
  const isSettings =
    typeof parsed === 'object' &&
    parsed !== null &&
    !Array.isArray(parsed) &&
    Object.values(parsed).every((value) => typeof value === 'string');
  if (!isSettings) throw new ConfigError(`${key} must be a JSON object of strings`, { key });
  const stray = Object.keys(parsed as Settings).find((name) => !workerSetting.test(name));
  if (stray !== undefined) {
    throw new ConfigError(
      `${key} names ${stray}: ${mendOf(stray)}. It may name key.converter, value.converter, header.converter, and what is under them`,
      { key },
    );
  }
  return parsed as Settings;
}
