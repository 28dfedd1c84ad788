import type { PluginKind } from '../api/plugin.ts';
import type { ConfigDef, ConfigKey, ConfigType, ConfigWidth, Importance } from '../config/config-def.ts';
import { defaultOf } from '../config/parse-config.ts';
import { ConfigError } from '../errors.ts';

/**
 * What folders of Java plugins hold, written once when they are packed (`drover.host.Manifest`), so that plugins are listed,
 * described and found without a JVM. docs/java-host-protocol.md has its form.
 */
export interface JavaManifest {
  readonly plugins: readonly JavaPluginInfo[];
  /** Found, but they do not load: what is missing of them, in Java's words. */
  readonly unloadable: readonly UnloadablePlugin[];
}

export interface JavaPluginInfo {
  readonly kind: PluginKind;
  readonly className: string;
  readonly version: string;
  /** Folder or jar, relative to the plugin path; empty: the host's own class path. */
  readonly location: string;
  readonly config: ConfigDef;
}

export interface UnloadablePlugin {
  readonly location: string;
  readonly className: string;
  readonly error: string;
}

/** For whoever packs plugins: which nobody will be able to use, with the reasons. */
export function leftOut({ unloadable }: JavaManifest): string[] {
  return unloadable.map(
    ({ location, className, error }) =>
      `Java plugin ${location}${className === '' ? '' : ` (${className})`} is left out: ${error}`,
  );
}

/** The form that this code reads. */
const manifestVersion = 1;

type Fields = Readonly<Record<string, unknown>>;

/** Throws ConfigError `config.invalid` that names the place in the manifest. */
export function parseJavaManifest(text: string): JavaManifest {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw wrong('it is no JSON', cause);
  }
  const { version, plugins, unloadable } = fieldsOf(manifest, 'it');
  if (version !== manifestVersion) {
    throw wrong(`its version is ${JSON.stringify(version)}, this Drover reads version ${manifestVersion}`);
  }
  const found = listOf(plugins, 'plugins').map(readPlugin);
  return { plugins: distinct(found), unloadable: listOf(unloadable ?? [], 'unloadable').map(readUnloadable) };
}

function wrong(problem: string, cause?: unknown): ConfigError {
  return new ConfigError(`The manifest of the Java plugins cannot be used: ${problem}. Have it written again`, {
    cause,
  });
}

const kinds: Readonly<Record<PluginKind, true>> = {
  source: true,
  sink: true,
  converter: true,
  header_converter: true,
  transformation: true,
  predicate: true,
};

function readPlugin(entry: unknown, index: number): JavaPluginInfo {
  const at = `plugins[${index}]`;
  const fields = fieldsOf(entry, at);
  const className = nameOf(fields.class, `${at}.class`);
  const where = `${at} (${className})`;
  return {
    className,
    kind: oneOf(kinds, fields.type, `${where}.type`),
    version: nameOf(fields.version, `${where}.version`),
    location: locationOf(fields.location, `${where}.location`),
    config: readConfigDef(fields.configDef ?? [], where),
  };
}

/** Of one class in one version that several folders bring the first counts, as it does for a worker's class loaders. */
function distinct(plugins: readonly JavaPluginInfo[]): JavaPluginInfo[] {
  const byName = new Map<string, JavaPluginInfo>();
  for (const plugin of plugins) {
    const key = JSON.stringify([plugin.kind, plugin.className, plugin.version]);
    if (!byName.has(key)) byName.set(key, plugin);
  }
  return [...byName.values()];
}

function readUnloadable(entry: unknown, index: number): UnloadablePlugin {
  const at = `unloadable[${index}]`;
  const fields = fieldsOf(entry, at);
  return {
    location: locationOf(fields.location, `${at}.location`),
    className: textOf(fields.class ?? '', `${at}.class`),
    error: textOf(fields.error, `${at}.error`),
  };
}

function readConfigDef(entry: unknown, where: string): ConfigDef {
  const keys = new Map<string, ConfigKey>();
  for (const [index, one] of listOf(entry, `${where}.configDef`).entries()) {
    const key = readKey(one, `${where}.configDef[${index}]`);
    keys.set(key.name, key);
  }
  return { spec: {}, keys };
}

const types: Readonly<Record<ConfigType, true>> = {
  BOOLEAN: true,
  STRING: true,
  INT: true,
  SHORT: true,
  LONG: true,
  DOUBLE: true,
  LIST: true,
  CLASS: true,
  PASSWORD: true,
};
const importances: Readonly<Record<Importance, true>> = { HIGH: true, MEDIUM: true, LOW: true };
const widths: Readonly<Record<ConfigWidth, true>> = { NONE: true, SHORT: true, MEDIUM: true, LONG: true };

function readKey(entry: unknown, at: string): ConfigKey {
  const fields = fieldsOf(entry, at);
  const name = nameOf(fields.name, `${at}.name`);
  const where = `${at} (${name})`;
  const given = fields.default ?? null;
  const required = fields.required === true;
  const key: ConfigKey = {
    name,
    type: oneOf(types, fields.type, `${where}.type`),
    importance: oneOf(importances, fields.importance ?? 'MEDIUM', `${where}.importance`),
    doc: textOf(fields.documentation ?? '', `${where}.documentation`),
    required,
    defaultValue: required ? undefined : given === null ? null : textOf(given, `${where}.default`),
    validator: null,
    group: fields.group === undefined || fields.group === null ? null : textOf(fields.group, `${where}.group`),
    orderInGroup: wholeOf(fields.orderInGroup ?? -1, `${where}.orderInGroup`),
    width: oneOf(widths, fields.width ?? 'NONE', `${where}.width`),
    displayName: textOf(fields.displayName ?? name, `${where}.displayName`),
    dependents: listOf(fields.dependents ?? [], `${where}.dependents`).map((one) => textOf(one, `${where}.dependents`)),
    recommender: null,
    internal: fields.internal === true,
    deprecated: null,
  };
  try {
    defaultOf(key);
  } catch (cause) {
    throw wrong(`${where}.default is no ${key.type}`, cause);
  }
  return key;
}

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(`${at} is no object`);
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(`${at} is no list`);
}

function textOf(value: unknown, at: string): string {
  if (typeof value === 'string') return value;
  throw wrong(`${at} is no text`);
}

function nameOf(value: unknown, at: string): string {
  const text = textOf(value, at);
  if (text.trim() === '' || /\p{Cc}/u.test(text)) throw wrong(`${at} is ${JSON.stringify(text)}, which is no name`);
  return text;
}

function wholeOf(value: unknown, at: string): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw wrong(`${at} is no whole number`);
}

function oneOf<V extends string>(known: Readonly<Record<V, true>>, value: unknown, at: string): V {
  if (typeof value === 'string' && Object.hasOwn(known, value)) return value as V;
  throw wrong(`${at} is ${JSON.stringify(value) ?? 'missing'}: it is one of ${Object.keys(known).join(', ')}`);
}

/** It becomes a path of the function: it must stay inside the plugin path. */
function locationOf(value: unknown, at: string): string {
  const text = textOf(value ?? '', at);
  const steps = text.split(/[/\\]/);
  if (text.startsWith('/') || steps.includes('..') || /\p{Cc}/u.test(text)) {
    throw wrong(`${at} is ${JSON.stringify(text)}, which leads out of the plugin path`);
  }
  return text;
}
