import { ConfigError } from '../errors.ts';
import { doubleText } from '../java/number-text.ts';
import { type ConfigDef, type ConfigKey, type GivenSettings, Password } from './config-def.ts';
import { defaultOf, type ParseOptions, parseType } from './parse-config.ts';
import { missingValue } from './validators.ts';

/** What validation says about one setting. Java: org.apache.kafka.common.config.ConfigValue. */
export interface ConfigValue {
  readonly name: string;
  /** Parsed; null when unset or unreadable. */
  value: unknown;
  errors: string[];
  recommendedValues: readonly unknown[];
  visible: boolean;
}

/** Every declared setting with its value and what is wrong with it, by name. Java: ConfigDef.validateAll. */
export function validateConfig(
  def: ConfigDef,
  settings: GivenSettings,
  options: ParseOptions = {},
): Map<string, ConfigValue> {
  const values = new Map<string, ConfigValue>();
  const parsed = new Map<string, unknown>();
  for (const key of def.keys.values()) {
    const value = readKey(key, settings, options);
    values.set(key.name, value);
    parsed.set(key.name, value.value);
  }
  for (const key of def.keys.values()) {
    for (const dependent of key.dependents) {
      if (def.keys.has(dependent)) continue;
      values.set(dependent, {
        name: dependent,
        value: null,
        errors: [`${dependent} is referred in the dependents, but not defined.`],
        recommendedValues: [],
        visible: false,
      });
    }
    if (key.recommender !== null) recommend(key, values.get(key.name)!, parsed);
  }
  return values;
}

function readKey(key: ConfigKey, settings: GivenSettings, options: ParseOptions): ConfigValue {
  const result: ConfigValue = { name: key.name, value: null, errors: [], recommendedValues: [], visible: true };
  const given = Object.hasOwn(settings, key.name) ? settings[key.name] : undefined;
  noting(result, () => {
    // A null takes the place of the default.
    if (given === null) return;
    if (given !== undefined) result.value = parseType(key.name, given, key.type, options);
    else if (key.required) throw missingValue(key.name);
    else result.value = defaultOf(key);
  });
  noting(result, () => key.validator?.check(key.name, result.value));
  return result;
}

function recommend(key: ConfigKey, value: ConfigValue, parsed: ReadonlyMap<string, unknown>): void {
  noting(value, () => {
    value.recommendedValues = key.recommender!.validValues(key.name, parsed);
    value.visible = key.recommender!.visible?.(key.name, parsed) ?? true;
  });
}

function noting(result: ConfigValue, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    result.errors.push(error.message);
  }
}

/** A parsed value as Connect shows it; secrets stay hidden. Java: ConfigDef.convertToString. */
function configText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Password) return value.toString();
  if (Array.isArray(value)) return value.join(',');
  return String(value);
}

/** As `configText`, for a setting whose type is known: a DOUBLE prints as Java prints it. */
export function configTextOf(key: ConfigKey | undefined, value: unknown): string | null {
  return key?.type === 'DOUBLE' && typeof value === 'number' ? doubleText(value) : configText(value);
}
