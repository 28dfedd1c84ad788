import type { Validator } from './validators.ts';

/** Raw settings as users write them: strings only. */
export type Settings = Readonly<Record<string, string>>;

/** Settings as a request has them: a null is nobody's value. */
export type GivenSettings = Readonly<Record<string, string | null>>;

export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD';
export type Importance = 'HIGH' | 'MEDIUM' | 'LOW';
export type ConfigWidth = 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG';

/** What a setting of each type is once parsed. A CLASS is its full class name. */
export interface ParsedTypes {
  BOOLEAN: boolean;
  STRING: string;
  INT: number;
  SHORT: number;
  /** A number; values beyond 2^53 lose precision, which limits and timeouts can bear. */
  LONG: number;
  DOUBLE: number;
  LIST: readonly string[];
  CLASS: string;
  PASSWORD: Password;
}

/** A secret setting: prints as `[hidden]` wherever it ends up by mistake. Java: Password. */
export class Password {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  /** The secret itself. */
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return '[hidden]';
  }
  toJSON(): string {
    return '[hidden]';
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[hidden]';
  }
}

/** Suggests values for a setting and says whether it matters, given the others. Java: ConfigDef.Recommender. */
export interface Recommender {
  validValues(name: string, parsed: ReadonlyMap<string, unknown>): readonly unknown[];
  visible?(name: string, parsed: ReadonlyMap<string, unknown>): boolean;
}

/** One setting as its author declares it. Without `default` it is required; `default: null` makes it optional. */
export interface ConfigKeySpec<T extends ConfigType = ConfigType> {
  readonly type: T;
  readonly importance: Importance;
  readonly doc: string;
  readonly default?: string | number | boolean | readonly string[] | null;
  readonly validator?: Validator;
  readonly group?: string;
  readonly orderInGroup?: number;
  readonly width?: ConfigWidth;
  readonly displayName?: string;
  /** Settings whose validity depends on this one. */
  readonly dependents?: readonly string[];
  readonly recommender?: Recommender;
  /** Neither shown by REST nor in the reference. */
  readonly internal?: boolean;
  /** What to use instead; setting the key gives a warning. */
  readonly deprecated?: string;
}

export type ConfigSpec = Readonly<Record<string, ConfigKeySpec>>;

/** One setting as Connect's REST API describes it. Java: org.apache.kafka.common.config.ConfigDef.ConfigKey. */
export interface ConfigKey {
  readonly name: string;
  readonly type: ConfigType;
  readonly importance: Importance;
  readonly doc: string;
  readonly required: boolean;
  /** Parsed; `undefined` when required. */
  readonly defaultValue: unknown;
  readonly validator: Validator | null;
  readonly group: string | null;
  /** -1 without a group. */
  readonly orderInGroup: number;
  readonly width: ConfigWidth;
  readonly displayName: string;
  readonly dependents: readonly string[];
  readonly recommender: Recommender | null;
  readonly internal: boolean;
  readonly deprecated: string | null;
}

/** A component's settings, declared once: values, validation, REST answers and the reference come from it. */
export interface ConfigDef<S extends ConfigSpec = ConfigSpec> {
  readonly spec: S;
  /** In order of declaration. */
  readonly keys: ReadonlyMap<string, ConfigKey>;
}

type ParsedValue<K extends ConfigKeySpec> = K extends { readonly validator: { readonly values: readonly (infer V)[] } }
  ? V
  : ParsedTypes[K['type']];

/** The typed result of `parseConfig`; a setting whose default is null may be null. */
export type ConfigValues<D> =
  D extends ConfigDef<infer S>
    ? {
        readonly [N in keyof S]: S[N] extends { readonly default: null } ? ParsedValue<S[N]> | null : ParsedValue<S[N]>;
      }
    : never;

/** Declares settings under Kafka's dotted names; TypeScript infers the parsed type (`ConfigValues<typeof def>`). */
export function defineConfig<const S extends ConfigSpec>(spec: S): ConfigDef<S> {
  const keys = new Map<string, ConfigKey>();
  for (const [name, key] of Object.entries<ConfigKeySpec>(spec)) keys.set(name, configKey(name, key));
  return { spec, keys };
}

export const noConfig = defineConfig({});

/** The settings of several declarations in one; a later one wins, in the place of the first. */
export function mergeConfigs<A extends ConfigSpec, B extends ConfigSpec>(
  first: ConfigDef<A>,
  second: ConfigDef<B>,
): ConfigDef<Omit<A, keyof B> & B> {
  const keys = new Map(first.keys);
  for (const [name, key] of second.keys) keys.set(name, key);
  return { spec: { ...first.spec, ...second.spec }, keys };
}

/** Some of the settings of a declaration: what one place acts on. */
export function selectConfig<S extends ConfigSpec, N extends keyof S & string>(
  def: ConfigDef<S>,
  ...names: readonly N[]
): ConfigDef<Pick<S, N>> {
  const keys = new Map(names.map((name) => [name as string, def.keys.get(name)!]));
  return { spec: Object.fromEntries(names.map((name) => [name, def.spec[name]])) as unknown as Pick<S, N>, keys };
}

function configKey(name: string, spec: ConfigKeySpec): ConfigKey {
  return {
    name,
    type: spec.type,
    importance: spec.importance,
    doc: spec.doc,
    required: spec.default === undefined,
    defaultValue: spec.default,
    validator: spec.validator ?? null,
    group: spec.group ?? null,
    orderInGroup: spec.orderInGroup ?? -1,
    width: spec.width ?? 'NONE',
    displayName: spec.displayName ?? name,
    dependents: spec.dependents ?? [],
    recommender: spec.recommender ?? null,
    internal: spec.internal ?? false,
    deprecated: spec.deprecated ?? null,
  };
}
