import { javaDigits, javaTrim, parseJavaDouble } from '../java/text.ts';
import {
  type ConfigDef,
  type ConfigKey,
  type ConfigSpec,
  type ConfigType,
  type ConfigValues,
  Password,
  type Settings,
} from './config-def.ts';
import { invalidValue, missingValue } from './validators.ts';

export interface ParseOptions {
  /** The full name of the class a CLASS setting names (an alias, perhaps), or null when there is none. */
  readonly resolveClass?: (name: string) => string | null;
}

const integerLimits: Partial<Record<ConfigType, readonly [bigint, bigint]>> = {
  SHORT: [-(1n << 15n), (1n << 15n) - 1n],
  INT: [-(1n << 31n), (1n << 31n) - 1n],
  LONG: [-(1n << 63n), (1n << 63n) - 1n],
};

/**
 * The value of one setting, trimmed and typed; a LONG beyond 2^53 is a bigint here, so that it prints exactly.
 * Throws ConfigError in Apache's words. Java: ConfigDef.parseType.
 */
export function parseType(name: string, text: string, type: ConfigType, options: ParseOptions = {}): unknown {
  const trimmed = javaTrim(text);
  switch (type) {
    case 'BOOLEAN': {
      const lower = trimmed.toLowerCase();
      if (lower === 'true') return true;
      if (lower === 'false') return false;
      throw invalidValue(name, text, 'Expected value to be either true or false');
    }
    case 'STRING':
      return trimmed;
    case 'PASSWORD':
      return new Password(trimmed);
    case 'SHORT':
    case 'INT':
    case 'LONG': {
      const [min, max] = integerLimits[type]!;
      const digits = javaDigits(trimmed);
      if (!/^[+-]?[0-9]+$/.test(digits)) throw invalidValue(name, text, `Not a number of type ${type}`);
      const number = BigInt(digits.startsWith('+') ? digits.slice(1) : digits);
      if (number < min || number > max) throw invalidValue(name, text, `Not a number of type ${type}`);
      return Number.isSafeInteger(Number(number)) ? Number(number) : number;
    }
    case 'DOUBLE': {
      const number = parseJavaDouble(trimmed);
      if (number === null) throw invalidValue(name, text, 'Not a number of type DOUBLE');
      return number;
    }
    case 'LIST':
      return trimmed === '' ? [] : trimmed.split(/[ \t\n\v\f\r]*,[ \t\n\v\f\r]*/);
    case 'CLASS': {
      if (options.resolveClass === undefined) return trimmed;
      const resolved = options.resolveClass(trimmed);
      if (resolved === null) throw invalidValue(name, text, `Class ${text} could not be found.`);
      return resolved;
    }
  }
}

/**
 * Typed values of all declared settings, or the first ConfigError in order of declaration. Settings that are not
 * declared are left alone. Java: ConfigDef.parse.
 */
export function parseConfig<S extends ConfigSpec>(
  def: ConfigDef<S>,
  settings: Settings,
  options: ParseOptions = {},
): ConfigValues<ConfigDef<S>> {
  const values: Record<string, unknown> = Object.create(null);
  for (const key of def.keys.values()) values[key.name] = parseKey(key, settings, options);
  return values as ConfigValues<ConfigDef<S>>;
}

/** Typed values of those declared settings that are set; the others are left out, whatever their defaults. */
export function parseGiven<S extends ConfigSpec>(
  def: ConfigDef<S>,
  settings: Settings,
): Partial<ConfigValues<ConfigDef<S>>> {
  const values: Record<string, unknown> = Object.create(null);
  for (const key of def.keys.values()) if (isSet(settings, key.name)) values[key.name] = parseKey(key, settings);
  return values as Partial<ConfigValues<ConfigDef<S>>>;
}

/** One declared setting, as `parseConfig` reads it. */
export function parseKey(key: ConfigKey, settings: Settings, options: ParseOptions = {}): unknown {
  let value: unknown;
  if (isSet(settings, key.name)) {
    value = parseType(key.name, settings[key.name]!, key.type, options);
    if (key.type === 'LIST' && key.validator?.dropsDuplicates) value = [...new Set(value as readonly string[])];
    if (typeof value === 'bigint') value = Number(value);
  } else {
    if (key.required) throw missingValue(key.name);
    value = defaultOf(key);
  }
  key.validator?.check(key.name, value);
  return value;
}

export function isSet(settings: Settings, name: string): boolean {
  return Object.hasOwn(settings, name) && settings[name] !== null && settings[name] !== undefined;
}

/** The default in its parsed form: an author may write a LIST, LONG or PASSWORD default as text. */
export function defaultOf(key: ConfigKey): unknown {
  const value = key.defaultValue;
  return typeof value === 'string' ? parseType(key.name, value, key.type) : (value ?? null);
}

/** Settings under a prefix, with the prefix taken off. Java: AbstractConfig.originalsWithPrefix. */
export function settingsWithPrefix(settings: Settings, prefix: string): Settings {
  const inner: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (name.startsWith(prefix) && name.length > prefix.length) {
      Object.defineProperty(inner, name.slice(prefix.length), {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
  return inner;
}
