import type { Settings } from '../config/config-def.ts';
import { ConfigError, ConnectError } from '../errors.ts';
import type { FileAccess } from '../files.ts';
import { JavaRegex } from '../java/regex.ts';
import type { Secrets } from '../telemetry/redaction.ts';

/** Reads values that configs only refer to, as `${name:path:key}` or `${name:key}` (KIP-297). */
export interface ConfigProvider {
  /** `path` is empty in the short form. Undefined: there is no such key. */
  get(path: string, key: string): Promise<string | undefined>;
}

const reference = /\$\{([^}:]*):(([^}:]*(?::[^}:]*)*):)?([^}:]*)\}/g;

export function hasReference(text: string): boolean {
  return text.search(reference) >= 0;
}

/**
 * Settings with every reference replaced. This is done by the worker alone, as late as a run; what comes out is kept
 * from logs and traces. A reference to a provider that is not there stays as it is, as in Java.
 */
export async function resolveSettings(
  settings: Settings,
  providers: ReadonlyMap<string, ConfigProvider>,
  secrets: Secrets,
): Promise<Settings> {
  const resolved: Record<string, string> = {};
  for (const [name, text] of Object.entries(settings)) {
    resolved[name] = text.includes('${') ? await resolveText(name, text, providers, secrets) : text;
  }
  return resolved;
}

/** The same, but settings without a reference are answered as they are, not copied: nobody may be given them who could change them. */
export async function resolveOrSame(...given: Parameters<typeof resolveSettings>): Promise<Settings> {
  const [settings] = given;
  return Object.values(settings).some((text) => text.includes('${')) ? resolveSettings(...given) : settings;
}

async function resolveText(
  name: string,
  text: string,
  providers: ReadonlyMap<string, ConfigProvider>,
  secrets: Secrets,
): Promise<string> {
  let result = '';
  let from = 0;
  for (const match of text.matchAll(reference)) {
    const [whole, providerName = '', , path = '', key = ''] = match;
    const provider = providers.get(providerName);
    result += text.slice(from, match.index);
    from = match.index + whole.length;
    if (provider === undefined) {
      result += whole;
      continue;
    }
    const value = await read(provider, name, whole, path, key);
    secrets.add(value);
    for (const part of stringsIn(value)) secrets.add(part);
    result += value;
  }
  return result + text.slice(from);
}

/** A whole secret may be a JSON object, of which a plugin prints a part. */
function stringsIn(text: string): string[] {
  if (!text.trimStart().startsWith('{')) return [];
  try {
    return Object.values(JSON.parse(text) as object).filter((value) => typeof value === 'string');
  } catch {
    return [];
  }
}

async function read(provider: ConfigProvider, name: string, whole: string, path: string, key: string): Promise<string> {
  let value: string | undefined;
  try {
    value = await provider.get(path, key);
  } catch (cause) {
    throw new ConfigError(`The setting ${name} refers to ${whole}, which cannot be read: ${(cause as Error).message}`, {
      cause,
      key: name,
    });
  }
  if (value === undefined) {
    throw new ConfigError(`The setting ${name} refers to ${whole}, but there is no such key`, { key: name });
  }
  return value;
}

/**
 * Variables that prove who the function is, or hold Drover's own settings, the secrets of default converters among them.
 * They are never shown, whatever a pattern lets through.
 */
const ownVariables = /^(?:AWS_.*(?:KEY|TOKEN|CREDENTIAL|SECRET|IDENTITY).*|DROVER_.*)$/i;

/**
 * `${env:NAME}`, for variables whose whole name `allowlist`, a regular expression, matches (null: all), as in Java
 * `config.providers.env.param.allowlist.pattern` has it.
 */
export function envConfigProvider(
  variables: Readonly<Record<string, string | undefined>>,
  allowlist: string | null = null,
): ConfigProvider {
  const pattern = allowlist === null ? null : new JavaRegex(allowlist);
  return {
    get: async (_path, key) => {
      if (ownVariables.test(key)) throw notAllowed(`the variable ${key} is the function's own`);
      if (pattern !== null && !pattern.matches(key)) {
        throw notAllowed(`config.providers.env.param.allowlist.pattern does not let the variable ${key} through`);
      }
      return Object.hasOwn(variables, key) ? variables[key] : undefined;
    },
  };
}

/** `${file:/path/to.properties:key}`. */
export function fileConfigProvider(files: FileAccess): ConfigProvider {
  return {
    get: async (path, key) => parseProperties(files.read(path).toString('utf8')).get(key),
  };
}

const notAllowed = (message: string) => new ConnectError('config.not_allowed', message);

/** The plain part of Java's .properties format: `key=value`, `key: value`, comments, continued lines. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.replace(/\\\r?\n[ \t]*/g, '').split(/\r?\n/)) {
    const match = /^\s*(?![#!])((?:\\.|[^=:\s\\])+)\s*[=:\s]\s*(.*)$/.exec(line);
    if (match !== null) properties.set(plainText(match[1]!), plainText(match[2]!));
  }
  return properties;
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function plainText(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_all, code: string | undefined, char: string) =>
    code === undefined ? (escapes[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

const trustMs = 5 * 60_000;
const wholeArn = /^arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret$/;

/**
 * `${secretsmanager:secret-id:key}`, where the secret is a JSON object, or `${secretsmanager:secret-id}` for the whole
 * secret; an id may be an ARN. `fetchSecret` is called once per secret and five minutes, so that a rotated one is seen by a warm function.
 */
export function secretsManagerConfigProvider(
  fetchSecret: (id: string) => Promise<string>,
  now: () => number,
): ConfigProvider {
  const fetched = cached(fetchSecret, now);
  return {
    async get(path, key) {
      if (path === '') return fetched(key);
      // An ARN has colons of its own, and its end is no key.
      if (wholeArn.test(path)) return fetched(`${path}:${key}`);
      const fields = jsonObject(path, await fetched(path));
      const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (value === undefined || value === null) return undefined;
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    },
  };
}

function jsonObject(id: string, text: string): Readonly<Record<string, unknown>> {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    // The cause would print the secret.
    fields = null;
  }
  if (typeof fields === 'object' && fields !== null) return fields as Record<string, unknown>;
  throw new ConnectError('secret.not_json', `the secret ${id} is not a JSON object: leave the key away`);
}

/** `${ssm:/path/of/parameter}`, decrypted. */
export function ssmConfigProvider(
  fetchParameter: (name: string) => Promise<string>,
  now: () => number,
): ConfigProvider {
  const fetched = cached(fetchParameter, now);
  return { get: (path, key) => fetched(path === '' ? key : `${path}:${key}`) };
}

function cached(fetch: (id: string) => Promise<string>, now: () => number): (id: string) => Promise<string> {
  const known = new Map<string, { at: number; value: Promise<string> }>();
  return (id) => {
    const hit = known.get(id);
    if (hit !== undefined && hit.at + trustMs > now()) return hit.value;
    const value = fetch(id);
    known.set(id, { at: now(), value });
    value.catch(() => known.delete(id));
    return value;
  };
}
